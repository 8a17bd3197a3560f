"""Waiting until the API server knows our kinds: before that, kopf would stay deaf without a word.

Discovery is open to every authenticated client, so no right to read CRDs is needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kazoo_operator.core.custom_resource import API_VERSION
from kazoo_operator.kube.options import WatchedKind
from kazoo_operator.kube.session import ApiServer, ApiServerError, Refused

_PAUSE = 2.0

log = logging.getLogger(__name__)


async def wait_for_kinds(
    api: ApiServer, kinds: tuple[WatchedKind, ...], waiting: Callable[[str], None]
) -> None:
    """Return when each of `kinds` can be discovered; `waiting` is told what is waited for until then."""
    told = ""
    while text := await _missing(api, kinds):
        waiting(text)
        if text != told:
            log.warning("waiting: %s", text)
            told = text
        await asyncio.sleep(_PAUSE)


async def _missing(api: ApiServer, kinds: tuple[WatchedKind, ...]) -> str:
    """What keeps us from starting, in a sentence; empty when nothing does."""
    try:
        found = await api.get(f"/apis/{API_VERSION}")
    except Refused as refused:
        if refused.status != 404:
            return f"the API server refuses discovery: {refused}"
        found = {}
    except ApiServerError as error:
        return f"the API server at {api.url} cannot be reached: {error}"
    names = {resource.get("name") for resource in found.get("resources") or ()}
    missing = ", ".join(kind.kind for kind in kinds if kind.plural not in names)
    return missing and f"the cluster has no CRD for {missing}; run: kubectl apply -k crds/"

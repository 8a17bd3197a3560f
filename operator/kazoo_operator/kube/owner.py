"""Who owns what we make: the name that goes into the marks in KAZOO."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kazoo_operator.kube.session import ApiServer, ApiServerError, Refused

_PAUSE = 5.0

log = logging.getLogger(__name__)


async def find_owner(
    api: ApiServer, owner: str | None, namespace: str, waiting: Callable[[str], None]
) -> str:
    """`owner` if given, else the uid of `namespace`; `waiting` is told what is waited for.

    The uid outlives restarts and re-installations, and no two clusters share it. Without it nothing may be
    written, so this waits until it can be read.
    """
    told = ""
    while not owner:
        try:
            found = await api.get(f"/api/v1/namespaces/{namespace}")
            owner = str(found["metadata"]["uid"])
        except ApiServerError as error:
            text = _text(error, namespace)
            waiting(text)
            if text != told:
                log.warning("waiting: %s", text)
                told = text
            await asyncio.sleep(_PAUSE)
    return owner


def _text(error: ApiServerError, namespace: str) -> str:
    if isinstance(error, Refused) and error.status in (403, 404):
        return (
            f"the uid of namespace {namespace} cannot be read ({error}); grant get on that namespace, "
            "or set --owner"
        )
    return f"the uid of namespace {namespace} cannot be read: {error}"

"""What the API server holds, brought to us: a paged LIST for the whole, kopf's watches for the changes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import kopf

from kazoo_operator.core.custom_resource import GROUP, VERSION, JsonObject, Key
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.intake import Intake
from kazoo_operator.kube.options import Options, WatchedKind, collection
from kazoo_operator.kube.session import ApiServer, Refused

_PAGE = "500"
_EVERY = 600.0
_TRY_AGAIN = 60.0
_ATTEMPTS = 3

log = logging.getLogger(__name__)


class Feed:
    """Lists and watches the kinds of `options`, and hands what it sees to the intake."""

    def __init__(self, api: ApiServer, options: Options, cache: Cache, intake: Intake) -> None:
        self._api = api
        self._options = options
        self._cache = cache
        self._intake = intake
        self._listing = asyncio.Lock()

    async def list(self) -> None:
        """Read all objects; what is not among them is forgotten. Raises `ApiServerError`."""
        async with self._listing:
            for kind in self._options.kinds:
                for namespace in self._options.namespaces or ("",):
                    await self._list_whole(kind, namespace)

    async def list_periodically(self) -> None:
        """List every ten minutes, for ever: no event that was lost stays lost."""
        pause = _EVERY
        while True:
            await asyncio.sleep(pause)
            try:
                await self.list()
                pause = _EVERY
            except Exception as error:  # nothing may end this loop
                log.warning("listing failed, it is tried again in %.0f s: %s", _TRY_AGAIN, error)
                pause = _TRY_AGAIN

    def register(self, registry: kopf.OperatorRegistry) -> None:
        """Have kopf call us for each event of our kinds."""
        for kind in self._options.kinds:
            self._register(registry, kind)

    def _register(self, registry: kopf.OperatorRegistry, kind: WatchedKind) -> None:
        @kopf.on.event(GROUP, VERSION, kind.plural, id="feed", registry=registry)
        async def feed(event: Any, **_: Any) -> None:
            self.event(kind.kind, event["type"], event["object"])

    def event(self, kind: str, type_: str | None, body: JsonObject) -> None:
        """One watch event; `type_` is None for what kopf found by listing."""
        if type_ == "DELETED":
            self._intake.deleted(kind, body)
        else:
            self._intake.observe(kind, body)

    async def _list_whole(self, kind: WatchedKind, namespace: str) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                await self._list(kind, namespace)
                return
            except Refused as refused:
                # 410: the pages took so long that the server forgot where we were.
                if refused.status != 410 or attempt == _ATTEMPTS - 1:
                    raise

    async def _list(self, kind: WatchedKind, namespace: str) -> None:
        listed: list[Key] = []
        version = ""
        query = {"limit": _PAGE}
        while True:
            page = await self._api.get(collection(kind.plural, namespace), query)
            metadata = page.get("metadata") or {}
            if not version:
                version = str(metadata.get("resourceVersion") or "")
                self._cache.listing_starts(kind.kind, namespace, version)
            for body in page.get("items") or ():
                self._intake.observe(kind.kind, body)
                listed.append(Key(kind.kind, body["metadata"]["namespace"], body["metadata"]["name"]))
            if not metadata.get("continue"):
                break
            query["continue"] = metadata["continue"]
        lost = self._cache.listing_ends(kind.kind, namespace, version, listed)
        self._intake.vanished(lost)
        log.debug("%d %s%s listed", len(listed), kind.plural, f" in {namespace}" if namespace else "")

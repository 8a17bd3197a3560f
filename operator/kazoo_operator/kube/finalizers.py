"""Our finalizer: on an object for as long as its account is deleted with it, and never longer.

It is written with a JSON patch that holds only for the version it was computed from; finalizers of others
stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.entry import Entry
from kazoo_operator.kube.options import WatchedKind, path_of
from kazoo_operator.kube.session import ApiServer, Refused
from kazoo_operator.kube.status import FIELD_MANAGER, Target

_ATTEMPTS = 5


def finalizer_patch(entry: Entry, finalizer: str) -> list[JsonObject]:
    """The JSON patch that puts `finalizer` on the object, or takes it off if it is there."""
    metadata = entry.body["metadata"]
    present = metadata.get("finalizers") or []
    change: JsonObject
    if finalizer in present:
        change = {"op": "remove", "path": f"/metadata/finalizers/{present.index(finalizer)}"}
    elif present:
        change = {"op": "add", "path": "/metadata/finalizers/-", "value": finalizer}
    else:
        change = {"op": "add", "path": "/metadata/finalizers", "value": [finalizer]}
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}
    return [test, change]


class FinalizerWriter:
    """Puts our finalizer on and takes it off; the answers go into the cache.

    `kinds` has the watched kinds by name; `observe` takes up an object that was read again.
    """

    def __init__(
        self,
        api: ApiServer,
        cache: Cache,
        kinds: Mapping[str, WatchedKind],
        observe: Callable[[str, JsonObject], None],
    ) -> None:
        self._api = api
        self._cache = cache
        self._kinds = kinds
        self._observe = observe

    async def write(self, target: Target, wanted: bool) -> bool:
        """Have our finalizer on the object or not, with one write or none.

        False when the object has changed or is gone meanwhile: then nothing is to be done about it as it was.
        Raises `ApiServerError` when the API server could not take it.
        """
        kind = self._kinds[target.key.kind]
        conflict = Refused(409, "Conflict", "the object kept changing")
        for _ in range(_ATTEMPTS):
            entry = self._cache.get(target.key)
            if entry is None or (entry.facts.uid, entry.facts.generation) != (target.uid, target.generation):
                return False
            if entry.holds(kind.finalizer) == wanted:
                return True
            if wanted and entry.facts.deleting:
                return False
            try:
                await self._patch(target, kind, entry)
                return True
            except Refused as refused:
                if refused.status not in (404, 409, 422):
                    raise
                conflict = refused
            if not await self._read_again(target, kind):
                return False
        raise conflict

    async def _patch(self, target: Target, kind: WatchedKind, entry: Entry) -> None:
        patch = finalizer_patch(entry, kind.finalizer)
        answer = await self._api.patch(path_of(kind, target.key), patch, {"fieldManager": FIELD_MANAGER})
        metadata = answer["metadata"]
        known = self._cache.get(target.key)
        if known is None or known.facts.uid != target.uid:
            return
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            self._cache.remove(target.key, str(metadata["resourceVersion"]))
        else:
            self._cache.put(target.key.kind, answer)

    async def _read_again(self, target: Target, kind: WatchedKind) -> bool:
        try:
            fresh = await self._api.get(path_of(kind, target.key))
        except Refused as refused:
            if refused.status != 404:
                raise
            self._cache.forget(target.key)
            return False
        self._observe(target.key.kind, fresh)
        return True

"""Status: what a pass found, as the smallest patch, written once.

The patch is a JSON merge patch with the version it was computed from, so that a write in between is
noticed; condition types of others stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject, Key
from kazoo_operator.core.outcome import Pass, merge_conditions
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.entry import Entry
from kazoo_operator.kube.options import WatchedKind, path_of
from kazoo_operator.kube.session import ApiServer, Refused

FIELD_MANAGER = "kazoo-operator"

_ATTEMPTS = 5
_SAME: Any = object()


def status_patch(body: Mapping[str, Any], found: Pass, generation: int, now: str) -> JsonObject | None:
    """The merge patch that makes the status of `body` say what `found` says; None where it says so already.

    `generation` is the one that the pass took up, `now` an RFC 3339 time for conditions that change.
    """
    status = body.get("status") or {}
    wanted = {
        **found.fields,
        "conditions": merge_conditions(status.get("conditions") or (), found, generation, now),
        "observedGeneration": generation,
    }
    changes = {
        name: change
        for name, value in wanted.items()
        if (change := _difference(status.get(name), value)) is not _SAME
    }
    if not changes:
        return None
    return {"metadata": {"resourceVersion": body["metadata"]["resourceVersion"]}, "status": changes}


def _difference(old: Any, new: Any) -> Any:
    """What a merge patch must say to turn `old` into `new`; a None in either is an absent member."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return _SAME if old == new else new
    gone = {name: None for name, value in old.items() if value is not None and name not in new}
    changed = {
        name: change
        for name, value in new.items()
        if (change := _difference(old.get(name), value)) is not _SAME
    }
    return {**gone, **changed} or _SAME


def _what_changed(before: Entry, found: Pass, patch: JsonObject) -> Written:
    if before.facts.reason != found.outcome.reason.value:
        return Written.TURNED
    return Written.CHANGED if "conditions" in patch["status"] else Written.AMENDED


@dataclass(frozen=True)
class Target:
    """What a pass speaks of: an object at a generation."""

    key: Key
    uid: str
    generation: int


class Written(Enum):
    """What became of a status write."""

    TURNED = "Ready has another reason"
    CHANGED = "other parts of the conditions have changed"
    AMENDED = "only figures have changed"
    EQUAL = "it said so already"
    MOVED = "the object has changed since"
    GONE = "the object is gone"


class StatusWriter:
    """Writes status through the API server, and takes its answers into the cache.

    `kinds` has the watched kinds by name; `observe` takes up an object that was read again; `now` gives the
    time as RFC 3339 text.
    """

    def __init__(
        self,
        api: ApiServer,
        cache: Cache,
        kinds: Mapping[str, WatchedKind],
        observe: Callable[[str, JsonObject], None],
        now: Callable[[], str],
    ) -> None:
        self._api = api
        self._cache = cache
        self._kinds = kinds
        self._observe = observe
        self._now = now

    async def write(self, target: Target, found: Pass) -> Written:
        """Bring the status of `target` to what `found` says, with one write or none.

        When somebody else wrote in between, the object is read again and the patch computed anew from it.
        Raises `ApiServerError` when the API server could not take it.
        """
        kind = self._kinds[target.key.kind]
        path = path_of(kind, target.key)
        conflict = Refused(409, "Conflict", "the object kept changing")
        for _ in range(_ATTEMPTS):
            entry = self._cache.get(target.key)
            if entry is None or entry.facts.uid != target.uid:
                return Written.GONE
            if entry.facts.deleting and not entry.holds(kind.finalizer):
                return Written.GONE
            if entry.facts.generation != target.generation:
                return Written.MOVED
            patch = status_patch(entry.body, found, target.generation, self._now())
            if patch is None:
                return Written.EQUAL
            try:
                await self._patch(target, path, patch)
                return _what_changed(entry, found, patch)
            except Refused as refused:
                if refused.status == 404:
                    self._cache.forget(target.key)
                    return Written.GONE
                if refused.status != 409:
                    raise
                conflict = refused
            if not await self._read_again(target, path):
                return Written.GONE
        raise conflict

    async def _patch(self, target: Target, path: str, patch: JsonObject) -> None:
        answer = await self._api.patch(f"{path}/status", patch, {"fieldManager": FIELD_MANAGER})
        entry = self._cache.get(target.key)
        if entry is not None and entry.facts.uid == target.uid:
            self._cache.put(target.key.kind, answer)

    async def _read_again(self, target: Target, path: str) -> bool:
        try:
            fresh = await self._api.get(path)
        except Refused as refused:
            if refused.status != 404:
                raise
            self._cache.forget(target.key)
            return False
        self._observe(target.key.kind, fresh)
        return True

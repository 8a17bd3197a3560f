"""What the API server holds, as far as we were told: the newest version of each object, small.

Versions are compared, so that what comes late never undoes what is newer: an event from before our own
write, an object that a listing saw before it was deleted. A listing has the last word on which objects
exist.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.outcome import Pass
from kazoo_operator.kube import resync

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(slots=True)
class Entry:
    """One object, and what this process has done about it.

    `attempted` is the generation that the last pass took up (-1: none in this life); `open` says that this
    pass is still on, or that its status is not written yet: then `unwritten` is what it found, if the API
    server could not take it. `every` is the resync interval in seconds.
    """

    raw: bytes
    uid: str
    version: int
    generation: int
    every: float
    attempted: int = -1
    open: bool = False
    unwritten: Pass | None = None

    @property
    def body(self) -> JsonObject:
        """The object as the API server sent it, without managed fields; a copy."""
        body: JsonObject = json.loads(self.raw)
        return body


def needs_work(resource: Resource, entry: Entry) -> bool:
    """Whether a pass is due for what an event has shown.

    A new generation, or one that was never looked at in this life and is not Ready; of a generation that was
    looked at, only that somebody else has wiped what its status said. An object that is being deleted needs
    none: the account is retained.
    """
    if resource.deleting:
        return False
    if entry.attempted != resource.generation:
        return not resource.ready
    return not entry.open and resource.observed_generation != resource.generation


class Cache:
    """The objects of all kinds by key."""

    def __init__(self) -> None:
        self._entries: dict[Key, Entry] = {}
        self._gone: dict[Key, int] = {}
        self._floors: dict[tuple[str, str], int] = {}
        self.passes_per_second = 0.0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Key) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._entries))

    def get(self, key: Key) -> Entry | None:
        """The entry of `key`, or None."""
        return self._entries.get(key)

    def count(self, kind: str) -> int:
        """How many objects of `kind` there are."""
        return sum(key.kind == kind for key in self._entries)

    def put(self, kind: str, body: Mapping[str, Any]) -> tuple[Resource, Entry] | None:
        """Take up a version of an object; None when it is old news."""
        resource = Resource.of(kind, body)
        version = _number(resource.resource_version)
        known = self._entries.get(resource.key)
        if self._is_old(resource.key, known, version):
            return None
        entry = Entry(
            raw=_packed(body),
            uid=resource.uid,
            version=version,
            generation=resource.generation,
            every=resync.interval(resource.spec),
        )
        if known is not None:
            self.passes_per_second -= 1 / known.every
            if known.uid == entry.uid:
                entry.attempted, entry.open, entry.unwritten = known.attempted, known.open, known.unwritten
        self._entries[resource.key] = entry
        self.passes_per_second += 1 / entry.every
        return resource, entry

    def remove(self, key: Key, version: str) -> bool:
        """The object was deleted at `version`; False when that is old news."""
        number = _number(version)
        known = self._entries.get(key)
        if known is not None and number < known.version:
            return False
        self._gone[key] = number
        return self._drop(key)

    def forget(self, key: Key) -> None:
        """The object is of no interest any more, as it is."""
        self._drop(key)

    def listing_starts(self, kind: str, namespace: str, version: str) -> None:
        """The answer to a LIST comes in; `version` is that of the list."""
        number = _number(version)
        if number < self._floors.get((kind, namespace), 0):
            for key, entry in self._entries.items():
                if _within(key, kind, namespace):
                    entry.version = 0
            self._gone.clear()
        self._floors[kind, namespace] = 0

    def listing_ends(self, kind: str, namespace: str, version: str, listed: Iterable[Key]) -> list[Key]:
        """Drop what the list did not hold, but for what is newer than it; returns the keys dropped.

        `namespace` is empty for a list of all namespaces.
        """
        number = _number(version)
        seen = set(listed)
        lost = [
            key
            for key, entry in self._entries.items()
            if key not in seen and _within(key, kind, namespace) and entry.version <= number
        ]
        for key in lost:
            self._drop(key)
        self._floors[kind, namespace] = number
        self._gone.clear()
        return lost

    def _is_old(self, key: Key, known: Entry | None, version: int) -> bool:
        if version == 0:
            return False
        if known is not None:
            return version <= known.version
        if version <= self._gone.get(key, -1):
            return True
        return version <= max(self._floors.get((key.kind, scope), 0) for scope in ("", key.namespace))

    def _drop(self, key: Key) -> bool:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.passes_per_second -= 1 / entry.every
        return entry is not None


def _within(key: Key, kind: str, namespace: str) -> bool:
    return key.kind == kind and namespace in ("", key.namespace)


def _number(version: str) -> int:
    # Opaque to clients by the letter, and yet each API server's are rising numbers, made to be compared
    # (KEP-5504). Others count as 0: as newer than all.
    return int(version) if version.isdecimal() else 0


def _packed(body: Mapping[str, Any]) -> bytes:
    metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
    if _LAST_APPLIED in (annotations := metadata.get("annotations") or {}):
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != _LAST_APPLIED}
    return json.dumps({**body, "metadata": metadata}, separators=(",", ":"), ensure_ascii=False).encode()

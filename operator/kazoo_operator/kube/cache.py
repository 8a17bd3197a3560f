"""What the API server holds, as far as we were told: the newest version of each object, small.

Versions are compared, so that what comes late never undoes what is newer: an event from before our own
write, an object that a listing saw before it was deleted. A listing has the last word on which objects
exist.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.lineage import ByAccount
from kazoo_operator.kube.entry import Entry, Facts

_ROUNDING = 1e-9
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Cache:
    """The objects of all kinds by key.

    `moved` is told of each object that appears, goes, or changes in what others may await of it.
    """

    def __init__(self) -> None:
        self.moved: Callable[[Key], None] = lambda _: None
        self._entries: dict[Key, Entry] = {}
        self._gone: dict[Key, int] = {}
        self._floors: dict[tuple[str, str], int] = {}
        self._referring: dict[Key, dict[Key, None]] = {}
        self._by_account = ByAccount()
        self._with_realm: dict[str, dict[Key, None]] = {}
        self._rates: dict[Key, float] = {}

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

    def referring_to(self, key: Key) -> tuple[Key, ...]:
        """The Accounts whose `spec.parentRef.name` is `key`; no scan."""
        return tuple(self._referring.get(key, ()))

    def attached(self, kind: str, account_id: str, realm: str) -> tuple[Key, ...]:
        """The objects of `kind` that belong to the account, by what they say and by their status; no scan."""
        return self._by_account.attached(kind, account_id, realm)

    def with_realm(self, realm: str) -> tuple[Key, ...]:
        """The Accounts that manage and have this `spec.realm`; no scan."""
        return tuple(self._with_realm.get(realm, ()))

    def passes_per_second(self) -> dict[Key | None, float]:
        """The passes of objects while nothing changes, by TelephonyBackend; None: by the settings."""
        found: dict[Key | None, float] = {}
        for backend, rate in self._rates.items():
            key = backend if backend in self._entries else None
            found[key] = found.get(key, 0.0) + rate
        return found

    def begin_anew(self) -> None:
        """A term begins: nothing was done about any object in it."""
        for entry in self._entries.values():
            entry.begin_anew()

    def put(self, kind: str, body: Mapping[str, Any]) -> tuple[Key, Entry, Entry | None] | None:
        """Take up a version of an object; returns what it was before, too. None when it is old news."""
        resource = Resource.of(kind, body)
        key, version = resource.key, _number(resource.resource_version)
        known = self._entries.get(key)
        if self._is_old(key, known, version):
            return None
        entry = Entry(raw=_packed(body), version=version, facts=Facts.of(resource))
        if known is not None:
            self._unlink(key, known.facts)
            if known.facts.uid == entry.facts.uid:
                entry.inherit(known)
        self._entries[key] = entry
        self._link(key, entry.facts)
        if known is None or known.facts.shown != entry.facts.shown:
            self.moved(key)
        return key, entry, known

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
        if entry is None:
            return False
        self._unlink(key, entry.facts)
        self.moved(key)
        return True

    def _link(self, key: Key, facts: Facts) -> None:
        self._rates[facts.backend] = self._rates.get(facts.backend, 0.0) + 1 / facts.every
        if facts.parent is not None and key.kind == "Account":
            self._referring.setdefault(facts.parent, {})[key] = None
        if facts.realm is not None and key.kind == "Account":
            self._with_realm.setdefault(facts.realm, {})[key] = None
        self._by_account.add(key, facts.words)

    def _unlink(self, key: Key, facts: Facts) -> None:
        self._rates[facts.backend] -= 1 / facts.every
        if self._rates[facts.backend] < _ROUNDING:
            del self._rates[facts.backend]
        if facts.parent is not None:
            _drop_from(self._referring, facts.parent, key)
        if facts.realm is not None:
            _drop_from(self._with_realm, facts.realm, key)
        self._by_account.remove(key, facts.words)


def _drop_from(found: dict[Any, dict[Key, None]], word: Any, key: Key) -> None:
    if (keys := found.get(word)) is not None:
        keys.pop(key, None)
        if not keys:
            del found[word]


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

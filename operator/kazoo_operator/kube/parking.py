"""Who waits for whom: objects that are parked until another one changes."""

from __future__ import annotations

from collections.abc import Iterable

from kazoo_operator.core.custom_resource import Key

_REMEMBERED = 200_000


class Parking:
    """Wakes what awaits an object when that object changes, however many they are, without a scan.

    Changes are counted. A pass notes the count at its start, so that what changed while it was on is not
    missed when the object is parked at its end. Of changes long ago only the newest count is kept: to a pass
    that began before it, everything counts as changed.
    """

    def __init__(self) -> None:
        self.count = 0
        self._floor = 0
        self._moved: dict[Key, int] = {}
        self._awaits: dict[Key, tuple[Key, ...]] = {}
        self._awaited_by: dict[Key, dict[Key, None]] = {}

    def moved(self, key: Key) -> tuple[Key, ...]:
        """`key` has changed: returns those that awaited it, who are parked no longer."""
        self.count += 1
        self._moved.pop(key, None)
        self._moved[key] = self.count
        if len(self._moved) > _REMEMBERED:
            for old in tuple(self._moved)[: _REMEMBERED // 2]:
                self._floor = self._moved.pop(old)
        woken = tuple(self._awaited_by.get(key, ()))
        for one in woken:
            self.leave(one)
        return woken

    def park(self, key: Key, awaits: Iterable[Key], since: int) -> bool:
        """Park `key`, unless one of `awaits` has changed after the count `since`: then False."""
        self.leave(key)
        keys = tuple(dict.fromkeys(awaits))
        if any(self._moved.get(one, self._floor) > since for one in keys):
            return False
        self._awaits[key] = keys
        for one in keys:
            self._awaited_by.setdefault(one, {})[key] = None
        return True

    def leave(self, key: Key) -> None:
        """`key` awaits nothing any more."""
        for one in self._awaits.pop(key, ()):
            others = self._awaited_by[one]
            others.pop(key, None)
            if not others:
                del self._awaited_by[one]

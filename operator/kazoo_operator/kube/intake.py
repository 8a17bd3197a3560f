"""What is queued, and when: the only place that decides it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping
from typing import Any

from kazoo_operator import metrics
from kazoo_operator.core.custom_resource import JsonObject, Key
from kazoo_operator.core.lineage import BACKEND
from kazoo_operator.core.outcome import Outcome, Return
from kazoo_operator.kube import resync
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.entry import Entry
from kazoo_operator.kube.parking import Parking
from kazoo_operator.kube.workqueue import WorkQueue

# A wish that a standby saw so lately (in seconds) may have found no leader to heed it.
_UNHEEDED = 60.0


class Intake:
    """Takes up what the API server shows, and queues what needs work while there is a queue.

    A standby has none: it takes note, and `begin` queues what then needs work. `finalizers` maps kinds to
    the names of our finalizers; `calls_per_pass` and `requests_per_second` are KAZOO's: see `Options`.
    """

    def __init__(
        self,
        cache: Cache,
        finalizers: Mapping[str, str],
        calls_per_pass: int,
        requests_per_second: float,
        uniform: resync.Uniform = random.uniform,
    ) -> None:
        self._cache = cache
        self._finalizers = finalizers
        self._calls_per_pass = calls_per_pass
        self._requests_per_second = requests_per_second
        self._uniform = uniform
        self._queue: WorkQueue[Key] | None = None
        self._parking = Parking()
        self._wishes: dict[Key, float] = {}
        cache.moved = self._moved

    @property
    def stretch(self) -> float:
        """The greatest factor on resync intervals at present: that of the KAZOO with most to ask."""
        rates = self._cache.passes_per_second()
        return max((self._stretched(backend, rate) for backend, rate in rates.items()), default=1.0)

    @property
    def waiting(self) -> int:
        """Objects that wait for a worker now."""
        return len(self._queue) if self._queue is not None else 0

    @property
    def stuck_for(self) -> float:
        """Seconds since a worker last took an object while some wait; 0 when none waits."""
        return self._queue.stuck_for if self._queue is not None else 0.0

    def begin(self, queue: WorkQueue[Key]) -> None:
        """A term begins: all that needs work goes into `queue`, from now on at once."""
        self._queue, self._parking = queue, Parking()
        self._cache.begin_anew()
        lately = asyncio.get_running_loop().time() - _UNHEEDED
        for key, at in self._wishes.items():
            if (entry := self._cache.get(key)) is not None and at > lately:
                self._heed(queue, key, entry)
        self._wishes.clear()
        for key in self._cache:
            if (entry := self._cache.get(key)) is not None:
                self._take_up(queue, key, entry, None)

    def end(self) -> None:
        """The term is over: nothing is queued any more."""
        self._queue, self._parking = None, Parking()

    def observe(self, kind: str, body: JsonObject) -> None:
        """An object is or was like this; old news are recognised.

        An object that is Ready when it is first seen is not read at once: its first pass comes within its
        resync interval.
        """
        taken = self._cache.put(kind, body)
        if taken is None:
            return
        if self._queue is not None:
            self._take_up(self._queue, *taken)
        elif _is_wished(*taken[1:]):
            self._note_wish(taken[0])

    def deleted(self, kind: str, body: Mapping[str, Any]) -> None:
        """An object is gone."""
        metadata = body["metadata"]
        key = Key(kind, metadata.get("namespace") or "", metadata["name"])
        if self._cache.remove(key, str(metadata.get("resourceVersion") or "")):
            self.vanished([key])

    def vanished(self, keys: Iterable[Key]) -> None:
        """These objects are no longer there."""
        for key in keys:
            self._leave(key)
            if key.kind == BACKEND:
                metrics.show_backend(key.called, None)

    def pass_begins(self, key: Key, entry: Entry) -> None:
        """A pass takes up the object as it is now."""
        entry.attempted, entry.open, entry.unwritten = entry.facts.generation, True, None
        entry.since, entry.wished = self._parking.count, False
        self._parking.leave(key)
        if self._queue is not None:
            self._queue.caught_up(key)

    def come_back(self, key: Key, outcome: Outcome) -> None:
        """A pass over the object came to `outcome`, and its status says so."""
        entry = self._cache.get(key)
        if self._queue is None or entry is None:
            return
        if outcome.comes_back is Return.BACK_OFF:
            self._queue.back_off(key)
        else:
            self._queue.forgive(key)
        if outcome.comes_back is Return.AT_RESYNC:
            self._queue.add_after(key, resync.next_pass(self._every(key, entry), self._uniform))
        if not self._parking.park(key, outcome.awaits, entry.since):
            self._queue.add(key)

    def _take_up(self, queue: WorkQueue[Key], key: Key, entry: Entry, before: Entry | None) -> None:
        facts, finalizer = entry.facts, self._finalizers.get(key.kind, "")
        if _is_wished(entry, before):
            self._heed(queue, key, entry)
        elif entry.needs_work(finalizer):
            if entry.attempted != facts.generation:
                queue.forgive(key)
            queue.add(key)
        elif facts.deleting:
            if not entry.holds(finalizer):
                self._leave(key)
        elif entry.attempted < 0 and not queue.expects(key):
            queue.add_after(key, resync.first_pass(self._every(key, entry), self._uniform))

    def _every(self, key: Key, entry: Entry) -> float:
        """Seconds between two passes; those over a TelephonyBackend are few, and never stretched."""
        if key.kind == BACKEND:
            return entry.facts.every
        backend = entry.facts.backend if entry.facts.backend in self._cache else None
        return entry.facts.every * self._stretched(backend, self._cache.passes_per_second()[backend])

    def _stretched(self, backend: Key | None, passes_per_second: float) -> float:
        """The factor on the intervals of a TelephonyBackend's objects; None: of those of the settings."""
        declared = None if backend is None else self._cache.get(backend)
        most = self._requests_per_second if declared is None else declared.facts.per_second
        return resync.stretch(passes_per_second, self._calls_per_pass, most)

    def _heed(self, queue: WorkQueue[Key], key: Key, entry: Entry) -> None:
        entry.wished = True
        queue.forgive(key)
        queue.add(key)

    def _note_wish(self, key: Key) -> None:
        now = asyncio.get_running_loop().time()
        self._wishes.pop(key, None)
        self._wishes[key] = now
        while (oldest := next(iter(self._wishes))) and self._wishes[oldest] < now - _UNHEEDED:
            del self._wishes[oldest]

    def _leave(self, key: Key) -> None:
        self._parking.leave(key)
        if self._queue is not None:
            self._queue.discard(key)

    def _moved(self, key: Key) -> None:
        for one in self._parking.moved(key):
            if self._queue is not None:
                self._queue.add(one)


def _is_wished(entry: Entry, before: Entry | None) -> bool:
    """Whether an annotation of ours has a new value."""
    if before is None or before.facts.uid != entry.facts.uid:
        return False
    return entry.facts.wishes_more_than(before.facts)

"""What is queued, and when: the only place that decides it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject, Key
from kazoo_operator.core.outcome import Outcome, Return
from kazoo_operator.kube import resync
from kazoo_operator.kube.cache import Cache, needs_work
from kazoo_operator.kube.workqueue import WorkQueue


class Intake:
    """Takes up what the API server shows, and queues what needs work.

    `calls_per_pass` and `requests_per_second` are KAZOO's: see `Options`.
    """

    def __init__(
        self,
        cache: Cache,
        queue: WorkQueue[Key],
        calls_per_pass: int,
        requests_per_second: float,
        uniform: resync.Uniform = random.uniform,
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._calls_per_pass = calls_per_pass
        self._requests_per_second = requests_per_second
        self._uniform = uniform

    @property
    def stretch(self) -> float:
        """The factor on all resync intervals at present."""
        return resync.stretch(self._cache.passes_per_second, self._calls_per_pass, self._requests_per_second)

    def observe(self, kind: str, body: JsonObject) -> None:
        """An object is or was like this; old news are recognised.

        An object that is Ready when it is first seen is not read at once: its first pass comes within its
        resync interval.
        """
        if body["metadata"].get("deletionTimestamp"):
            self.deleted(kind, body)
            return
        taken = self._cache.put(kind, body)
        if taken is None:
            return
        resource, entry = taken
        if needs_work(resource, entry):
            if entry.attempted != entry.generation:
                self._queue.forgive(resource.key)
            self._queue.add(resource.key)
        elif entry.attempted < 0 and not self._queue.expects(resource.key):
            self._queue.add_after(resource.key, resync.first_pass(entry.every * self.stretch, self._uniform))

    def deleted(self, kind: str, body: Mapping[str, Any]) -> None:
        """An object is gone, or going: with the account retained there is nothing to do for it."""
        metadata = body["metadata"]
        key = Key(kind, metadata.get("namespace") or "", metadata["name"])
        if self._cache.remove(key, str(metadata.get("resourceVersion") or "")):
            self._queue.discard(key)

    def vanished(self, keys: Iterable[Key]) -> None:
        """A listing no longer held these objects."""
        for key in keys:
            self._queue.discard(key)

    def come_back(self, key: Key, outcome: Outcome) -> None:
        """A pass over the object came to `outcome`, and its status says so."""
        if outcome.comes_back is Return.BACK_OFF:
            self._queue.back_off(key)
            return
        self._queue.forgive(key)
        entry = self._cache.get(key)
        if outcome.comes_back is Return.AT_RESYNC and entry is not None:
            self._queue.add_after(key, resync.next_pass(entry.every * self.stretch, self._uniform))

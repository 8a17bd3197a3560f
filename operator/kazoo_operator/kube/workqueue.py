"""The work queue: each key once, one worker a key, and all that must wait on one timer."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable, Hashable
from itertools import count
from typing import Generic, TypeVar

_BASE = 1.0
_CAP = 60.0

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Keys in the order of their coming; those that are `urgent` go ahead of all others.

    A key that is added twice is worked on once; one that is added while a worker has it is worked on again
    afterwards. Each key has at most one time at which it comes back: the last one that was given holds, and
    being taken voids it. Time is the running loop's.
    """

    def __init__(
        self,
        uniform: Callable[[float, float], float] = random.uniform,
        urgent: Callable[[K], bool] = lambda _: False,
    ) -> None:
        self._uniform = uniform
        self._is_urgent = urgent
        self._loop = asyncio.get_running_loop()
        self._ready: dict[K, None] = {}
        self._urgent: dict[K, None] = {}
        self._active: set[K] = set()
        self._again: set[K] = set()
        self._due: dict[K, int] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._failures: dict[K, int] = {}
        self._tickets = asyncio.Semaphore(0)
        self._closed = False
        self._moved = self._loop.time()

    def __len__(self) -> int:
        """Keys that wait for a worker now."""
        return len(self._urgent) + len(self._ready)

    def expects(self, key: K) -> bool:
        """Whether `key` waits, is being worked on, or comes back by itself."""
        return self._waits(key) or key in self._active or key in self._due

    def add(self, key: K) -> None:
        """`key` needs work now."""
        if key in self._active:
            self._again.add(key)
        elif not self._waits(key):
            if not len(self):
                self._moved = self._loop.time()
            (self._urgent if self._is_urgent(key) else self._ready)[key] = None
            self._tickets.release()

    def add_after(self, key: K, seconds: float) -> None:
        """`key` needs work in `seconds`, whatever was said before about its coming back."""
        self._due[key] = number = next(self._order)
        heapq.heappush(self._heap, (self._loop.time() + seconds, number, key))
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)
        self._wind()

    def back_off(self, key: K) -> None:
        """`key` failed: it comes back after 1, 2, 4, ... at most 60 s, times a random share of it."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, self._uniform(0, min(_CAP, _BASE * 2 ** min(failures, 10))))

    def forgive(self, key: K) -> None:
        """The failures of `key` no longer count."""
        self._failures.pop(key, None)

    def discard(self, key: K) -> None:
        """`key` is gone: it is neither waiting nor coming back."""
        self._ready.pop(key, None)
        self._urgent.pop(key, None)
        self._again.discard(key)
        self._due.pop(key, None)
        self._failures.pop(key, None)

    async def take(self) -> K | None:
        """Wait for a key; `done` must follow. None when the queue is closed."""
        while True:
            await self._tickets.acquire()
            if self._closed:
                self._tickets.release()
                return None
            if line := self._urgent or self._ready:
                key = next(iter(line))
                del line[key]
                self._due.pop(key, None)
                self._active.add(key)
                self._moved = self._loop.time()
                return key

    def caught_up(self, key: K) -> None:
        """What the worker of `key` begins now serves all for which it was added so far."""
        self._again.discard(key)

    def done(self, key: K) -> None:
        """The worker is through with `key`; if it was added meanwhile, it waits anew."""
        self._active.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def close(self) -> None:
        """No key is given out any more, and all who wait for one get None."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._tickets.release()

    @property
    def stuck_for(self) -> float:
        """Seconds since a worker last took a key while keys wait; 0 when none waits."""
        return self._loop.time() - self._moved if len(self) else 0.0

    def _waits(self, key: K) -> bool:
        return key in self._ready or key in self._urgent

    def _wind(self) -> None:
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)
        if self._timer is not None:
            if self._heap and self._timer.when() == self._heap[0][0]:
                return
            self._timer.cancel()
            self._timer = None
        if self._heap and not self._closed:
            self._timer = self._loop.call_at(self._heap[0][0], self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._heap and self._heap[0][0] <= now:
            _, number, key = heapq.heappop(self._heap)
            if self._due.get(key) == number:
                del self._due[key]
                self.add(key)
        self._wind()

"""Rate limits: a bucket of tokens for each client and account (Crossbar API, rate limits).

A bucket holds 100 tokens and gains 10 a second; a request costs one, and is answered 429 where none is left.
Which requests pay is a matter of the release: see `pipeline`.
"""

from __future__ import annotations

from .clock import Clock

SIZE = 100
PER_SECOND = 10
COST = 1
MANY = 10_000
"""So many buckets are kept before those that have filled up again are let go."""


class Buckets:
    """The buckets of one API node, by name; one that nobody has drawn from is full."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def remaining(self, name: str) -> int:
        """The whole tokens that are left."""
        return int(self._now(name))

    def draw(self, name: str) -> bool:
        """Take what a request costs; False, and nothing taken, where it is not there."""
        left = self._now(name)
        if left < COST:
            return False
        if len(self._left) >= MANY:
            self._left = {key: value for key, value in self._left.items() if self._now(key) < SIZE}
        self._left[name] = left - COST, self._clock.unix()
        return True

    def fill(self) -> None:
        """All are full again."""
        self._left.clear()

    def _now(self, name: str) -> float:
        left, since = self._left.get(name, (SIZE, 0.0))
        return min(SIZE, left + PER_SECOND * max(0.0, self._clock.unix() - since))

"""How fast we may call: our own rate, KAZOO's buckets, and one place for each connection.

KAZOO keeps a bucket per client address and account in the path: 100 tokens, ten more at each second's tick,
and 429 without Retry-After when it is empty. Servers of the 5.x line report what is left in each envelope,
and charge few calls; older ones report nothing and charge every call. So each bucket is counted here as if
every call were charged, one tick more pessimistic than the server, and set right by what envelopes report.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from kazoo_operator.backend.envelope import Reply

CAPACITY = 100
TICK = 10

_HOLD = (2.0, 3.0)
_FORGET_ABOVE = 1000


class Bucket:
    """Tokens that come back at `rate` per second up to `capacity`; who takes one waits in line for it."""

    def __init__(self, capacity: float, rate: float) -> None:
        self._capacity = capacity
        self._rate = rate
        self._level = capacity
        self._at = 0.0
        self._line = asyncio.Lock()
        self._corrected = asyncio.Event()
        self.holds = 0
        self.in_flight = 0

    async def take(self) -> None:
        """Wait for a token and take it; callers are served in the order of their coming."""
        async with self._line:
            while (wait := self._seconds_to_wait()) > 0:
                self._corrected.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._corrected.wait()
            self._level -= 1

    def correct(self, remaining: float) -> None:
        """The level is `remaining`, whatever was counted; ignored while the bucket is held."""
        if self._at <= _now():
            self._level, self._at = min(remaining, self._capacity), _now()
            self._corrected.set()

    def hold(self, seconds: float) -> None:
        """Nothing is left, and nothing comes back for `seconds`; tokens that were taken are void."""
        self._level, self._at = 0, _now() + seconds
        self.holds += 1

    @property
    def idle(self) -> bool:
        """Whether a new bucket would be no different from this one."""
        self._refill()
        return self._level >= self._capacity and not self._line.locked() and not self.in_flight

    def _refill(self) -> None:
        now = _now()
        if now > self._at:
            self._level = min(self._capacity, self._level + (now - self._at) * self._rate)
            self._at = now

    def _seconds_to_wait(self) -> float:
        self._refill()
        if self._level >= 1:
            return 0
        return self._at - _now() + (1 - self._level) / self._rate


class Turn:
    """Leave for one request, from `Pacing.turn` until `end`."""

    def __init__(self, bucket: Bucket, kept: AsyncExitStack) -> None:
        self._bucket = bucket
        self._kept = kept

    async def end(self, reply: Reply | None) -> None:
        """Give the connection back, and learn from the answer (None: there was none)."""
        await self._kept.aclose()
        if reply is None:
            return
        if reply.status == 429:
            self._bucket.hold(random.uniform(*_HOLD))  # noqa: S311 - jitter
        elif reply.remaining is not None:
            # the server may not have counted yet what is under way
            self._bucket.correct(reply.remaining - TICK - self._bucket.in_flight)


class Pacing:
    """Lets requests through: the account's bucket first, then a free connection, then our own rate."""

    def __init__(self, requests_per_second: float, connections: int) -> None:
        self._rate = Bucket(max(1, requests_per_second / 10), requests_per_second)
        self._connections = asyncio.Semaphore(connections)
        self._accounts: dict[str | None, Bucket] = {}

    async def turn(self, account: str | None) -> Turn:
        """Wait until a request to `account` (None: no account in the path) may leave."""
        bucket = self._bucket(account)
        while True:
            await bucket.take()
            holds = bucket.holds
            kept = AsyncExitStack()
            await kept.enter_async_context(self._connection(bucket))
            if bucket.holds == holds:
                return Turn(bucket, kept)
            await kept.aclose()

    @asynccontextmanager
    async def _connection(self, bucket: Bucket) -> AsyncIterator[None]:
        bucket.in_flight += 1
        try:
            async with self._connections:
                await self._rate.take()
                yield
        finally:
            bucket.in_flight -= 1

    def _bucket(self, account: str | None) -> Bucket:
        if account not in self._accounts:
            if len(self._accounts) >= _FORGET_ABOVE:
                self._accounts = {key: bucket for key, bucket in self._accounts.items() if not bucket.idle}
            self._accounts[account] = Bucket(CAPACITY - TICK, TICK)
        return self._accounts[account]


def _now() -> float:
    return asyncio.get_running_loop().time()

"""How fast we may call: our own rate, KAZOO's buckets, and one place for each connection.

KAZOO keeps a bucket per client address and account in the path: 100 tokens, ten more at each second's tick,
and 429 without Retry-After when it is empty. Servers of the 5.x line report what is left in each envelope,
and charge few calls; older ones report nothing and charge every call. So each bucket is counted here as if
every call were charged, one tick more pessimistic than the server, and set right by what envelopes report.
Others at our address may have drained a bucket that we left alone: after a pause one request goes ahead, and
the others wait for its end.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from kazoo_operator.backend.envelope import Reply

CAPACITY = 100
TICK = 10

_HOLD = (2.0, 3.0)
_PAUSE = 1.0
_AHEAD = 1.0
_FORGET_ABOVE = 1000
_ROUNDING = 1e-6


class Bucket:
    """Tokens that come back at `rate` per second up to `capacity`. Who wants one stands in `line`."""

    def __init__(self, capacity: float, rate: float) -> None:
        self.line = asyncio.Lock()
        self.in_flight = 0
        self.ended = 0
        self._capacity = capacity
        self._rate = rate
        self._level = capacity
        self._at = 0.0
        self._corrected = asyncio.Event()
        self._quiet_since = 0.0
        self._known = asyncio.Event()

    async def known(self) -> None:
        """Wait for the request that went ahead after a pause, but not long: a creation takes its time."""
        if not self.in_flight:
            if _now() - self._quiet_since > _PAUSE:
                self._known.clear()
        elif not self._known.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_AHEAD):
                    await self._known.wait()
            self._known.set()

    async def ready(self) -> None:
        """Wait until there is a token."""
        while (wait := self._seconds_to_wait()) > 0:
            self._corrected.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._corrected.wait()

    def take(self) -> bool:
        """Take a token, if there is one."""
        if self._seconds_to_wait() > 0:
            return False
        self._level -= 1
        return True

    def correct(self, remaining: float) -> None:
        """The level is `remaining`, whatever was counted; ignored while the bucket is held."""
        if self._at <= _now():
            self._level, self._at = min(remaining, self._capacity), _now()
            self._corrected.set()

    def end(self) -> None:
        """A request has come back, or is given up."""
        self.in_flight -= 1
        self.ended += 1
        self._quiet_since = _now()
        self._known.set()

    def hold(self, seconds: float) -> None:
        """Nothing is left, and nothing comes back for `seconds`."""
        self._level, self._at = 0, _now() + seconds

    @property
    def idle(self) -> bool:
        """Whether a new bucket would be no different from this one."""
        self._refill()
        return self._level >= self._capacity and not self.line.locked() and not self.in_flight

    def _refill(self) -> None:
        now = _now()
        if now > self._at:
            self._level = min(self._capacity, self._level + (now - self._at) * self._rate)
            self._at = now

    def _seconds_to_wait(self) -> float:
        self._refill()
        if self._level > 1 - _ROUNDING:
            return 0
        return self._at - _now() + (1 - self._level) / self._rate


class Turn:
    """Leave for one request, from `Pacing.turn` until `end`."""

    def __init__(self, bucket: Bucket, connections: asyncio.Semaphore) -> None:
        self._bucket = bucket
        self._connections = connections
        self._ended_before = bucket.ended
        bucket.in_flight += 1

    def end(self, reply: Reply | None) -> None:
        """Give the connection back, and learn from the answer (None: there was none)."""
        self._connections.release()
        bucket = self._bucket
        bucket.end()
        if reply is not None and reply.status == 429:
            bucket.hold(random.uniform(*_HOLD))  # noqa: S311 - jitter
        elif reply is not None and reply.remaining is not None:
            # when it reported, the server may have counted none of those that were under way beside this one
            beside = bucket.in_flight + bucket.ended - 1 - self._ended_before
            bucket.correct(reply.remaining - TICK - beside)


class Pacing:
    """Lets requests through: the account's bucket first, then a free connection, then our own rate.

    Of each account one request at a time stands in for a connection: a 429 finds the others still in their
    own line, and an account with many requests takes no more turns than one with few.
    """

    def __init__(self, requests_per_second: float, connections: int) -> None:
        self._rate = Bucket(max(1, requests_per_second / 10), requests_per_second)
        self._connections = asyncio.Semaphore(connections)
        self._accounts: dict[str | None, Bucket] = {}

    async def turn(self, account: str | None) -> Turn:
        """Wait until a request to `account` (None: no account in the path) may leave."""
        bucket = self._bucket(account)
        async with bucket.line:
            await bucket.known()
            while True:
                await bucket.ready()
                await self._connections.acquire()
                try:
                    async with self._rate.line:
                        await self._rate.ready()
                        taken = bucket.take() and self._rate.take()
                except BaseException:
                    self._connections.release()
                    raise
                if taken:
                    return Turn(bucket, self._connections)
                self._connections.release()

    def _bucket(self, account: str | None) -> Bucket:
        if account not in self._accounts:
            if len(self._accounts) >= _FORGET_ABOVE:
                self._accounts = {key: bucket for key, bucket in self._accounts.items() if not bucket.idle}
            self._accounts[account] = Bucket(CAPACITY - TICK, TICK)
        return self._accounts[account]


def _now() -> float:
    return asyncio.get_running_loop().time()

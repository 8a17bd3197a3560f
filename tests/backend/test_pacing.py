"""Pacing against a model of KAZOO's buckets, on a clock that jumps instead of waiting."""

from __future__ import annotations

import asyncio
import selectors
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from kazoo_operator.backend.envelope import Reply
from kazoo_operator.backend.pacing import Pacing

LATENCY = 0.005
CONNECTIONS = 32


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0
        return super().select(0)


class _JumpingLoop(asyncio.SelectorEventLoop):
    """Nothing but timers run here, and they are due as soon as nothing else is."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


@pytest.fixture
def run() -> Iterator[Callable[[Awaitable[Any]], Any]]:
    async def wrap(work: Awaitable[Any]) -> Any:
        return await work

    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        yield lambda work: runner.run(wrap(work))


class Kazoo:
    """Buckets of 100 that get ten more at each full second, charged and reported as the two lines do."""

    def __init__(self, *, charges: bool = True, reports: bool = False, full: int = 100) -> None:
        self.charges, self.reports, self.full = charges, reports, full
        self.left: dict[str, int] = {}
        self.ticked = 1000
        self.statuses: list[tuple[float, int]] = []
        self.now = self.most = 0

    async def call(self, pacing: Pacing, account: str = "acme") -> int:
        turn = await pacing.turn(account)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(LATENCY / 2)
        reply = self._answer(account)
        await asyncio.sleep(LATENCY / 2)
        self.now -= 1
        turn.end(reply)
        return reply.status

    def refused(self) -> list[float]:
        return [at for at, status in self.statuses if status == 429]

    def _answer(self, account: str) -> Reply:
        now = time()
        while self.ticked < int(now):
            self.ticked += 1
            self.left = {name: min(100, left + 10) for name, left in self.left.items()}
        left = self.left.setdefault(account, self.full)
        status = 200 if left > 0 or not self.charges else 429
        self.left[account] = max(0, left - self.charges)
        self.statuses.append((now, status))
        tokens = {"tokens": {"consumed": int(self.charges), "remaining": self.left[account]}}
        return Reply(status, tokens if self.reports else {})


def time() -> float:
    return asyncio.get_running_loop().time()


async def calls(kazoo: Kazoo, pacing: Pacing, count: int, account: str = "acme") -> float:
    started = time()
    await asyncio.gather(*(kazoo.call(pacing, account) for _ in range(count)))
    return time() - started


@pytest.mark.parametrize("reports", [False, True], ids=["4.3", "5.0"])
def test_a_full_bucket_is_used_up_and_never_overdrawn(run: Callable[..., Any], reports: bool) -> None:
    kazoo = Kazoo(reports=reports)
    seconds = run(calls(kazoo, Pacing(1000, CONNECTIONS), 600))
    assert kazoo.refused() == []
    assert seconds <= 1.1 * (600 - 100) / 10


@pytest.mark.parametrize("reports", [False, True], ids=["4.3", "5.0"])
@pytest.mark.parametrize("rate", [10, 50, 1000])
def test_after_the_first_429_there_is_no_second(run: Callable[..., Any], reports: bool, rate: int) -> None:
    kazoo = Kazoo(reports=reports, full=0)
    run(calls(kazoo, Pacing(rate, CONNECTIONS), 300))
    refused = kazoo.refused()
    assert len(refused) == 1, "the bucket was empty when we came"


def test_a_bucket_that_others_drained_while_we_paused_costs_one_429(run: Callable[..., Any]) -> None:
    async def pause_and_read() -> None:
        pacing = Pacing(1000, CONNECTIONS)
        await calls(kazoo, pacing, 20)
        await asyncio.sleep(5)
        kazoo.left["acme"], kazoo.ticked = 0, int(time())
        await calls(kazoo, pacing, 100)

    kazoo = Kazoo()
    run(pause_and_read())
    assert len(kazoo.refused()) == 1


def test_a_first_request_that_takes_long_holds_up_nobody_for_long(run: Callable[..., Any]) -> None:
    async def create_and_read() -> float:
        kazoo, pacing = Kazoo(), Pacing(1000, CONNECTIONS)
        creating = await pacing.turn("acme")
        seconds = await calls(kazoo, pacing, 50)
        creating.end(None)
        return seconds

    assert run(create_and_read()) == pytest.approx(1, abs=0.1)


def test_a_first_request_that_fails_lets_the_others_go(run: Callable[..., Any]) -> None:
    async def fail_and_read() -> float:
        kazoo, pacing = Kazoo(), Pacing(1000, CONNECTIONS)
        first = await pacing.turn("acme")
        reading = asyncio.create_task(calls(kazoo, pacing, 50))
        await asyncio.sleep(0.2)
        assert kazoo.statuses == []
        first.end(None)
        return await reading

    assert run(fail_and_read()) == pytest.approx(0.2, abs=0.1)


def test_a_falling_level_is_heeded_before_it_is_empty(run: Callable[..., Any]) -> None:
    kazoo = Kazoo(reports=True, full=50)
    run(calls(kazoo, Pacing(1000, CONNECTIONS), 300))
    assert kazoo.refused() == []


def test_who_is_not_charged_is_not_throttled(run: Callable[..., Any]) -> None:
    kazoo = Kazoo(charges=False, reports=True)
    seconds = run(calls(kazoo, Pacing(100_000, CONNECTIONS), 2000))
    assert seconds <= 1.1 * 2000 * LATENCY / CONNECTIONS
    assert kazoo.most == CONNECTIONS


def test_another_account_does_not_wait(run: Callable[..., Any]) -> None:
    async def both() -> float:
        kazoo, pacing = Kazoo(full=0), Pacing(1000, CONNECTIONS)
        await kazoo.call(pacing, "drained")
        waiting = [asyncio.create_task(kazoo.call(pacing, "drained")) for _ in range(100)]
        await asyncio.sleep(0)
        seconds = await calls(Kazoo(), pacing, 50, "other")
        await asyncio.gather(*waiting)
        return seconds

    assert run(both()) < 0.1


def test_our_own_rate_holds_in_every_second(run: Callable[..., Any]) -> None:
    kazoo = Kazoo(charges=False, reports=True)

    async def many() -> float:
        pacing = Pacing(50, CONNECTIONS)
        seconds = await asyncio.gather(*(calls(kazoo, pacing, 50, f"account {n}") for n in range(10)))
        return max(seconds)

    seconds = run(many())
    assert 9 <= seconds <= 10.1
    times = [at for at, _ in kazoo.statuses]
    assert max(sum(start <= at < start + 1 for at in times) for start in times) <= 55


def test_a_rate_below_one_is_a_rate(run: Callable[..., Any]) -> None:
    seconds = run(calls(Kazoo(), Pacing(0.5, CONNECTIONS), 4))
    assert seconds == pytest.approx(6, abs=0.1)


def test_a_server_that_answers_nothing_costs_no_connection_for_ever(run: Callable[..., Any]) -> None:
    async def silence() -> None:
        pacing = Pacing(1000, 2)
        for _ in range(10):
            turn = await pacing.turn("acme")
            turn.end(None)

    run(silence())


def test_leaving_the_line_gives_the_place_back(run: Callable[..., Any]) -> None:
    async def leave() -> int:
        pacing = Pacing(1, 1)
        turn = await pacing.turn("acme")
        waiting = [asyncio.create_task(pacing.turn(account)) for account in ("acme", "bolt")]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        turn.end(None)
        in_rate = asyncio.create_task(pacing.turn("acme"))  # has the connection, waits for the rate
        await asyncio.sleep(0.01)
        in_rate.cancel()
        await asyncio.gather(in_rate, return_exceptions=True)
        last = await pacing.turn("acme")
        return last._bucket.in_flight

    assert run(leave()) == 1


def test_buckets_of_quiet_accounts_are_forgotten(run: Callable[..., Any]) -> None:
    async def crowd() -> Counter[str]:
        pacing, kazoo = Pacing(10_000, CONNECTIONS), Kazoo(full=100)
        await calls(kazoo, pacing, 91, "busy")
        for number in range(5000):
            await kazoo.call(pacing, f"account {number}")
            if number % 500 == 0:
                await calls(kazoo, pacing, 60, "busy")
        return Counter(buckets=len(pacing._accounts), busy="busy" in pacing._accounts)

    assert run(crowd())["buckets"] <= 1001

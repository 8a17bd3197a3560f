from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

from kazoo_operator.kube.supervisor import supervise
from tests.kube.clock import run


def starts(attempt: Callable[[], Awaitable[None]], within: float) -> tuple[list[float], list[str]]:
    """When `attempt` was started within so many seconds, and what was told of its ends."""
    times: list[float] = []
    told: list[str] = []

    async def noted() -> None:
        times.append(asyncio.get_running_loop().time())
        await attempt()

    async def work() -> None:
        task = asyncio.create_task(supervise(noted, told.append))
        await asyncio.sleep(within)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    run(work())
    return times, told


async def dies() -> None:
    raise RuntimeError("503\nand more")


def test_what_dies_is_started_again_after_growing_pauses() -> None:
    times, told = starts(dies, 300)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    for pause, longest in zip(pauses, [1, 2, 4, 8, 16, 30, 30], strict=False):
        assert longest / 2 <= pause <= longest + 0.01
    assert set(told) == {"RuntimeError: 503"}


def test_what_ends_by_itself_is_started_again_too() -> None:
    async def ends() -> None:
        return

    times, told = starts(ends, 10)
    assert len(times) > 2
    assert "ended by itself" in told[0]


def test_what_was_cancelled_from_within_is_no_end_of_it() -> None:
    reason = "kopf cancels tasks of its own; were that taken for ours, nobody would watch any more"

    async def cancelled() -> None:
        raise asyncio.CancelledError

    times, _ = starts(cancelled, 10)
    assert len(times) > 2, reason


def test_after_a_good_while_the_pause_is_short_again() -> None:
    lives = iter([0, 0, 0, 0, 0, 500, 0])

    async def lives_a_while() -> None:
        await asyncio.sleep(next(lives, 10_000))
        raise RuntimeError("gone")

    times, _ = starts(lives_a_while, 1000)
    assert times[6] - times[5] - 500 <= 1.01

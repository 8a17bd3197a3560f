from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from kazoo_operator.kube.workqueue import WorkQueue
from tests.kube.clock import run


async def taken(queue: WorkQueue[str], within: float = 0.001) -> str | None:
    """The next key; None when none comes within so many seconds."""
    try:
        async with asyncio.timeout(within):
            return await queue.take()
    except TimeoutError:
        return None


def test_keys_come_in_the_order_of_their_coming_and_once_each() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        for key in "abacb":
            queue.add(key)
        assert [await taken(queue) for _ in range(4)] == ["a", "b", "c", None]

    run(work())


def test_a_key_that_is_added_while_it_is_worked_on_comes_again_afterwards() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        queue.add("a")
        assert await taken(queue) == "a"
        queue.add("a")
        queue.add("a")
        assert await taken(queue) is None
        queue.done("a")
        assert await taken(queue) == "a"
        queue.done("a")
        assert await taken(queue) is None

    run(work())


def test_one_hot_key_does_not_keep_the_others_waiting() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        for key in ("hot", "b", "c"):
            queue.add(key)
        order = []
        for _ in range(5):
            came = await taken(queue)
            assert came is not None
            order.append(came)
            queue.add("hot")
            queue.done(came)
        assert order == ["hot", "b", "c", "hot", "hot"]

    run(work())


def test_a_delayed_key_comes_at_its_time() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        queue: WorkQueue[str] = WorkQueue()
        began = loop.time()
        queue.add_after("late", 600)
        queue.add_after("early", 30)
        assert await queue.take() == "early"
        assert 30 <= loop.time() - began < 31
        assert await queue.take() == "late"
        assert 600 <= loop.time() - began < 601

    run(work())


def test_of_several_times_to_come_back_the_last_one_holds() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        for seconds in (10, 300, 100):
            queue.add_after("a", seconds)
        assert await taken(queue, within=99) is None
        assert await taken(queue, within=2) == "a"
        queue.done("a")
        assert await taken(queue, within=1000) is None

    run(work())


def test_being_taken_voids_the_time_to_come_back() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        queue.add_after("a", 10)
        queue.add("a")
        assert await taken(queue) == "a"
        queue.done("a")
        assert await taken(queue, within=1000) is None

    run(work())


def test_a_time_that_comes_while_the_key_is_worked_on_is_not_lost() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        queue.add("a")
        assert await taken(queue) == "a"
        queue.add_after("a", 5)
        assert await taken(queue, within=60) is None
        queue.done("a")
        assert await taken(queue) == "a"

    run(work())


def test_a_key_that_is_gone_neither_waits_nor_comes_back() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        queue.add("waits")
        queue.add_after("later", 5)
        queue.add("worked on")
        for key in ("waits", "later"):
            queue.discard(key)
        assert await taken(queue) == "worked on"
        queue.add("worked on")
        queue.discard("worked on")
        queue.done("worked on")
        assert await taken(queue, within=1000) is None
        assert not queue.expects("later")

    run(work())


def test_failures_double_the_wait_up_to_a_minute_and_success_forgets_them() -> None:
    asked: list[tuple[float, float]] = []

    def longest(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue(longest)
        for _ in range(9):
            queue.back_off("a")
        queue.forgive("a")
        queue.back_off("a")
        queue.back_off("b")

    run(work())
    waits = [high for _, high in asked]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 1, 1]
    assert {low for low, _ in asked} == {0}, "full jitter: anything from nothing to the whole"


def test_a_closed_queue_gives_nothing_out_and_lets_all_takers_go() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        takers = [asyncio.create_task(queue.take()) for _ in range(32)]
        await asyncio.sleep(0)
        queue.close()
        queue.add("a")
        queue.add_after("b", 1)
        assert await asyncio.gather(*takers) == [None] * 32
        assert await queue.take() is None

    run(work())


def test_a_taker_that_is_cut_loses_no_key() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        taker = asyncio.create_task(queue.take())
        await asyncio.sleep(0)
        queue.add("a")
        taker.cancel()
        await asyncio.gather(taker, return_exceptions=True)
        assert await taken(queue) == "a"

    run(work())


def test_the_queue_says_how_long_nobody_took_what_waits() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        await asyncio.sleep(1000)
        queue.add("a")
        assert queue.stuck_for < 1
        await asyncio.sleep(100)
        queue.add("b")
        assert 100 <= queue.stuck_for < 101
        await queue.take()
        assert queue.stuck_for < 1
        await queue.take()
        await asyncio.sleep(1000)
        assert queue.stuck_for == 0, "nothing waits"

    run(work())


def test_putting_off_a_key_again_and_again_costs_no_memory() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        for _ in range(10_000):
            queue.add_after("a", 600)
        assert len(queue._heap) < 200

    run(work())


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "after", "discard", "back off"]), st.sampled_from("abcd")),
        max_size=60,
    ),
    st.integers(1, 4),
)
def test_no_key_has_two_workers_and_none_that_was_added_last_is_lost(
    steps: list[tuple[str, str]], workers: int
) -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        active: set[str] = set()
        owed: set[str] = set()

        async def worker() -> None:
            while (key := await queue.take()) is not None:
                assert key not in active
                active.add(key)
                owed.discard(key)
                await asyncio.sleep(3)
                active.discard(key)
                queue.done(key)

        running = [asyncio.create_task(worker()) for _ in range(workers)]
        for step, key in steps:
            if step == "add":
                queue.add(key)
                owed.add(key)
            elif step == "after":
                queue.add_after(key, 10)
                owed.add(key)
            elif step == "back off":
                queue.back_off(key)
                owed.add(key)
            else:
                queue.discard(key)
                owed.discard(key)
            await asyncio.sleep(1)
        await asyncio.sleep(1000)
        queue.close()
        await asyncio.gather(*running)
        assert not owed

    run(work())


def test_what_was_added_before_the_worker_began_needs_no_second_turn() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue()
        queue.add("a")
        assert await queue.take() == "a"
        queue.add("a")
        queue.caught_up("a")
        queue.done("a")
        assert len(queue) == 0
        queue.caught_up("unheard of")

    run(work())


def test_an_urgent_key_goes_ahead_of_all_that_wait_and_counts_like_them() -> None:
    async def work() -> None:
        queue: WorkQueue[str] = WorkQueue(urgent=str.isupper)
        for key in "abAcA":
            queue.add(key)
        assert len(queue) == 4
        assert queue.expects("A")
        assert await taken(queue) == "A"
        queue.add("A")
        assert await taken(queue) == "a", "it is worked on"
        queue.done("A")
        assert await taken(queue) == "A"
        queue.done("A")
        queue.add("A")
        queue.discard("A")
        assert [await taken(queue) for _ in range(3)] == ["b", "c", None]
        assert queue.stuck_for == 0

    run(work())

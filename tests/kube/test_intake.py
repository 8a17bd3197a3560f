"""Which events lead to work, and when an object comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Key
from kazoo_operator.core.outcome import Outcome, Reason
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.intake import Intake
from kazoo_operator.kube.workqueue import WorkQueue
from tests.kube.clock import run
from tests.kube.objects import KEY, account, ready, said

FINALIZER = "kazoo-operator.io/account"
FINALIZERS = {"Account": FINALIZER}


class Rim:
    """Cache, queue and intake, and what a worker would do to them."""

    def __init__(self, rate: float = 50) -> None:
        self.cache = Cache()
        self.queue: WorkQueue[Key] = WorkQueue(lambda low, high: high)
        self.intake = Intake(self.cache, FINALIZERS, 2, rate, lambda low, high: high)
        self.intake.begin(self.queue)

    def see(self, body: dict[str, Any]) -> int:
        """How many keys wait for a worker once `body` was seen."""
        self.intake.observe("Account", body)
        return len(self.queue)

    async def work(self) -> None:
        """A worker takes the key and starts a pass; its status is not written yet."""
        assert await self.queue.take() == KEY
        entry = self.cache.get(KEY)
        assert entry is not None
        self.intake.pass_begins(KEY, entry)

    def settle(self, body: dict[str, Any], outcome: Outcome) -> None:
        """The pass's status was written, with `body` as the API server's answer."""
        self.cache.put("Account", body)
        entry = self.cache.get(KEY)
        assert entry is not None
        entry.open = False
        self.intake.come_back(KEY, outcome)
        self.queue.done(KEY)

    async def seconds_until_taken(self) -> float:
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(100_000):
            await self.queue.take()
        return asyncio.get_running_loop().time() - began


def in_a_loop(test: Callable[[Rim], Any]) -> None:
    async def work() -> None:
        await test(Rim())

    run(work())


def test_a_new_object_needs_work() -> None:
    async def test(rim: Rim) -> None:
        assert rim.see(account()) == 1

    in_a_loop(test)


def test_an_object_found_ready_is_not_read_at_once_but_within_its_interval() -> None:
    async def test(rim: Rim) -> None:
        assert rim.see(account(status=ready(), resyncInterval="5m")) == 0
        assert 300 <= await rim.seconds_until_taken() < 301

    in_a_loop(test)


def test_events_of_an_object_that_is_ready_do_not_put_off_its_first_pass() -> None:
    async def test(rim: Rim) -> None:
        rim.see(account(status=ready()))
        await asyncio.sleep(599)
        rim.see(account(101, status=ready()))
        assert await rim.seconds_until_taken() < 2

    in_a_loop(test)


def test_an_object_found_stalled_is_looked_at_anew_in_this_life() -> None:
    async def test(rim: Rim) -> None:
        stalled = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "False"}]}
        assert rim.see(account(status=stalled)) == 1

    in_a_loop(test)


def test_a_change_of_spec_needs_work() -> None:
    async def test(rim: Rim) -> None:
        rim.see(account(status=ready()))
        assert rim.see(account(101, generation=2, status=ready())) == 1

    in_a_loop(test)


def test_what_we_write_ourselves_needs_none() -> None:
    async def test(rim: Rim) -> None:
        rim.see(account())
        await rim.work()
        creating = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "False"}]}
        assert rim.see(account(101, status=creating)) == 0, "progress that was shown in between"
        rim.settle(account(102, status=ready()), Outcome.of(Reason.READY, "It is so."))
        assert rim.see(account(102, status=ready())) == 0

    in_a_loop(test)


def test_labels_need_none() -> None:
    async def test(rim: Rim) -> None:
        rim.see(account())
        await rim.work()
        labelled = account(101)
        labelled["metadata"]["labels"] = {"team": "voice"}
        assert rim.see(labelled) == 0, "while the pass is on"
        rim.settle(account(102, status=ready()), Outcome.of(Reason.READY, "It is so."))
        assert rim.see(account(103, status=ready())) == 0

    in_a_loop(test)


def test_a_stalled_object_is_left_alone_until_it_changes() -> None:
    async def test(rim: Rim) -> None:
        rim.see(account())
        await rim.work()
        stalled = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "False"}]}
        rim.settle(account(101, status=stalled), Outcome.of(Reason.INVALID_SPEC, "No."))
        assert rim.see(account(102, status=stalled)) == 0
        assert not rim.queue.expects(KEY)
        assert rim.see(account(103, generation=2, status=stalled)) == 1

    in_a_loop(test)


def test_a_status_that_somebody_wiped_needs_work() -> None:
    async def test(rim: Rim) -> None:
        rim.see(account())
        await rim.work()
        rim.settle(account(101, status=ready()), Outcome.of(Reason.READY, "It is so."))
        assert rim.see(account(102)) == 1

    in_a_loop(test)


def test_a_status_that_could_not_be_written_yet_is_not_taken_for_wiped() -> None:
    async def test(rim: Rim) -> None:
        rim.see(account())
        await rim.work()
        rim.queue.done(KEY)
        assert rim.see(account(101)) == 0

    in_a_loop(test)


def test_a_deleted_object_is_forgotten() -> None:
    async def test(rim: Rim) -> None:
        rim.see(account())
        rim.intake.deleted("Account", account(101))
        assert len(rim.queue) == 0
        assert KEY not in rim.cache
        assert rim.see(account(100)) == 0, "a late event does not bring it back"
        assert rim.see(account(102, uid="uid-2")) == 1, "another object of that name is another object"

    in_a_loop(test)


def going(body: dict[str, Any], *finalizers: str) -> dict[str, Any]:
    """The object as it is while it is being deleted."""
    body["metadata"] |= {"deletionTimestamp": "2026-11-25T06:00:00Z", "finalizers": list(finalizers)}
    return body


def test_an_object_that_others_hold_while_it_is_deleted_is_left_alone_and_still_seen() -> None:
    async def test(rim: Rim) -> None:
        rim.see(account())
        assert rim.see(going(account(101, generation=2), "somebody.else/hold")) == 0
        assert not rim.queue.expects(KEY)
        assert KEY in rim.cache

    in_a_loop(test)


def test_an_object_that_we_hold_while_it_is_deleted_needs_work_once() -> None:
    async def test(rim: Rim) -> None:
        body = account(100, status=ready(), deletionPolicy="Delete")
        body["metadata"]["finalizers"] = [FINALIZER]
        assert rim.see(body) == 0
        body = going(account(101, generation=2, status=ready(), deletionPolicy="Delete"), FINALIZER)
        assert rim.see(body) == 1
        await rim.work()
        body = going(account(102, generation=2, status=ready(), deletionPolicy="Delete"), FINALIZER)
        assert rim.see(body) == 0

    in_a_loop(test)


@pytest.mark.parametrize(
    ("policy", "finalizers", "work"),
    [("Delete", [], 1), ("Delete", [FINALIZER], 0), ("Retain", [FINALIZER], 1), ("Retain", ["other/x"], 0)],
)
def test_a_ready_object_needs_work_when_our_finalizer_is_not_as_the_policy_says(
    policy: str, finalizers: list[str], work: int
) -> None:
    async def test(rim: Rim) -> None:
        body = account(status=ready(), deletionPolicy=policy)
        body["metadata"]["finalizers"] = finalizers
        assert rim.see(body) == work

    in_a_loop(test)


def annotated(version: int, **annotations: str) -> dict[str, Any]:
    """A Ready object with annotations of ours (`_` for `-`) and one of somebody else's."""
    body = account(version, status=ready())
    named = {f"kazoo-operator.io/{name.replace('_', '-')}": value for name, value in annotations.items()}
    body["metadata"]["annotations"] = {**named, "other/note": str(version)}
    return body


@pytest.mark.parametrize("name", ["reconcile_now", "recreate", "confirm_delete", "approve_deletions"])
def test_a_new_value_of_an_annotation_of_ours_brings_a_ready_object_at_once(name: str) -> None:
    async def test(rim: Rim) -> None:
        assert rim.see(annotated(100)) == 0
        assert rim.see(annotated(101, **{name: "1"})) == 1
        await rim.work()
        rim.settle(annotated(102, **{name: "1"}), Outcome.of(Reason.READY, "It is so."))
        assert rim.see(annotated(103, **{name: "1"})) == 0, "it is heeded once"
        assert rim.see(annotated(104, **{name: "2"})) == 1
        await rim.work()
        rim.settle(annotated(105, **{name: "2"}), Outcome.of(Reason.READY, "It is so."))
        assert rim.see(annotated(106)) == 0, "that it goes is no wish"

    in_a_loop(test)


def test_other_annotations_bring_nothing() -> None:
    async def test(rim: Rim) -> None:
        assert rim.see(annotated(100)) == 0
        assert rim.see(annotated(101, unheard_of="1")) == 0

    in_a_loop(test)


def test_a_wish_is_not_lost_while_a_status_waits_to_be_written() -> None:
    async def test(rim: Rim) -> None:
        rim.see(annotated(100))
        rim.queue.add(KEY)
        await rim.work()
        entry = rim.cache.get(KEY)
        assert entry is not None
        rim.see(annotated(101, reconcile_now="1"))
        entry = rim.cache.get(KEY)
        assert entry is not None
        entry.unwritten = said()
        assert entry.pass_is_due
        rim.intake.pass_begins(KEY, entry)
        entry.unwritten = said()
        assert not entry.pass_is_due

    in_a_loop(test)


def test_a_standby_takes_note_and_queues_at_the_beginning_of_its_term() -> None:
    async def test(rim: Rim) -> None:
        rim.intake.end()
        rim.see(account(100))
        rim.see(account(101, name="fine", status=ready()))
        assert len(rim.queue) == 0
        queue: WorkQueue[Key] = WorkQueue(lambda low, high: high)
        rim.intake.begin(queue)
        assert (len(queue), await queue.take()) == (1, KEY)
        assert queue.expects(Key("Account", "default", "fine")), "within its resync interval"

    in_a_loop(test)


def test_a_wish_that_found_no_leader_is_heeded_by_the_next_one_and_an_old_one_is_not() -> None:
    async def test(rim: Rim) -> None:
        rim.intake.end()
        for name in ("old", "acme"):
            body = annotated(100)
            body["metadata"]["name"] = name
            rim.see(body)
            body = annotated(101, reconcile_now="1")
            body["metadata"]["name"] = name
            rim.see(body)
            await asyncio.sleep(50)
        queue: WorkQueue[Key] = WorkQueue(lambda low, high: high)
        rim.intake.begin(queue)
        assert (len(queue), await queue.take()) == (1, KEY)

    in_a_loop(test)


def test_a_new_term_takes_up_what_an_earlier_one_left_undone() -> None:
    async def test(rim: Rim) -> None:
        rim.see(account(100))
        await rim.work()
        rim.intake.end()
        queue: WorkQueue[Key] = WorkQueue(lambda low, high: high)
        rim.intake.begin(queue)
        assert await queue.take() == KEY

    in_a_loop(test)


def test_an_object_that_a_listing_no_longer_holds_is_forgotten() -> None:
    async def test(rim: Rim) -> None:
        rim.see(account())
        rim.cache.listing_starts("Account", "", "200")
        rim.intake.vanished(rim.cache.listing_ends("Account", "", "200", []))
        assert len(rim.queue) == 0

    in_a_loop(test)


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [
        (Reason.READY, 600 * 1.2),
        (Reason.REALM_TAKEN, 600 * 1.2),
        (Reason.BACKEND_UNAVAILABLE, 1),
    ],
)
def test_an_object_comes_back_as_its_outcome_says(reason: Reason, seconds: float) -> None:
    async def test(rim: Rim) -> None:
        rim.see(account())
        await rim.work()
        rim.settle(account(101, status=ready()), Outcome.of(reason, "So."))
        assert seconds <= await rim.seconds_until_taken() < seconds + 1

    in_a_loop(test)


def test_a_change_forgives_earlier_failures() -> None:
    async def test(rim: Rim) -> None:
        for _ in range(6):
            rim.queue.back_off(KEY)
        rim.see(account())
        await rim.work()
        rim.settle(account(101), Outcome.of(Reason.BACKEND_UNAVAILABLE, "So."))
        assert await rim.seconds_until_taken() < 2

    in_a_loop(test)


def test_resyncs_of_many_objects_are_stretched() -> None:
    async def work() -> None:
        rim = Rim(rate=0.01)
        rim.see(account(status=ready(), resyncInterval="100s"))
        assert rim.intake.stretch == pytest.approx(4)
        assert 400 <= await rim.seconds_until_taken() < 401

    run(work())


def test_resyncs_are_stretched_by_what_each_kazoo_may_be_asked() -> None:
    async def work() -> None:
        rim = Rim(rate=0.01)
        rim.intake.observe("TelephonyBackend", account(90, name="eu", requestsPerSecond=50))
        rim.see(account(status=ready(), resyncInterval="100s", backendRef={"name": "eu"}))
        assert rim.intake.stretch == 1, "this one's KAZOO is asked at its own pace, not at the settings'"

    run(work())

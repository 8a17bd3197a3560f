"""Objects that await others: woken at once, never missed, never by a scan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Key
from kazoo_operator.core.outcome import Outcome, Reason, State
from kazoo_operator.kube import parking
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.intake import Intake
from kazoo_operator.kube.objects import CachedObjects
from kazoo_operator.kube.parking import Parking
from kazoo_operator.kube.workqueue import WorkQueue
from tests.kube.clock import run
from tests.kube.objects import account, ready
from tests.steps import steps

PARENT = Key("Account", "default", "parent")
CHILD = Key("Account", "default", "child")
WAITING = Outcome.of(Reason.INVALID_SPEC, "It awaits its parent.", awaits=[PARENT])


class Rim:
    """Cache, queue and intake, with a child whose passes end awaiting its parent."""

    def __init__(self) -> None:
        self.cache = Cache()
        self.queue: WorkQueue[Key] = WorkQueue(lambda low, high: high)
        self.intake = Intake(self.cache, {"Account": "f/f"}, 2, 50, lambda low, high: high)
        self.intake.begin(self.queue)

    def see(self, name: str, version: int, **parts: Any) -> None:
        self.intake.observe("Account", account(version, name=name, **parts))

    async def take(self) -> Key | None:
        key = await self.queue.take()
        assert key is not None
        entry = self.cache.get(key)
        assert entry is not None
        self.intake.pass_begins(key, entry)
        return key

    def settle(self, key: Key = CHILD, outcome: Outcome = WAITING) -> None:
        entry = self.cache.get(key)
        assert entry is not None
        entry.open = False
        self.intake.come_back(key, outcome)
        self.queue.done(key)

    async def park(self) -> None:
        """A child that awaits its parent and has nothing else to come back for."""
        self.see("child", 100, parentRef={"name": "parent"})
        assert await self.take() == CHILD
        self.settle()
        assert not self.queue.expects(CHILD)


def in_a_loop(test: Callable[[Rim], Any]) -> None:
    async def work() -> None:
        await test(Rim())

    run(work())


def creating(generation: int = 1, **more: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "False", "reason": "Creating"}
    return {"observedGeneration": generation, "conditions": [condition], **more}


def deleting(version: int) -> dict[str, Any]:
    body = account(version, name="parent", status=creating())
    body["metadata"] |= {"deletionTimestamp": "2026-11-25T06:00:00Z", "finalizers": ["other/x"]}
    return body


CHANGES: dict[str, Callable[[Rim], None]] = {
    "its generation": lambda rim: rim.see("parent", 111, generation=2, status=creating()),
    "its Ready condition": lambda rim: rim.see("parent", 111, status=ready()),
    "its account id": lambda rim: rim.see("parent", 111, status=creating(accountID="a" * 32)),
    "its deletion": lambda rim: rim.intake.observe("Account", deleting(111)),
    "that it is gone": lambda rim: rim.intake.deleted("Account", account(111, name="parent")),
    "that another has its name": lambda rim: rim.see("parent", 111, uid="uid-2", status=creating()),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_parked_object_is_woken_at_once_by_a_change_of_what_it_awaits(what: str) -> None:
    async def test(rim: Rim) -> None:
        rim.see("parent", 99, status=creating())
        assert await rim.take() == PARENT
        rim.settle(PARENT, Outcome.of(Reason.INVALID_SPEC, "No."))
        await rim.park()
        rim.see("parent", 110, status=creating(balance="1.00"))
        assert CHILD not in rim.queue._ready, "a balance is nothing that anybody awaits"
        CHANGES[what](rim)
        assert CHILD in rim.queue._ready

    in_a_loop(test)


def test_a_parked_object_is_woken_when_what_it_awaits_appears() -> None:
    async def test(rim: Rim) -> None:
        await rim.park()
        rim.see("parent", 110)
        assert CHILD in rim.queue._ready

    in_a_loop(test)


def test_our_own_status_write_wakes_as_an_event_does() -> None:
    async def test(rim: Rim) -> None:
        rim.see("parent", 99)
        assert await rim.take() == PARENT
        await rim.park()
        rim.cache.put("Account", account(120, name="parent", status=ready()))
        assert CHILD in rim.queue._ready

    in_a_loop(test)


def test_a_change_while_the_pass_was_on_is_not_missed() -> None:
    async def test(rim: Rim) -> None:
        rim.see("child", 100, parentRef={"name": "parent"})
        assert await rim.take() == CHILD
        rim.see("parent", 105, status=ready())
        assert CHILD not in rim.queue._again
        rim.settle()
        assert CHILD in rim.queue._ready

    in_a_loop(test)


def test_a_change_before_the_pass_began_does_not_wake() -> None:
    async def test(rim: Rim) -> None:
        rim.see("parent", 99, status=ready())
        await rim.park()

    in_a_loop(test)


def test_it_is_woken_once_and_parked_anew_by_its_next_pass() -> None:
    async def test(rim: Rim) -> None:
        await rim.park()
        rim.see("parent", 110, status=ready())
        assert await rim.take() == CHILD
        rim.settle(outcome=Outcome.of(Reason.INVALID_SPEC, "It awaits nobody now."))
        rim.see("parent", 111, generation=2, status=ready())
        assert CHILD not in rim.queue._ready

    in_a_loop(test)


def test_it_comes_back_by_itself_too_when_its_outcome_says_so() -> None:
    async def test(rim: Rim) -> None:
        rim.see("child", 100)
        await rim.take()
        rim.settle(outcome=Outcome.of(Reason.REALM_TAKEN, "So.", State.STALLED, awaits=[PARENT]))
        began = asyncio.get_running_loop().time()
        assert await rim.take() == CHILD
        assert asyncio.get_running_loop().time() - began == pytest.approx(720, abs=1)

    in_a_loop(test)


def test_waking_leaves_the_failures_of_the_woken_as_they_are() -> None:
    async def test(rim: Rim) -> None:
        rim.see("child", 100)
        failing = Outcome.of(Reason.BACKEND_UNAVAILABLE, "So.", awaits=[PARENT])
        for number in range(4):
            assert await rim.take() == CHILD
            rim.settle(outcome=failing)
            rim.see("parent", 200 + number, generation=number + 2)
            if PARENT in rim.queue._ready:
                rim.queue.discard(PARENT)
        assert await rim.take() == CHILD
        rim.settle(outcome=failing)
        began = asyncio.get_running_loop().time()
        assert await rim.take() == CHILD
        assert asyncio.get_running_loop().time() - began == pytest.approx(16, abs=1)

    in_a_loop(test)


def test_a_parked_object_that_is_gone_is_not_woken() -> None:
    async def test(rim: Rim) -> None:
        await rim.park()
        rim.intake.deleted("Account", account(101, name="child"))
        rim.see("parent", 110, status=ready())
        assert CHILD not in rim.queue._ready

    in_a_loop(test)


def test_ten_thousand_children_are_woken_without_a_scan() -> None:
    parked = Parking()
    children = [Key("Account", "default", f"c{number}") for number in range(10_000)]
    others = [Key("Account", "default", f"o{number}") for number in range(10_000)]
    for one in children:
        assert parked.park(one, [PARENT, PARENT], parked.count)
    assert all(parked.moved(one) == () for one in others)
    assert steps(lambda: parked.moved(others[0])) < 100, "a change that nobody awaits costs nothing"
    assert parked.moved(PARENT) == tuple(children)
    assert parked.moved(PARENT) == ()


def test_what_changed_long_ago_counts_as_changed_for_a_pass_that_began_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parking, "_REMEMBERED", 10)
    parked = Parking()
    since = parked.count
    parked.moved(PARENT)
    for number in range(20):
        parked.moved(Key("Account", "default", f"o{number}"))
    assert not parked.park(CHILD, [PARENT], since)
    assert parked.park(CHILD, [PARENT], parked.count)
    assert len(parked._moved) <= 10


def test_the_children_of_an_account_are_found_by_an_index() -> None:
    cache = Cache()
    objects = CachedObjects(cache)
    cache.put("Account", account(1, name="child", parentRef={"name": "parent"}))
    cache.put("Account", account(2, name="child", namespace="other", parentRef={"name": "parent"}))
    cache.put("Account", account(3, name="by-realm", parentRef={"realm": "parent"}))
    assert objects.get(PARENT) is None
    assert [one.key for one in objects.referring_to(PARENT)] == [CHILD]
    cache.put("Account", account(4, name="child", parentRef={"name": "elsewhere"}))
    assert list(objects.referring_to(PARENT)) == []
    (moved,) = objects.referring_to(Key("Account", "default", "elsewhere"))
    assert moved.spec == {"parentRef": {"name": "elsewhere"}}
    cache.remove(CHILD, "5")
    assert list(objects.referring_to(Key("Account", "default", "elsewhere"))) == []
    assert set(cache._referring) == {Key("Account", "other", "parent")}


def test_the_accounts_that_manage_a_realm_are_found_by_an_index() -> None:
    cache = Cache()
    objects = CachedObjects(cache)
    cache.put("Account", account(1, name="child", realm="acme.example.com"))
    cache.put("Account", account(2, name="far", namespace="other", realm="acme.example.com"))
    cache.put("Account", account(3, name="eye", realm="acme.example.com", managementPolicy="ObserveOnly"))
    cache.put("Account", account(4, name="odd", realm=5))
    assert [one.key.name for one in objects.with_realm("acme.example.com")] == ["child", "far"]
    cache.put("Account", account(5, name="child", realm="new.example.com"))
    assert [one.key.name for one in objects.with_realm("acme.example.com")] == ["far"]
    assert [one.key.name for one in objects.with_realm("new.example.com")] == ["child"]
    cache.remove(CHILD, "6")
    assert set(cache._with_realm) == {"acme.example.com"}

"""Who leads, and when nobody may write: measured on our own clock alone."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from kazoo_operator.kube.deletions import ANNOTATION, LeaseDeletions
from kazoo_operator.kube.lease import Always, Lease
from kazoo_operator.kube.lease_object import LeaseObject
from kazoo_operator.kube.session import Refused, Unreachable
from kazoo_operator.surroundings import Deletion
from tests.kube.api_server import merge
from tests.kube.clock import run

CONFLICT = Refused(409, "Conflict", "as the test says")


class Shared:
    """The Lease as the API server has it, and what befalls requests for it."""

    def __init__(self) -> None:
        self.body: dict[str, Any] | None = None
        self.version = 1
        self.writes = 0
        self.away = False
        self.before_a_patch: Callable[[], None] = lambda: None

    async def get(self, path: str) -> dict[str, Any]:
        self._answer()
        assert path == "/apis/coordination.k8s.io/v1/namespaces/home/leases/kazoo-operator"
        if self.body is None:
            raise Refused(404, "NotFound", "no lease")
        return copy.deepcopy(self.body)

    async def post(self, path: str, body: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        self._answer()
        assert path == "/apis/coordination.k8s.io/v1/namespaces/home/leases"
        if self.body is not None:
            raise CONFLICT
        self.body = body
        return self.touch()

    async def patch(self, path: str, patch: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        self._answer()
        self.before_a_patch()
        if self.body is None:
            raise Refused(404, "NotFound", "no lease")
        if patch["metadata"]["resourceVersion"] != self.body["metadata"]["resourceVersion"]:
            raise CONFLICT
        self.body = merge(self.body, patch)
        return self.touch()

    def touch(self, **spec: Any) -> dict[str, Any]:
        assert self.body is not None
        self.version += 1
        self.writes += 1
        self.body["metadata"]["resourceVersion"] = str(self.version)
        self.body["spec"].update(spec)
        return copy.deepcopy(self.body)

    @property
    def holder(self) -> str:
        return str((self.body or {}).get("spec", {}).get("holderIdentity") or "")

    def _answer(self) -> None:
        if self.away:
            raise Unreachable("as the test says")


class Process:
    """One process that campaigns; `stop` and `go_on` are SIGSTOP and SIGCONT."""

    def __init__(self, shared: Shared) -> None:
        self.lease = Lease(LeaseObject(shared, "home"), asyncio.get_running_loop().time)  # type: ignore[arg-type]
        self.lease.campaign()
        self.task = asyncio.create_task(self.lease.run())

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def in_a_loop(test: Callable[[Shared], Coroutine[Any, Any, None]]) -> None:
    async def work() -> None:
        await test(Shared())
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    run(work())


def now() -> float:
    return asyncio.get_running_loop().time()


def test_the_first_makes_the_lease_and_leads_at_once_and_renews_it() -> None:
    async def test(shared: Shared) -> None:
        one = Process(shared)
        assert not one.lease.leads()
        await one.lease.held.wait()
        assert one.lease.leads()
        assert shared.holder == one.lease.identity
        assert shared.body is not None
        assert shared.body["spec"]["leaseDurationSeconds"] == 10
        before = shared.writes
        await asyncio.sleep(100)
        assert one.lease.leads()
        assert 49 <= shared.writes - before <= 51, "a write each 2 s, and no read"

    in_a_loop(test)


def test_two_processes_are_never_the_same_holder() -> None:
    async def test(shared: Shared) -> None:
        assert Process(shared).lease.identity != Process(shared).lease.identity

    in_a_loop(test)


def test_a_standby_takes_over_when_the_record_stood_still_for_its_duration_and_not_before() -> None:
    async def test(shared: Shared) -> None:
        one, two = Process(shared), Process(shared)
        await one.lease.held.wait()
        await asyncio.sleep(60)
        assert not two.lease.held.is_set()
        await one.end()
        died = now()
        while one.lease.leads():
            assert not two.lease.leads(), "never both"
            await asyncio.sleep(0.05)
        async with asyncio.timeout(100):
            await two.lease.held.wait()
        assert 8 <= now() - died <= 13
        assert shared.holder == two.lease.identity
        assert shared.body is not None
        assert shared.body["spec"]["leaseTransitions"] == 1

    in_a_loop(test)


@pytest.mark.parametrize("stamp", ["1990-01-01T00:00:00.000000Z", "2090-01-01T00:00:00.000000Z"])
def test_the_time_that_stands_in_a_record_is_never_compared_with_ours(stamp: str) -> None:
    async def test(shared: Shared) -> None:
        shared.body = {"metadata": {}, "spec": {"holderIdentity": "other", "leaseDurationSeconds": 10}}
        shared.touch(renewTime=stamp)
        one = Process(shared)
        for number in range(20):
            await asyncio.sleep(5)
            shared.touch(renewTime=stamp.replace(".000000Z", f".{number:06}Z"))
            assert not one.lease.held.is_set()
        began = now()
        await one.lease.held.wait()
        assert 9 <= now() - began <= 13

    in_a_loop(test)


def test_a_lease_that_was_given_back_is_taken_at_the_next_look() -> None:
    async def test(shared: Shared) -> None:
        one, two = Process(shared), Process(shared)
        await one.lease.held.wait()
        await asyncio.sleep(5)
        await one.end()
        await one.lease.release()
        assert not one.lease.leads()
        assert shared.holder == ""
        began = now()
        await two.lease.held.wait()
        assert now() - began <= 2.1

    in_a_loop(test)


def test_a_lease_whose_version_moved_is_given_back_all_the_same_and_anothers_is_left() -> None:
    async def test(shared: Shared) -> None:
        one = Process(shared)
        await one.lease.held.wait()
        await one.end()
        shared.touch()
        await one.lease.release()
        assert shared.holder == ""
        two = Process(shared)
        await two.lease.held.wait()
        await two.end()
        shared.touch(holderIdentity="other")
        await two.lease.release()
        assert shared.holder == "other"

    in_a_loop(test)


def test_who_cannot_renew_stops_leading_before_anybody_could_take_over_and_goes_on_when_it_can() -> None:
    async def test(shared: Shared) -> None:
        one = Process(shared)
        await one.lease.held.wait()
        shared.away = True
        began = now()
        while one.lease.leads():
            await asyncio.sleep(0.05)
        assert 5.9 <= now() - began <= 8.1
        assert one.lease.held.is_set(), "nobody is known to have taken it"
        await asyncio.sleep(70)
        assert one.lease.trouble is not None
        assert "as the test says" in one.lease.trouble
        shared.away = False
        await asyncio.sleep(2.1)
        assert one.lease.leads()
        assert one.lease.trouble is None
        assert not one.lease.lost.is_set()

    in_a_loop(test)


def test_a_renewal_counts_from_when_it_began() -> None:
    async def test(shared: Shared) -> None:
        one = Process(shared)
        await one.lease.held.wait()
        await one.end()
        slow = shared.patch

        async def patch(*arguments: Any) -> dict[str, Any]:
            await asyncio.sleep(2.5)
            return await slow(*arguments)

        shared.patch = patch  # type: ignore[method-assign]
        began = now()
        await one.lease.attempt()
        assert now() - began == pytest.approx(2.5, abs=0.1)
        await asyncio.sleep(5.4)
        assert one.lease.leads()
        await asyncio.sleep(0.2)
        assert not one.lease.leads(), "8 s after the renewal began"

    in_a_loop(test)


def test_a_server_that_answers_late_is_not_waited_for() -> None:
    async def test(shared: Shared) -> None:
        async def get(path: str) -> dict[str, Any]:
            await asyncio.sleep(3600)
            raise AssertionError

        shared.get = get  # type: ignore[method-assign]
        began = now()
        with pytest.raises(Unreachable, match="within 3 s"):
            await LeaseObject(shared, "home").read()  # type: ignore[arg-type]
        assert now() - began == pytest.approx(3, abs=0.1)

    in_a_loop(test)


def test_who_was_stopped_finds_itself_not_leading_and_then_that_another_does() -> None:
    async def test(shared: Shared) -> None:
        one = Process(shared)
        await one.lease.held.wait()
        await one.end()
        await asyncio.sleep(12)
        assert not one.lease.leads(), "before anything else is done"
        shared.touch(holderIdentity="other")
        await one.lease.attempt()
        assert one.lease.lost.is_set()
        assert not one.lease.held.is_set()
        shared.touch(holderIdentity="")
        await one.lease.attempt()
        assert not one.lease.held.is_set(), "its old term is not wound up yet"
        one.lease.campaign()
        await one.lease.attempt()
        assert one.lease.leads()
        assert not one.lease.lost.is_set()

    in_a_loop(test)


def test_a_standby_does_not_campaign_before_it_is_asked_to() -> None:
    async def test(shared: Shared) -> None:
        lease = Lease(LeaseObject(shared, "home"), asyncio.get_running_loop().time)  # type: ignore[arg-type]
        running = asyncio.create_task(lease.run())
        await asyncio.sleep(30)
        assert shared.body is None
        assert lease.trouble is None
        began = now()
        lease.campaign()
        await lease.held.wait()
        assert now() - began < 0.1
        running.cancel()

    in_a_loop(test)


def test_of_two_that_grasp_at_once_one_gets_it() -> None:
    async def test(shared: Shared) -> None:
        shared.body = {"metadata": {}, "spec": {"holderIdentity": "", "leaseDurationSeconds": 10}}
        shared.touch()
        one, two = Process(shared), Process(shared)
        shared.before_a_patch = lambda: setattr(shared, "before_a_patch", lambda: None) or shared.touch()  # type: ignore[func-returns-value]
        await asyncio.sleep(5)
        assert [one.lease.leads(), two.lease.leads()].count(True) == 1

    in_a_loop(test)


def test_a_lease_that_somebody_deleted_is_made_anew_by_its_holder() -> None:
    async def test(shared: Shared) -> None:
        one = Process(shared)
        await one.lease.held.wait()
        shared.body = None
        await asyncio.sleep(2.1)
        assert shared.holder == one.lease.identity
        assert one.lease.leads()
        assert not one.lease.lost.is_set()

    in_a_loop(test)


def test_nonsense_on_the_lease_does_not_end_the_election() -> None:
    async def test(shared: Shared) -> None:
        shared.body = {"metadata": {}, "spec": {"holderIdentity": "", "leaseTransitions": "many"}}
        shared.touch()
        one = Process(shared)
        await asyncio.sleep(15)
        assert not one.task.done()
        assert one.lease.trouble is not None
        shared.touch(leaseTransitions=3)
        await one.lease.held.wait()
        assert one.lease.leads()

    in_a_loop(test)


def test_without_election_we_lead_and_the_lease_is_made_and_never_taken() -> None:
    async def test(shared: Shared) -> None:
        shared.away = True
        always = Always(LeaseObject(shared, "home"))  # type: ignore[arg-type]
        assert always.leads()
        assert always.held.is_set()
        making = asyncio.create_task(always.run())
        await asyncio.sleep(5)
        assert always.trouble is None
        shared.away = False
        await making
        assert shared.body is not None
        assert shared.holder == ""
        shared.touch(holderIdentity="other")
        await always.run()
        await always.release()
        assert shared.holder == "other"

    in_a_loop(test)


class Memory:
    """The deletions on a shared Lease, with a clock that the test sets."""

    def __init__(self, shared: Shared) -> None:
        self.time = 10_000.0
        self.leads = True
        lease = LeaseObject(shared, "home")  # type: ignore[arg-type]
        self.deletions = LeaseDeletions(lease, lambda: self.time, lambda: self.leads)


def test_deletions_are_remembered_for_an_hour_beside_renewals() -> None:
    async def test(shared: Shared) -> None:
        one, memory = Process(shared), Memory(shared)
        await one.lease.held.wait()
        assert await memory.deletions.read() == ()
        await memory.deletions.add("a" * 32)
        await asyncio.sleep(11)
        memory.time += 1800
        await memory.deletions.add("b" * 32)
        await asyncio.sleep(11)
        assert await memory.deletions.read() == (Deletion("a" * 32, 10_000), Deletion("b" * 32, 11_800))
        assert one.lease.leads()
        assert shared.holder == one.lease.identity
        memory.time += 1801
        assert await memory.deletions.read() == (Deletion("b" * 32, 11_800),)
        await memory.deletions.add("c" * 32)
        assert shared.body is not None
        assert "a" * 32 not in shared.body["metadata"]["annotations"][ANNOTATION]

    in_a_loop(test)


def test_a_deletion_is_noted_also_when_a_renewal_comes_in_between_and_where_there_is_no_lease() -> None:
    async def test(shared: Shared) -> None:
        memory = Memory(shared)
        await memory.deletions.add("a" * 32)
        shared.before_a_patch = lambda: setattr(shared, "before_a_patch", lambda: None) or shared.touch()  # type: ignore[func-returns-value]
        await memory.deletions.add("b" * 32)
        assert [one.account_id for one in await memory.deletions.read()] == ["a" * 32, "b" * 32]

    in_a_loop(test)


def test_what_cannot_be_noted_or_read_is_an_os_error() -> None:
    async def test(shared: Shared) -> None:
        memory = Memory(shared)
        await memory.deletions.add("a" * 32)
        memory.leads = False
        with pytest.raises(OSError, match="does not lead"):
            await memory.deletions.add("b" * 32)
        memory.leads, shared.away = True, True
        with pytest.raises(OSError, match="cannot be noted"):
            await memory.deletions.add("b" * 32)
        with pytest.raises(OSError, match="cannot be read"):
            await memory.deletions.read()
        shared.away = False
        for text in ("{", "[1]", '[{"accountID": "x"}]', "null", '[{"accountID": "x", "at": "soon"}]'):
            assert shared.body is not None
            shared.body["metadata"]["annotations"][ANNOTATION] = text
            with pytest.raises(OSError, match="correct it or take it away"):
                await memory.deletions.read()
            with pytest.raises(OSError, match="correct it or take it away"):
                await memory.deletions.add("b" * 32)

    in_a_loop(test)

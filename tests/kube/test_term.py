"""Terms: who does not lead watches along and writes nothing, and who leads starts from what needs work."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from aiohttp import web

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.outcome import Outcome, Pass, Reason
from kazoo_operator.kube import lease, supervisor, term, workqueue
from kazoo_operator.kube.reconciler import Progress
from kazoo_operator.surroundings import Deletion
from tests.kube.api_server import FakeApiServer, status
from tests.kube.harness import GRACE, Engine, Operator, options_for, ready, running
from tools.stack import PATIENCE

READY = {
    "observedGeneration": 1,
    "conditions": [
        {"type": "Ready", "status": "True", "reason": "Ready", "lastTransitionTime": "2026-11-25"}
    ],
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease of a second, renewed each tenth of one."""
    monkeypatch.setattr(lease, "DURATION", 1)
    monkeypatch.setattr(lease, "_MARGIN", 0.3)
    monkeypatch.setattr(lease, "_EVERY", 0.1)
    monkeypatch.setattr(term, "_GRACE_OF_A_LOSER", 0.1)
    monkeypatch.setattr(supervisor, "_BASE", 0.05)
    monkeypatch.setattr(workqueue, "_BASE", 0.02)
    monkeypatch.setattr(workqueue, "_CAP", 0.1)


def held_by(server: FakeApiServer, holder: str, duration: int = 3600) -> None:
    """Somebody has the Lease."""
    server.lease = server.lease or {"metadata": {"name": "kazoo-operator"}, "spec": {}}
    server.touch_lease(holderIdentity=holder, leaseDurationSeconds=duration)


async def leads(operator: Operator) -> bool:
    return 'leader_election_master_status{name="kazoo-operator"} 1.0' in (await operator.probe("/metrics"))[1]


async def test_a_standby_is_ready_sees_everything_and_does_nothing_until_the_lease_is_given_back(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    held_by(server, "other")
    server.create("new")
    server.create("fine", **READY)
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        server.create("later")
        await operator.quiet()
        assert (engine.passes, engine.terms, server.writes) == ([], 0, [])
        assert not await leads(operator)
        listings = server.count("GET", "limit=500")
        held_by(server, "")
        await operator.until(lambda: len(server.writes) == 2)
        await operator.quiet()
        assert sorted(engine.passes) == ["later", "new"], "what is Ready is not read anew"
        assert server.count("GET", "limit=500") == listings, "its caches were warm"
        assert await leads(operator)


async def test_a_standby_takes_over_from_one_that_renews_no_more(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    held_by(server, "other", duration=1)
    server.create("acme")
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        for number in range(10):
            held_by(server, "other", duration=1)
            server.touch_lease(renewTime=f"2026-11-25T06:00:00.{number:06}Z")
            await operator.quiet(0.2)
        assert engine.passes == []
        await operator.until(lambda: server.writes)
        assert server.holder != "other"


async def test_at_sigterm_the_lease_is_given_back_after_the_passes_have_ended(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    holders: list[str] = []

    async def slow(resource: Resource, progress: Progress) -> Pass:
        await asyncio.sleep(2)
        holders.append(server.holder)
        return await ready(resource, progress)

    engine.work = slow
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        server.create("acme")
        await operator.until(lambda: engine.passes)
        identity = server.holder
        await operator.end()
    assert holders == [identity], "it was renewed beyond its duration while the pass went on"
    assert server.holder == ""
    assert server.status_of("acme")["balance"] == "25.00"


async def test_who_loses_the_lease_writes_nothing_more_and_begins_anew_with_a_fresh_engine(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    go = asyncio.Event()
    leading: list[bool] = []

    async def creation(resource: Resource, progress: Progress) -> Pass:
        progress.outcome = Outcome.of(Reason.CREATING, "KAZOO is making the account.")
        await go.wait()
        assert engine.surroundings is not None
        leading.append(engine.surroundings.leads())
        return await ready(resource, progress)

    engine.work = creation
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        server.create("acme")
        await operator.until(lambda: engine.passes)
        held_by(server, "other")
        await operator.until(lambda: not engine.surroundings or not engine.surroundings.leads())
        await operator.quiet(0.5)
        assert engine.cut == [], "a creation in flight is not cut"
        go.set()
        await operator.until(lambda: engine.closed)
        await operator.quiet()
        assert leading == [False]
        assert server.writes == [], "no status either"
        assert server.events == []
        assert (await operator.probe("/readyz"))[0] == 200, "a standby like any other"
        held_by(server, "")
        await operator.until(lambda: server.status_of("acme").get("balance") == "25.00")
        assert engine.terms == 2
        assert engine.passes == ["acme", "acme"]


async def test_passes_that_wait_for_no_creation_are_cut_when_the_lease_is_lost(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    async def hangs(resource: Resource, progress: Progress) -> Pass:
        await asyncio.sleep(3600)
        return await ready(resource, progress)

    engine.work = hangs
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        server.create("acme")
        await operator.until(lambda: engine.passes)
        held_by(server, "other")
        await operator.until(lambda: engine.closed)
        assert engine.cut == ["acme"]
        assert server.writes == []


def lease_away(request: web.Request) -> web.Response | None:
    return status(503, "Away") if "/leases" in request.path else None


async def test_while_the_lease_cannot_be_renewed_nothing_is_begun_or_written_and_then_it_goes_on(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    go = asyncio.Event()

    async def slow(resource: Resource, progress: Progress) -> Pass:
        await go.wait()
        return await ready(resource, progress)

    engine.work = slow
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        server.create("in-flight")
        await operator.until(lambda: engine.passes)
        server.fault = lease_away
        surroundings = engine.surroundings
        assert surroundings is not None
        await operator.until(lambda: not surroundings.leads())
        server.create("later")
        go.set()
        await operator.quiet(0.5)
        assert (engine.passes, server.writes) == (["in-flight"], [])
        while "the Lease kazoo-operator in default" not in (await operator.probe("/readyz"))[1]:
            await operator.quiet(0.1)
        server.fault = lambda _: None
        await operator.until(lambda: len(server.writes) == 2)
        await operator.quiet(1.2)
        assert sorted(engine.passes) == ["in-flight", "later"], "the pass that went well is not made again"
        assert engine.terms == 1, "nobody else has led"


async def test_a_pass_that_went_wrong_while_we_did_not_lead_is_made_again_and_not_told(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    async def refused(resource: Resource, progress: Progress) -> Pass:
        server.fault = lease_away
        assert engine.surroundings is not None
        while engine.surroundings.leads():
            await asyncio.sleep(0.05)
        engine.work = ready
        asyncio.get_running_loop().call_later(0.5, setattr, server, "fault", lambda _: None)
        return Pass(Outcome.of(Reason.WRITE_CONFLICT, "This process does not lead."))

    engine.work = refused
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        server.create("acme")
        await operator.until(lambda: server.writes)
        await operator.quiet()
        assert engine.passes == ["acme", "acme"]
        assert len(server.writes) == 1
        assert server.status_of("acme")["balance"] == "25.00"


async def test_no_pass_starts_before_everything_was_listed_once(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    for number in range(501):
        server.create(f"a{number}")
    server.fault = lambda r: status(503, "Away") if r.query.get("continue") else None
    seen: list[bool] = []

    async def looking_up(resource: Resource, progress: Progress) -> Pass:
        assert engine.surroundings is not None
        last = engine.surroundings.objects.get(Key("Account", "default", "a99"))
        seen.append(last is not None)
        return await ready(resource, progress)

    engine.work = looking_up
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until(lambda: server.asked(3, "GET", "continue=500"))
        assert engine.passes == []
        assert server.lease is None, "who knows nothing yet does not ask for the Lease either"
        server.fault = lambda _: None
        await operator.until(lambda: len(seen) == 501)
    assert all(seen)


async def test_a_child_is_woken_by_our_own_write_to_its_parent(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    parent = Key("Account", "default", "parent")

    async def work(resource: Resource, progress: Progress) -> Pass:
        if resource.key == parent:
            return await ready(resource, progress)
        assert engine.surroundings is not None
        found = engine.surroundings.objects.get(parent)
        if found is None or not found.ready:
            return Pass(Outcome.of(Reason.INVALID_SPEC, "It awaits its parent.", awaits=[parent]))
        return await ready(resource, progress)

    engine.work = work
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        for number in range(50):
            server.create(f"child-{number}", {"parentRef": {"name": "parent"}})
        children = [f"child-{number}" for number in range(50)]
        await operator.until(lambda: len(server.writes) == 50)
        await operator.quiet()
        # On a starved machine the Lease may be unsure for a moment, and a pass is made again.
        passes = list(engine.passes)
        assert sorted(set(passes)) == sorted(children)
        await operator.quiet(1.5)
        assert engine.passes == passes, "they do not poll"
        server.create("parent")
        await operator.until(lambda: all(server.status_of(child).get("balance") for child in children))
        assert len(server.writes) == 101
        assert engine.surroundings is not None
        assert len(list(engine.surroundings.objects.referring_to(parent))) == 50


async def test_what_is_deleted_is_remembered_on_the_lease(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        await operator.until(lambda: engine.surroundings)
        assert engine.surroundings is not None
        await engine.surroundings.deletions.add("a" * 32)
        await operator.quiet(0.5)
        [found] = await engine.surroundings.deletions.read()
        assert isinstance(found, Deletion)
        assert found.account_id == "a" * 32
        assert server.holder
    assert "a" * 32 in str(server.lease)


async def test_without_election_the_lease_is_made_and_left_to_whoever_has_it(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    async with running(options_for(kubeconfig, elect=False), engine) as operator:
        await operator.until(lambda: server.lease)
        held_by(server, "other")
        server.create("acme")
        await operator.until(lambda: server.writes)
        assert await leads(operator)
    assert server.holder == "other"
    assert [method for method, _ in server.lease_requests] == ["POST"]


async def test_without_the_right_to_the_lease_the_operator_says_so_and_does_nothing(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    server.fault = lambda r: status(403, "Forbidden", "leases") if "/leases" in r.path else None
    server.create("acme")
    async with running(options_for(kubeconfig), engine) as operator:
        async with asyncio.timeout(PATIENCE):
            while "the Lease kazoo-operator in default" not in (text := (await operator.probe("/readyz"))[1]):
                await operator.quiet(0.05)
        assert "403" in text
        assert (await operator.probe("/healthz"))[0] == 200, "a restart would not help"
        assert engine.passes == []


async def test_an_engine_that_cannot_start_ends_the_process_with_its_error(
    server: FakeApiServer, kubeconfig: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(surroundings: object) -> object:
        raise OSError("no key")

    monkeypatch.setattr(engine, "start", start)
    operator = Operator(options_for(kubeconfig), engine)
    with pytest.raises(OSError, match="no key"):
        async with asyncio.timeout(PATIENCE):
            await operator.task
    assert server.holder == "", "and the next one need not wait for it"


async def test_a_signal_to_a_standby_ends_it_at_once_and_leaves_the_lease(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    held_by(server, "other")
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(GRACE):
            await operator.task
    assert server.holder == "other"
    assert server.lease_requests == []

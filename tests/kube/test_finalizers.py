"""Our finalizer: on for as long as the account goes with the object, and each step's number of writes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.outcome import Event, Outcome, Pass, Reason
from kazoo_operator.kube import workqueue
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.finalizers import finalizer_patch
from kazoo_operator.kube.reconciler import Progress
from tests.kube.api_server import FakeApiServer, status, write_kubeconfig
from tests.kube.harness import Engine, Operator, options_for, ready, running
from tests.kube.objects import account

OURS = "kazoo-operator.io/account"
DELETE, RETAIN = {"deletionPolicy": "Delete"}, {"deletionPolicy": "Retain"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workqueue, "_BASE", 0.02)
    monkeypatch.setattr(workqueue, "_CAP", 0.1)


class Deleter:
    """An engine's work that confirms a deletion as soon as `confirmed` is set."""

    def __init__(self) -> None:
        self.confirmed = False
        self.seen: list[bool] = []

    async def __call__(self, resource: Resource, progress: Progress) -> Pass:
        self.seen.append(resource.deleting)
        if not resource.deleting:
            return await ready(resource, progress)
        if self.confirmed:
            outcome = Outcome.of(Reason.READY, "The account is deleted.")
            return Pass(outcome, released=True, events=(Event("Deleted", "The account is deleted."),))
        return Pass(Outcome.of(Reason.REALM_TAKEN, "Say confirm-delete."))


def verbs(server: FakeApiServer) -> list[str]:
    """What was written to Accounts: `status` or `finalizers`."""
    return ["status" if path.split("?")[0].endswith("/status") else "finalizers" for _, path in server.writes]


def finalizers(server: FakeApiServer, name: str = "acme") -> list[str]:
    found: list[str] = server.objects["default", name]["metadata"].get("finalizers") or []
    return found


async def test_under_delete_a_created_object_costs_two_writes_the_finalizer_first(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    seen: list[tuple[str, ...]] = []

    async def work(resource: Resource, progress: Progress) -> Pass:
        seen.append(resource.finalizers)
        return await ready(resource, progress)

    engine.work = work
    server.create("acme", dict(DELETE))
    await operator.until(lambda: len(server.writes) == 2)
    await operator.quiet()
    assert verbs(server) == ["finalizers", "status"]
    assert seen == [(OURS,)], "it is there before the first pass, and there is one pass"
    server.change("acme", timezone="UTC")
    await operator.until(lambda: len(server.writes) == 3)
    await operator.quiet()
    assert verbs(server) == ["finalizers", "status", "status"]


async def test_a_confirmed_deletion_costs_one_write_and_the_object_is_gone(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    work = Deleter()
    work.confirmed = True
    engine.work = work
    server.create("acme", dict(DELETE))
    await operator.until(lambda: len(server.writes) == 2)
    server.delete("acme")
    await operator.until(lambda: not server.objects)
    await operator.quiet()
    assert verbs(server) == ["finalizers", "status", "finalizers"]
    assert work.seen == [False, True]
    assert [event["reason"] for event in server.events] == ["Ready", "Deleted"]


async def test_a_deletion_that_waits_for_its_confirmation_says_so_and_goes_on_when_it_comes(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    work = Deleter()
    engine.work = work
    server.create("acme", dict(DELETE))
    await operator.until(lambda: len(server.writes) == 2)
    server.delete("acme")
    await operator.until(lambda: len(server.writes) == 3)
    await operator.quiet()
    assert verbs(server) == ["finalizers", "status", "status"]
    assert finalizers(server) == [OURS]
    work.confirmed = True
    server.touch("acme", annotations={"kazoo-operator.io/confirm-delete": "Acme"})
    await operator.until(lambda: not server.objects)
    assert verbs(server) == ["finalizers", "status", "status", "finalizers"]
    assert work.seen == [False, True, True]


async def test_under_retain_there_is_none_and_a_deletion_costs_nothing(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    server.create("acme", dict(RETAIN))
    await operator.until(lambda: server.writes)
    server.touch("acme", finalizers=["somebody.else/hold"])
    server.delete("acme")
    await operator.quiet()
    assert verbs(server) == ["status"]
    assert finalizers(server) == ["somebody.else/hold"]
    assert engine.passes == ["acme"]


async def test_who_turns_to_retain_gets_our_finalizer_removed_and_no_other(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    server.create("acme", dict(DELETE))
    await operator.until(lambda: len(server.writes) == 2)
    server.touch("acme", finalizers=["a/a", OURS, "b/b"])
    server.change("acme", deletionPolicy="Retain")
    await operator.until(lambda: len(server.writes) == 4)
    await operator.quiet()
    assert finalizers(server) == ["a/a", "b/b"]
    assert verbs(server)[2:] == ["finalizers", "status"]


async def test_who_turns_to_retain_while_being_deleted_is_released_without_a_pass(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    engine.work = Deleter()
    server.create("acme", dict(DELETE))
    await operator.until(lambda: len(server.writes) == 2)
    server.delete("acme")
    await operator.until(lambda: len(server.writes) == 3)
    passes = len(engine.passes)
    server.change("acme", deletionPolicy="Retain")
    await operator.until(lambda: not server.objects)
    await operator.quiet()
    assert len(engine.passes) == passes
    assert verbs(server)[3:] == ["finalizers"]


async def test_an_object_found_in_deletion_with_our_finalizer_is_taken_up_by_a_new_life(
    server: FakeApiServer, tmp_path: Path, engine: Engine
) -> None:
    work = Deleter()
    work.confirmed = True
    engine.work = work
    server.create("acme", dict(DELETE))
    server.touch("acme", finalizers=[OURS])
    server.delete("acme")
    async with running(options_for(write_kubeconfig(tmp_path / "c", server.url)), engine) as operator:
        await operator.until(lambda: not server.objects)
        await operator.quiet()
    assert work.seen == [True]
    assert verbs(server) == ["finalizers"]


async def test_an_object_under_delete_that_goes_before_we_have_a_finalizer_gets_none(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    server.fault = lambda r: status(503, "Away") if r.method == "PATCH" and "/leases" not in r.path else None
    server.create("acme", dict(DELETE))
    await operator.until(lambda: server.asked(1, "PATCH", "accounts/acme"))
    server.touch("acme", finalizers=["somebody.else/hold"])
    server.delete("acme")
    await operator.quiet()
    server.fault = lambda _: None
    tries = len(server.writes)
    await operator.quiet()
    assert len(server.writes) == tries
    assert engine.passes == []
    assert finalizers(server) == ["somebody.else/hold"]


async def test_a_finalizer_that_cannot_be_written_holds_the_pass_back_and_is_tried_again(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    server.fault = lambda r: status(403, "Forbidden") if r.path.endswith("/accounts/acme") else None
    server.create("acme", dict(DELETE))
    await operator.until(lambda: server.asked(5, "PATCH", "accounts/acme"))
    assert engine.passes == []
    assert "grant patch" in str(server.status_of("acme")), "somebody must be told"
    assert verbs(server).count("status") == 1, "once"
    server.fault = lambda _: None
    await operator.until(lambda: server.status_of("acme").get("balance"))
    assert engine.passes == ["acme"]


async def test_a_write_in_between_makes_the_patch_be_computed_anew(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    once = iter([True])

    def fault(request: web.Request) -> None:
        if request.method == "PATCH" and request.path.endswith("/accounts/acme") and next(once, False):
            server.touch("acme", finalizers=["somebody.else/hold"])

    server.fault = fault
    server.create("acme", dict(DELETE))
    await operator.until(lambda: "conditions" in server.status_of("acme"))
    await operator.quiet()
    assert finalizers(server) == ["somebody.else/hold", OURS]
    assert engine.passes == ["acme"]


async def test_a_release_that_cannot_be_written_is_tried_again_without_another_pass(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    work = Deleter()
    work.confirmed = True
    engine.work = work
    server.create("acme", dict(DELETE))
    await operator.until(lambda: len(server.writes) == 2)
    refusals = iter([503, 403, 500])

    def fault(request: web.Request) -> web.Response | None:
        if request.method != "PATCH" or "/leases" in request.path or (code := next(refusals, None)) is None:
            return None
        return status(code, "AsTheTestSays")

    server.fault = fault
    server.delete("acme")
    await operator.until(lambda: not server.objects)
    assert work.seen == [False, True]


async def test_a_deletion_during_a_pass_is_taken_up_after_it(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    entered, go = asyncio.Event(), asyncio.Event()
    deleter = Deleter()
    deleter.confirmed = True

    async def work(resource: Resource, progress: Progress) -> Pass:
        if not resource.deleting:
            entered.set()
            await go.wait()
        return await deleter(resource, progress)

    engine.work = work
    server.create("acme", dict(DELETE))
    await entered.wait()
    server.delete("acme")
    await operator.quiet(0.1)
    go.set()
    await operator.until(lambda: not server.objects)
    assert deleter.seen == [False, True]
    assert verbs(server) == ["finalizers", "finalizers"], "the status of what is going is not written"


@pytest.mark.parametrize(
    ("present", "change"),
    [
        (None, {"op": "add", "path": "/metadata/finalizers", "value": [OURS]}),
        (["a/a"], {"op": "add", "path": "/metadata/finalizers/-", "value": OURS}),
        (["a/a", OURS], {"op": "remove", "path": "/metadata/finalizers/1"}),
    ],
)
def test_the_patch_holds_for_one_version_only(present: list[str] | None, change: dict[str, Any]) -> None:
    body = account(123)
    if present:
        body["metadata"]["finalizers"] = present
    cache = Cache()
    taken = cache.put("Account", body)
    assert taken is not None
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": "123"}
    assert finalizer_patch(taken[1], OURS) == [test, change]


def test_the_facts_of_an_object_can_be_compared() -> None:
    cache = Cache()
    taken = cache.put("Account", account(1))
    assert taken is not None
    facts = taken[1].facts
    assert facts.shown == replace(facts, wishes=("1", None, None, None)).shown
    assert facts.shown != replace(facts, deleting=True).shown

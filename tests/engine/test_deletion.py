"""An account's end: retained by default, confirmed by name, children first, a few an hour, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kazoo_operator.allowance import digest
from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.outcome import Outcome, Pass, Reason, Return, State
from kazoo_operator.engine import Engine
from tests.engine.conftest import Clock, Watching, World, account, after, awaited, until_ready

CONFIRMED = {"confirm-delete": "Acme Dental"}


async def _made(world: World, called: str = "acme", **spec: Any) -> tuple[Resource, str]:
    resource = account(called, deletionPolicy="Delete", **spec)
    found = await until_ready(world.engine(), resource)
    return after(resource, found), found.fields["accountID"]


def going(resource: Resource, notes: dict[str, str] | None = None, **spec: Any) -> Resource:
    """The object as it is being deleted."""
    said = {**resource.spec, **spec}
    return account(resource.key.name, status=resource.status, annotations=notes, deleting=True, **said)


async def _end(engine: Engine, resource: Resource) -> Pass:
    return await engine.reconcile(resource, Watching())


async def test_a_confirmed_account_is_deleted_once_and_the_object_released(world: World) -> None:
    resource, account_id = await _made(world)
    engine = world.engine()
    found = await _end(engine, going(resource, CONFIRMED))
    assert found.released
    assert [event.reason for event in found.events] == ["Deleted"]
    assert await world.accounts() == {}
    assert [noted.account_id for noted in world.memory.noted] == [account_id]
    again = await _end(world.engine(), going(resource, CONFIRMED))
    assert (again.released, again.events) == (True, ())
    assert await world.writes() == [("PUT", 201), ("DELETE", 200)]


@pytest.mark.parametrize("notes", [None, {"confirm-delete": "Acme"}, {"confirm-delete": "acme"}])
async def test_a_deletion_that_is_not_confirmed_by_the_name_waits(
    world: World, notes: dict[str, str] | None
) -> None:
    resource, account_id = await _made(world)
    found = await _end(world.engine(), going(resource, notes))
    assert (found.outcome.reason, found.outcome.state) == (Reason.DELETION_NOT_CONFIRMED, State.RECONCILING)
    assert found.outcome.comes_back is Return.ON_CHANGE
    assert "kazoo-operator.io/confirm-delete: Acme Dental" in found.outcome.message
    assert not found.released
    assert list(await world.accounts()) == [account_id]


async def test_children_are_deleted_first_and_named(world: World) -> None:
    resource, parent_id = await _made(world)
    world.objects.put(resource)
    child, _ = await _made(
        world, "child", name="Child", realm="child.pbx.example.com", parentRef={"name": "acme"}
    )
    world.objects.put(child)
    engine = world.engine(policy={"max_deletions_per_hour": 9})
    waits = await _end(engine, going(resource, CONFIRMED))
    assert (waits.outcome.reason, waits.outcome.state) == (Reason.HAS_DESCENDANTS, State.RECONCILING)
    assert "Child" in waits.outcome.message
    assert awaited(waits) == (Key("Account", "team", "child"),)
    assert (await _end(engine, going(child, {"confirm-delete": "Child"}))).released
    assert (await _end(engine, going(resource, CONFIRMED))).released
    assert (await world.writes())[-2:] == [("DELETE", 200)] * 2
    assert parent_id not in (await world.control("GET", "state"))["accounts"]


async def test_descendants_that_only_kazoo_sees_keep_the_account_too(world: World) -> None:
    resource, account_id = await _made(world)
    await world.fault({"body": '{"data": [], "status": "success"}'}, "GET", "/descendants$", times=2)
    stranger = {"name": "Stranger", "realm": "stranger.pbx.example.com"}
    await world.open[0].create_account(account_id, stranger)
    found = await _end(world.engine(), going(resource, CONFIRMED))
    assert found.outcome.reason is Reason.HAS_DESCENDANTS
    assert not found.released
    assert list(await world.accounts()) == [account_id]


async def test_an_active_port_keeps_the_account_and_is_no_hot_loop(world: World) -> None:
    resource, account_id = await _made(world)
    await world.fault({"status": 500, "message": "account_has_active_port"}, "DELETE")
    found = await _end(world.engine(), going(resource, CONFIRMED))
    assert (found.outcome.reason, found.outcome.comes_back) == (Reason.ACTIVE_PORT, Return.AT_RESYNC)
    assert list(await world.accounts()) == [account_id]
    assert (await _end(world.engine(), going(resource, CONFIRMED))).released


@pytest.mark.parametrize(
    "do",
    [
        {"status": 500, "afterCommit": True},
        {"reset": True, "afterCommit": True},
        {"status": 403, "afterCommit": True},
    ],
    ids=["500", "reset", "403"],
)
async def test_an_answer_lost_after_the_deletion_is_no_second_deletion(
    world: World, do: dict[str, Any]
) -> None:
    resource, _ = await _made(world)
    await world.fault(do, "DELETE")
    assert (await _end(world.engine(), going(resource, CONFIRMED))).released
    assert [method for method, _ in await world.writes()].count("DELETE") == 1
    assert len(world.memory.noted) == 1


async def test_a_deletion_that_failed_is_tried_again_and_counts_once(world: World) -> None:
    resource, _ = await _made(world)
    await world.fault({"status": 503}, "DELETE")
    engine = world.engine()
    first = await _end(engine, going(resource, CONFIRMED))
    assert (first.outcome.reason, first.released) == (Reason.BACKEND_UNAVAILABLE, False)
    assert (await _end(engine, going(resource, CONFIRMED))).released
    assert len(world.memory.noted) == 1


async def test_an_account_that_is_gone_already_is_done(world: World) -> None:
    resource, account_id = await _made(world)
    await world.open[0].delete_account(account_id)
    found = await _end(world.engine(), going(resource))
    assert (found.released, found.events) == (True, ())
    assert world.memory.noted == []


async def test_an_object_that_never_had_an_account_is_released(world: World) -> None:
    for broken in (
        account(deletionPolicy="Delete"),
        account(deletionPolicy="Delete", timezone="Mars/Olympus"),
    ):
        assert (await _end(world.engine(), going(broken, CONFIRMED))).released
    assert await world.writes("/accounts/") == []


@pytest.mark.parametrize("adopt", [False, True])
async def test_an_account_that_is_not_ours_is_never_deleted(world: World, adopt: bool) -> None:
    theirs = await until_ready(world.engine(owner="rival"), account())
    account_id = theirs.fields["accountID"]
    spec = {"adopt": True, "accountID": account_id} if adopt else {}
    taker = account(deletionPolicy="Delete", **spec)
    assert (await _end(world.engine(), going(taker, CONFIRMED))).released
    await world.edit(account_id, {"flags": []})
    assert (await _end(world.engine(), going(taker, CONFIRMED))).released
    assert list(await world.accounts()) == [account_id]


async def test_the_root_account_is_never_deleted(world: World) -> None:
    root = world.sandbox.identity.reseller
    resource = account("root", name="Reseller", realm=root.realm, adopt=True, deletionPolicy="Delete")
    held = after(resource, await until_ready(world.engine(), resource))
    found = await _end(world.engine(), going(held, {"confirm-delete": "Reseller"}))
    assert (found.outcome.reason, found.released) == (Reason.FORBIDDEN, False)
    assert ("DELETE", 200) not in await world.writes()


@pytest.mark.parametrize(
    ("spec", "released"), [({"suspend": True}, False), ({"managementPolicy": "ObserveOnly"}, True)]
)
async def test_nothing_is_deleted_while_nothing_may_be_written(
    world: World, spec: dict[str, Any], released: bool
) -> None:
    resource, account_id = await _made(world)
    found = await _end(world.engine(), going(resource, CONFIRMED, **spec))
    assert found.released is released
    assert list(await world.accounts()) == [account_id]


async def _several(world: World, count: int) -> list[Resource]:
    found = []
    for number in range(count):
        name, realm = f"Acme {number}", f"acme-{number}.pbx.example.com"
        resource, _ = await _made(world, f"acme-{number}", name=name, realm=realm)
        found.append(going(resource, {"confirm-delete": name}))
    world.objects.put(*found)
    return found


async def test_one_account_an_hour_is_deleted_and_the_hour_passes(world: World, clock: Clock) -> None:
    first, second = await _several(world, 2)
    engine = world.engine()
    assert (await _end(engine, first)).released
    waits = await _end(world.engine(), second)
    assert (waits.outcome.reason, waits.outcome.state) == (Reason.DELETION_LIMIT, State.RECONCILING)
    assert "kazoo-operator.io/approve-deletions: sha256:" in waits.outcome.message
    clock.now += 3601
    assert (await _end(engine, second)).released


async def test_an_approval_by_digest_lets_all_that_wait_go_and_nobody_else(world: World) -> None:
    first, second, third, late = await _several(world, 4)
    engine = world.engine()
    assert (await _end(engine, first)).released
    for waiting in (second, third, second):
        found = await _end(engine, waiting)
        assert found.outcome.reason is Reason.DELETION_LIMIT
    ids = {second.status["accountID"], third.status["accountID"]}
    approval = digest(world.sandbox.url, ids)
    assert approval in found.outcome.message
    approved = account(
        "acme-1",
        status=second.status,
        annotations={"confirm-delete": "Acme 1", "approve-deletions": approval},
        deleting=True,
        **second.spec,
    )
    world.objects.put(approved)
    assert (await _end(engine, third)).released, "the annotation may stand on any that waits"
    assert (await _end(world.engine(), approved)).released, "and outlives a restart in the midst"
    assert (await _end(engine, late)).outcome.reason is Reason.DELETION_LIMIT


async def test_a_limit_of_none_deletes_nothing(world: World) -> None:
    resource, _ = await _made(world)
    engine = world.engine(policy={"max_deletions_per_hour": 0})
    assert (await _end(engine, going(resource, CONFIRMED))).outcome.reason is Reason.DELETION_LIMIT
    assert await world.accounts() != {}


async def test_without_its_memory_nothing_is_deleted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    resource, _ = await _made(world)

    async def fail(*_: object) -> None:
        raise OSError("the Lease cannot be written")

    monkeypatch.setattr(world.memory, "add", fail)
    found = await _end(world.engine(), going(resource, CONFIRMED))
    assert (found.outcome.reason, found.released) == (Reason.BACKEND_UNAVAILABLE, False)
    assert await world.accounts() != {}


async def test_a_deletion_waits_for_a_creation_that_ended_uncertainly(world: World, clock: Clock) -> None:
    engine = world.engine()
    await world.fault({"status": 504, "afterCommit": True})
    resource = account(deletionPolicy="Delete")
    first = await engine.reconcile(resource, Watching())
    assert first.outcome.reason is Reason.BACKEND_UNAVAILABLE
    held = after(resource, first)
    found = await _end(engine, going(held, CONFIRMED))
    clock.now += 60
    found = found if found.released else await _end(engine, going(held, CONFIRMED))
    assert found.released
    assert await world.accounts() == {}


async def test_a_replica_that_leads_no_more_writes_nothing(world: World) -> None:
    resource, account_id = await _made(world)
    engine = world.engine()
    world.leading = False
    written = await world.writes("/accounts/")
    changed = after(resource, Pass(Outcome.of(Reason.READY, "m")), generation=2, timezone="Etc/UTC")
    for one in (account("new", name="New", realm="new.pbx.example.com"), changed, going(resource, CONFIRMED)):
        found = await engine.reconcile(one, Watching())
        assert found.outcome.reason is Reason.NOT_LEADING
        assert not found.released
    assert await world.writes("/accounts/") == written
    assert list(await world.accounts()) == [account_id]


async def test_of_two_deletions_at_the_same_moment_one_waits(world: World) -> None:
    first, second = await _several(world, 2)
    engine = world.engine()
    found = await asyncio.gather(_end(engine, first), _end(engine, second))
    assert sorted(one.released for one in found) == [False, True]
    assert len(await world.writes()) == 3, "two creations, one deletion"
    assert len(world.memory.noted) == 1

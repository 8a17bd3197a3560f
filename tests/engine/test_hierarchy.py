"""Parents: by name, id or realm, in any order; what is missing or runs in a circle is named."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.outcome import Pass, Reason, Return, State
from tests.engine.conftest import Watching, World, account, after, awaited, until_ready

PARENT = {"name": "Parent", "realm": "parent.pbx.example.com"}
CHILD = {"name": "Child", "realm": "child.pbx.example.com"}


async def _parent(world: World) -> tuple[Resource, Pass]:
    resource = account("parent", **PARENT)
    found = await until_ready(world.engine(), resource)
    held = after(resource, found)
    world.objects.put(held)
    return held, found


@pytest.mark.parametrize("by", ["name", "accountID", "realm"])
async def test_a_child_is_made_below_the_parent_that_it_names(world: World, by: str) -> None:
    _, parent = await _parent(world)
    said = {
        "name": "parent",
        "accountID": parent.fields["accountID"],
        "realm": "parent.pbx.example.com",
    }[by]
    engine, resource = world.engine(), account("child", parentRef={by: said}, **CHILD)
    found = await until_ready(engine, resource)
    state = (await world.control("GET", "state"))["accounts"]
    assert state[found.fields["accountID"]]["tree"][-1] == parent.fields["accountID"]
    assert found.fields["parent"] == "parent"
    assert found.fields["parentAccountID"] == parent.fields["accountID"]
    assert found.fields["path"].endswith(" / Parent / Child")
    again = await engine.reconcile(after(resource, found), Watching())
    assert again.fields == found.fields
    assert await world.writes() == [("PUT", 201)] * 2


async def test_the_parent_counts_its_descendants_at_its_own_pass(world: World) -> None:
    resource, parent = await _parent(world)
    assert parent.fields["descendants"] == 0
    engine = world.engine()
    await until_ready(engine, account("child", parentRef={"name": "parent"}, **CHILD))
    assert (await engine.reconcile(resource, Watching())).fields["descendants"] == 1
    assert (await world.engine().reconcile(resource, Watching())).fields["descendants"] == 1


async def test_a_child_waits_for_a_parent_that_is_not_there_and_asks_nothing_of_it(world: World) -> None:
    child = account("child", parentRef={"name": "parent"}, **CHILD)
    found = await world.engine().reconcile(child, Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.PARENT_NOT_READY, State.RECONCILING)
    assert found.outcome.comes_back is Return.ON_CHANGE
    assert awaited(found) == (Key("Account", "team", "parent"),)
    assert "the Account parent" in found.outcome.message
    assert await world.writes() == []


@pytest.mark.parametrize(
    "change",
    [{"status": {}}, {"status": {"accountID": "0" * 32}}, {"deleting": True}],
    ids=["without-status", "not-ready", "going"],
)
async def test_a_child_waits_for_a_parent_that_is_not_ready(world: World, change: dict[str, Any]) -> None:
    world.objects.put(account("parent", **change, **PARENT))
    child = account("child", parentRef={"name": "parent"}, **CHILD)
    found = await world.engine().reconcile(child, Watching())
    assert found.outcome.reason is Reason.PARENT_NOT_READY
    assert awaited(found) == (Key("Account", "team", "parent"),)
    assert await world.writes() == []


@pytest.mark.parametrize(
    "by", [{"accountID": "0" * 32}, {"realm": "nowhere.example.com"}], ids=["id", "realm"]
)
async def test_a_parent_without_object_is_looked_for_at_each_resync(world: World, by: dict[str, str]) -> None:
    found = await world.engine().reconcile(account("child", parentRef=by, **CHILD), Watching())
    assert (found.outcome.reason, found.outcome.comes_back) == (Reason.PARENT_NOT_READY, Return.AT_RESYNC)
    assert next(iter(by.values())) in found.outcome.message
    assert await world.writes() == []


async def test_a_parent_outside_the_root_account_is_refused(world: World) -> None:
    _, stranger = await _parent(world)
    ours = account("ours", name="Ours", realm="ours.pbx.example.com")
    await until_ready(world.engine(), ours)
    engine = world.engine(policy={"root_account": "ours.pbx.example.com"})
    for by in ({"accountID": stranger.fields["accountID"]}, {"name": "parent"}):
        found = await engine.reconcile(account("child", parentRef=by, **CHILD), Watching())
        assert (found.outcome.reason, found.outcome.state) == (Reason.OUTSIDE_SUBTREE, State.STALLED)
        assert stranger.fields["accountID"] in found.outcome.message or "parent" in found.outcome.message
    assert await world.writes() == [("PUT", 201)] * 2


async def test_a_parent_that_is_anothers_tenant_is_refused(world: World) -> None:
    master = world.engine(key=world.sandbox.identity.master.api_key, owner="master")
    theirs = await until_ready(master, account("theirs", **PARENT))
    by = {"accountID": theirs.fields["accountID"]}
    found = await world.engine().reconcile(account("child", parentRef=by, **CHILD), Watching())
    assert found.outcome.reason is Reason.OUTSIDE_SUBTREE
    assert await world.accounts("child.pbx.example.com") == {}


def _below(name: str, above: str) -> Resource:
    return account(name, name=name, realm=f"{name}.pbx.example.com", parentRef={"name": above})


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_a_cycle_names_its_members(world: World, length: int) -> None:
    names = ["a", "b", "c"][:length]
    members = [
        account(
            name, name=name, realm=f"{name}.pbx.example.com", parentRef={"name": names[(number + 1) % length]}
        )
        for number, name in enumerate(names)
    ]
    world.objects.put(*members)
    engine = world.engine()
    for member in members:
        found = await engine.reconcile(member, Watching())
        assert (found.outcome.reason, found.outcome.state) == (Reason.HIERARCHY_CYCLE, State.STALLED)
        assert all(name in found.outcome.message for name in names)
        assert {key.name for key in awaited(found)} == set(names) - {member.key.name}
    assert await world.writes() == []


@pytest.mark.parametrize("forms", [("realm", "realm"), ("realm", "name"), ("name", "realm")])
async def test_a_cycle_of_accounts_that_are_still_to_be_made_is_found_by_realm_too(
    world: World, forms: tuple[str, str]
) -> None:
    members = []
    for name, other, form in zip("ab", "ba", forms, strict=True):
        said = other if form == "name" else f"{other}.pbx.example.com"
        members.append(account(name, name=name, realm=f"{name}.pbx.example.com", parentRef={form: said}))
    world.objects.put(*members)
    engine = world.engine()
    for member in members:
        found = await engine.reconcile(member, Watching())
        assert (found.outcome.reason, found.outcome.state) == (Reason.HIERARCHY_CYCLE, State.STALLED)
        assert f"{member.key.name} -> " in found.outcome.message
        assert {key.name for key in awaited(found)} == {"a", "b"} - {member.key.name}
    assert await world.writes() == []


async def test_an_account_that_is_to_be_made_below_its_own_realm_is_a_cycle(world: World) -> None:
    resource = account("child", parentRef={"realm": "child.pbx.example.com"}, **CHILD)
    found = await world.engine().reconcile(resource, Watching())
    assert found.outcome.reason is Reason.HIERARCHY_CYCLE
    assert "child -> child" in found.outcome.message


async def test_a_realm_that_kazoo_has_leads_to_no_object_that_only_claims_it(world: World) -> None:
    await until_ready(world.engine(owner="rival"), account("theirs", **PARENT))
    claims = account("claims", parentRef={"realm": "child.pbx.example.com"}, **PARENT)
    child = account("child", parentRef={"realm": "parent.pbx.example.com"}, **CHILD)
    world.objects.put(claims, child)
    found = await until_ready(world.engine(), child)
    assert found.fields["parent"] == "parent.pbx.example.com"


@pytest.mark.parametrize("form", ["accountID", "realm"])
@pytest.mark.parametrize("whose", ["own", "childs"])
async def test_an_account_below_itself_or_below_its_child_is_a_cycle(
    world: World, form: str, whose: str
) -> None:
    resource, parent = await _parent(world)
    engine = world.engine()
    child = await until_ready(engine, account("child", parentRef={"name": "parent"}, **CHILD))
    said = (parent if whose == "own" else child).fields[form]
    found = await engine.reconcile(after(resource, parent, parentRef={form: said}), Watching())
    assert (found.outcome.reason, found.outcome.comes_back) == (Reason.HIERARCHY_CYCLE, Return.AT_RESYNC)
    assert parent.fields["accountID"] in found.outcome.message
    assert (whose == "own") is (child.fields["accountID"] not in found.outcome.message)
    assert found.fields["accountID"] == parent.fields["accountID"]


async def test_what_hangs_on_a_cycle_waits_and_is_no_member(world: World) -> None:
    for name, above in (("a", "b"), ("b", "a")):
        world.objects.put(
            account(name, name=name, realm=f"{name}.pbx.example.com", parentRef={"name": above})
        )
    found = await world.engine().reconcile(account("child", parentRef={"name": "a"}, **CHILD), Watching())
    assert found.outcome.reason is Reason.PARENT_NOT_READY


async def test_a_known_child_needs_no_object_of_its_parent(world: World) -> None:
    await _parent(world)
    resource = account("child", parentRef={"name": "parent"}, **CHILD)
    found = await until_ready(world.engine(), resource)
    world.objects.held.clear()
    again = await world.engine().reconcile(after(resource, found), Watching())
    assert (again.outcome.reason, again.fields) == (Reason.READY, found.fields)


async def test_an_account_that_stands_elsewhere_than_the_spec_says_is_told(world: World) -> None:
    _, parent = await _parent(world)
    resource = account("child", **CHILD)
    found = await until_ready(world.engine(), resource)
    named = account("child", status=after(resource, found).status, parentRef={"name": "parent"}, **CHILD)
    told = await world.engine().reconcile(named, Watching())
    assert (told.outcome.reason, told.outcome.comes_back) == (Reason.INVALID_SPEC, Return.AT_RESYNC)
    assert "spec.parentRef" in told.outcome.message
    assert parent.fields["accountID"] in told.outcome.message


async def test_a_parent_that_vanishes_from_kazoo_is_waited_for(world: World) -> None:
    await _parent(world)
    await world.fault({"status": 404, "message": "bad_identifier"})
    child = account("child", parentRef={"name": "parent"}, **CHILD)
    found = await world.engine().reconcile(child, Watching())
    assert (found.outcome.reason, found.outcome.comes_back) == (Reason.PARENT_NOT_READY, Return.AT_RESYNC)


async def test_the_root_account_itself_may_be_adopted(world: World) -> None:
    root = world.sandbox.identity.reseller
    engine = world.engine()
    spec = {"name": "Reseller", "realm": root.realm, "adopt": True}
    resource = account("root", **spec)
    found = await until_ready(engine, resource)
    assert found.fields["accountID"] == root.account_id
    assert found.fields["path"] == "Reseller"
    assert found.fields["moneyKind"] == "Real"
    world.objects.put(after(resource, found))
    child = await until_ready(engine, account("child", parentRef={"name": "root"}, **CHILD))
    assert child.fields["parent"] == "root"

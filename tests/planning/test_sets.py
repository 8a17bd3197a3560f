"""Sets of objects that refer to each other: parents first, new ones as a whole, and what lies outside."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.lineage import as_a_tree, levels, parents
from tests.engine.conftest import World

from .conftest import Plan, account, apply, changed, named, reasons


def child(name: str, parent: object = None, **spec: object) -> Resource:
    below = {"name": "acme"} if parent is None else parent
    return account(name, name=f"The {name}", realm=f"{name}.pbx.example.com", parentRef=below, **spec)


async def test_new_objects_that_refer_to_each_other_plan_as_a_whole(plan: Plan) -> None:
    report = await plan(child("leaf", {"name": "branch"}), child("branch"), account())
    assert [one.key.name for one in report.objects] == ["acme", "branch", "leaf"]
    assert [one.action for one in report.objects] == ["create"] * 3
    assert [one.below for one in report.objects] == [
        "reseller.sandbox.example",
        "the Account acme",
        "the Account branch",
    ]
    assert changed(named(report, "leaf"))["parentRef"] == (None, {"name": "branch"})
    (line,) = [one for one in named(report, "leaf").changes if one.path == "parentRef"]
    assert line.irreversible


async def test_a_parent_in_the_set_may_be_named_by_the_realm_that_it_will_have(plan: Plan) -> None:
    report = await plan(child("branch", {"realm": "acme.pbx.example.com"}), account())
    assert [(one.key.name, one.action) for one in report.objects] == [
        ("acme", "create"),
        ("branch", "create"),
    ]


async def test_a_parent_that_is_there_may_be_outside_the_files(world: World, plan: Plan) -> None:
    await apply(world, account())
    (account_id,) = await world.accounts()
    for parent in ({"name": "acme"}, {"realm": "acme.pbx.example.com"}, {"accountID": account_id}):
        one = named(await plan(child("branch", parent)), "branch")
        assert one.action == "create", parent
        assert "acme" in one.below or account_id in one.below


@pytest.mark.parametrize(
    "parent", [{"name": "nobody"}, {"realm": "no.pbx.example.com"}, {"accountID": "0" * 32}], ids=str
)
async def test_a_parent_that_is_nowhere_is_waited_for(plan: Plan, parent: dict[str, str]) -> None:
    one = named(await plan(child("branch", parent)), "branch")
    assert one.action == "blocked" and reasons(one) == ["ParentNotReady"]
    assert one.errors[0].path == "spec.parentRef"


async def test_below_a_blocked_parent_nothing_is_made(plan: Plan) -> None:
    report = await plan(account(timezone="Mars/Phobos"), child("branch"), child("leaf", {"name": "branch"}))
    assert reasons(named(report)) == ["KZ026"]
    assert reasons(named(report, "branch")) == reasons(named(report, "leaf")) == ["ParentNotReady"]


async def test_a_blocked_parent_that_is_there_keeps_its_children_going(world: World, plan: Plan) -> None:
    await apply(world, account(), child("branch"))
    report = await plan(account(timezone="Mars/Phobos"), child("branch", timezone="Asia/Tokyo"))
    assert [(one.key.name, one.action) for one in report.objects] == [
        ("acme", "blocked"),
        ("branch", "update"),
    ]


async def test_children_may_be_made_below_a_suspended_parent_that_is_there(world: World, plan: Plan) -> None:
    assert reasons(named(await plan(account(suspend=True), child("branch")), "branch")) == ["ParentNotReady"]
    await apply(world, account())
    assert named(await plan(account(suspend=True), child("branch")), "branch").action == "create"


async def test_the_members_of_a_cycle_are_named(plan: Plan) -> None:
    report = await plan(
        account(parentRef={"name": "branch"}), child("branch"), child("leaf", {"name": "branch"})
    )
    for name in ("acme", "branch"):
        one = named(report, name)
        assert reasons(one) == ["HierarchyCycle"]
        assert "acme" in one.errors[0].message and "branch" in one.errors[0].message
    assert reasons(named(report, "leaf")) == ["ParentNotReady"]


async def test_an_account_is_not_moved_below_another_parent(world: World, plan: Plan) -> None:
    await apply(world, account(), child("branch"))
    moved = child("branch", {"name": "other"})
    other = account("other", name="Other", realm="other.pbx.example.com")
    report = await plan(account(), other, moved)
    assert named(report, "other").action == "create"
    assert reasons(named(report, "branch")) == ["InvalidSpec"], "its new parent is only to be made"
    by_realm = child("branch", {"realm": "other.pbx.example.com"})
    assert reasons(named(await plan(account(), other, by_realm), "branch")) == ["InvalidSpec"]
    await apply(world, account(), other)
    assert reasons(named(await plan(account(), other, moved), "branch")) == ["InvalidSpec"]


async def test_of_two_new_objects_with_one_realm_or_one_name_the_first_is_made(plan: Plan) -> None:
    twin = account("twin", name="Another")
    report = await plan(account(), twin)
    assert named(report).action == "create" and reasons(named(report, "twin")) == ["RealmTaken"]
    twin = account("twin", name="acme DENTAL", realm="twin.pbx.example.com")
    below = child("below", {"name": "twin"})
    report = await plan(account(), twin, below)
    assert reasons(named(report, "twin")) == ["Rejected"]
    assert reasons(named(report, "below")) == ["ParentNotReady"]


async def test_a_reference_of_the_wrong_form_disturbs_nobody_else(plan: Plan) -> None:
    report = await plan(account(parentRef="reseller"), child("branch"))
    assert reasons(named(report)) == ["SCHEMA"]
    assert reasons(named(report, "branch")) == ["ParentNotReady"]


async def test_a_long_line_of_parents_is_planned(plan: Plan) -> None:
    names = [f"a{number}" for number in range(30)]
    chain = [child(name, {"name": above}) for above, name in pairwise(names)]
    report = await plan(*reversed(chain), account("a0", name="Top", realm="top.pbx.example.com"))
    assert [one.key.name for one in report.objects] == names
    assert report.summary["create"] == 30


def test_objects_are_ordered_as_a_tree_and_in_levels() -> None:
    above = parents(
        [child("b", {"name": "a"}), child("c", {"name": "b"}), child("d", {"name": "a"}), top("a")]
    )
    assert [key.name for key in as_a_tree(above)] == ["a", "b", "c", "d"]
    assert [[key.name for key in level] for level in levels(above)] == [["a"], ["b", "d"], ["c"]]


def test_a_cycle_loses_one_link_and_no_object() -> None:
    above = parents([child("a", {"name": "b"}), child("b", {"name": "c"}), child("c", {"name": "a"})])
    assert sorted(key.name for key in as_a_tree(above)) == ["a", "b", "c"]
    assert sum(parent is None for parent in above.values()) == 1
    assert parents([child("a", {"name": "a"})]) == {Key("Account", "team", "a"): None}


def test_objects_are_ordered_by_realm_and_id_of_their_parents_too() -> None:
    by_id = child("b", {"accountID": "a" * 32})
    by_realm = child("c", {"realm": "a.pbx.example.com"})
    eye = account("eye", realm="a.pbx.example.com", accountID="a" * 32, managementPolicy="ObserveOnly")
    parent = account("a", realm="a.pbx.example.com", adopt=True, accountID="a" * 32)
    above = parents([by_id, by_realm, eye, parent])
    assert [key.name for key in as_a_tree(above)] == ["eye", "a", "b", "c"]
    assert {key.name for key, parent in above.items() if parent is not None} == {"b", "c"}


def test_a_cycle_by_id_loses_one_link_and_no_object() -> None:
    first = account("a", adopt=True, accountID="a" * 32, parentRef={"accountID": "b" * 32})
    second = account("b", adopt=True, accountID="b" * 32, parentRef={"accountID": "a" * 32})
    above = parents([first, second])
    assert sum(parent is None for parent in above.values()) == 1
    assert parents([account("a", accountID="a" * 32, parentRef={"accountID": "a" * 32})]) == {
        Key("Account", "team", "a"): None
    }


async def test_a_cycle_by_realm_is_named_before_anything_is_made(plan: Plan) -> None:
    first = child("a", {"realm": "b.pbx.example.com"})
    report = await plan(first, child("b", {"realm": "a.pbx.example.com"}))
    for name in ("a", "b"):
        assert reasons(named(report, name)) == ["HierarchyCycle"]


async def test_an_account_below_itself_is_a_cycle_also_by_its_realm(world: World, plan: Plan) -> None:
    await apply(world, account())
    report = await plan(account(parentRef={"realm": "acme.pbx.example.com"}))
    assert reasons(named(report)) == ["HierarchyCycle"]


def top(name: str) -> Resource:
    return account(name, parentRef=None)

"""Whose account is it? Marks, owners, taking over, losing and making anew."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.core.outcome import Reason, Return, State
from tests.engine.conftest import Clock, Watching, World, account, after, until_ready

MARK = "kazoo-operator/cluster/team/acme"


async def _unmarked(world: World, **fields: Any) -> str:
    """An account that a person made, with flags of another tool."""
    await world.engine(owner="person").reconcile(account("person", **fields), Watching())
    (account_id,) = await world.accounts()
    await world.edit(account_id, {"flags": ["crm/7"], "timezone": "Etc/UTC"})
    await world.control("DELETE", "requests")
    return account_id


async def test_an_unmarked_account_is_taken_over_by_its_realm_with_adopt(world: World) -> None:
    account_id = await _unmarked(world)
    engine, resource = world.engine(), account(adopt=True)
    found = await until_ready(engine, resource)
    document = await world.document(account_id)
    assert found.fields["accountID"] == account_id
    assert document["flags"] == ["crm/7", MARK]
    assert document["timezone"] == "America/Los_Angeles"
    assert [event.reason for event in found.events] == ["Adopted", "Updated"]
    assert await world.writes() == [("PATCH", 200)]
    again = await engine.reconcile(after(resource, found, generation=2, adopt=None), Watching())
    assert again.outcome.reason is Reason.READY, "once it is ours, adopt may leave the spec"
    assert await world.writes() == [("PATCH", 200)]


async def test_an_adopted_account_keeps_its_routing(world: World) -> None:
    account_id = await _unmarked(world, outboundRouting="Unmanaged")
    await until_ready(world.engine(), account(adopt=True))
    assert await world.callflows(account_id) == []


async def test_not_adopted_says_the_line_to_add(world: World) -> None:
    account_id = await _unmarked(world)
    found = await world.engine().reconcile(account(), Watching())
    assert (found.outcome.reason, found.outcome.comes_back) == (Reason.NOT_ADOPTED, Return.AT_RESYNC)
    assert "add adopt: true" in found.outcome.message
    assert account_id in found.outcome.message
    assert await world.writes("/accounts/") == []


async def test_adopt_by_id_needs_no_realm_in_the_spec(world: World) -> None:
    account_id = await _unmarked(world)
    found = await until_ready(world.engine(), account(adopt=True, accountID=account_id, realm=None))
    assert (found.fields["accountID"], found.fields["realm"]) == (account_id, "acme.pbx.example.com")


async def test_adopt_by_id_with_another_realm_is_refused_before_any_write(world: World) -> None:
    account_id = await _unmarked(world)
    spec = account(adopt=True, accountID=account_id, realm="other.pbx.example.com")
    found = await world.engine().reconcile(spec, Watching())
    assert found.outcome.reason is Reason.INVALID_SPEC
    assert "acme.pbx.example.com" in found.outcome.message
    assert await world.writes("/accounts/") == []


async def test_a_foreign_mark_is_taken_only_with_the_accounts_id(world: World) -> None:
    theirs = await until_ready(world.engine(owner="rival"), account())
    account_id = theirs.fields["accountID"]
    refused = await world.engine().reconcile(account(adopt=True), Watching())
    assert refused.outcome.reason is Reason.REALM_TAKEN
    assert "kazoo-operator/rival/team/acme" in refused.outcome.message
    assert f"accountID: {account_id}" in refused.outcome.message
    assert "KAZOO_OPERATOR_OWNER=rival" in refused.outcome.message
    found = await until_ready(world.engine(), account(adopt=True, accountID=account_id))
    assert found.outcome.reason is Reason.READY
    assert (await world.document(account_id))["flags"] == [MARK]
    lost = await world.engine(owner="rival").reconcile(account(status=theirs.fields), Watching())
    assert lost.outcome.reason is Reason.REALM_TAKEN


async def test_an_account_id_that_is_nowhere_is_named(world: World) -> None:
    found = await world.engine().reconcile(account(adopt=True, accountID="0" * 32), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.ACCOUNT_NOT_FOUND, State.STALLED)
    assert await world.accounts() == {}


async def test_an_account_id_of_another_tenant_is_outside(world: World) -> None:
    master = world.sandbox.identity.master.account_id
    found = await world.engine().reconcile(account(adopt=True, accountID=master, realm=None), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.OUTSIDE_SUBTREE, State.STALLED)
    assert await world.writes("/accounts/") == []


async def test_an_account_id_without_adopt_breaks_a_rule(world: World) -> None:
    found = await world.engine().reconcile(account(accountID="0" * 32), Watching())
    assert found.outcome.reason is Reason.INVALID_SPEC
    assert "adopt: true" in found.outcome.message


async def test_another_account_id_than_the_managed_one_is_refused(world: World) -> None:
    resource = account()
    found = await until_ready(world.engine(), resource)
    other = after(resource, found, generation=2, adopt=True, accountID="0" * 32)
    refused = await world.engine().reconcile(other, Watching())
    assert refused.outcome.reason is Reason.INVALID_SPEC
    assert found.fields["accountID"] in refused.outcome.message


async def test_a_vanished_mark_is_written_again(world: World) -> None:
    engine, resource = world.engine(), account()
    found = await until_ready(engine, resource)
    await world.edit(found.fields["accountID"], {"flags": ["crm/7"]})
    assert (await engine.reconcile(after(resource, found), Watching())).outcome.reason is Reason.READY
    assert (await world.document(found.fields["accountID"]))["flags"] == ["crm/7", MARK]


async def test_a_hand_edited_mark_is_told_and_nothing_is_written(world: World) -> None:
    engine, resource = world.engine(), account()
    found = await until_ready(engine, resource)
    edited = "kazoo-operator/cluster/team/other"
    await world.edit(found.fields["accountID"], {"flags": [edited], "timezone": "Etc/UTC"})
    told = await engine.reconcile(after(resource, found), Watching())
    assert told.outcome.reason is Reason.REALM_TAKEN
    assert edited in told.outcome.message
    assert await world.writes() == [("PUT", 201)]


async def test_of_two_objects_with_one_realm_the_first_keeps_it(world: World) -> None:
    engine = world.engine()
    await until_ready(engine, account())
    second = await engine.reconcile(account("second", name="Second"), Watching())
    assert (second.outcome.reason, second.outcome.state) == (Reason.REALM_TAKEN, State.STALLED)
    assert MARK in second.outcome.message
    assert await world.writes() == [("PUT", 201)]


@pytest.mark.parametrize("killed", [False, True], ids=["in-peace", "status-lost-on-the-way"])
async def test_a_realm_changes_with_exactly_this_consent(world: World, killed: bool) -> None:
    engine, resource = world.engine(), account()
    made = await until_ready(engine, resource)
    consent = "acme.pbx.example.com->new.pbx.example.com"
    moved = after(resource, made, generation=2, realm="new.pbx.example.com", allowRealmChange=consent)
    found = await engine.reconcile(moved, Watching())
    if killed:
        found = await world.engine().reconcile(moved, Watching())
    assert found.outcome.reason is Reason.READY
    assert found.fields["realm"] == "new.pbx.example.com"
    assert found.fields["accountID"] == made.fields["accountID"]
    assert await world.writes() == [("PUT", 201), ("PATCH", 200)]
    left = await world.engine().reconcile(after(moved, found, generation=3), Watching())
    assert left.outcome.reason is Reason.READY, "the consent is harmless to leave"


@pytest.mark.parametrize(
    "consent", [None, "x.example.com->new.pbx.example.com", "acme.pbx.example.com->x.example.com"]
)
async def test_a_realm_does_not_change_without_it(world: World, consent: str | None) -> None:
    engine, resource = world.engine(), account()
    made = await until_ready(engine, resource)
    moved = after(resource, made, generation=2, realm="new.pbx.example.com", allowRealmChange=consent)
    found = await engine.reconcile(moved, Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.INVALID_SPEC, State.STALLED)
    assert "allowRealmChange: acme.pbx.example.com->new.pbx.example.com" in found.outcome.message
    assert await world.writes() == [("PUT", 201)]


async def _delete_behind_our_back(world: World, account_id: str) -> None:
    await world.open[0].delete_account(account_id)
    await world.control("DELETE", "requests")


async def test_a_lost_account_is_made_anew_only_when_its_id_is_annotated(world: World, clock: Clock) -> None:
    resource = account()
    made = await until_ready(world.engine(), resource)
    lost = made.fields["accountID"]
    await _delete_behind_our_back(world, lost)
    engine = world.engine()
    for notes in ({}, {"recreate": "0" * 32}):
        gone = account(status=after(resource, made).status, annotations=notes)
        found = await engine.reconcile(gone, Watching())
        assert (found.outcome.reason, found.outcome.state) == (Reason.EXTERNALLY_DELETED, State.STALLED)
        assert f"kazoo-operator.io/recreate: {lost}" in found.outcome.message
    assert await world.writes("/accounts/") == []
    asked = account(status=after(resource, made).status, annotations={"recreate": lost})
    anew = await until_ready(engine, asked)
    assert anew.fields["accountID"] != lost
    again = await engine.reconcile(after(asked, anew), Watching())
    assert again.fields["accountID"] == anew.fields["accountID"]
    assert await world.writes() == [("PUT", 201)]


async def test_a_new_account_keeps_the_realm_that_was_decided(world: World) -> None:
    policy = {"realm_template": "{name}.pbx.example.org"}
    resource = account(realm=None)
    made = await until_ready(world.engine(policy=policy), resource)
    lost = made.fields["accountID"]
    await _delete_behind_our_back(world, lost)
    asked = account(
        status=after(resource, made).status, annotations={"recreate": lost}, realm=None, name="Renamed"
    )
    anew = await until_ready(world.engine(policy=policy), asked)
    assert anew.fields["realm"] == "acme-dental.pbx.example.org"


async def test_a_half_built_account_is_replaced_when_its_id_is_annotated(world: World, clock: Clock) -> None:
    await world.fault({"cut": "late"})
    engine = world.engine()
    await engine.reconcile(account(), Watching())
    half = await engine.reconcile(account(), Watching())
    assert half.outcome.reason is Reason.HALF_BUILT
    broken = half.fields["accountID"]
    assert f"kazoo-operator.io/recreate: {broken}" in half.outcome.message
    asked = account(status=half.fields, annotations={"recreate": broken})
    early = await engine.reconcile(asked, Watching())
    assert early.outcome.reason is Reason.HALF_BUILT, "it has two minutes to be finished"
    clock.now += 121
    found = await until_ready(engine, asked)
    assert found.fields["accountID"] != broken
    assert list(await world.accounts()) == [found.fields["accountID"]]
    assert [noted.account_id for noted in world.memory.noted] == [broken]

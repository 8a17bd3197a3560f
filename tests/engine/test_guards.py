"""What a stale listing, a half-failed pass or an old consent must never lead to."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.outcome import Reason, Return, State
from tests.engine.conftest import Clock, Watching, World, account, after, until_ready

DENIED = {"call_restriction": {"emergency": {"action": "deny"}}}
CONFIRMED = {"confirm-delete": "Acme Dental"}


def _move(world: World, account_id: str, below: str) -> None:
    """Move an account behind everybody's back, as the master may."""
    accounts = world.sandbox.world.accounts
    moved, to = accounts.get(account_id), accounts.get(below)
    assert moved is not None and to is not None
    with world.sandbox.world.store.transaction():
        accounts.delete(moved)
        moved.tree = (*to.tree, below)
        accounts.insert(moved)


async def _tenant(world: World) -> str:
    """An account that is not below the reseller."""
    master = world.engine(key=world.sandbox.identity.master.api_key, owner="master")
    other = account("other", name="Outside", realm="outside.pbx.example.com")
    return str((await until_ready(master, other)).fields["accountID"])


async def test_an_account_that_was_moved_outside_lately_is_neither_changed_nor_deleted(
    world: World, clock: Clock
) -> None:
    outside = await _tenant(world)
    key, root = world.sandbox.identity.master.api_key, world.sandbox.identity.reseller.realm
    engine = world.engine(key=key, policy={"root_account": root})
    resource = account(deletionPolicy="Delete")
    found = await until_ready(engine, resource)
    account_id = found.fields["accountID"]
    _move(world, account_id, outside)
    clock.now += 300
    changed = after(resource, found, generation=2, timezone="Etc/UTC")
    held = after(resource, found).status
    going = account(status=held, annotations=CONFIRMED, deleting=True, deletionPolicy="Delete")
    for one in (changed, going):
        told = await engine.reconcile(one, Watching())
        assert (told.outcome.reason, told.released) == (Reason.OUTSIDE_SUBTREE, False)
    assert (await world.document(account_id))["timezone"] == "America/Los_Angeles"


async def test_no_child_is_made_below_a_parent_that_was_moved_outside_lately(
    world: World, clock: Clock
) -> None:
    outside = await _tenant(world)
    key, root = world.sandbox.identity.master.api_key, world.sandbox.identity.reseller.realm
    engine = world.engine(key=key, policy={"root_account": root})
    parent = account("parent", name="Parent", realm="parent.pbx.example.com")
    found = await until_ready(engine, parent)
    world.objects.put(after(parent, found))
    _move(world, found.fields["accountID"], outside)
    clock.now += 300
    told = await engine.reconcile(account(parentRef={"name": "parent"}), Watching())
    assert told.outcome.reason is Reason.OUTSIDE_SUBTREE
    assert await world.accounts() == {}


async def test_an_account_out_of_the_credentials_reach_is_outside_and_its_object_can_go(
    world: World, clock: Clock
) -> None:
    resource = account(deletionPolicy="Delete")
    found = await until_ready(world.engine(), resource)
    _move(world, found.fields["accountID"], await _tenant(world))
    held = after(resource, found).status
    going = account(status=held, annotations=CONFIRMED, deleting=True, deletionPolicy="Delete")
    told = await world.engine().reconcile(going, Watching())
    assert told.outcome.reason is Reason.OUTSIDE_SUBTREE
    assert "deletionPolicy: Retain" in told.outcome.message


async def test_the_root_account_is_never_replaced_as_half_built(world: World, clock: Clock) -> None:
    root = world.sandbox.identity.reseller
    resource = account("root", name="Reseller", realm=root.realm, adopt=True)
    found = await until_ready(world.engine(), resource)
    await world.fault({"status": 503, "message": "datastore_missing"}, "GET", "/ledgers/total$", times=99)
    held = {**after(resource, found).status, "balance": None}
    asked = account(
        "root", status=held, annotations={"recreate": root.account_id}, name="Reseller", realm=root.realm
    )
    engine = world.engine()
    for _ in range(3):
        clock.now += 121
        assert not (await engine.reconcile(asked, Watching())).released
    assert "DELETE" not in [method for method, _ in await world.writes()]


async def test_an_adopted_account_is_never_replaced_as_half_built(world: World, clock: Clock) -> None:
    theirs = await until_ready(world.engine(owner="rival"), account())
    account_id = theirs.fields["accountID"]
    await world.fault({"status": 503, "message": "datastore_missing"}, "GET", "/ledgers/total$", times=99)
    engine = world.engine()
    spec: dict[str, Any] = {"adopt": True, "accountID": account_id}
    resource = account(annotations={"recreate": account_id}, **spec)
    for _ in range(3):
        clock.now += 121
        found = await engine.reconcile(resource, Watching())
        assert found.outcome.reason is Reason.BACKEND_UNAVAILABLE
    assert list(await world.accounts()) == [account_id]


@pytest.mark.parametrize("adopt", [True, False], ids=["adopted", "status-wiped"])
async def test_a_pass_that_half_failed_never_enables_a_disabled_account(world: World, adopt: bool) -> None:
    theirs = await until_ready(world.engine(), account(enabled=False))
    account_id = theirs.fields["accountID"]
    if adopt:
        await world.edit(account_id, {"flags": []})
    await world.fault({"status": 503}, "GET", "/ledgers/total$", times=3)
    engine, resource = world.engine(), account(adopt=adopt)
    first = await engine.reconcile(resource, Watching())
    assert first.outcome.reason is Reason.BACKEND_UNAVAILABLE
    again = await engine.reconcile(after(resource, first), Watching())
    assert (again.outcome.reason, again.fields["enabled"]) == (Reason.READY, False)


async def test_what_was_only_observed_is_not_ours_to_manage(world: World) -> None:
    theirs = await until_ready(world.engine(owner="rival"), account())
    account_id = theirs.fields["accountID"]
    await world.edit(account_id, {"flags": []})
    eye = account(managementPolicy="ObserveOnly")
    seen = await world.engine().reconcile(eye, Watching())
    assert seen.outcome.state is State.READY
    written = await world.writes("/accounts/")
    managed = after(eye, seen, generation=2, managementPolicy="Manage", timezone="Etc/UTC")
    assert (await world.engine().reconcile(managed, Watching())).outcome.reason is Reason.NOT_ADOPTED
    going = account(status=managed.status, annotations=CONFIRMED, deleting=True, deletionPolicy="Delete")
    assert (await world.engine().reconcile(going, Watching())).released
    assert await world.writes("/accounts/") == written


@pytest.mark.parametrize(
    "spec",
    [{"name": "Taken"}, {"callRestrictions": {"internation": "Deny"}}, {"timezone": "Mars/Olympus"}],
    ids=["name-taken", "unknown-classifier", "invalid-spec"],
)
async def test_emergency_calls_are_allowed_whatever_else_is_refused(
    world: World, spec: dict[str, Any]
) -> None:
    engine, resource = world.engine(), account()
    await until_ready(engine, account("taken", name="Taken", realm="taken.pbx.example.com"))
    found = await until_ready(engine, resource)
    account_id = found.fields["accountID"]
    await world.edit(account_id, DENIED)
    told = await engine.reconcile(after(resource, found, generation=2, **spec), Watching())
    assert told.outcome.state is State.STALLED
    assert (await world.document(account_id))["call_restriction"]["emergency"] == {"action": "inherit"}
    assert "DriftCorrected" in [event.reason for event in told.events]


async def test_emergency_calls_are_allowed_by_the_mark_where_status_is_lost(world: World) -> None:
    engine = world.engine()
    found = await until_ready(engine, account())
    await world.edit(found.fields["accountID"], DENIED)
    told = await engine.reconcile(account(timezone="Mars/Olympus"), Watching())
    assert told.outcome.reason is Reason.INVALID_SPEC
    document = await world.document(found.fields["accountID"])
    assert document["call_restriction"]["emergency"] == {"action": "inherit"}


async def test_emergency_calls_are_allowed_where_the_spec_names_another_account(world: World) -> None:
    engine, resource = world.engine(), account()
    found = await until_ready(engine, resource)
    await world.edit(found.fields["accountID"], DENIED)
    other = after(resource, found, generation=2, adopt=True, accountID="0" * 32)
    told = await engine.reconcile(other, Watching())
    assert told.outcome.reason is Reason.INVALID_SPEC
    document = await world.document(found.fields["accountID"])
    assert document["call_restriction"]["emergency"] == {"action": "inherit"}


@pytest.mark.parametrize(
    "spec",
    [{"timezone": "Mars/Olympus"}, {"parentRef": {"name": "acme"}}, {"resyncInterval": "soon"}],
    ids=["invalid-spec", "cycle", "no-duration"],
)
async def test_a_deny_of_emergency_that_comes_later_is_repaired_whatever_is_refused(
    world: World, spec: dict[str, Any]
) -> None:
    engine, resource = world.engine(), account()
    found = await until_ready(engine, resource)
    refused = after(resource, found, generation=2, **spec)
    world.objects.put(refused)
    first = await engine.reconcile(refused, Watching())
    assert (first.outcome.state, first.events) == (State.STALLED, ())
    assert first.outcome.comes_back is Return.AT_RESYNC
    await world.edit(found.fields["accountID"], DENIED)
    again = await engine.reconcile(after(refused, first), Watching())
    assert (again.outcome, [event.reason for event in again.events]) == (first.outcome, ["DriftCorrected"])
    document = await world.document(found.fields["accountID"])
    assert document["call_restriction"]["emergency"] == {"action": "inherit"}


async def test_an_invalid_object_that_is_known_by_its_mark_comes_back_at_resync(world: World) -> None:
    engine = world.engine()
    await until_ready(engine, account())
    told = await engine.reconcile(account(timezone="Mars/Olympus"), Watching())
    assert (told.outcome.reason, told.outcome.comes_back) == (Reason.INVALID_SPEC, Return.AT_RESYNC)


@pytest.mark.parametrize(
    ("status", "comes_back"),
    [(503, Return.BACK_OFF), (403, Return.AT_RESYNC)],
    ids=["unavailable", "forbidden"],
)
async def test_emergency_calls_that_could_not_be_looked_at_are_looked_at_again_soon(
    world: World, status: int, comes_back: Return
) -> None:
    engine, resource = world.engine(), account()
    found = await until_ready(engine, resource)
    await world.fault({"status": status}, "GET", "/accounts/", times=10)
    refused = after(resource, found, generation=2, timezone="Mars/Olympus")
    told = await engine.reconcile(refused, Watching())
    assert (told.outcome.reason, told.outcome.state) == (Reason.INVALID_SPEC, State.STALLED)
    assert told.outcome.comes_back is comes_back


async def test_an_invalid_object_that_only_observes_comes_back_on_change_alone(world: World) -> None:
    engine, resource = world.engine(), account()
    found = await until_ready(engine, resource)
    eye = after(resource, found, generation=2, managementPolicy="ObserveOnly", timezone="Mars/Olympus")
    told = await engine.reconcile(eye, Watching())
    assert (told.outcome.reason, told.outcome.comes_back) == (Reason.INVALID_SPEC, Return.ON_CHANGE)


async def test_another_parent_is_refused_at_every_pass(world: World) -> None:
    parent = account("parent", name="Parent", realm="parent.pbx.example.com")
    found = await until_ready(world.engine(), parent)
    below = {"name": "Child", "realm": "child.pbx.example.com", "timezone": "Etc/UTC"}
    made = await world.call("PUT", f"accounts/{found.fields['accountID']}", below)
    resource = account("child", name="Child", realm="child.pbx.example.com", adopt=True)
    for _ in range(2):
        told = await world.engine().reconcile(resource, Watching())
        assert told.outcome.reason is Reason.INVALID_SPEC
        resource = after(resource, told)
    assert (await world.document(made["id"]))["timezone"] == "Etc/UTC"


async def test_two_objects_that_adopt_one_account_do_not_fight(world: World) -> None:
    theirs = await until_ready(world.engine(owner="rival"), account())
    spec: dict[str, Any] = {"adopt": True, "accountID": theirs.fields["accountID"]}
    engine = world.engine()
    one, two = account("one", **spec), account("two", **spec)
    one = after(one, await until_ready(engine, one))
    taken = await until_ready(engine, two)
    assert "Adopted" in [event.reason for event in taken.events]
    written = await world.writes()
    lost = await engine.reconcile(one, Watching())
    assert (lost.outcome.reason, lost.outcome.state) == (Reason.REALM_TAKEN, State.STALLED)
    assert (await engine.reconcile(after(two, taken), Watching())).outcome.reason is Reason.READY
    assert await world.writes() == written


async def test_a_child_below_a_parent_that_no_listing_shows_yet_has_its_whole_path(world: World) -> None:
    engine = world.engine()
    await until_ready(engine, account("first", name="First", realm="first.pbx.example.com"))
    root = world.sandbox.identity.reseller.account_id
    fields = {"name": "Parent", "realm": "parent.pbx.example.com", "timezone": "Etc/UTC"}
    parent = await world.call("PUT", f"accounts/{root}", fields)
    found = await engine.reconcile(account(parentRef={"accountID": parent["id"]}), Watching())
    assert found.outcome.reason is Reason.READY
    assert found.fields["parentAccountID"] == parent["id"]


async def test_a_spec_that_names_another_account_does_not_hold_a_deletion(world: World) -> None:
    resource = account(deletionPolicy="Delete")
    found = await until_ready(world.engine(), resource)
    going = account(
        status=after(resource, found).status,
        annotations=CONFIRMED,
        deleting=True,
        deletionPolicy="Delete",
        adopt=True,
        accountID="0" * 32,
    )
    assert (await world.engine().reconcile(going, Watching())).released
    assert await world.accounts() == {}


async def test_a_classifier_with_a_dot_is_left_alone(world: World) -> None:
    classes = '{"data": {"did.us": {}, "international": {}}, "status": "success", "auth_token": "t"}'
    await world.fault({"body": classes, "contentType": "application/json"}, "GET", "/classifiers$", times=9)
    found = await until_ready(world.engine(), account(callRestrictions={"international": "Deny"}))
    held = (await world.document(found.fields["accountID"]))["call_restriction"]
    assert held == {"international": {"action": "deny"}}


async def test_status_tells_a_new_realm_only_once_kazoo_has_it(world: World) -> None:
    engine, resource = world.engine(), account()
    await until_ready(engine, account("other", name="Other", realm="new.pbx.example.com"))
    found = await until_ready(engine, resource)
    consent = "acme.pbx.example.com->new.pbx.example.com"
    moved = after(resource, found, generation=2, realm="new.pbx.example.com", allowRealmChange=consent)
    told = await engine.reconcile(moved, Watching())
    assert told.outcome.reason is Reason.REALM_TAKEN
    assert told.fields["realm"] == "acme.pbx.example.com"


async def test_a_mark_that_is_no_objects_name_is_not_shown_as_the_parent(world: World) -> None:
    parent = account("parent", name="Parent", realm="parent.pbx.example.com")
    found = await until_ready(world.engine(), parent)
    parent_id = found.fields["accountID"]
    await world.edit(parent_id, {"flags": [f"kazoo-operator/cluster/team/{'x' * 300}"]})
    child = await until_ready(world.engine(), account(parentRef={"accountID": parent_id}))
    assert child.fields["parent"] == "parent.pbx.example.com"


async def test_a_deletion_that_was_called_off_does_not_count_among_those_that_wait(world: World) -> None:
    waiting: list[Resource] = []
    for number in range(3):
        name = f"Acme {number}"
        resource = account(
            f"acme-{number}", name=name, realm=f"acme-{number}.example.com", deletionPolicy="Delete"
        )
        held = after(resource, await until_ready(world.engine(), resource))
        notes = {"confirm-delete": name}
        spec = {**held.spec, "deletionPolicy": "Delete"}
        waiting.append(
            account(f"acme-{number}", status=held.status, annotations=notes, deleting=True, **spec)
        )
    world.objects.put(*waiting)
    engine = world.engine()
    assert (await engine.reconcile(waiting[0], Watching())).released
    for one in waiting[1:]:
        assert "DeletionLimit" in (await engine.reconcile(one, Watching())).outcome.reason
    del world.objects.held[waiting[1].key]
    told = await engine.reconcile(waiting[2], Watching())
    assert "1 wait" in told.outcome.message

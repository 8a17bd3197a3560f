"""What somebody changed in KAZOO: found at the next pass, and put back or told."""

from __future__ import annotations

from typing import Any

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.outcome import Pass, Reason, State
from kazoo_operator.engine import Engine
from tests.engine.conftest import Watching, World, account, after, until_ready


async def _kept(world: World, **spec: Any) -> tuple[Engine, Resource, Pass]:
    engine, resource = world.engine(), account(**spec)
    found = await until_ready(engine, resource)
    return engine, after(resource, found), found


async def test_drift_is_put_back_and_told_with_both_values(world: World) -> None:
    engine, resource, found = await _kept(world)
    await world.edit(found.fields["accountID"], {"timezone": "Etc/UTC", "org": "theirs"})
    again = await engine.reconcile(resource, Watching())
    document = await world.document(found.fields["accountID"])
    assert (document["timezone"], document["org"]) == ("America/Los_Angeles", "theirs")
    assert again.outcome.reason is Reason.READY
    assert again.fields["drift"] is None
    (event,) = again.events
    assert (event.reason, event.warning) == ("DriftCorrected", True)
    assert "timezone: KAZOO shows Etc/UTC, the spec says America/Los_Angeles" in event.message


async def test_reported_drift_stays_in_kazoo_and_stands_in_status(world: World) -> None:
    engine, resource, found = await _kept(world, driftPolicy="Report")
    account_id = found.fields["accountID"]
    await world.edit(account_id, {"timezone": "Etc/UTC", "caller_id": {"external": {"name": "X"}}})
    first = await engine.reconcile(resource, Watching())
    assert first.outcome.state is State.READY
    assert first.fields["drift"] == [
        {"path": "timezone", "desired": "America/Los_Angeles", "observed": "Etc/UTC"}
    ]
    assert first.also["DriftDetected"][:2] == ("True", "DriftDetected")
    assert first.also["Synced"][0] == "False"
    assert [event.reason for event in first.events] == ["DriftDetected"]
    second = await engine.reconcile(after(resource, first), Watching())
    assert second.events == (), "the same drift is told once"
    assert second.fields == first.fields
    assert (await world.document(account_id))["timezone"] == "Etc/UTC"
    assert await world.writes() == [("PUT", 201)]


async def test_reported_drift_outlives_a_change_of_another_field_and_a_restart(world: World) -> None:
    engine, resource, found = await _kept(world, driftPolicy="Report")
    account_id = found.fields["accountID"]
    await world.edit(account_id, {"timezone": "Etc/UTC"})
    told = await engine.reconcile(resource, Watching())
    resource = after(resource, told, generation=2, language="de-DE")
    changed = await world.engine().reconcile(resource, Watching())
    document = await world.document(account_id)
    assert (document["language"], document["timezone"]) == ("de-DE", "Etc/UTC")
    assert [drift["path"] for drift in changed.fields["drift"]] == ["timezone"]
    resource = after(resource, changed, generation=3, timezone="Asia/Tokyo")
    written = await world.engine().reconcile(resource, Watching())
    assert (await world.document(account_id))["timezone"] == "Asia/Tokyo", "a new value is no drift"
    assert written.fields["drift"] is None
    assert written.also["DriftDetected"][0] == "False"


async def test_ignored_paths_are_set_at_the_creation_and_left_alone_afterwards(world: World) -> None:
    caller = {"external": {"name": "Acme", "number": "+14085550100"}}
    engine, resource, found = await _kept(world, callerID=caller, driftIgnore=["callerID.external.name"])
    account_id = found.fields["accountID"]
    assert (await world.document(account_id))["caller_id"]["external"]["name"] == "Acme"
    await world.edit(account_id, {"caller_id": {"external": {"name": "Ours", "number": "+1"}}})
    again = await engine.reconcile(resource, Watching())
    assert again.outcome.reason is Reason.READY
    held = (await world.document(account_id))["caller_id"]["external"]
    assert held == {"name": "Ours", "number": "+14085550100"}


async def test_an_ignored_path_that_is_no_field_names_the_near_match(world: World) -> None:
    found = await world.engine().reconcile(account(driftIgnore=["callerID.external.nam"]), Watching())
    assert found.outcome.reason is Reason.INVALID_SPEC
    assert "spec.driftIgnore[0]" in found.outcome.message
    assert "did you mean callerID.external.name?" in found.outcome.message


async def test_what_the_server_owns_is_never_drift(world: World) -> None:
    engine, resource, found = await _kept(world)
    server_owned = {
        "notifications": {"low_balance": {"sent_low_balance": True}},
        "descendants_count": 7,
        "is_reseller": True,
        "call_restriction": {"caribbean": {"action": "deny"}},
    }
    await world.edit(found.fields["accountID"], server_owned)
    again = await engine.reconcile(resource, Watching())
    assert (again.outcome.reason, again.events) == (Reason.READY, ())
    assert await world.writes() == [("PUT", 201)]


async def test_the_language_is_compared_without_letter_case(world: World) -> None:
    engine, resource, found = await _kept(world)
    await world.edit(found.fields["accountID"], {"language": "en-us"})
    assert (await engine.reconcile(resource, Watching())).events == ()
    assert await world.writes() == [("PUT", 201)]


async def test_a_suspended_object_stays_as_it_was(world: World) -> None:
    engine, resource, found = await _kept(world)
    await world.edit(found.fields["accountID"], {"timezone": "Etc/UTC"})
    paused = after(resource, found, generation=2, suspend=True)
    ready = await engine.reconcile(paused, Watching())
    assert (ready.outcome.reason, ready.outcome.state) == (Reason.READY, State.READY)
    assert "uspended" in ready.outcome.message
    assert ready.fields == {}
    assert (await world.document(found.fields["accountID"]))["timezone"] == "Etc/UTC"
    resumed = await engine.reconcile(after(paused, ready, generation=3, suspend=False), Watching())
    assert resumed.outcome.reason is Reason.READY
    assert (await world.document(found.fields["accountID"]))["timezone"] == "America/Los_Angeles"


async def test_a_suspended_object_that_was_never_ready_is_stalled_and_asks_nothing(
    world: World,
) -> None:
    found = await world.engine().reconcile(account(suspend=True), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.SUSPENDED, State.STALLED)
    assert (await world.control("GET", "requests"))["requests"] == []


async def test_an_object_that_only_observes_writes_nothing_and_tells_the_difference(world: World) -> None:
    made = await until_ready(world.engine(owner="other"), account("theirs"))
    written = await world.writes("/accounts/")
    observer = account("eye", managementPolicy="ObserveOnly", timezone="Etc/UTC", address=None)
    found = await world.engine().reconcile(observer, Watching())
    assert found.outcome.state is State.READY
    assert found.fields["accountID"] == made.fields["accountID"]
    assert found.fields["drift"] == [
        {"path": "timezone", "desired": "Etc/UTC", "observed": "America/Los_Angeles"}
    ]
    assert found.also["DriftDetected"][0] == "True"
    same = account("eye", managementPolicy="ObserveOnly")
    equal = await world.engine().reconcile(same, Watching())
    assert equal.also["DriftDetected"][0] == "False"
    assert await world.writes("/accounts/") == written


async def test_an_object_that_only_observes_makes_no_account(world: World) -> None:
    found = await world.engine().reconcile(account(managementPolicy="ObserveOnly"), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.ACCOUNT_NOT_FOUND, State.STALLED)
    assert await world.accounts() == {}


async def test_another_realm_is_drift_to_an_object_that_only_observes_at_each_pass(world: World) -> None:
    _, _, found = await _kept(world)
    account_id = found.fields["accountID"]
    await world.edit(account_id, {"realm": "elsewhere.pbx.example.com"})
    engine, watching = world.engine(), account("eye", managementPolicy="ObserveOnly", accountID=account_id)
    for _ in range(2):
        seen = await engine.reconcile(watching, Watching())
        assert seen.outcome.reason is Reason.READY
        assert [drift["path"] for drift in seen.fields["drift"]] == ["realm"]
        watching = after(watching, seen)

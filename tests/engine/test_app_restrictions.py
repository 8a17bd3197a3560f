"""AppRestrictions: a blacklist of ids kept from a list of names, on every pass anew."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.outcome import Pass
from tests.engine.apps import BLACKLIST, STOCK, apps, block, blocked, ids, offer
from tests.engine.attached import attached, keep, ready_account
from tests.engine.conftest import Watching, World, after


def again(resource: Resource, found: Pass, **spec: Any) -> Resource:
    """The object after a pass, with another spec."""
    return after(resource, found, resource.generation + 1, **spec)


async def test_every_app_but_those_allowed_is_blocked(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    found = await engine.reconcile(apps("voip", "callflows"), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert sorted(await blocked(world, account_id)) == sorted(set(STOCK) - {"voip", "callflows"})
    assert found.fields["accountID"] == account_id
    assert found.fields["realm"] == "acme.pbx.example.com"
    assert found.fields["mode"] == "Restricted"
    assert found.fields["allowed"] == ["callflows", "voip"]
    assert found.fields["blocked"] == sorted(set(STOCK) - {"voip", "callflows"})
    assert (found.fields["allowedCount"], found.fields["blockedCount"]) == (2, 7)
    assert [one["name"] for one in found.fields["apps"]] == STOCK


async def test_an_app_that_is_offered_later_is_blocked_by_the_next_pass(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    done = await keep(engine, apps("voip"))
    await offer(world, "newcomer")
    found = await engine.reconcile(done, Watching())
    assert "newcomer" in await blocked(world, account_id)
    (event,) = found.events
    assert event.reason == "DriftCorrected"
    assert "newcomer" in event.message
    assert found.fields["blockedCount"] == 9


async def test_what_is_equal_is_not_written_in_whatever_order_it_stands(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    done = await keep(engine, apps("voip", "fax"))
    names = await blocked(world, account_id)
    await block(world, account_id, *reversed(names), names[0], "nosuch")
    before = await world.writes(BLACKLIST)
    found = await engine.reconcile(done, Watching())
    assert found.outcome.reason == "Ready"
    assert found.events == ()
    assert await world.writes(BLACKLIST) == before
    assert len(before) == 1


async def test_an_app_that_another_blocked_is_allowed_again_and_ids_of_no_app_stay(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    done = await keep(engine, apps("voip"))
    names = await blocked(world, account_id)
    await block(world, account_id, "nosuch", "voip", *names)
    found = await engine.reconcile(done, Watching())
    assert [event.reason for event in found.events] == ["DriftCorrected"]
    assert await blocked(world, account_id) == ["nosuch", *names]


async def test_full_clears_what_the_object_blocked_and_nothing_else(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    await block(world, account_id, "fax", "nosuch")
    first = apps("voip")
    restricted = await engine.reconcile(first, Watching())
    assert restricted.fields["blockedCount"] == 8
    assert restricted.fields["blockedByOthers"] == ["fax"]
    full = again(first, restricted, mode="Full", allowedApps=None)
    found = await engine.reconcile(full, Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert await blocked(world, account_id) == ["fax", "nosuch"]
    assert (found.fields["mode"], found.fields["blocked"]) == ("Full", ["fax"])
    assert [event.reason for event in found.events] == ["Updated"]


async def test_a_new_object_under_full_clears_nothing(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    await block(world, account_id, "fax", "pbxs")
    done = await keep(engine, apps())
    found = await engine.reconcile(done, Watching())
    assert found.outcome.reason == "Ready"
    assert await blocked(world, account_id) == ["fax", "pbxs"]
    assert await world.writes(BLACKLIST) == []
    assert found.fields["blockedByOthers"] == ["fax", "pbxs"]


async def test_what_was_blocked_by_a_pass_whose_status_was_lost_is_cleared_all_the_same(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    first = apps()
    full = await engine.reconcile(first, Watching())
    restricted = again(first, full, mode="Restricted", allowedApps=["voip"])
    await engine.reconcile(restricted, Watching())  # nobody hears of it
    found = await world.engine().reconcile(restricted, Watching())
    assert found.fields["blockedCount"] == 8
    cleared = await engine.reconcile(again(restricted, found, mode="Full", allowedApps=None), Watching())
    assert cleared.outcome.reason == "Ready"
    assert await blocked(world, account_id) == []


async def test_an_object_made_anew_takes_up_what_it_blocked(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    await keep(engine, apps("voip"))
    anew = apps("voip")
    found = await engine.reconcile(anew, Watching())
    await engine.reconcile(again(anew, found, mode="Full", allowedApps=None), Watching())
    assert await blocked(world, account_id) == []


async def test_reset_unblocks_what_was_blocked_and_leaves_what_others_blocked(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    await block(world, account_id, "pbxs")
    done = await keep(engine, apps("voip", deletionPolicy="Reset"))
    ending = attached("AppRestrictions", deleting=True, status=done.status, **done.spec)
    found = await engine.reconcile(ending, Watching())
    assert found.released
    assert await blocked(world, account_id) == ["pbxs"]


async def test_an_unknown_app_is_told_with_the_near_one_and_nothing_is_half_done(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    found = await engine.reconcile(apps("voip", "calflows", "zzz"), Watching())
    assert (found.outcome.reason, found.outcome.state.value) == ("InvalidSpec", "Stalled")
    assert "no app calflows" in found.outcome.message
    assert "write callflows" in found.outcome.message
    assert "write one of accounts, branding" in found.outcome.message
    assert found.fields["accountID"] == account_id
    assert await world.writes(BLACKLIST) == []


async def test_an_app_that_is_withdrawn_keeps_the_others_blocked(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    await offer(world, "passing")
    done = await keep(engine, apps("voip", "passing"))
    master = world.sandbox.identity.master.account_id
    merge = {"id": (await ids(world))["passing"], "published": False}
    await world.control("POST", "documents", {"accountID": master, "document": "app", "merge": merge})
    await offer(world, "newcomer")
    world.clock.now += 3600
    found = await engine.reconcile(done, Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert "newcomer" in await blocked(world, account_id)
    assert found.also["AppsUsable"][0] == "False"
    assert "passing is not offered" in found.also["AppsUsable"][2]


async def test_status_tells_the_four_layers_of_each_app(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    known = await ids(world)
    for name, permission in (
        ("voip", {"allowed_users": "all"}),
        ("fax", {"allowed_users": "specific", "users": []}),
        ("pbxs", {"allowed_users": "admins"}),
    ):
        await world.call("PUT", f"accounts/{account_id}/apps_store/{known[name]}", permission)
    found = await engine.reconcile(apps("voip", "fax", "callflows"), Watching())
    shown = {one["name"]: one for one in found.fields["apps"]}
    assert shown["voip"] == {
        "name": "voip",
        "planned": True,
        "blacklisted": False,
        "installed": True,
        "allowedUsers": "all",
    }
    assert shown["callflows"]["installed"] is False
    assert shown["pbxs"] == {"name": "pbxs", "planned": True, "blacklisted": True}
    status, reason, message = found.also["AppsUsable"]
    assert (status, reason) == ("False", "AppsNotUsable")
    assert "callflows is not installed" in message
    assert "fax is installed for nobody" in message
    assert "voip" not in message


async def test_apps_that_are_installed_for_somebody_are_usable(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    voip = (await ids(world))["voip"]
    await world.call("PUT", f"accounts/{account_id}/apps_store/{voip}", {"allowed_users": "admins"})
    found = await engine.reconcile(apps("voip"), Watching())
    assert found.also["AppsUsable"][0] == "True"


async def test_the_account_of_the_credential_itself_is_not_its_to_restrict(world: World) -> None:
    engine = world.engine()
    reseller = world.sandbox.identity.reseller.account_id
    found = await engine.reconcile(apps("voip", accountRef={"accountID": reseller}), Watching())
    assert (found.outcome.reason, found.outcome.state.value) == ("Forbidden", "Stalled")
    assert "accounts above it" in found.outcome.message
    assert await world.writes(BLACKLIST) == []


async def test_the_older_of_two_objects_keeps_the_account(world: World) -> None:
    engine = world.engine()
    await ready_account(world, engine)
    old = apps("voip", called="old")
    new = apps("voip", "fax", called="new", created="2026-01-02T00:00:00Z")
    world.objects.put(old, new)
    assert (await engine.reconcile(old, Watching())).outcome.reason == "Ready"
    found = await engine.reconcile(new, Watching())
    assert found.outcome.reason == "Conflict"
    assert "team/old" in found.outcome.message
    assert len(await world.writes(BLACKLIST)) == 1


async def test_under_report_a_new_app_is_told_and_not_blocked(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    done = await keep(engine, apps("voip", driftPolicy="Report"))
    await offer(world, "newcomer")
    found = await engine.reconcile(done, Watching())
    assert found.fields["drift"] == [
        {"path": "allowedApps", "desired": '["voip"]', "observed": '["newcomer", "voip"]'}
    ]
    assert "newcomer" not in await blocked(world, account_id)
    assert found.also["DriftDetected"][0] == "True"


async def test_what_is_only_observed_is_shown_and_never_taken_for_ours(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    await block(world, account_id, "fax")
    first = apps("voip", managementPolicy="ObserveOnly")
    seen = await engine.reconcile(first, Watching())
    assert (seen.fields["mode"], seen.fields["blocked"]) == ("Restricted", ["fax"])
    assert await world.writes(BLACKLIST) == []
    managed = again(first, seen, managementPolicy="Manage", mode="Full", allowedApps=None)
    found = await engine.reconcile(managed, Watching())
    assert found.outcome.reason == "Ready"
    assert await blocked(world, account_id) == ["fax"]


async def test_an_app_of_the_accounts_own_plan_is_blocked_for_good(world: World) -> None:
    """Once blocked, it stands in no list that anybody sees: it is asked for by its id."""
    engine = world.engine()
    account_id = await ready_account(world, engine)
    reseller = world.sandbox.identity.reseller.account_id
    app_id = "5" * 32
    merge = {"id": app_id, "name": "special", "published": True}
    await world.control("POST", "documents", {"accountID": reseller, "document": "app", "merge": merge})
    applications = {app_id: {"enabled": True, "vendor_id": reseller}}
    plan = {"id": "6" * 32, "name": "special", "plan": {}, "applications": applications}
    await world.control("POST", "documents", {"accountID": reseller, "document": "plan", "merge": plan})
    await world.call("POST", f"accounts/{account_id}/services", {"add": ["6" * 32]})
    done = await keep(engine, apps("voip"))
    assert "special" in done.status["blocked"]
    found = await engine.reconcile(done, Watching())
    assert found.events == ()
    assert "special" in found.fields["blocked"]
    assert await world.writes(BLACKLIST) == [("POST", 200)]


@pytest.mark.parametrize("stored", ["a text", [1, None, {}], {"a": 1}])
async def test_whatever_stands_in_the_list_is_read(world: World, stored: Any) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    edit = {"accountID": account_id, "document": "blacklist", "merge": {"blacklist": stored}}
    await world.control("POST", "documents", edit)
    found = await engine.reconcile(apps("voip"), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert len(await blocked(world, account_id)) == 8


async def test_a_conflict_is_retried_with_back_off(world: World) -> None:
    """KAZOO 4.3 makes the document in the background, just after the account."""
    engine = world.engine()
    await ready_account(world, engine)
    await world.fault({"status": 409}, "POST", BLACKLIST)
    found = await engine.reconcile(apps("voip"), Watching())
    assert found.outcome.reason == "WriteConflict"
    assert (await engine.reconcile(apps("voip"), Watching())).outcome.reason == "Ready"


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}, {"status": 503, "afterCommit": True}])
async def test_a_write_whose_answer_is_lost_is_looked_at_again_and_remains_ours(
    world: World, fault: dict[str, Any]
) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    first = apps("voip")
    await world.fault(fault, "POST", BLACKLIST)
    lost = await engine.reconcile(first, Watching())
    assert lost.outcome.reason == "BackendUnavailable"
    found = await engine.reconcile(after(first, lost), Watching())
    assert found.outcome.reason == "Ready"
    assert len(await blocked(world, account_id)) == 8
    await engine.reconcile(again(first, found, mode="Full", allowedApps=None), Watching())
    assert await blocked(world, account_id) == []


async def test_what_an_unblocked_app_costs_is_not_accepted_silently(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    known = world.sandbox.identity
    fax = (await ids(world))["fax"]
    await world.call("PUT", f"accounts/{account_id}/apps_store/{fax}", {"allowed_users": "all"})
    await block(world, account_id, "fax")
    plan = {"account_apps": {"fax": {"rate": 10, "cascade": True}}}
    merge = {"id": "a" * 32, "name": "gold", "plan": plan}
    edit = {"accountID": known.master.account_id, "document": "plan", "merge": merge}
    await world.control("POST", "documents", edit)
    await world.as_master("POST", f"accounts/{known.reseller.account_id}/services", {"add": ["a" * 32]})
    found = await engine.reconcile(apps("voip", "fax"), Watching())
    assert found.outcome.reason == "ChargesNotAccepted", found.outcome
    assert found.also["ChargesAccepted"][0] == "False"
    assert await blocked(world, account_id) == ["fax"]

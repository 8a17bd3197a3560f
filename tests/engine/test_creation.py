"""An account is created exactly once, whatever happens on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from kazoo_operator.core.documents import ACCOUNT
from kazoo_operator.core.outcome import Reason, Return, State
from tests.engine.conftest import SPEC, Clock, Watching, World, account, until_ready

MARK = "kazoo-operator/cluster/team/acme"


async def test_a_new_account_is_made_with_one_put_and_its_mark_inside(world: World) -> None:
    progress = Watching()
    found = await world.engine().reconcile(account(), progress)
    (account_id, document), *rest = (await world.accounts()).items()
    reseller = world.sandbox.identity.reseller.account_id
    assert not rest
    assert found.outcome.reason is Reason.READY
    assert found.fields == {
        "accountID": account_id,
        "realm": "acme.pbx.example.com",
        "parent": "reseller.sandbox.example",
        "parentAccountID": reseller,
        "path": f"{await _root_name(world)} / Acme Dental",
        "isReseller": False,
        "resellerID": reseller,
        "enabled": True,
        "descendants": 0,
        "balance": "0.00",
        "currency": "USD",
        "moneyKind": "Allotted",
        "callCapacity": {"inbound": 0, "outbound": 0, "total": 0, "perMinute": False},
        "steps": [{"name": "Account", "state": "Done"}, {"name": "Routing", "state": "Done"}],
        "drift": None,
        "pendingQuote": None,
    }
    assert [event.reason for event in found.events] == ["Created"]
    assert document["flags"] == [MARK]
    assert document["contact"]["billing"]["number"] == "+14085550101"
    assert document["contact"]["billing"]["street_address"] == "1 Main St"
    assert await world.writes() == [("PUT", 201)]
    assert [outcome.reason for outcome in progress.seen] == [Reason.CREATING]


async def _root_name(world: World) -> str:
    state = await world.control("GET", "state")
    return str(state["accounts"][world.sandbox.identity.reseller.account_id]["account"]["name"])


async def test_an_unchanged_account_is_not_written_again(world: World) -> None:
    engine = world.engine()
    first = await engine.reconcile(account(), Watching())
    again = await engine.reconcile(account(status=first.fields), Watching())
    assert again == replace(first, events=())
    assert await world.writes() == [("PUT", 201)]


async def test_a_changed_field_is_patched_with_enabled_beside_it(world: World) -> None:
    engine = world.engine()
    first = await engine.reconcile(account(), Watching())
    changed = account(generation=2, status=first.fields, contacts={"billing": {"phone": "+14085550199"}})
    assert (await engine.reconcile(changed, Watching())).outcome.reason is Reason.READY
    (document,) = (await world.accounts()).values()
    assert document["contact"]["billing"]["number"] == "+14085550199"
    assert document["contact"]["billing"]["email"] == "bo@acme.example", "what the spec left out stays"
    assert await world.writes() == [("PUT", 201), ("PATCH", 200)]


async def test_a_disabled_account_is_disabled_though_kazoo_may_ignore_it_at_creation(world: World) -> None:
    found = await world.engine().reconcile(account(enabled=False), Watching())
    assert found.outcome.reason is Reason.READY
    assert (await world.open[0].read(found.fields["accountID"], ACCOUNT))["enabled"] is False
    # 5.0 ignores it at the creation, where the caller is the parent; 4.3 honours it.
    patched = [("PATCH", 200)] if world.compat == "5.0" else []
    assert await world.writes() == [("PUT", 201), *patched]


async def test_the_realm_comes_from_the_template_and_outlives_a_new_name(world: World) -> None:
    engine = world.engine(policy={"realm_template": "{name}.pbx.example.org"})
    first = await engine.reconcile(account(realm=None), Watching())
    assert first.fields["realm"] == "acme-dental.pbx.example.org"
    renamed = account(generation=2, status=first.fields, realm=None, name="Acme Teeth")
    again = await engine.reconcile(renamed, Watching())
    assert again.outcome.reason is Reason.READY
    assert again.fields["realm"] == "acme-dental.pbx.example.org"
    assert again.fields["path"].endswith(" / Acme Teeth")


async def test_a_renamed_account_whose_status_was_lost_is_found_by_its_mark(world: World) -> None:
    policy = {"realm_template": "{name}.pbx.example.org"}
    first = await world.engine(policy=policy).reconcile(account(realm=None), Watching())
    renamed = account(generation=2, realm=None, name="Acme Teeth")
    again = await world.engine(policy=policy).reconcile(renamed, Watching())
    assert again.outcome.reason is Reason.READY
    assert again.fields["accountID"] == first.fields["accountID"]


async def test_without_a_realm_and_a_template_the_spec_is_invalid_and_nothing_is_written(
    world: World,
) -> None:
    found = await world.engine().reconcile(account(realm=None), Watching())
    assert found.outcome.reason is Reason.INVALID_SPEC
    assert "spec.realm" in found.outcome.message and "KZ021" in found.outcome.message
    assert await world.writes() == []


@pytest.mark.parametrize(
    "do",
    [
        {"status": 500, "afterCommit": True},
        {"status": 503, "afterCommit": True},
        {"reset": True, "afterCommit": True},
        {"hang": True, "afterCommit": True},
        {"body": "<html>oops</html>", "contentType": "text/html", "afterCommit": True},
        {"status": 500},
        {"reset": True},
        {"hang": True},
        {"body": "<html>oops</html>", "contentType": "text/html"},
        {"status": 409},
        {"status": 429},
    ],
    ids=lambda do: "-".join(str(word) for word in do if word != "contentType") + str(do.get("status", "")),
)
async def test_a_lost_answer_of_the_creation_leaves_one_account(
    world: World, clock: Clock, do: dict[str, Any]
) -> None:
    await world.fault(do)
    engine = world.engine(create_deadline=0.3)
    first = await engine.reconcile(account(), Watching())
    assert first.outcome.state is State.RECONCILING
    assert first.outcome.comes_back is Return.BACK_OFF
    clock.now += 60
    found = await until_ready(engine, account(status=first.fields))
    assert list(await world.accounts()) == [found.fields["accountID"]]


async def test_a_killed_operator_finds_what_it_made_by_realm_and_mark(world: World) -> None:
    first = await world.engine().reconcile(account(), Watching())
    second = await world.engine().reconcile(account(), Watching())
    assert second == replace(first, events=())
    assert await world.writes() == [("PUT", 201)]


async def test_after_a_gateway_gave_up_the_next_creation_waits(world: World, clock: Clock) -> None:
    await world.fault({"status": 504})
    engine = world.engine()
    assert (await engine.reconcile(account(), Watching())).outcome.reason is Reason.BACKEND_UNAVAILABLE
    assert (await engine.reconcile(account(), Watching())).outcome.reason is Reason.BACKEND_UNAVAILABLE
    assert await world.writes() == [("PUT", 504)]
    clock.now += 21
    assert (await engine.reconcile(account(), Watching())).outcome.reason is Reason.READY


async def test_a_creation_that_kazoo_rolled_back_is_not_taken_for_one(world: World) -> None:
    await world.fault({"rollback": True}, times=3)
    engine = world.engine()
    outcomes = [(await engine.reconcile(account(), Watching())).outcome for _ in range(3)]
    assert [outcome.reason for outcome in outcomes] == [Reason.ROLLED_BACK] * 3
    assert [outcome.state for outcome in outcomes] == [State.RECONCILING, State.RECONCILING, State.STALLED]
    assert (await engine.reconcile(account(), Watching())).outcome.reason is Reason.READY
    assert len(await world.accounts()) == 1


async def test_a_creation_cut_late_is_half_built_and_says_so(world: World, clock: Clock) -> None:
    await world.fault({"cut": "late"})
    engine = world.engine()
    first = await engine.reconcile(account(), Watching())
    assert first.outcome.reason is Reason.BACKEND_UNAVAILABLE
    half = await engine.reconcile(account(), Watching())
    assert (half.outcome.reason, half.outcome.state) == (Reason.HALF_BUILT, State.RECONCILING)
    clock.now += 121
    later = await engine.reconcile(account(status=half.fields), Watching())
    assert (later.outcome.reason, later.outcome.state) == (Reason.HALF_BUILT, State.STALLED)
    assert len(await world.accounts()) == 1


async def test_a_cancelled_pass_does_not_cut_the_creation(world: World) -> None:
    await world.fault({"delay": 0.3})
    engine = world.engine()
    progress = Watching()
    running = asyncio.create_task(engine.reconcile(account(), progress))
    while not world.open[0].creates_in_flight:
        await asyncio.sleep(0.01)
    running.cancel()
    await engine.finish()
    await asyncio.gather(running, return_exceptions=True)
    assert len(await world.accounts()) == 1
    assert await world.writes() == [("PUT", 201)]


async def test_two_objects_with_one_realm_make_one_account(world: World) -> None:
    engine = world.engine()
    passes = await asyncio.gather(
        engine.reconcile(account("one"), Watching()),
        engine.reconcile(account("two"), Watching()),
    )
    reasons = sorted(found.outcome.reason for found in passes)
    assert reasons == [Reason.READY, Reason.REALM_TAKEN]
    assert len(await world.accounts()) == 1


async def test_kazoo_holds_what_the_spec_says(world: World) -> None:
    await world.engine().reconcile(account(), Watching())
    (document,) = (await world.accounts()).values()
    assert {name: document[name] for name in ("name", "timezone", "language")} == {
        name: SPEC[name] for name in ("name", "timezone", "language")
    }


@pytest.mark.parametrize("code", [500, 409])
@pytest.mark.parametrize("status", [True, False], ids=["status-kept", "status-lost"])
async def test_a_rename_after_a_lost_answer_makes_no_second_account(
    world: World, clock: Clock, code: int, status: bool
) -> None:
    await world.fault({"status": code, "afterCommit": True})
    engine = world.engine(policy={"realm_template": "{name}.pbx.example.org"})
    first = await engine.reconcile(account(realm=None), Watching())
    assert first.fields["realm"] == "acme-dental.pbx.example.org"
    renamed = account(generation=2, realm=None, name="Acme Teeth", status=status and first.fields)
    waiting = await engine.reconcile(renamed, Watching())
    clock.now += 11
    found = waiting if waiting.outcome.state is State.READY else await engine.reconcile(renamed, Watching())
    assert found.outcome.reason is Reason.READY
    assert found.fields["realm"] == "acme-dental.pbx.example.org"
    assert [method for method, _ in await world.writes()] == ["PUT", "PATCH"]


async def test_the_id_of_a_good_answer_is_kept_though_it_cannot_be_read_back(world: World) -> None:
    engine = world.engine()
    await engine.reconcile(account("first", name="First", realm="first.pbx.example.com"), Watching())
    await world.fault({"status": 500}, method="GET", path="/v2/accounts/[0-9a-f]{32}$", times=3)
    found = await engine.reconcile(account(), Watching())
    (account_id,) = await world.accounts()
    assert found.outcome.reason is Reason.BACKEND_UNAVAILABLE
    assert (found.fields["accountID"], found.fields["realm"]) == (account_id, "acme.pbx.example.com")
    await world.fault({"body": '{"data": [], "status": "success"}'}, method="GET", path="/search$")
    again = await engine.reconcile(account(), Watching())
    assert again.fields["accountID"] == account_id, "a search that lags is not needed"
    assert await world.writes() == [("PUT", 201)] * 2


async def test_a_parent_that_is_gone_is_named(world: World) -> None:
    await world.fault({"status": 404, "message": "bad_identifier"}, method="PUT")
    found = await world.engine().reconcile(account(), Watching())
    assert found.outcome.reason is Reason.FORBIDDEN
    assert "KAZOO_OPERATOR_ROOT_ACCOUNT" in found.outcome.message


async def test_a_plain_outage_is_no_half_built_account(world: World, clock: Clock) -> None:
    await world.fault({"status": 503}, method="GET", path="/ledgers/total$", times=6)
    engine = world.engine()
    for _ in range(2):
        found = await engine.reconcile(account(), Watching())
        assert found.outcome.reason is Reason.BACKEND_UNAVAILABLE
        assert list(await world.accounts()) == [found.fields["accountID"]]
        clock.now += 300
    assert (await engine.reconcile(account(), Watching())).outcome.reason is Reason.READY


async def test_rolled_back_tries_of_another_spec_do_not_count(world: World) -> None:
    await world.fault({"rollback": True}, times=4)
    engine = world.engine()
    states = [(await engine.reconcile(account(), Watching())).outcome.state for _ in range(3)]
    assert states[-1] is State.STALLED
    changed = await engine.reconcile(account(generation=2), Watching())
    assert (changed.outcome.reason, changed.outcome.state) == (Reason.ROLLED_BACK, State.RECONCILING)


async def test_after_a_restart_the_trace_of_an_uncertain_try_is_heeded(world: World, clock: Clock) -> None:
    await world.fault({"status": 504})
    first = await world.engine().reconcile(account(), Watching())
    assert first.fields["realm"] == "acme.pbx.example.com"
    assert "accountID" not in first.fields
    reborn = world.engine()
    waiting = await reborn.reconcile(account(status=first.fields), Watching())
    assert waiting.outcome.reason is Reason.BACKEND_UNAVAILABLE
    assert await world.writes() == [("PUT", 504)]
    clock.now += 21
    assert (await reborn.reconcile(account(status=first.fields), Watching())).outcome.reason is Reason.READY


async def test_an_object_applied_anew_with_another_realm_finds_what_was_made_late(
    world: World, clock: Clock
) -> None:
    await world.fault({"status": 504})
    engine = world.engine()
    await engine.reconcile(account(), Watching())
    late = await world.engine().reconcile(account(), Watching())
    assert late.outcome.reason is Reason.READY, "KAZOO finished behind the gateway, unseen by the first life"
    clock.now += 21
    found = await engine.reconcile(account(realm="new.pbx.example.com"), Watching())
    assert found.outcome.reason is Reason.INVALID_SPEC
    assert late.fields["accountID"] in found.outcome.message
    assert [status for method, status in await world.writes() if method == "PUT"] == [504, 201]


async def test_a_creation_that_is_refused_for_good_asks_for_no_more_listings(
    world: World, clock: Clock
) -> None:
    await until_ready(world.engine(key=world.sandbox.identity.master.api_key, owner="m"), account("other"))
    await world.fault({"status": 500})
    engine = world.engine()
    spec = {"realm": "second.pbx.example.com"}
    lost = await engine.reconcile(account(**spec), Watching())
    clock.now += 30
    for _ in range(4):
        found = await engine.reconcile(account(status=lost.fields, **spec), Watching())
        assert found.outcome.reason is Reason.REJECTED
        clock.now += 30
    journal = (await world.control("GET", "requests"))["requests"]
    listings = [call for call in journal if call["path"].endswith("/descendants")]
    assert len(listings) <= 4


async def test_an_interrupted_creation_gets_its_start_values_at_the_next_pass(world: World) -> None:
    root = world.sandbox.identity.reseller.account_id
    await world.edit(root, {"enabled": False})
    await world.fault({"status": 500}, method="GET", path="/ledgers/total$", times=3)
    engine = world.engine()
    first = await engine.reconcile(account(), Watching())
    assert first.outcome.reason is Reason.BACKEND_UNAVAILABLE
    await world.edit(first.fields["accountID"], {"enabled": False})
    again = await engine.reconcile(account(status=first.fields), Watching())
    assert again.outcome.reason is Reason.READY
    assert (await world.open[0].read(first.fields["accountID"], ACCOUNT))["enabled"] is True


@pytest.mark.parametrize("do", [{"reset": True}, {"status": 429}, {"body": "<html>"}], ids=str)
async def test_the_id_of_a_made_account_is_never_dropped(world: World, do: dict[str, Any]) -> None:
    await world.fault(do, method="GET", path="/ledgers/total$", times=3)
    found = await world.engine().reconcile(account(), Watching())
    assert found.outcome.reason is not Reason.READY
    assert [found.fields["accountID"]] == list(await world.accounts())


async def test_a_search_that_lags_behind_our_own_account_does_not_deceive(world: World) -> None:
    engine = world.engine()
    first = await engine.reconcile(account("one"), Watching())
    empty = '{"data": [], "status": "success", "auth_token": "t"}'
    await world.fault({"body": empty, "contentType": "application/json"}, "GET", "/search$", times=2)
    second = await engine.reconcile(account("two", name="Two"), Watching())
    assert second.outcome.reason is Reason.REALM_TAKEN
    assert first.fields["accountID"] in second.outcome.message
    assert await world.writes() == [("PUT", 201)]


async def test_creating_in_status_is_a_trace_of_an_earlier_life(world: World) -> None:
    condition = {"type": "Ready", "status": "False", "reason": "Creating"}
    found = await world.engine().reconcile(account(status={"conditions": [condition]}), Watching())
    assert found.outcome.reason is Reason.BACKEND_UNAVAILABLE
    assert await world.writes() == []

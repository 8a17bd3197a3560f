"""CreditPolicy: each grant is booked exactly once, whatever is lost, and alert and recharge are kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Resource
from tests.engine.attached import attached, keep, ready_account
from tests.engine.conftest import Watching, World, account, after, until_ready

TODAY = datetime.now(UTC).date().isoformat()
INITIAL = {"id": "initial", "amount": "25.00", "date": TODAY, "description": "Initial credit"}
BACK = {"id": "back", "type": "Debit", "amount": "5.50", "date": TODAY}


def policy(*grants: dict[str, Any], **more: Any) -> Resource:
    said = {"grants": list(grants)} if grants else {}
    return attached("CreditPolicy", **{**said, **more})


async def entries(world: World, account_id: str) -> list[dict[str, Any]]:
    """What was booked, but for what the server books itself."""
    held = (await world.control("GET", "state"))["accounts"][account_id]["ledgers"]
    return [entry for entry in held if entry["source"]["service"] == "adjustments"]


async def amounts(world: World, account_id: str) -> list[Decimal]:
    return sorted(Decimal(str(entry["amount"])) for entry in await entries(world, account_id))


async def test_grants_are_booked_and_status_tells_them(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    found = await engine.reconcile(policy(INITIAL, BACK), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert await amounts(world, account_id) == [Decimal("-5.5"), Decimal(25)]
    assert (found.fields["balance"], found.fields["granted"]) == ("19.50", "19.50")
    assert (found.fields["currency"], found.fields["moneyKind"]) == ("USD", "Allotted")
    told = {one["id"]: one for one in found.fields["grants"]}
    assert told["initial"]["amount"] == "25.00"
    assert told["initial"]["ledgerID"] in {entry["id"] for entry in await entries(world, account_id)}
    assert [event.reason for event in found.events] == ["BudgetExceeded", "Granted", "Debited"]
    (entry,) = [one for one in await entries(world, account_id) if one["amount"] > 0]
    assert entry["source"]["id"] == f"kazoo-operator/{account_id}/initial"
    assert entry["period"]["start"] == entry["period"]["end"]
    assert (entry["usage"]["unit"], entry["description"]) == ("USD", "Initial credit")


async def test_a_second_pass_books_nothing(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    done = await keep(engine, policy(INITIAL))
    again = await engine.reconcile(done, Watching())
    assert again.outcome.reason == "Ready"
    assert again.fields["grants"] == done.status["grants"]
    assert await amounts(world, account_id) == [Decimal(25)]
    assert len(await world.writes("/ledgers/credit$")) == 1


async def test_status_and_memory_lost_it_is_found_again(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    done = await keep(engine, policy(INITIAL))
    found = await world.real_time_engine().reconcile(policy(INITIAL), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert await amounts(world, account_id) == [Decimal(25)]
    assert found.fields["grants"][0]["ledgerID"] == done.status["grants"][0]["ledgerID"]


async def test_a_month_later_under_another_name_it_is_found_again(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    await keep(engine, policy(INITIAL))
    await world.edit(account_id, {"name": "Acme Dental Group"})
    await world.control("POST", "clock", {"advance": "768h"})
    found = await world.real_time_engine(later=768 * 3600).reconcile(policy(INITIAL), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert await amounts(world, account_id) == [Decimal(25)]
    assert found.fields["balance"] == "25.00"


@pytest.mark.parametrize(
    "do",
    [
        {"status": 500, "afterCommit": True},
        {"reset": True, "afterCommit": True},
        {"status": 503},
        {"reset": True},
    ],
    ids=["500 after the commit", "reset after the commit", "503", "reset"],
)
async def test_an_answer_that_is_lost_books_nothing_twice(world: World, do: dict[str, Any]) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    await world.fault(do, path="/ledgers/credit$")
    lost = await engine.reconcile(policy(INITIAL), Watching())
    assert lost.outcome.reason == "BackendUnavailable"
    found = await engine.reconcile(after(policy(INITIAL), lost), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert await amounts(world, account_id) == [Decimal(25)]


async def test_another_amount_under_the_same_id_is_never_booked(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    await keep(engine, policy(INITIAL))
    found = await world.real_time_engine().reconcile(policy({**INITIAL, "amount": "30.00"}), Watching())
    assert found.outcome.reason == "GrantMismatch"
    assert "25.00" in found.outcome.message
    assert await amounts(world, account_id) == [Decimal(25)]


async def test_a_grant_from_before_the_account_is_refused(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    found = await engine.reconcile(policy({**INITIAL, "date": "2020-01-01"}), Watching())
    assert found.outcome.reason == "InvalidSpec"
    assert "spec.grants[0].date" in found.outcome.message
    assert await amounts(world, account_id) == []


async def test_a_grant_in_the_future_is_refused(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    found = await engine.reconcile(policy({**INITIAL, "date": "2999-01-01"}), Watching())
    assert found.outcome.reason == "InvalidSpec"
    assert "KZ079" in found.outcome.message
    assert await amounts(world, account_id) == []


@pytest.mark.parametrize(
    ("caps", "reason"),
    [
        ({"maxBalance": "24.99"}, "CapExceeded"),
        ({"maxBalance": "25"}, "Ready"),
        ({"maxGrantPerMonth": "24.99"}, "InvalidSpec"),
        ({"maxGrantPerMonth": "25.00"}, "Ready"),
    ],
)
async def test_caps_are_kept(world: World, caps: dict[str, str], reason: str) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    found = await engine.reconcile(policy(INITIAL, caps=caps), Watching())
    assert found.outcome.reason == reason, found.outcome.message
    assert await amounts(world, account_id) == ([Decimal(25)] if reason == "Ready" else [])


async def test_a_month_that_is_past_keeps_its_cap(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    await world.control("POST", "clock", {"advance": "768h"})
    later = world.real_time_engine(later=768 * 3600)
    found = await later.reconcile(policy(INITIAL, caps={"maxGrantPerMonth": "24.99"}), Watching())
    assert found.outcome.reason == "CapExceeded", found.outcome.message
    assert "KZ041" in found.outcome.message
    assert await amounts(world, account_id) == []


async def test_alert_and_recharge_are_written_and_what_kazoo_adds_stays(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    await world.edit(account_id, {"notifications": {"low_balance": {"sent_low_balance": True}}})
    said = {"lowBalanceAlert": {"threshold": "25"}, "autoRecharge": {"threshold": "10.5", "amount": "50"}}
    found = await engine.reconcile(policy(**said), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    document = await world.document(account_id)
    assert document["notifications"]["low_balance"] == {
        "enabled": True, "threshold": 25, "sent_low_balance": True
    }  # fmt: skip
    assert document["topup"] == {"threshold": 10.5, "amount": 50}


async def test_an_account_that_is_disabled_stays_so(world: World) -> None:
    engine = world.real_time_engine()
    found = await until_ready(engine, account(enabled=False))
    world.objects.put(after(account(enabled=False), found))
    done = await engine.reconcile(policy(lowBalanceAlert={"threshold": "25"}), Watching())
    assert done.outcome.reason == "Ready", done.outcome.message
    assert (await world.document(str(found.fields["accountID"])))["enabled"] is False


async def test_a_recharge_is_switched_off_by_emptying_it(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    await keep(engine, policy(autoRecharge={"threshold": "10", "amount": "50"}))
    off = await engine.reconcile(policy(generation=2, autoRecharge={"enabled": False}), Watching())
    assert off.outcome.reason == "Ready", off.outcome.message
    assert not (await world.document(account_id)).get("topup")
    again = await engine.reconcile(policy(generation=3, autoRecharge={"enabled": False}), Watching())
    assert again.outcome.reason == "Ready"


async def test_reset_switches_off_and_gives_nothing_back(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    said = {"lowBalanceAlert": {"threshold": "25"}, "autoRecharge": {"threshold": "10", "amount": "50"}}
    done = await keep(engine, policy(INITIAL, deletionPolicy="Reset", **said))
    ending = attached("CreditPolicy", deleting=True, status=done.status, **done.spec)
    found = await engine.reconcile(ending, Watching())
    assert found.released, found.outcome.message
    document = await world.document(account_id)
    assert document["notifications"]["low_balance"]["enabled"] is False
    assert not document.get("topup")
    assert await amounts(world, account_id) == [Decimal(25)]


async def test_an_object_deleted_and_made_again_finds_its_booking(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    await keep(engine, policy(INITIAL))
    other = attached("CreditPolicy", "other", grants=[INITIAL], created="2027-01-01T00:00:00Z")
    found = await engine.reconcile(other, Watching())
    assert found.outcome.reason == "Ready"
    assert await amounts(world, account_id) == [Decimal(25)]


async def test_an_object_made_again_with_a_later_day_finds_its_booking(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    await keep(engine, policy(INITIAL))
    await world.control("POST", "clock", {"advance": "1536h"})
    later = world.real_time_engine(later=1536 * 3600)
    day = (datetime.now(UTC) + timedelta(hours=1536)).date().isoformat()
    found = await later.reconcile(policy({**INITIAL, "date": day}), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert await amounts(world, account_id) == [Decimal(25)]


async def test_the_same_grant_of_another_account_is_another(world: World) -> None:
    engine = world.real_time_engine()
    await ready_account(world, engine)
    branch = account("branch", name="Acme Branch", realm="branch.pbx.example.com")
    made = await engine.reconcile(branch, Watching())
    world.objects.put(after(branch, made))
    await keep(engine, policy(INITIAL))
    there = attached("CreditPolicy", "branch", accountRef={"name": "branch"}, grants=[INITIAL])
    found = await engine.reconcile(there, Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert await amounts(world, str(made.fields["accountID"])) == [Decimal(25)]


async def test_under_observe_only_nothing_is_booked(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    found = await engine.reconcile(policy(INITIAL, managementPolicy="ObserveOnly"), Watching())
    assert found.outcome.reason == "Ready"
    assert await amounts(world, account_id) == []
    assert found.fields["granted"] == "0.00"


async def test_credit_wakes_the_account_that_it_is_for_and_nothing_else_does(world: World) -> None:
    engine = world.real_time_engine()
    await ready_account(world, engine)
    found = await engine.reconcile(policy(INITIAL), Watching())
    assert [(key.kind, key.name) for key in found.wakes] == [("Account", "acme")]
    again = await engine.reconcile(after(policy(INITIAL), found), Watching())
    assert again.wakes == ()


async def test_more_than_the_parent_has_is_denied_warned_of_or_let_through(world: World) -> None:
    for policy_word, reason, told in (
        ("Deny", "BudgetExceeded", []),
        ("Warn", "Ready", ["BudgetExceeded", "Granted"]),
        ("Off", "Ready", ["Granted"]),
    ):
        engine = world.real_time_engine(policy={"budget_policy": policy_word})
        name = policy_word.lower()
        made = account(name, name=f"Acme {name}", realm=f"{name}.pbx.example.com")
        found = await until_ready(engine, made)
        world.objects.put(after(made, found))
        said = attached("CreditPolicy", name, accountRef={"name": name}, grants=[INITIAL])
        judged = await engine.reconcile(said, Watching())
        assert judged.outcome.reason == reason, judged.outcome.message
        assert [event.reason for event in judged.events] == told
        booked = [Decimal(25)] if reason == "Ready" else []
        assert await amounts(world, str(found.fields["accountID"])) == booked


async def test_the_budget_adds_up_children_with_and_without_an_object(world: World) -> None:
    engine = world.real_time_engine()
    reseller = world.sandbox.identity.reseller.account_id
    body = {"amount": 100, "source": {"service": "adjustments", "id": "start"}}
    body |= {"usage": {"type": "credit", "quantity": 0, "unit": "USD"}}
    await world.as_master("PUT", f"accounts/{reseller}/ledgers/credit", body)
    other = await world.call("PUT", f"accounts/{reseller}", {"name": "By hand", "realm": "hand.example.com"})
    await world.call("PUT", f"accounts/{other['id']}/ledgers/credit", {**body, "amount": 60})
    await ready_account(world, engine)
    found = await engine.reconcile(policy(INITIAL), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert found.fields["budget"] == {"parentAvailable": "100.00", "childrenAllotted": "85.00"}
    more = {"id": "more", "amount": "20.00", "date": TODAY}
    await asyncio.sleep(1.1)  # a list hides what was booked within the second
    strict = world.real_time_engine(policy={"budget_policy": "Deny"})
    world.objects.put(after(account(), await strict.reconcile(account(), Watching())))
    denied = await strict.reconcile(policy(INITIAL, more), Watching())
    assert denied.outcome.reason == "BudgetExceeded"
    assert "85.00" in denied.outcome.message
    assert "100.00" in denied.outcome.message


async def test_a_debit_beyond_the_balance_is_no_allotment_less_for_the_others(world: World) -> None:
    engine = world.real_time_engine()
    for name in ("poor", "rich"):
        made = account(name, name=f"Acme {name}", realm=f"{name}.pbx.example.com")
        world.objects.put(after(made, await until_ready(engine, made)))
    rich = attached("CreditPolicy", "rich", accountRef={"name": "rich"}, grants=[INITIAL])
    await engine.reconcile(rich, Watching())
    poor = attached("CreditPolicy", "poor", accountRef={"name": "poor"}, grants=[BACK])
    found = await engine.reconcile(poor, Watching())
    assert found.fields["balance"] == "-5.50"
    assert found.fields["budget"]["childrenAllotted"] == "25.00"


@pytest.mark.parametrize("path", ["/ledgers/total$", "/ledgers/summary/"])
async def test_what_kazoo_does_not_tell_now_is_not_shown_as_nothing(world: World, path: str) -> None:
    engine = world.real_time_engine()
    await ready_account(world, engine)
    done = await keep(engine, policy(INITIAL))
    await world.fault({"status": 503}, method="GET", path=path, times=9)
    found = await engine.reconcile(done, Watching())
    assert found.outcome.reason == "BackendUnavailable"
    assert after(done, found).status["balance"] == "25.00"


async def test_a_recharge_that_does_not_last_for_a_day_is_told_once(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    recharge = {"threshold": "1.00", "amount": "1.00"}
    done = await keep(engine, policy(INITIAL, autoRecharge=recharge))
    calls = {"accountID": account_id, "seconds": 60, "rate": 100}
    await world.control("POST", "calls", calls)
    found = await engine.reconcile(done, Watching())
    assert Decimal(found.fields["averageDailySpend"]) > 1
    assert [event.reason for event in found.events] == ["RechargeBelowDailySpend", "RechargeNotMade"]
    spent = after(done, found)
    assert (await engine.reconcile(spent, Watching())).events == ()
    more = after(spent, found, 2, autoRecharge={**recharge, "amount": "1.50"})
    told = [event.reason for event in (await engine.reconcile(more, Watching())).events]
    assert told == ["Updated", "RechargeBelowDailySpend", "RechargeNotMade"], "it is still too small"


async def test_a_pass_over_what_has_not_changed_has_nothing_new_to_tell(world: World) -> None:
    engine = world.real_time_engine()
    await ready_account(world, engine)
    done = await keep(engine, policy(INITIAL, lowBalanceAlert={"threshold": "5.00"}), world)
    made = account()
    world.objects.put(after(made, await engine.reconcile(made, Watching())))
    again = await engine.reconcile(done, Watching())
    told = {name: value for name, value in again.fields.items() if value is not None}
    assert told == {name: value for name, value in done.status.items() if name in told}
    assert after(done, again).status == done.status
    assert (again.events, again.wakes) == ((), ())

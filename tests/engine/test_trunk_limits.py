"""TrunkLimits: read, merge, write whole; and nothing that costs more without consent."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Resource
from tests.engine.attached import attached, keep, ready_account
from tests.engine.conftest import Watching, World, after, awaited

PLAN = {"plan": {"limits": {"twoway_trunks": {"rate": 24.99, "cascade": True, "activation_charge": 2}}}}


def trunks(called: str = "acme", /, **more: Any) -> Resource:
    return attached("TrunkLimits", called, **{"allowPerMinute": False, **more})


async def limits(world: World, account_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await world.control("GET", "state"))["accounts"][account_id]["limits"]
    return found


async def assign(world: World, plan: dict[str, Any] = PLAN) -> None:
    """Have the reseller pay by a plan."""
    master = world.sandbox.identity.master.account_id
    await world.control(
        "POST", "documents", {"accountID": master, "document": "plan", "merge": {"name": "gold", **plan}}
    )
    plans = (await world.control("GET", "state"))["plans"]
    gold = next(held["id"] for held in plans if held.get("name") == "gold")
    reseller = world.sandbox.identity.reseller.account_id
    await world.as_master("POST", f"accounts/{reseller}/services", {"add": [gold]})


async def test_limits_are_written_and_status_says_how_many_calls_they_are(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    found = await engine.reconcile(trunks(inbound=2, twoWay=3, maxCalls=9), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    held = await limits(world, account_id)
    assert (held["inbound_trunks"], held["twoway_trunks"], held["calls"]) == (2, 3, 9)
    assert held["allow_prepay"] is False
    assert found.fields["accountID"] == account_id
    assert found.fields["realm"] == "acme.pbx.example.com"
    assert found.fields["capacity"] == {"inbound": 5, "outbound": 3, "total": 5}
    assert (found.fields["outbound"], found.fields["maxResourceConsumingCalls"]) == (0, -1)


async def test_what_is_equal_is_not_written(world: World) -> None:
    engine = world.engine()
    await ready_account(world, engine)
    done = await keep(engine, trunks(inbound=2))
    before = await world.writes("/limits$")
    found = await engine.reconcile(done, Watching())
    assert found.outcome.reason == "Ready"
    assert await world.writes("/limits$") == before
    assert len(before) == 1


async def test_keys_of_other_tools_stay_and_a_cap_is_lifted_by_leaving_it_out(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    edit = {"accountID": account_id, "document": "limits", "merge": {"theirs": {"a": [1]}, "calls": 4}}
    await world.control("POST", "documents", edit)
    found = await engine.reconcile(trunks(maxCalls=-1, inbound=1), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    held = await limits(world, account_id)
    assert held["theirs"] == {"a": [1]}
    assert "calls" not in held
    assert found.fields["maxCalls"] == -1


async def test_a_field_that_is_left_out_is_left_alone(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    await world.control(
        "POST",
        "documents",
        {"accountID": account_id, "document": "limits", "merge": {"outbound_trunks": 7, "calls": 3}},
    )
    await engine.reconcile(trunks(inbound=1), Watching())
    held = await limits(world, account_id)
    assert (held["outbound_trunks"], held["calls"]) == (7, 3)


async def test_it_waits_for_its_account(world: World) -> None:
    found = await world.engine().reconcile(trunks(), Watching())
    assert found.outcome.reason == "AccountNotReady"
    assert [key.name for key in awaited(found)] == ["acme"]
    assert await world.writes("/limits$") == []


async def test_an_account_outside_is_not_touched(world: World) -> None:
    engine = world.engine()
    other = {"accountRef": {"accountID": world.sandbox.identity.master.account_id}}
    found = await engine.reconcile(trunks(**other), Watching())
    assert found.outcome.reason == "OutsideSubtree"
    assert await world.writes("/limits$") == []


async def test_the_older_of_two_objects_keeps_the_account(world: World) -> None:
    engine = world.engine()
    await ready_account(world, engine)
    old = trunks("old", inbound=1)
    new = trunks(
        "new", inbound=2, created="2026-01-02T00:00:00Z", accountRef={"realm": "acme.pbx.example.com"}
    )
    world.objects.put(old, new)
    assert (await engine.reconcile(old, Watching())).outcome.reason == "Ready"
    found = await engine.reconcile(new, Watching())
    assert found.outcome.reason == "Conflict"
    assert "team/old" in found.outcome.message
    assert len(await world.writes("/limits$")) == 1


async def test_drift_is_put_back(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    done = await keep(engine, trunks(inbound=2))
    await world.control(
        "POST", "documents", {"accountID": account_id, "document": "limits", "merge": {"inbound_trunks": 9}}
    )
    found = await engine.reconcile(done, Watching())
    assert found.outcome.reason == "Ready"
    assert [event.reason for event in found.events] == ["DriftCorrected"]
    assert (await limits(world, account_id))["inbound_trunks"] == 2


async def test_reset_takes_back_what_was_set(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    await world.control(
        "POST", "documents", {"accountID": account_id, "document": "limits", "merge": {"outbound_trunks": 7}}
    )
    done = await keep(engine, trunks(inbound=2, maxCalls=5, deletionPolicy="Reset"))
    ending = attached("TrunkLimits", deleting=True, status=done.status, **done.spec)
    found = await engine.reconcile(ending, Watching())
    assert found.released
    held = await limits(world, account_id)
    assert (held["inbound_trunks"], held["outbound_trunks"], "calls" in held) == (0, 7, False)


async def test_what_costs_more_waits_for_consent_and_is_not_sent(world: World) -> None:
    engine = world.engine()
    await assign(world)
    account_id = await ready_account(world, engine)
    found = await engine.reconcile(trunks(twoWay=5), Watching())
    assert found.outcome.reason == "ChargesNotAccepted"
    quote = found.fields["pendingQuote"]
    assert (quote["recurring"], quote["today"]) == ("124.95", "10.00")
    assert quote["digest"] in found.outcome.message
    assert found.also["ChargesAccepted"][0] == "False"
    assert await world.writes("/limits$") == []
    assert (await limits(world, account_id)).get("twoway_trunks", 0) == 0


async def test_consent_to_the_quote_is_consent_to_that_price_alone(world: World) -> None:
    engine = world.engine()
    await assign(world)
    account_id = await ready_account(world, engine)
    asked = await engine.reconcile(trunks(twoWay=5), Watching())
    digest = asked.fields["pendingQuote"]["digest"]
    consent = {"accept": "Quote", "quoteDigest": digest}
    found = await engine.reconcile(trunks(generation=2, twoWay=5, charges=consent), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert found.fields["pendingQuote"] is None
    assert found.also["ChargesAccepted"][0] == "True"
    assert (await limits(world, account_id))["twoway_trunks"] == 5
    more = await engine.reconcile(trunks(generation=3, twoWay=6, charges=consent), Watching())
    assert more.outcome.reason == "ChargesNotAccepted"
    assert more.fields["pendingQuote"]["digest"] != digest
    assert (await limits(world, account_id))["twoway_trunks"] == 5


@pytest.mark.parametrize(
    ("consent", "reason"),
    [
        ({"accept": "UpTo", "maxRecurringIncrease": "124.95", "maxOneTime": "10"}, "Ready"),
        ({"accept": "UpTo", "maxRecurringIncrease": "124.94", "maxOneTime": "10"}, "ChargesNotAccepted"),
        ({"accept": "UpTo", "maxRecurringIncrease": "124.95"}, "ChargesNotAccepted"),
        ({"accept": "UpTo", "maxOneTime": "10"}, "ChargesNotAccepted"),
        ({"accept": "Never"}, "ChargesNotAccepted"),
        (None, "ChargesNotAccepted"),
    ],
)
async def test_limits_of_consent_are_kept(world: World, consent: Any, reason: str) -> None:
    engine = world.engine()
    await assign(world)
    await ready_account(world, engine)
    said = {"charges": consent} if consent else {}
    found = await engine.reconcile(trunks(twoWay=5, **said), Watching())
    assert found.outcome.reason == reason, found.outcome.message
    journal = (await world.control("GET", "requests"))["requests"]
    accepted = [call for call in journal if call["acceptCharges"]]
    assert len(accepted) == (1 if reason == "Ready" else 0)


async def test_drift_is_not_put_back_at_a_higher_price(world: World) -> None:
    engine = world.engine()
    await assign(world)
    account_id = await ready_account(world, engine)
    consent = {"accept": "UpTo", "maxRecurringIncrease": "1000", "maxOneTime": "1000"}
    done = await keep(engine, trunks(inbound=1, twoWay=5, charges=consent))
    edit = {"accountID": account_id, "document": "limits", "merge": {"twoway_trunks": 2, "inbound_trunks": 3}}
    await world.control("POST", "documents", edit)
    found = await engine.reconcile(done, Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    held = await limits(world, account_id)
    assert (held["twoway_trunks"], held["inbound_trunks"]) == (2, 1)
    assert [(one["path"], one["observed"], one["desired"]) for one in found.fields["drift"]] == [
        ("twoWay", "2", "5")
    ]
    assert found.fields["pendingQuote"]["recurring"] == "74.97"
    assert found.also["DriftDetected"][0] == "True"
    again = await engine.reconcile(
        after(done, found, generation=2, driftPolicy="Correct", burst=1), Watching()
    )
    assert again.outcome.reason == "Ready"
    assert (await limits(world, account_id))["twoway_trunks"] == 5


async def test_what_else_has_drifted_is_put_back_beside_what_would_cost_more(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    done = await keep(engine, trunks(inbound=1, twoWay=5, maxCalls=9))
    await assign(world)
    merge = {"twoway_trunks": 2, "inbound_trunks": 3, "allow_prepay": True, "calls": 20}
    await world.control("POST", "documents", {"accountID": account_id, "document": "limits", "merge": merge})
    found = await engine.reconcile(done, Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    held = await limits(world, account_id)
    assert {name: held[name] for name in merge} == {
        "twoway_trunks": 2,
        "inbound_trunks": 1,
        "allow_prepay": False,
        "calls": 9,
    }
    assert [one["path"] for one in found.fields["drift"]] == ["twoWay"]
    assert found.fields["pendingQuote"]["recurring"] == "74.97"


async def test_drift_to_more_trunks_stays_where_fewer_are_dearer(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    done = await keep(engine, trunks(twoWay=2))
    await assign(
        world, {"plan": {"limits": {"twoway_trunks": {"rate": 10, "rates": {"3": 30}, "cascade": True}}}}
    )
    edit = {"accountID": account_id, "document": "limits", "merge": {"twoway_trunks": 4}}
    await world.control("POST", "documents", edit)
    found = await engine.reconcile(done, Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert (await limits(world, account_id))["twoway_trunks"] == 4
    assert [one["path"] for one in found.fields["drift"]] == ["twoWay"]
    assert found.fields["pendingQuote"]["recurring"] == "20.00"


async def test_a_bill_that_does_not_count_a_change_is_reconciled_once(world: World) -> None:
    engine = world.engine()
    await assign(world)
    await ready_account(world, engine)
    consent = {"accept": "UpTo", "maxRecurringIncrease": "1000", "maxOneTime": "1000"}
    await world.fault({"unbilled": True}, method="POST", path="/limits$", times=2)
    done = await keep(engine, trunks(twoWay=5, charges=consent))
    assert done.was_ready
    found = await engine.reconcile(done, Watching())
    assert found.outcome.reason == "Ready"
    assert len(await world.writes("/services/reconciliation$")) == 1


async def test_a_master_is_asked_by_us(world: World) -> None:
    engine = world.engine(key=world.sandbox.identity.master.api_key)
    await assign(world)
    reseller = world.sandbox.identity.reseller.realm
    found = await engine.reconcile(trunks(accountRef={"realm": reseller}, twoWay=5), Watching())
    assert found.outcome.reason == "ChargesNotAccepted"
    assert found.fields["pendingQuote"]["recurring"] == "124.95"
    assert await world.writes("/limits$") == []


async def test_only_the_reseller_may_change_limits(world: World) -> None:
    account_id = await ready_account(world, world.engine())
    key = (await world.as_master("GET", f"accounts/{account_id}/api_key"))["api_key"]
    child = await world.call("PUT", f"accounts/{account_id}", {"name": "Child", "realm": "child.example.com"})
    found = await world.engine(key=key).reconcile(
        trunks(accountRef={"accountID": child["id"]}, inbound=1), Watching()
    )
    assert found.outcome.reason == "NotReseller"
    assert "reseller" in found.outcome.message


async def test_a_payer_in_bad_standing_is_another_matter(world: World) -> None:
    engine = world.engine()
    await assign(world)
    await ready_account(world, engine)
    answer = {"status": 402, "message": "billing_issue"}
    await world.fault(answer, method="POST", path="/limits$")
    consent = {"accept": "UpTo", "maxRecurringIncrease": "1000", "maxOneTime": "1000"}
    found = await engine.reconcile(trunks(twoWay=5, charges=consent), Watching())
    assert found.outcome.reason == "BillingIssue"


async def test_a_quote_of_an_unknown_shape_is_no_price(world: World) -> None:
    engine = world.engine()
    account_id = await ready_account(world, engine)
    await world.fault({"status": 402, "message": "accept charges"}, method="POST", path="/limits$")
    consent = {"accept": "UpTo", "maxRecurringIncrease": "1000", "maxOneTime": "1000"}
    found = await engine.reconcile(trunks(twoWay=5, charges=consent), Watching())
    assert found.outcome.reason == "ChargesNotAccepted"
    assert found.fields["pendingQuote"] is None
    (event,) = [one for one in found.events if one.reason == "QuoteNotUnderstood"]
    assert event.message.startswith("KAZOO asks for consent with: ")
    assert (await limits(world, account_id)).get("twoway_trunks", 0) == 0

"""The budget of an account over those below it, while several are granted at once, in debt, or of late."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from kazoo_operator.core.outcome import Pass
from tests.engine.attached import attached, many, ready_account
from tests.engine.conftest import Watching, World, account, after
from tests.engine.test_credit_policy import INITIAL, TODAY, entries, policy

STRICT = {"budget_policy": "Deny"}


async def give(world: World, amount: float, source: str) -> None:
    """Credit for the reseller, by hand of the master."""
    entry: dict[str, Any] = {"amount": amount, "source": {"service": "adjustments", "id": source}}
    entry["usage"] = {"type": "credit", "quantity": 0, "unit": "USD"}
    reseller = world.sandbox.identity.reseller.account_id
    await world.as_master("PUT", f"accounts/{reseller}/ledgers/credit", entry)


async def test_grants_of_siblings_at_once_do_not_come_to_more_than_the_parent_has(world: World) -> None:
    await give(world, 60, "start")
    engine = world.real_time_engine(policy=STRICT)
    accounts = await many(world, engine, 5)

    async def grant(number: int) -> Pass:
        one = attached("CreditPolicy", f"a{number}", accountRef={"name": f"a{number}"}, grants=[INITIAL])
        return await engine.reconcile(one, Watching())

    found = await asyncio.gather(*map(grant, range(5)))
    assert sorted(str(one.outcome.reason) for one in found) == ["BudgetExceeded"] * 3 + ["Ready"] * 2
    booked = [entry["amount"] for one in accounts for entry in await entries(world, one)]
    assert booked == [Decimal(25)] * 2


async def test_what_pays_off_a_debt_is_no_allotment(world: World) -> None:
    await give(world, 5, "start")
    engine = world.real_time_engine(policy=STRICT)
    await ready_account(world, engine)
    debt = {"id": "debt", "type": "Debit", "amount": "24.00", "date": TODAY}
    in_debt = await engine.reconcile(policy(debt), Watching())
    assert in_debt.fields["balance"] == "-24.00"
    beyond = {**INITIAL, "amount": "30.00"}
    held = after(policy(debt), in_debt, 2, grants=[debt, beyond])
    assert (await engine.reconcile(held, Watching())).outcome.reason == "BudgetExceeded", "6.00 of it"
    found = await engine.reconcile(after(policy(debt), in_debt, 2, grants=[debt, INITIAL]), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert found.fields["balance"] == "1.00"


async def test_credit_that_the_parent_has_got_since_counts_at_once(world: World) -> None:
    engine = world.real_time_engine(policy=STRICT)
    await ready_account(world, engine)
    assert (await engine.reconcile(policy(INITIAL), Watching())).outcome.reason == "BudgetExceeded"
    await give(world, 25, "since")
    found = await engine.reconcile(policy(INITIAL), Watching())
    assert found.outcome.reason == "Ready", found.outcome.message
    assert found.fields["budget"] == {"parentAvailable": "25.00", "childrenAllotted": "25.00"}


async def test_what_was_booked_of_late_counts_before_any_status_shows_it(world: World) -> None:
    await give(world, 40, "start")
    engine = world.real_time_engine(policy=STRICT)
    await many(world, engine, 2)
    first = attached("CreditPolicy", "a0", accountRef={"name": "a0"}, grants=[INITIAL])
    assert (await engine.reconcile(first, Watching())).outcome.reason == "Ready"
    engine._attached._budget._shares.clear()
    second = attached("CreditPolicy", "a1", accountRef={"name": "a1"}, grants=[INITIAL])
    found = await engine.reconcile(second, Watching())
    assert found.outcome.reason == "BudgetExceeded"
    assert "25.00 together" in found.outcome.message


async def test_a_suspended_account_has_no_word_in_it(world: World) -> None:
    await give(world, 100, "start")
    engine = world.real_time_engine()
    (asleep, _) = await many(world, engine, 2)
    one = account("a0", name="Acme 0", realm="a0.pbx.example.com", suspend=True)
    world.objects.put(
        after(one, Pass((await engine.reconcile(one, Watching())).outcome, {"balance": "9.00"}))
    )
    entry: dict[str, Any] = {"amount": 60, "source": {"service": "adjustments", "id": "by hand"}}
    entry["usage"] = {"type": "credit", "quantity": 0, "unit": "USD"}
    await world.call("PUT", f"accounts/{asleep}/ledgers/credit", entry)
    said = attached("CreditPolicy", "a1", accountRef={"name": "a1"}, grants=[INITIAL])
    found = await engine.reconcile(said, Watching())
    assert found.fields["budget"]["childrenAllotted"] == "85.00"


async def test_a_grant_that_is_booked_is_told_though_the_next_one_fails(world: World) -> None:
    engine = world.real_time_engine()
    await ready_account(world, engine)
    await world.fault({"delay": 0}, path="/ledgers/credit$")
    await world.fault({"status": 503}, path="/ledgers/credit$")
    more = {"id": "more", "amount": "20.00", "date": TODAY}
    said = policy(INITIAL, more, lowBalanceAlert={"threshold": "20.00"})
    found = await engine.reconcile(said, Watching())
    assert found.outcome.reason == "BackendUnavailable"
    assert [event.reason for event in found.events] == ["Updated", "BudgetExceeded", "Granted"]
    assert "grant initial" in found.events[-1].message

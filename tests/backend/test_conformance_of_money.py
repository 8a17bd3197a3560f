"""The conformance suite goes on with money: limits, charges, services, ledgers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from kazoo_operator.backend.errors import (
    BackendError,
    ChargesNotAccepted,
    Conflict,
    Forbidden,
    PreconditionFailed,
    ServerFailure,
)
from kazoo_operator.core.documents import LIMITS, PLANS_AVAILABLE, SERVICES_SUMMARY, Document
from kazoo_operator.core.month import GREGORIAN
from kazoo_operator.core.pricing.quote import read_quote
from tests.backend.stage import START, USERS, Stage

SERVICES = Document("services", "services", "POST")
MONTH = "202611"


def entry(source_id: str, amount: str = "25.5", kind: str = "credit", **more: Any) -> dict[str, Any]:
    return {
        "amount": Decimal(amount),
        "source": {"service": "adjustments", "id": source_id},
        "usage": {"type": kind, "quantity": 0, "unit": "USD"},
        "period": {"start": int(START) + GREGORIAN, "end": int(START) + GREGORIAN},
        **more,
    }


# Limits


async def test_limits_are_changed_by_their_revision(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    fresh = await client.read_revised(account_id, LIMITS)
    assert (fresh.revision, fresh.content["allow_prepay"]) == (None, True)
    await client.write(account_id, LIMITS, {"calls": 4, "note": "kept by another tool"})
    first = await client.read_revised(account_id, LIMITS)
    assert first.revision is not None
    await client.write(account_id, LIMITS, {"calls": 5}, revision=first.revision)
    with pytest.raises(PreconditionFailed):
        await client.write(account_id, LIMITS, {"calls": 6}, revision=first.revision)
    last = await client.read_revised(account_id, LIMITS)
    assert (last.content["calls"], "note" in last.content) == (5, False)


async def test_acceptance_is_heard_and_not_stored(stage: Stage) -> None:
    account_id = await stage.account()
    await stage.client.write(account_id, LIMITS, {"twoway_trunks": 5}, accept_charges=True)
    assert "accept_charges" not in await stage.client.read(account_id, LIMITS)
    (last,) = [one for one in stage.sandbox.journal.shown() if one["method"] == "POST"]
    assert last["acceptCharges"] is True


# Charges and services


async def test_a_change_that_costs_asks_first_and_is_made_once_it_is_accepted(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    async with stage.as_one(stage.admin) as master:
        await master.write(stage.reseller, SERVICES, {"add": ["gold-trunks"]})
        wanted = {"twoway_trunks": 5}
        with pytest.raises(ChargesNotAccepted) as asked:
            await client.write(account_id, LIMITS, wanted)
        quote = read_quote(asked.value.quote)
        assert (quote.recurring, quote.today) == (1_499_500, 1_000_000)
        assert (await client.read_revised(account_id, LIMITS)).revision is None, "nothing was stored"
        await client.write(account_id, LIMITS, wanted, accept_charges=True)
        assert (await client.read(account_id, LIMITS))["twoway_trunks"] == 5
        await client.write(account_id, LIMITS, {"twoway_trunks": 4})
        await master.write(account_id, LIMITS, {"twoway_trunks": 9})  # a master is never asked
        assert (await client.read(account_id, LIMITS))["twoway_trunks"] == 9


async def test_a_new_user_may_cost_too(stage: Stage) -> None:
    account_id = await stage.account()
    ada = {"first_name": "Ada", "last_name": "Byron", "username": "ada", "password": "secret"}
    async with stage.as_one(stage.admin) as master:
        await master.write(stage.reseller, SERVICES, {"add": ["gold-seats"]})
    with pytest.raises(ChargesNotAccepted):
        await stage.client.make(account_id, USERS, ada)
    assert await stage.client.items(account_id, USERS, {}) == ()
    made = await stage.client.make(account_id, USERS, ada, accept_charges=True)
    assert (made["username"], "accept_charges" in made) == ("ada", False)


async def test_plans_and_prices_are_read_exactly_and_a_quote_assigns_nothing(stage: Stage) -> None:
    client = stage.client
    plans = await client.items(stage.reseller, PLANS_AVAILABLE, {})
    assert {plan["id"] for plan in plans} == {"gold-trunks", "silver-trunks", "gold-seats"}
    quoted = await client.quote(stage.reseller, {"add": ["gold-trunks"]})
    rates = quoted["invoices"][0]["plan"]["limits"]
    assert rates["twoway_trunks"]["rate"] == Decimal("29.99")
    assert await client.read(stage.reseller, SERVICES) == {}
    assert (await client.read(stage.reseller, SERVICES_SUMMARY))["invoices"] == []


async def test_a_write_that_missed_the_bill_is_found_by_a_reconciliation(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()

    async def trunks_billed() -> int:
        summary = await client.read(stage.reseller, SERVICES_SUMMARY)
        return int(summary["quantities"]["cascade"].get("limits", {}).get("twoway_trunks", 0))

    async with stage.as_one(stage.admin) as master:
        await master.write(stage.reseller, SERVICES, {"add": ["gold-trunks"]})
        fault = {"match": {"method": "POST", "path": "/limits$"}, "times": 1, "do": {"unbilled": True}}
        stage.sandbox.faults.add(fault)
        await client.write(account_id, LIMITS, {"twoway_trunks": 5}, accept_charges=True)
        assert await trunks_billed() == 0
        await client.reconcile_services(account_id)
        assert await trunks_billed() == 5


# Ledgers


async def test_what_is_booked_is_the_balance_and_stands_in_the_month(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    credit = await client.book(account_id, "credit", entry("opening", description="opening credit"))
    debit = await client.book(account_id, "debit", entry("fee", "5.2501", "debit"))
    assert (credit.amount, debit.amount) == (255_000, -52_501)
    assert (credit.source_id, credit.account_id, credit.description, credit.start) == (
        "opening",
        account_id,
        "opening credit",
        int(START) + GREGORIAN,
    )
    assert await client.balance(account_id) == 202_499
    stage.clock.now += 2
    assert set(await client.ledger_entries(account_id, "adjustments", MONTH)) == {credit, debit}
    assert await client.ledger_entries(account_id, "adjustments", "202401") == ()
    (rollover,) = await client.ledger_entries(account_id, "rollovers", MONTH)
    assert (rollover.amount, rollover.usage_type) == (0, "")


async def test_a_booking_that_is_there_is_a_conflict_whatever_its_amount(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    await client.book(account_id, "credit", entry("opening"))
    for again in (entry("opening"), entry("opening", "99")):
        with pytest.raises(Conflict):
            await client.book(account_id, "credit", again)
    assert await client.balance(account_id) == 255_000


async def test_the_entries_of_a_month_go_through_all_pages(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    sources = {f"grant {number}" for number in range(203)}
    await asyncio.gather(*(client.book(account_id, "credit", entry(source, "1")) for source in sources))
    stage.clock.now += 2
    found = await client.ledger_entries(account_id, "adjustments", MONTH)
    assert len(found) == 203
    assert {one.source_id for one in found} == sources


async def test_a_booking_belongs_to_the_month_of_the_server(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    await client.book(account_id, "credit", entry("november"))
    stage.clock.now = datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC).timestamp()
    assert await client.balance(account_id) == 255_000
    assert (await client.now()).strftime("%Y%m") == "202612"
    booked = await client.book(account_id, "credit", entry("november"))
    stage.clock.now += 2
    assert await client.ledger_entries(account_id, "adjustments", "202612") == (booked,)
    (before,) = await client.ledger_entries(account_id, "adjustments", MONTH)
    assert before.id != booked.id
    assert await client.balance(account_id) == 510_000, "KAZOO takes it for another booking"


async def test_who_may_not_book_is_told(stage: Stage) -> None:
    with pytest.raises(Forbidden):
        await stage.client.book(stage.reseller, "credit", entry("own"))
    with pytest.raises(ServerFailure, match="answered 500"):
        await stage.client.balance(stage.master)
    with pytest.raises(BackendError):
        await stage.client.ledger_entries(stage.master, "adjustments", MONTH)


async def test_the_time_is_that_of_the_server(stage: Stage) -> None:
    told = await stage.client.now()
    assert 0 <= told.timestamp() - START < 5

"""The calls that money needs: what they send, and what they make of what comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.errors import (
    ChargesNotAccepted,
    Conflict,
    Nonsense,
    NotLeading,
    PreconditionFailed,
    ServerFailure,
    Unreachable,
)
from kazoo_operator.backend.ledgers import window_of
from kazoo_operator.backend.protocol import LedgerEntry, Revised
from kazoo_operator.core.documents import ACCOUNT, LIMITS, PLANS_AVAILABLE, SERVICES_SUMMARY, Document
from kazoo_operator.core.month import GREGORIAN
from tests.backend.scripted import ACCOUNT_ID, KEY, Script, cut, envelope, raw, refusal, reset

ACCOUNT_PATH = f"/accounts/{ACCOUNT_ID}"
LIMITS_PATH = f"{ACCOUNT_PATH}/limits"
ADJUSTMENTS = f"{ACCOUNT_PATH}/ledgers/adjustments"
CREDIT = f"{ACCOUNT_PATH}/ledgers/credit"
QUOTE = f"{ACCOUNT_PATH}/services/quote"
RECONCILIATION = f"{ACCOUNT_PATH}/services/reconciliation"

ENTRY: dict[str, Any] = {
    "amount": Decimal("25.5"),
    "description": "opening credit",
    "source": {"service": "adjustments", "id": "kazoo-operator/1/opening"},
    "usage": {"type": "credit", "quantity": 0, "unit": "USD"},
    "period": {"start": 63962790000, "end": 63962790000},
}
BOOKED = {
    **ENTRY,
    "amount": 25.5,
    "id": "202611-" + "d" * 32,
    "account": {"id": ACCOUNT_ID, "name": "Acme"},
    "executor": {"trigger": "crossbar", "module": "cb_ledgers"},
    "audit": {},
    "metadata": {},
}
AS_READ = LedgerEntry(
    "202611-" + "d" * 32,
    255_000,
    "adjustments",
    "kazoo-operator/1/opening",
    ACCOUNT_ID,
    "credit",
    "USD",
    63962790000,
    63962790000,
    "opening credit",
)
ROLLOVER = {
    "id": "202611-ledgers_monthly_rollover",
    "source": {"service": "rollovers", "id": "202611"},
    "usage": {"quantity": 0},
    "metadata": {"automatic_description": True},
    "amount": -0.5,
}


async def test_a_document_is_read_with_its_revision(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("GET", LIMITS_PATH, envelope({"calls": 4}, revision="3-0f"), envelope({"id": "limits"}))
    assert await client.read_revised(ACCOUNT_ID, LIMITS) == Revised({"calls": 4}, "3-0f")
    assert await client.read_revised(ACCOUNT_ID, LIMITS) == Revised({"id": "limits"}, None)


async def test_a_write_holds_kazoo_to_the_revision_and_accepts_charges_only_when_told(
    kazoo: Script, client: Crossbar
) -> None:
    kazoo.on("POST", LIMITS_PATH, envelope({"calls": 4}))
    await client.write(ACCOUNT_ID, LIMITS, {"calls": 4})
    await client.write(ACCOUNT_ID, LIMITS, {"calls": 4}, revision="3-0f", accept_charges=True)
    plain, held = kazoo.calls("POST", LIMITS_PATH)
    assert (plain.if_match, plain.body) == (None, {"data": {"calls": 4}})
    assert (held.if_match, held.body) == ('"3-0f"', {"data": {"calls": 4}, "accept_charges": True})
    assert plain.query == held.query == {}


async def test_acceptance_can_never_stand_in_data(kazoo: Script, client: Crossbar) -> None:
    with pytest.raises(ValueError, match="accept_charges"):
        await client.write(ACCOUNT_ID, LIMITS, {"calls": 4, "accept_charges": True})
    with pytest.raises(ValueError, match="accept_charges"):
        await client.book(ACCOUNT_ID, "credit", {**ENTRY, "accept_charges": True})
    with pytest.raises(ValueError, match="accept_charges"):
        await client.quote(ACCOUNT_ID, {"add": [], "accept_charges": True})
    assert kazoo.seen == []


async def test_an_account_is_never_written_by_its_revision(kazoo: Script, client: Crossbar) -> None:
    with pytest.raises(ValueError, match="by its revision"):
        await client.write(ACCOUNT_ID, ACCOUNT, {"enabled": True}, revision="3-0f")
    assert kazoo.seen == []


async def test_another_revision_and_a_quote_are_told_apart_and_nothing_is_sent_again(
    kazoo: Script, client: Crossbar
) -> None:
    kazoo.on("POST", LIMITS_PATH, raw("", 412), refusal(402, "accept charges", [{"items": []}]))
    with pytest.raises(PreconditionFailed, match="answered 412"):
        await client.write(ACCOUNT_ID, LIMITS, {"calls": 4}, revision="2-0f")
    with pytest.raises(ChargesNotAccepted) as caught:
        await client.write(ACCOUNT_ID, LIMITS, {"twoway_trunks": 4})
    assert caught.value.quote == [{"items": []}]
    assert len(kazoo.calls("POST", LIMITS_PATH)) == 2


async def test_an_item_of_a_list_can_be_made_at_a_price(kazoo: Script, client: Crossbar) -> None:
    users = Document("users", "users", "PATCH")
    kazoo.on("PUT", f"{ACCOUNT_PATH}/users", envelope({"id": "u" * 32}, 201))
    await client.make(ACCOUNT_ID, users, {"username": "ada"}, accept_charges=True)
    (call,) = kazoo.calls("PUT", f"{ACCOUNT_PATH}/users")
    assert call.body == {"data": {"username": "ada"}, "accept_charges": True}


async def test_the_entries_of_a_month_are_read_whole_through_all_pages(
    kazoo: Script, client: Crossbar
) -> None:
    kazoo.on("GET", ADJUSTMENTS, envelope([BOOKED], next_start_key="g2wA"), envelope([ROLLOVER]))
    rollover = LedgerEntry("202611-ledgers_monthly_rollover", -5000, "rollovers", "202611", "")
    assert await client.ledger_entries(ACCOUNT_ID, "adjustments", "202611") == (AS_READ, rollover)
    first, second = kazoo.calls("GET", ADJUSTMENTS)
    assert first.query == {**window_of("202611"), "is_chunked": "false", "page_size": "200"}
    assert second.query == {**first.query, "start_key": "g2wA"}


@pytest.mark.parametrize(
    ("month", "first", "end"),
    [
        ("202611", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        ("202602", datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        ("202802", datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        ("202612", datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_month_is_a_window_that_kazoo_allows(month: str, first: datetime, end: datetime) -> None:
    window = {name: int(value) - GREGORIAN for name, value in window_of(month).items()}
    assert window == {"created_from": first.timestamp(), "created_to": end.timestamp()}
    assert window["created_to"] - window["created_from"] <= 2_682_000


@pytest.mark.parametrize("month", ["", "2026", "202613", "202600", "2026-11", "20261", "abcdef"])
async def test_what_is_no_month_is_not_asked_for(kazoo: Script, client: Crossbar, month: str) -> None:
    with pytest.raises(ValueError, match="no month"):
        await client.ledger_entries(ACCOUNT_ID, "adjustments", month)
    assert kazoo.seen == []


@pytest.mark.parametrize(
    "damage",
    [
        {"id": None},
        {"id": 5},
        {"source": None},
        {"source": {"service": "adjustments"}},
        {"amount": "25.5"},
        {"amount": True},
        {"amount": None},
        {"amount": 1e10},
    ],
)
async def test_an_entry_that_cannot_be_told_is_nonsense(
    kazoo: Script, client: Crossbar, damage: dict[str, object]
) -> None:
    kazoo.on("GET", ADJUSTMENTS, envelope([{**BOOKED, **damage}]))
    with pytest.raises(Nonsense):
        await client.ledger_entries(ACCOUNT_ID, "adjustments", "202611")


async def test_odd_members_of_an_entry_are_left_out(kazoo: Script, client: Crossbar) -> None:
    odd = {**BOOKED, "usage": "x", "period": {"start": "soon", "end": 1e30}, "account": [], "description": 5}
    kazoo.on("GET", ADJUSTMENTS, envelope([odd]))
    (entry,) = await client.ledger_entries(ACCOUNT_ID, "adjustments", "202611")
    told = (entry.usage_type, entry.unit, entry.start, entry.end, entry.account_id, entry.description)
    assert told == ("", "", None, None, "", "")


@pytest.mark.parametrize("direction", ["credit", "debit"])
async def test_a_booking_is_sent_as_given_and_read_back(
    kazoo: Script, client: Crossbar, direction: Any
) -> None:
    path = f"{ACCOUNT_PATH}/ledgers/{direction}"
    kazoo.on("PUT", path, envelope(BOOKED, 201))
    assert await client.book(ACCOUNT_ID, direction, ENTRY) == AS_READ
    (call,) = kazoo.calls("PUT", path)
    assert call.body == {"data": {**ENTRY, "amount": 25.5}}


@pytest.mark.parametrize("broken", [reset, cut, raw("<html>", 502), refusal(500, "unspecified_fault")])
async def test_a_booking_is_never_sent_again(kazoo: Script, client: Crossbar, broken: Any) -> None:
    kazoo.on("GET", ACCOUNT_PATH, envelope({}))
    await client.read(ACCOUNT_ID, ACCOUNT)  # the connection that breaks is one that was used before
    kazoo.on("PUT", CREDIT, broken)
    with pytest.raises((Unreachable, ServerFailure)):
        await client.book(ACCOUNT_ID, "credit", ENTRY)
    assert len(kazoo.calls("PUT", CREDIT)) == 1


async def test_a_booking_that_is_there_already_is_a_conflict(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("PUT", CREDIT, refusal(409, "datastore_conflict", {"message": "conflicting documents"}))
    with pytest.raises(Conflict):
        await client.book(ACCOUNT_ID, "credit", ENTRY)
    assert len(kazoo.calls("PUT", CREDIT)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"amount": None},
        {"amount": Decimal("0.9999")},
        {"amount": Decimal(-5)},
        {"amount": 25.5},
        {"amount": "25.5"},
        {"amount": True},
        {"period": {}},
        {"period": {"start": "63962790000"}},
        {"period": None},
    ],
)
async def test_a_booking_of_nothing_or_of_another_one_each_time_never_leaves_us(
    kazoo: Script, client: Crossbar, change: dict[str, object]
) -> None:
    entry = {name: value for name, value in {**ENTRY, **change}.items() if value is not None}
    with pytest.raises(ValueError, match="an entry needs"):
        await client.book(ACCOUNT_ID, "credit", entry)
    assert kazoo.seen == []


async def test_prices_come_as_decimals(kazoo: Script, client: Crossbar) -> None:
    plan = {"invoices": [{"plan": {"limits": {"twoway_trunks": {"rate": 29.99}}}}]}
    exact = {"invoices": [{"plan": {"limits": {"twoway_trunks": {"rate": Decimal("29.99")}}}}]}
    kazoo.on("GET", f"{ACCOUNT_PATH}/services/summary", envelope(plan))
    kazoo.on("POST", QUOTE, envelope(plan))
    kazoo.on("GET", f"{ACCOUNT_PATH}/services/available", envelope([{"id": "p", "name": "Gold"}]))
    assert await client.read(ACCOUNT_ID, SERVICES_SUMMARY) == exact
    assert await client.quote(ACCOUNT_ID, {"add": ["p"]}) == exact
    assert await client.items(ACCOUNT_ID, PLANS_AVAILABLE, {}) == ({"id": "p", "name": "Gold"},)
    (call,) = kazoo.calls("POST", QUOTE)
    assert call.body == {"data": {"add": ["p"]}}


async def test_a_follower_may_ask_for_a_quote_and_write_nothing(kazoo: Script) -> None:
    kazoo.on("POST", QUOTE, envelope({"invoices": []}))
    async with Crossbar(kazoo.url, lambda: SecretStr(KEY), may_write=lambda: False) as client:
        assert await client.quote(ACCOUNT_ID, {"add": []}) == {"invoices": []}
        for write in (
            client.book(ACCOUNT_ID, "credit", ENTRY),
            client.reconcile_services(ACCOUNT_ID),
            client.write(ACCOUNT_ID, LIMITS, {"calls": 1}),
        ):
            with pytest.raises(NotLeading):
                await write
    assert {(call.method, call.path) for call in kazoo.seen} == {("PUT", "/api_auth"), ("POST", QUOTE)}


async def test_a_reconciliation_answers_without_data(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("POST", RECONCILIATION, raw('{"status": "success"}'), refusal(403, "forbidden"))
    await client.reconcile_services(ACCOUNT_ID)
    (call,) = kazoo.calls("POST", RECONCILIATION)
    assert call.body is None


async def test_the_time_is_kazoos_own_and_goes_on(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("GET", LIMITS_PATH, envelope({}, timestamp="2031-01-01T00:00:00Z"), envelope({}))
    await client.read(ACCOUNT_ID, LIMITS)
    await client.read(ACCOUNT_ID, LIMITS)  # tells none
    first = await client.now()
    assert 0 <= (first - datetime(2031, 1, 1, tzinfo=UTC)).total_seconds() < 60
    assert await client.now() > first


async def test_a_server_that_tells_no_time_has_none(client: Crossbar) -> None:
    with pytest.raises(Nonsense, match="without the time"):
        await client.now()

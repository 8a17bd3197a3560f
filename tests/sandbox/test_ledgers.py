"""Ledgers: bookings and who may make them, when one is a duplicate, lists and their windows, month ends."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.sandbox.client import IN_4_3, IN_BOTH, Answer, Client
from tests.sandbox.conftest import SetClock

UNKNOWN = "0" * 32
GREGORIAN = 62_167_219_200
DATE = {"start": 63_962_784_000, "end": 63_962_784_000}
"""2026-11-25, before the clock of these tests."""
DAY = 86_400
NOVEMBER, DECEMBER = "202611", "202612"


@pytest.fixture
async def acme(master: Client) -> str:
    return await master.create("Acme", master.reseller)


def entry(source_id: str = "g1", amount: Any = 25.5, **fields: Any) -> dict[str, Any]:
    """The body of a booking that is complete."""
    return {
        "amount": amount,
        "source": {"service": "adjustments", "id": source_id},
        "usage": {"type": "credit", "quantity": 0, "unit": "USD"},
        "period": DATE,
        **fields,
    }


async def booked(client: Client, account: str, data: dict[str, Any], kind: str = "credit") -> dict[str, Any]:
    answer = await client.put(f"/v2/accounts/{account}/ledgers/{kind}", data)
    assert answer.status == 201, answer
    return dict(answer.data)


async def balance(client: Client, account: str) -> float:
    answer = await client.get(f"/v2/accounts/{account}/ledgers/total")
    assert answer.status == 200, answer
    return float(answer.data["amount"])


async def listed(client: Client, account: str, query: str = "", source: str = "adjustments") -> Answer:
    return await client.get(f"/v2/accounts/{account}/ledgers/{source}?is_chunked=false{query}")


def sources_of(answer: Answer) -> list[str]:
    return [row["source"]["id"] for row in answer.data]


@IN_BOTH
async def test_a_balance_is_the_sum_of_credits_and_debits_in_units_of_a_ten_thousandth(
    master: Client, acme: str
) -> None:
    for number in range(10):
        await booked(master, acme, entry(f"g{number}", 1.1))
    await booked(master, acme, entry("d", 1.0001), "debit")
    assert await balance(master, acme) == 9.9999
    assert (await master.state())[acme]["balance"] == 9.9999


@IN_BOTH
async def test_a_debit_may_push_the_balance_below_zero(master: Client, acme: str) -> None:
    assert (await booked(master, acme, entry(amount=7), "debit"))["amount"] == -7.0
    assert await balance(master, acme) == -7.0


@IN_BOTH
async def test_a_missing_amount_books_nothing_and_less_than_one_is_refused(master: Client, acme: str) -> None:
    path = f"/v2/accounts/{acme}/ledgers/credit"
    small = await master.put(path, entry(amount=0.99))
    assert (small.status, small.data["amount"]["minimum"]["target"]) == (400, 1)
    body = entry("none")
    del body["amount"]
    assert (await booked(master, acme, body))["amount"] == 0.0
    assert (await master.put(path, entry(amount=-5))).status == 400
    assert await balance(master, acme) == 0.0


@IN_BOTH
async def test_an_amount_may_be_a_text_in_5_0_only(master: Client, acme: str, compat: str) -> None:
    answer = await master.put(f"/v2/accounts/{acme}/ledgers/credit", entry(amount="25.5"))
    assert answer.status == (201 if compat == "5.0" else 400)
    assert await balance(master, acme) == (25.5 if compat == "5.0" else 0.0)


@IN_BOTH
@pytest.mark.parametrize(
    ("field", "value", "error", "kind"),
    [
        ("source", None, "source", "type"),
        ("source", {"service": "adjustments"}, "source.id", "required"),
        ("usage", {"type": "credit", "unit": "USD"}, "usage.quantity", "required"),
        ("usage", {"type": "credit", "quantity": "x", "unit": "USD"}, "usage.quantity", "type"),
        ("metadata", [], "metadata", "type"),
        ("amount", [], "amount", "type"),
        ("period", {"start": "soon"}, "period.start", "type"),
    ],
)
async def test_what_is_wrong_with_a_booking_is_told(
    master: Client, acme: str, compat: str, field: str, value: Any, error: str, kind: str
) -> None:
    answer = await master.put(f"/v2/accounts/{acme}/ledgers/credit", entry(**{field: value}))
    path = error if compat == "5.0" else error.replace(".", "%2E")
    assert answer.status == 400
    assert {path: [kind]} == {path: list(kinds) for path, kinds in answer.data.items()}
    assert await balance(master, acme) == 0.0


async def test_an_amount_that_no_sum_can_hold_crashes_and_books_nothing(master: Client, acme: str) -> None:
    path = f"/v2/accounts/{acme}/ledgers/credit"
    assert (await master.put(path, entry(amount=1e300))).body["message"] == "init failed"
    too_long = b'{"data": {"amount": 1e999, "source": {}, "usage": {}}}'
    assert (await master.put(path, raw=too_long)).status == 400
    assert await balance(master, acme) == 0.0


@IN_BOTH
async def test_the_same_entry_twice_is_409_whatever_its_amount(master: Client, acme: str) -> None:
    await booked(master, acme, entry())
    path = f"/v2/accounts/{acme}/ledgers"
    for body, kind in (
        (entry(), "credit"),
        (entry(amount=99), "credit"),
        (entry(description="other", metadata={"k": 1}), "credit"),
        (entry(), "debit"),
    ):
        answer = await master.put(f"{path}/{kind}", body)
        assert (answer.status, answer.body["message"]) == (409, "datastore_conflict"), body
        assert answer.data == {"message": "conflicting documents"}
    assert await balance(master, acme) == 25.5


@IN_BOTH
@pytest.mark.parametrize(
    "other",
    [
        {"source": {"service": "other", "id": "g1"}},
        {"source": {"service": "adjustments", "id": "g2"}},
        {"usage": {"type": "debit", "quantity": 0, "unit": "USD"}},
        {"usage": {"type": "credit", "quantity": 1, "unit": "USD"}},
        {"period": {**DATE, "end": DATE["end"] + 1}},
        {"period": {"start": DATE["start"]}},
    ],
)
async def test_another_source_usage_or_period_is_another_entry(
    master: Client, acme: str, other: dict[str, Any]
) -> None:
    await booked(master, acme, entry())
    await booked(master, acme, entry(**other))
    assert await balance(master, acme) == 51.0


@IN_BOTH
async def test_without_a_period_a_retry_a_second_later_books_twice(
    master: Client, acme: str, clock: SetClock
) -> None:
    body = entry()
    del body["period"]
    first = await booked(master, acme, body)
    assert first["period"] == {"start": int(clock.now) + GREGORIAN}
    assert (await master.put(f"/v2/accounts/{acme}/ledgers/credit", body)).status == 409
    clock.now += 1
    await booked(master, acme, body)
    assert await balance(master, acme) == 51.0


@IN_BOTH
async def test_a_renamed_account_gets_no_409(master: Client, acme: str) -> None:
    await booked(master, acme, entry())
    await master.patch(f"/v2/accounts/{acme}", {"name": "Renamed", "enabled": True})
    await booked(master, acme, entry())
    assert await balance(master, acme) == 51.0


@IN_BOTH
async def test_the_same_entry_is_accepted_again_in_the_next_month(
    master: Client, acme: str, clock: SetClock
) -> None:
    await booked(master, acme, entry())
    clock.now += 10 * DAY
    again = await master.log_in(master.sandbox.identity.master.api_key)
    second = await booked(again, acme, entry())
    assert second["id"].startswith(DECEMBER)
    assert await balance(again, acme) == 51.0


@IN_BOTH
@pytest.mark.parametrize(
    ("who", "read", "book"),
    [
        ("master", 200, 201),
        ("the reseller", 200, 201),
        ("between", 200, 403),
        ("itself", 200, 403),
        ("beside", 403, 403),
        ("nobody", 401, 401),
    ],
)
async def test_an_account_may_read_its_money_and_its_reseller_may_book(
    master: Client, reseller: Client, nobody: Client, who: str, read: int, book: int
) -> None:
    between = await master.create("Between", master.reseller)
    acme = await master.create("Acme", between)
    clients = {
        "master": master,
        "the reseller": reseller,
        "between": await master.as_account(between),
        "itself": await master.as_account(acme),
        "beside": await master.as_account(await master.create("Other", master.reseller)),
        "nobody": nobody,
    }
    client, path = clients[who], f"/v2/accounts/{acme}/ledgers"
    for name in ("", "/summary/202611", "/rollovers/202611-202611-ledgers_monthly_rollover"):
        assert (await client.get(path + name)).status == read, name
    for name in ("/total", "/available", "/adjustments"):
        answer = await client.get(path + name)
        assert answer.status == (500 if read == 403 else read), name
        assert read != 403 or not answer.text, "a crash, not a refusal"
    for kind in ("credit", "debit"):
        assert (await client.put(f"{path}/{kind}", entry(kind))).status == book


@IN_BOTH
@pytest.mark.parametrize(
    "path", ["", "/total", "/available", "/adjustments", "/adjustments/202611-x", "/summary/202611"]
)
async def test_an_unknown_account_has_no_ledgers_and_no_account_is_no_request(
    master: Client, path: str
) -> None:
    assert (await master.get(f"/v2/accounts/{UNKNOWN}/ledgers{path}")).status == 404
    answer = await master.get(f"/v2/ledgers{path}")
    assert (answer.status, answer.body["message"]) == (404, "faulty_request")
    assert (await master.put("/v2/ledgers/credit", entry())).status == 404


@IN_BOTH
async def test_entries_cannot_be_changed_or_deleted(master: Client, acme: str) -> None:
    made = await booked(master, acme, entry())
    path = f"/v2/accounts/{acme}/ledgers"
    for method in ("POST", "PATCH", "DELETE", "PUT"):
        answer = await master.request(method, f"{path}/adjustments/{made['id']}", {})
        assert answer.status == 405, method
    for name in ("", "/total", "/available", "/adjustments"):
        assert (await master.put(path + name, entry())).status == 405, name


@IN_BOTH
async def test_an_entry_by_its_own_id_is_404_and_with_a_doubled_month_it_is_there(
    master: Client, acme: str
) -> None:
    made = await booked(master, acme, entry())
    path = f"/v2/accounts/{acme}/ledgers"
    assert (await master.get(f"{path}/adjustments/{made['id']}")).status == 404
    found = await master.get(f"{path}/adjustments/{NOVEMBER}-{made['id']}")
    assert (found.status, found.data) == (200, made)
    assert (await master.get(f"{path}/rollovers/{NOVEMBER}-{made['id']}")).status == 404
    assert (await master.get(f"{path}/adjustments/abc")).body["message"] == "init failed"


@IN_BOTH
async def test_a_list_hides_the_running_second(master: Client, acme: str, clock: SetClock) -> None:
    await booked(master, acme, entry())
    assert await balance(master, acme) == 25.5
    for query in ("", f"&created_to={int(clock.now) + GREGORIAN + 99}"):
        assert (await listed(master, acme, query)).data == []
    clock.now += 1
    assert sources_of(await listed(master, acme)) == ["g1"]


@IN_BOTH
async def test_a_window_is_31_days_and_an_hour_at_most(master: Client, acme: str, clock: SetClock) -> None:
    now = int(clock.now) + GREGORIAN
    await booked(master, acme, entry("old"))
    clock.now += 100
    await booked(master, acme, entry("new"))
    clock.now += 100
    windows = {
        f"&created_from={now}": ["new", "old"],
        f"&created_from={now + 1}": ["new"],
        f"&created_to={now + 1}": ["old"],
        f"&created_to={now}": [],
        f"&created_from={now + 100}&created_to={now + 101}": ["new"],
    }
    for query, found in windows.items():
        assert sources_of(await listed(master, acme, query)) == found, query
    for query, kind in (
        (f"&created_from={now - 2_700_000}", "date_range"),
        (f"&created_from={now}&created_to={now - 1}", "date_range"),
    ):
        answer = await listed(master, acme, query)
        assert (answer.status, list(answer.data["created_from"])) == (400, [kind])
    assert (await listed(master, acme, "&created_from=soon")).status == 500
    assert (await listed(master, acme, f"&created_from={'9' * 40}")).status == 400


@IN_BOTH
async def test_lists_are_paged_newest_first_and_filtered(master: Client, acme: str, clock: SetClock) -> None:
    for number in range(5):
        await booked(master, acme, entry(f"g{number}", metadata={"odd": number % 2}))
        clock.now += 1
    seen: list[str] = []
    key = ""
    while True:
        page = await listed(master, acme, f"&page_size=2{key}")
        seen += sources_of(page)
        if "next_start_key" not in page.body:
            break
        key = f"&start_key={page.body['next_start_key']}"
    assert seen == ["g4", "g3", "g2", "g1", "g0"]
    assert sources_of(await listed(master, acme, "&ascending=true")) == seen[::-1]
    assert sources_of(await listed(master, acme, "&filter_metadata.odd=1")) == ["g3", "g1"]
    assert "page_size" not in (await listed(master, acme, "&paginate=false")).body
    assert (await listed(master, acme, "&page_size=0")).status == 404


async def test_a_chunked_list_glues_texts_behind_its_rows(master: Client, acme: str, clock: SetClock) -> None:
    path = f"/v2/accounts/{acme}/ledgers/adjustments"
    assert "page_size" not in (await master.get(path)).body
    await booked(master, acme, entry())
    clock.now += 1
    answer = await master.get(path)
    assert (answer.body["page_size"], sources_of(answer)) == ("1", ["g1"])
    assert "ETag" not in answer.headers
    assert not {"tokens", "revision"} & set(answer.body)


@IN_4_3
async def test_a_chunked_list_of_4_3_is_empty_from_three_entries_on(
    master: Client, acme: str, clock: SetClock
) -> None:
    path = f"/v2/accounts/{acme}/ledgers/adjustments"
    for number in range(3):
        assert len((await master.get(path)).data) == number
        await booked(master, acme, entry(f"g{number}"))
        clock.now += 1
    assert (await master.get(path)).data == []
    assert len((await listed(master, acme)).data) == 3


@IN_BOTH
async def test_a_month_restarts_from_a_rollover_that_the_first_look_makes(
    master: Client, acme: str, clock: SetClock
) -> None:
    await booked(master, acme, entry())
    clock.now += 10 * DAY
    again = await master.log_in(master.sandbox.identity.master.api_key)
    path = f"/v2/accounts/{acme}/ledgers"
    assert (await again.get(f"{path}/summary/{DECEMBER}")).status == 503, "nobody has looked yet"
    assert await balance(again, acme) == 25.5
    entries = (await again.state())[acme]["ledgers"]
    assert [(row["id"], row["amount"]) for row in entries if row["source"]["service"] == "rollovers"] == [
        (f"{NOVEMBER}-ledgers_monthly_rollover", 0.0),
        (f"{DECEMBER}-ledgers_monthly_rollover", 25.5),
    ]
    assert (await again.get(f"{path}/summary/{NOVEMBER}")).data["summary"]["adjustments"]["amount"] == 25.5
    sums = (await again.get(path)).data
    assert [sums[source]["amount"] for source in ("adjustments", "rollovers")] == [25.5, 25.5], "no balance"


@IN_BOTH
async def test_a_balance_survives_months_in_which_nobody_looks(
    master: Client, acme: str, clock: SetClock
) -> None:
    await booked(master, acme, entry())
    clock.now += 100 * DAY
    again = await master.log_in(master.sandbox.identity.master.api_key)
    assert await balance(again, acme) == 25.5
    await booked(again, acme, entry("later", 1), "debit")
    assert await balance(again, acme) == 24.5


@IN_BOTH
async def test_a_summary_tells_a_month_by_source_and_by_account(
    master: Client, acme: str, clock: SetClock
) -> None:
    body = {"data": entry(amount=3), "impact_reseller": True}
    assert (await master.put(f"/v2/accounts/{acme}/ledgers/debit", body=body)).status == 201
    answer = await master.get(f"/v2/accounts/{master.reseller}/ledgers/summary/{NOVEMBER}")
    usage = {"type": "credit", "quantity": 0, "unit": "USD"}
    rollover = {"amount": 0.0, "usage": {"quantity": 0}}
    assert answer.data["summary"] == {"adjustments": {"amount": -3.0, "usage": usage}, "rollovers": rollover}
    assert {row["account"]["name"]: row["total"] for row in answer.data["breakdown"]} == {
        "Acme": -3.0,
        "Sandbox Reseller": 0.0,
    }
    assert (await master.get(f"/v2/accounts/{acme}/ledgers/summary/2026")).status == 404


@IN_BOTH
async def test_an_entry_that_impacts_the_reseller_is_booked_at_both(
    master: Client, acme: str, clock: SetClock
) -> None:
    path = f"/v2/accounts/{acme}/ledgers/credit"
    answer = await master.put(path, body={"data": entry(), "impact_reseller": True})
    own, theirs = answer.data[acme], answer.data[master.reseller]
    assert own["ledger"]["id"] == theirs["ledger"]["id"]
    assert theirs["ledger"]["account"]["id"] == acme
    assert theirs["ledger"]["metadata"]["origin_ledger"]["account_id"] == acme
    assert (own["is_reseller"], theirs["is_reseller"]) == (False, True)
    assert [await balance(master, account) for account in (acme, master.reseller)] == [25.5, 25.5]


@IN_BOTH
async def test_where_the_reseller_has_such_an_entry_the_accounts_own_stays(master: Client, acme: str) -> None:
    await booked(master, acme, entry())
    world = master.sandbox.world
    reseller = world.accounts.get(master.reseller)
    (copy,) = [row for row in world.ledgers.entries(acme) if row["source"]["id"] == "g1"]
    other = {key: value for key, value in copy.items() if key not in ("id", "amount")}
    other["source"] = {"service": "adjustments", "id": "g2"}
    assert reseller is not None
    with world.store.transaction():
        world.ledgers.book(reseller, other, 10_000)
    body = {"data": entry("g2"), "impact_reseller": True}
    answer = await master.put(f"/v2/accounts/{acme}/ledgers/credit", body=body)
    assert answer.status == 500
    assert answer.data[master.reseller]["error"] == {"message": "conflicting documents"}
    assert [await balance(master, account) for account in (acme, master.reseller)] == [51.0, 1.0]


async def test_a_half_built_account_has_no_ledgers(master: Client) -> None:
    await master.fault({"cut": "late"})
    with pytest.raises(aiohttp.ClientError):
        await master.post(f"/v2/accounts/{master.master}?verb=put", {"name": "Acme"})
    (acme,) = (await master.get(f"/v2/accounts/{master.master}/search?t=account&q=name&v=acme")).row_ids
    path = f"/v2/accounts/{acme}/ledgers"
    for name in ("", "/total", "/adjustments", f"/summary/{NOVEMBER}", "/adjustments/x"):
        assert (await master.get(path + name)).status == 503, name
    assert (await master.put(f"{path}/credit", entry())).status == 503
    assert (await master.state())[acme]["balance"] is None


@IN_BOTH
async def test_money_goes_with_its_account(master: Client, acme: str) -> None:
    await booked(master, acme, entry())
    assert (await master.delete(f"/v2/accounts/{acme}")).status == 200
    again = await master.create("Acme", master.reseller)
    assert await balance(master, again) == 0.0

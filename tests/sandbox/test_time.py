"""Time that passes at a word: tokens, months, top-ups, alerts; and calls that cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kazoo_operator.sandbox import running_sandbox
from tests.sandbox.client import IN_4_3, IN_BOTH, Answer, Client
from tests.sandbox.conftest import SetClock

GREGORIAN = 62_167_219_200
UNKNOWN = "0" * 32
NOVEMBER, DECEMBER, JANUARY = "202611", "202612", "202701"


@pytest.fixture
async def acme(master: Client) -> str:
    return await master.create("Acme", master.reseller)


async def leap(client: Client, duration: str) -> Client:
    """Let time pass, and log in anew."""
    answer = await client.post("/sandbox/clock", body={"advance": duration})
    assert answer.status == 200, answer
    return await client.log_in(client.sandbox.identity.master.api_key)


async def credited(client: Client, account: str, amount: float, kind: str = "credit") -> None:
    body = {
        "amount": amount,
        "source": {"service": "adjustments", "id": f"{kind} {amount}"},
        "usage": {"type": kind, "quantity": 0, "unit": "USD"},
    }
    assert (await client.put(f"/v2/accounts/{account}/ledgers/{kind}", body)).status == 201


async def settings(client: Client, account: str, **fields: Any) -> None:
    assert (await client.patch(f"/v2/accounts/{account}", {"enabled": True, **fields})).status == 200


async def entries(client: Client, account: str, source: str) -> list[dict[str, Any]]:
    ledgers = (await client.state())[account]["ledgers"]
    return [entry for entry in ledgers if entry["source"]["service"] == source]


async def balance(client: Client, account: str) -> float:
    return float((await client.state())[account]["balance"])


async def alert(client: Client, account: str) -> dict[str, Any]:
    document = await client.read(account)
    return dict(document.get("notifications", {}).get("low_balance", {}))


async def called(client: Client, account: str, seconds: Any, rate: Any) -> Answer:
    return await client.post("/sandbox/calls", body={"accountID": account, "seconds": seconds, "rate": rate})


@IN_BOTH
async def test_a_token_expires_when_its_hour_has_passed(master: Client, acme: str) -> None:
    await master.post("/sandbox/clock", body={"advance": "59m59s"})
    assert (await master.get(f"/v2/accounts/{acme}")).status == 200
    await master.post("/sandbox/clock", body={"advance": "1s"})
    assert (await master.get(f"/v2/accounts/{acme}")).status == 401


@IN_BOTH
async def test_the_clock_says_what_time_it_is_everywhere(master: Client, acme: str) -> None:
    answer = await master.post("/sandbox/clock", body={"advance": "1d2h3m4s"})
    assert answer.body == {"now": "2026-11-26T08:03:04Z"}
    assert (await master.get("/sandbox/state")).body["now"] == answer.body["now"]
    again = await leap(master, "0s")
    assert (await again.get("/v2/account")).body["timestamp"] == answer.body["now"]


@pytest.mark.parametrize(
    "order",
    [{}, {"advance": ""}, {"advance": "soon"}, {"advance": "-1h"}, {"advance": "1h 2m"}, {"advance": 3600},
     {"advance": "400d"}, {"advance": "1h", "by": 1}, [], "24h", {"advance": "9999999999s"}],
    ids=str,
)  # fmt: skip
async def test_what_is_no_duration_lets_no_time_pass(master: Client, order: Any) -> None:
    answer = await master.post("/sandbox/clock", body=order)
    assert answer.status == 400
    assert "advance" in answer.body["error"] or "JSON" in answer.body["error"]
    assert (await master.get("/sandbox/state")).body["now"] == "2026-11-25T06:00:00Z"


@IN_BOTH
async def test_every_month_that_begins_opens_with_what_the_one_before_left(master: Client, acme: str) -> None:
    await credited(master, acme, 25.5)
    again = await leap(master, "40d")
    assert [(row["id"], row["amount"]) for row in await entries(again, acme, "rollovers")] == [
        (f"{NOVEMBER}-ledgers_monthly_rollover", 0.0),
        (f"{DECEMBER}-ledgers_monthly_rollover", 25.5),
        (f"{JANUARY}-ledgers_monthly_rollover", 25.5),
    ]
    first = (await entries(again, acme, "rollovers"))[1]
    assert first["period"]["start"] == GREGORIAN + 1_796_083_200, "the first second of December, UTC"
    assert await balance(again, acme) == 25.5
    assert (await again.get(f"/v2/accounts/{acme}/ledgers/summary/{DECEMBER}")).status == 200


@IN_BOTH
async def test_a_top_up_comes_at_most_daily_and_below_its_threshold(master: Client, acme: str) -> None:
    await settings(master, acme, topup={"threshold": 10, "amount": 4})
    again = await leap(master, "1h")
    assert await balance(again, acme) == 4.0
    for duration, expected in (("22h", 4), ("1h59m", 4), ("1m", 8), ("24h", 12), ("48h", 12)):
        again = await leap(again, duration)
        assert await balance(again, acme) == expected, duration
    payments = await entries(again, acme, "payments")
    assert [entry["amount"] for entry in payments] == [4.0, 4.0, 4.0]
    assert {entry["executor"]["trigger"] for entry in payments} == {"automatic"}


@IN_BOTH
@pytest.mark.parametrize(
    "topup",
    [{}, {"threshold": 10}, {"amount": 5}, {"threshold": 0, "amount": 5}, {"threshold": 10, "amount": 0},
     {"threshold": 10, "amount": "5"}],
    ids=str,
)  # fmt: skip
async def test_half_a_top_up_is_none(master: Client, acme: str, topup: dict[str, Any]) -> None:
    await settings(master, acme, topup=topup)
    again = await leap(master, "3d")
    assert await balance(again, acme) == 0.0


@IN_BOTH
async def test_a_low_balance_is_marked_in_the_document_and_repeated_daily(master: Client, acme: str) -> None:
    await settings(master, acme, notifications={"low_balance": {"enabled": True, "threshold": 10}})
    revision = (await master.get(f"/v2/accounts/{acme}")).body["revision"]
    again = await leap(master, "1h")
    first = await alert(again, acme)
    assert first["sent_low_balance"] is True
    assert first["last_notification"] == GREGORIAN + 1_795_586_400 + 3600
    assert (await again.get(f"/v2/accounts/{acme}")).body["revision"] != revision
    again = await leap(again, "10h")
    assert await alert(again, acme) == first, "not within a day"
    again = await leap(again, "14h")
    assert (await alert(again, acme))["last_notification"] == first["last_notification"] + 86_400


@IN_BOTH
async def test_a_balance_that_recovers_takes_the_marks_away(master: Client, acme: str) -> None:
    await settings(master, acme, notifications={"low_balance": {"enabled": True, "threshold": 10}})
    again = await leap(master, "1h")
    await credited(again, acme, 10)
    again = await leap(again, "1h")
    assert (await alert(again, acme))["sent_low_balance"] is True, "equal to the threshold is still low"
    await credited(again, acme, 1)
    again = await leap(again, "1h")
    assert await alert(again, acme) == {"enabled": True, "threshold": 10, "sent_low_balance": False}


@IN_BOTH
@pytest.mark.parametrize(
    ("low_balance", "topup", "amount", "fires"),
    [
        ({"enabled": False, "threshold": 10}, {}, 1, False),
        ({"threshold": 10}, {}, 10, True),
        ({"threshold": 10}, {}, 11, False),
        ({"enabled": True}, {"threshold": 20}, 20, True),
        ({"enabled": True}, {"threshold": 20}, 21, False),
        ({"enabled": True}, {}, 5, True),
        ({"enabled": True}, {}, 6, False),
    ],
)
async def test_the_threshold_is_the_alerts_or_the_top_ups_or_5(
    master: Client, acme: str, low_balance: dict[str, Any], topup: dict[str, Any], amount: int, fires: bool
) -> None:
    await settings(master, acme, notifications={"low_balance": low_balance}, topup=topup)
    await credited(master, acme, amount)
    again = await leap(master, "24h")
    assert (await alert(again, acme)).get("sent_low_balance", False) is fires


@IN_BOTH
async def test_without_enabled_there_is_one_alert_until_the_balance_recovers(
    master: Client, acme: str
) -> None:
    again = await leap(master, "24h")
    first = await alert(again, acme)
    assert first["sent_low_balance"] is True
    again = await leap(again, "72h")
    assert await alert(again, acme) == first


@IN_BOTH
async def test_an_account_that_names_no_threshold_is_looked_at_once_a_day(master: Client, acme: str) -> None:
    before = (await master.get(f"/v2/accounts/{acme}")).body["revision"]
    again = await leap(master, "23h59m59s")
    assert (await again.get(f"/v2/accounts/{acme}")).body["revision"] == before
    again = await leap(again, "1s")
    assert (await alert(again, acme))["sent_low_balance"] is True


@IN_BOTH
async def test_what_was_topped_up_is_not_told_to_be_low(master: Client, acme: str) -> None:
    alerts = {"low_balance": {"enabled": True, "threshold": 50}}
    await settings(master, acme, notifications=alerts, topup={"threshold": 10, "amount": 20})
    again = await leap(master, "1h")
    assert (await balance(again, acme), await alert(again, acme)) == (20.0, alerts["low_balance"])
    again = await leap(again, "1h")
    assert (await alert(again, acme))["sent_low_balance"] is True


async def test_settings_that_make_no_sense_stop_no_clock(master: Client, acme: str) -> None:
    merge = {"notifications": {"low_balance": {"threshold": "x", "enabled": 1}}, "topup": [1]}
    order = {"accountID": acme, "document": "account", "merge": merge}
    assert (await master.post("/sandbox/documents", body=order)).status == 200
    again = await leap(master, "24h")
    assert (await alert(again, acme)) == {"threshold": "x", "enabled": 1}


@IN_BOTH
async def test_a_call_costs_each_minute_begun(master: Client, acme: str, clock: SetClock) -> None:
    await credited(master, acme, 10)
    answer = await called(master, acme, 61, 0.05)
    assert answer.body == {
        "accountID": acme, "allowed": True, "billing": "per_minute", "amount": 0.1, "balance": 9.9,
    }  # fmt: skip
    clock.now += 1
    (row,) = (await master.get(f"/v2/accounts/{acme}/ledgers/per-minute-voip?is_chunked=false")).data
    assert (row["amount"], row["usage"]) == (-0.1, {"type": "voice", "quantity": 61, "unit": "sec"})


@IN_BOTH
@pytest.mark.parametrize(
    ("limits", "credit", "billing", "after"),
    [
        ({}, 1, "per_minute", -1.0),
        ({}, 0, "no_credit", 0.0),
        ({"allow_prepay": False}, 1, "no_credit", 1.0),
        ({"allow_prepay": False, "allow_postpay": True, "max_postpay_amount": 5}, 0, "per_minute", -2.0),
        ({"allow_postpay": True, "max_postpay_amount": 0}, 0, "no_credit", 0.0),
        ({"calls": 0}, 1, "hard_limit", 1.0),
        ({"resource_consuming_calls": 0}, 1, "hard_limit", 1.0),
        ({"calls": 5, "twoway_trunks": 9}, 1, "per_minute", -1.0),
    ],
)
async def test_a_call_needs_credit_that_may_be_spent_and_is_not_cut(
    master: Client, acme: str, limits: dict[str, Any], credit: int, billing: str, after: float
) -> None:
    order = {"accountID": acme, "document": "limits", "merge": limits}
    assert (await master.post("/sandbox/documents", body=order)).status == 200
    if credit:
        await credited(master, acme, credit)
    answer = await called(master, acme, 120, 1)
    assert (answer.body["billing"], answer.body["balance"]) == (billing, after)
    assert answer.body["allowed"] is (billing == "per_minute")
    assert await balance(master, acme) == after


@IN_4_3
async def test_calls_without_limits_in_force_are_free(master: Client, acme: str) -> None:
    await master.post(f"/v2/accounts/{acme}/limits", {"enabled": False})
    answer = await called(master, acme, 120, 1)
    assert (answer.body["billing"], answer.body["balance"]) == ("limits_disabled", 0.0)


@IN_BOTH
async def test_a_call_makes_an_empty_limits_document(master: Client, acme: str) -> None:
    await called(master, acme, 60, 0)
    limits = (await master.get(f"/v2/accounts/{acme}/limits")).data
    assert limits == {"id": "limits", "allow_postpay": False, "max_postpay_amount": 0}


@pytest.mark.parametrize(
    "order",
    [{}, [], {"seconds": 1, "rate": 1}, {"accountID": UNKNOWN, "seconds": 1, "rate": 1},
     {"seconds": -1}, {"seconds": 1.5}, {"seconds": True}, {"seconds": 10**9}, {"rate": -1}, {"rate": "1"},
     {"rate": 1e9}, {"rate": None}, {"more": 1}],
    ids=str,
)  # fmt: skip
async def test_what_is_no_call_costs_nothing(master: Client, acme: str, order: Any) -> None:
    await credited(master, acme, 10)
    if isinstance(order, dict) and len(order) == 1:
        order = {"accountID": acme, "seconds": 60, "rate": 1, **order}
    answer = await master.post("/sandbox/calls", body=order)
    assert (answer.status, list(answer.body)) == (400, ["error"])
    assert await balance(master, acme) == 10.0


async def test_a_half_built_account_makes_no_calls(master: Client) -> None:
    await master.fault({"cut": "early"})
    with pytest.raises(aiohttp.ClientError):
        await master.post(f"/v2/accounts/{master.master}?verb=put", {"name": "Acme"})
    built = {master.master, master.reseller}
    (acme,) = set(await master.state()) - built
    assert (await called(master, acme, 60, 1)).status == 400
    await leap(master, "40d")
    assert (await master.state())[acme]["balance"] is None


async def test_a_reset_brings_the_clock_back(master: Client, acme: str) -> None:
    await leap(master, "40d")
    await master.post("/sandbox/reset")
    state = (await master.get("/sandbox/state")).body
    assert state["now"] == "2026-11-25T06:00:00Z"
    assert {entry["id"] for account in state["accounts"].values() for entry in account["ledgers"]} == {
        f"{NOVEMBER}-ledgers_monthly_rollover"
    }


async def test_a_file_remembers_how_far_the_clock_is_ahead(tmp_path: Path, clock: SetClock) -> None:
    file = tmp_path / "kazoo.db"
    for expected in ("2026-11-26T06:00:00Z", "2026-11-27T06:00:00Z"):
        async with (
            running_sandbox(file, clock=clock) as sandbox,
            aiohttp.ClientSession(sandbox.url) as session,
        ):
            nobody = Client(session, sandbox)
            assert (await nobody.post("/sandbox/clock", body={"advance": "24h"})).body == {"now": expected}


async def test_the_clock_goes_on_by_itself_after_a_leap(nobody: Client) -> None:
    async with running_sandbox() as sandbox:
        before = sandbox.world.clock.unix()
        async with aiohttp.ClientSession(sandbox.url) as session:
            await Client(session, sandbox).post("/sandbox/clock", body={"advance": "24h"})
        ahead = sandbox.world.clock.unix() - before
        assert 86_400 <= ahead < 86_460
        assert sandbox.world.clock.unix() >= before + ahead

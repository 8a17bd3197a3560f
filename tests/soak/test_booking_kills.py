"""Real SIGKILLs while grants are booked: the balance is the sum of the grants, every id is booked once."""

from __future__ import annotations

import os
import random
import time
from typing import Any

import pytest

from tests.cluster.money import TODAY, Money, manifest
from tests.soak.killing import Mortal
from tools.stack import until

pytestmark = [pytest.mark.cluster, pytest.mark.soak]

KILLS = int(os.environ.get("KILLS") or 50)
ACCOUNTS = ("one", "two", "three")
TENTHS = 10_000
WRONG: tuple[dict[str, Any], ...] = (
    {"delay": 0.4},
    {"delay": 0.4, "afterCommit": True},
    {"reset": True, "afterCommit": True},
    {"status": 500, "afterCommit": True},
    {"hang": True, "afterCommit": True},
    {"hang": True},
    {"status": 503},
)


def _in_units(amount: object) -> int:
    return round(float(str(amount)) * TENTHS)


def _nothing_twice(money: Money, ids: dict[str, str], grants: dict[str, list[dict[str, Any]]]) -> int:
    """How many grants are booked; none twice, none with another amount."""
    count = 0
    for name, account_id in ids.items():
        wanted = {one["id"]: _in_units(one["amount"]) * _sign(one) for one in grants[name]}
        booked = {key: [_in_units(one) for one in held] for key, held in money.booked(account_id).items()}
        assert {key: amounts for key, amounts in booked.items() if amounts != [wanted[key]]} == {}, name
        count += len(booked)
    return count


def _sign(one: dict[str, Any]) -> int:
    return -1 if one["type"] == "Debit" else 1


def _disturb(mortal: Mortal, money: Money, chance: random.Random, ids: dict[str, str]) -> None:
    """Calls that take their time or lose their answer; a status that is lost, a name that changes."""
    for _ in range(chance.randrange(1, 4)):
        method, path = chance.choice((("PUT", "/ledgers/(credit|debit)$"),) * 3 + (("GET", "/ledgers/"),))
        mortal.stage.sandbox.fault(chance.choice(WRONG), method, path)
    name = chance.choice(ACCOUNTS)
    there = money.get("CreditPolicy", name) is not None
    if there and chance.random() < 0.3:
        wipe = '[{"op": "add", "path": "/status", "value": {}}]'
        money.kubectl("patch", "creditpolicy", name, "--subresource=status", "--type=json", "-p", wipe)
    if chance.random() < 0.2:
        mortal.stage.edit(ids[name], {"name": f"Acme {chance.random()}"})
    if there and chance.random() < 0.2:
        money.kubectl("delete", "creditpolicy", name, "--timeout=120s")


def test_after_kills_at_any_moment_of_a_booking_every_grant_is_booked_once(
    mortal: Mortal, chance: random.Random
) -> None:
    money = Money(mortal.stage)
    mortal.live()
    for name in ACCOUNTS:
        money.apply("Account", name, driftIgnore=["name"])
    ids = {name: str(money.until("Account", name)["accountID"]) for name in ACCOUNTS}
    grants: dict[str, list[dict[str, Any]]] = {name: [] for name in ACCOUNTS}
    began, met = time.monotonic(), 0
    for number in range(1, KILLS + 1):
        mortal.live(ready=chance.random() < 0.9)
        for name in ACCOUNTS:
            kind = chance.choice(("Credit", "Credit", "Debit"))
            amount = f"{chance.randrange(1, 50)}.{chance.randrange(100):02}"
            grants[name].append({"id": f"g{number}", "type": kind, "amount": amount, "date": TODAY})
        _disturb(mortal, money, chance, ids)
        money.apply_together(manifest("CreditPolicy", name, grants=grants[name]) for name in ACCOUNTS)
        time.sleep(chance.uniform(0, 0.6))
        before = _nothing_twice(money, ids, grants)
        mortal.die()
        met += before < number * len(ACCOUNTS)
        if number % 10 == 0:
            print(
                f"  kill {number} of {KILLS}, {time.monotonic() - began:.0f} s, {met} amid bookings",
                flush=True,
            )
    mortal.live()
    for name in ACCOUNTS:
        money.apply("CreditPolicy", name, grants=grants[name])
        money.until("CreditPolicy", name)
    assert _nothing_twice(money, ids, grants) == KILLS * len(ACCOUNTS)
    for name, account_id in ids.items():
        total = sum(_in_units(one["amount"]) * _sign(one) for one in grants[name])
        held = mortal.stage.sandbox.crossbar("GET", f"accounts/{account_id}/ledgers/total")
        assert _in_units(held["amount"]) == total
        until(lambda name=name: money.status("CreditPolicy", name).get("balance"), "the balance")
        assert _in_units(money.status("CreditPolicy", name)["granted"]) == total
    assert met > KILLS // 4, "kills that found nothing half done prove little"

"""Whether an account can call: every cell of trunks x per-minute x credit x restriction."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from kazoo_operator.core.calling import Means, conditions, threshold_of

CENT = 100


def means(trunks: int = 0, per_minute: bool = True, balance: int = 0, **more: Any) -> Means:
    return Means(0, 0, trunks, per_minute, balance, **more)


def told(one: Means, threshold: int | None = None) -> dict[str, tuple[str, str]]:
    return {kind: said[:2] for kind, said in conditions(one, threshold, "USD").items()}


# trunks, per-minute, credit -> CallCapacity
CAPACITY = {
    (False, False, False): ("False", "NoTrunksNoCredit"),
    (False, False, True): ("False", "NoTrunksNoCredit"),
    (False, True, False): ("False", "NoTrunksNoCredit"),
    (False, True, True): ("True", "Ready"),
    (True, False, False): ("True", "OverflowBlocked"),
    (True, False, True): ("True", "OverflowBlocked"),
    (True, True, False): ("True", "OverflowBlocked"),
    (True, True, True): ("True", "Ready"),
}
# allowed, per-minute, credit -> InternationalCalling; trunks never count
ABROAD = {
    (False, False, False): ("False", "Restricted"),
    (False, False, True): ("False", "Restricted"),
    (False, True, False): ("False", "Restricted"),
    (False, True, True): ("False", "Restricted"),
    (True, False, False): ("False", "PerMinuteOff"),
    (True, False, True): ("False", "PerMinuteOff"),
    (True, True, False): ("False", "NoCredit"),
    (True, True, True): ("True", "Ready"),
}


@pytest.mark.parametrize(
    ("trunks", "per_minute", "credit", "allowed"), list(product((False, True), repeat=4))
)
def test_each_cell_of_the_truth_table(trunks: bool, per_minute: bool, credit: bool, allowed: bool) -> None:
    found = told(means(5 if trunks else 0, per_minute, CENT if credit else 0, international=allowed))
    assert found["CallCapacity"] == CAPACITY[trunks, per_minute, credit]
    assert found["InternationalCalling"] == ABROAD[allowed, per_minute, credit]
    assert found["BalanceHealthy"] == (("True", "Ready") if credit else ("False", "NoCredit"))


@pytest.mark.parametrize("cap", ["calls", "carrier_calls"])
def test_a_cap_of_0_lets_no_call_through(cap: str) -> None:
    for kind in ("CallCapacity", "InternationalCalling"):
        assert told(means(5, True, CENT, **{cap: 0}))[kind] == ("False", "NoCallsAllowed")
        assert told(means(5, True, CENT, **{cap: 1}))[kind] == ("True", "Ready")


@pytest.mark.parametrize("balance", [0, CENT, 250_000])
def test_the_balance_says_whose_money_it_is(balance: int) -> None:
    def said(payer: str | None) -> str:
        return conditions(means(balance=balance), CENT, "USD", payer)["BalanceHealthy"][2]

    assert "USD, real money" in said(None)
    assert "USD, an allotment of which acme is billed what is used" in said("acme")


@pytest.mark.parametrize(
    ("balance", "threshold", "said"),
    [
        (250_000, 250_000, ("False", "LowBalance")),
        (250_001, 250_000, ("True", "Ready")),
        (250_000, None, ("True", "Ready")),
        (0, 250_000, ("False", "NoCredit")),
        (-1, None, ("False", "NoCredit")),
    ],
)
def test_a_balance_is_healthy_above_the_alert(
    balance: int, threshold: int | None, said: tuple[str, str]
) -> None:
    assert told(means(balance=balance), threshold)["BalanceHealthy"] == said


def test_what_kazoo_leaves_out_is_what_it_takes_for_granted() -> None:
    fresh = Means.of({"id": "limits", "allow_postpay": False}, {}, 0)
    assert fresh == Means(0, 0, 0, per_minute=True, balance=0)
    held = {"inbound_trunks": 2, "outbound_trunks": 1, "twoway_trunks": 3, "allow_prepay": False, "calls": 0}
    denied = {"call_restriction": {"international": {"action": "deny"}}}
    assert Means.of(held, denied, 5) == Means(2, 1, 3, False, 5, international=False, calls=0)
    assert Means.of(held, denied, 5).capacity == {"inbound": 5, "outbound": 4, "total": 6}


@pytest.mark.parametrize(
    ("alert", "threshold"),
    [
        ({"enabled": True, "threshold": 25}, 250_000),
        ({"threshold": Decimal("0.5")}, 5000),
        ({"enabled": False, "threshold": 25}, None),
        ({"enabled": True}, None),
        (None, None),
    ],
)
def test_the_threshold_is_that_of_an_alert_that_is_on(alert: Any, threshold: int | None) -> None:
    assert threshold_of({"notifications": {"low_balance": alert}}) == threshold


def test_each_message_says_what_to_do_or_that_all_is_well() -> None:
    for trunks, per_minute, balance, allowed in product((0, 5), (False, True), (0, CENT), (False, True)):
        one = means(trunks, per_minute, balance, international=allowed)
        for status, _, message in conditions(one, None, "USD").values():
            assert message.endswith(".")
            assert status == "True" or "KZ0" in message or "raise it" in message

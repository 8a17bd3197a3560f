"""TrunkLimits and CreditPolicy beside their Account, on a real API server."""

from __future__ import annotations

import time
from itertools import permutations
from typing import Any

import pytest

from tests.cluster.conftest import Stage
from tests.cluster.money import PLURALS, Money, grant, manifest
from tools.cluster import KubectlFailed
from tools.stack import until

pytestmark = pytest.mark.cluster

ALERT = {"lowBalanceAlert": {"threshold": "5.00"}}
COLUMNS = {
    "account": "NAME ACCOUNT-ID REALM PARENT READY REASON BALANCE AGE",
    "trunklimits": "NAME ACCOUNT IN OUT TWO-WAY PER-MINUTE READY REASON AGE",
    "creditpolicy": "NAME ACCOUNT KIND BALANCE ALERT READY REASON AGE",
}


@pytest.fixture
def money(stage: Stage) -> Money:
    return Money(stage)


def three(name: str) -> dict[str, dict[str, Any]]:
    """An account with trunks and credit."""
    return {
        "Account": manifest("Account", name),
        "TrunkLimits": manifest("TrunkLimits", name, twoWay=2, inbound=1, allowPerMinute=True),
        "CreditPolicy": manifest("CreditPolicy", name, grants=[grant("initial")], **ALERT),
    }


def test_account_trunks_and_credit_applied_in_any_order_become_ready_with_few_writes(money: Money) -> None:
    names = {f"order-{number}": order for number, order in enumerate(permutations(PLURALS))}
    for name, order in names.items():
        objects = three(name)
        money.apply_together(objects[kind] for kind in order)
    for name in names:
        for kind in PLURALS:
            money.until(kind, name)
    for name in names:
        account_id = money.status("Account", name)["accountID"]
        assert money.booked(account_id) == {"initial": [25.0]}
        assert money.state(account_id)["limits"]["twoway_trunks"] == 2
        trunks, credit = money.status("TrunkLimits", name), money.status("CreditPolicy", name)
        assert trunks["capacity"] == {"inbound": 3, "outbound": 2, "total": 3}
        assert (credit["balance"], credit["granted"], credit["moneyKind"]) == ("25.00", "25.00", "Allotted")
        for kind in ("TrunkLimits", "CreditPolicy"):
            assert money.writes(kind, name) in (["patch status"], ["patch status"] * 2), "one, and one wait"
        until(lambda name=name: money.status("Account", name)["balance"] == "25.00", "the balance")
        healthy = {one["type"]: one["status"] for one in money.status("Account", name)["conditions"]}
        assert (healthy["BalanceHealthy"], healthy["CallCapacity"]) == ("True", "True")
        assert len(money.writes("Account", name)) <= 3, "made, and told of its trunks and its credit"


def test_what_is_equal_is_not_written_again(money: Money) -> None:
    money.apply_together(three("equal").values())
    for kind in PLURALS:
        money.until(kind, "equal")
    until(lambda: money.status("Account", "equal")["balance"] == "25.00", "the balance")
    held = {kind: money.status(kind, "equal") for kind in PLURALS}
    before = {kind: money.writes(kind, "equal") for kind in PLURALS}
    kazoo = money.stage.sandbox.writes(r"/accounts/\w{32}")
    reads = len(money.stage.sandbox.calls("GET"))
    for kind in PLURALS:
        money.reconcile(kind, "equal", "1")
    until(lambda: len(money.stage.sandbox.calls("GET")) > reads + 8, "three passes")
    for kind in PLURALS:
        money.until(kind, "equal")
    time.sleep(1)  # nothing shows that a pass wrote nothing
    assert {kind: money.status(kind, "equal") for kind in PLURALS} == held
    assert {kind: money.writes(kind, "equal") for kind in PLURALS} == before
    assert money.stage.sandbox.writes(r"/accounts/\w{32}") == kazoo


def test_the_columns_are_those_that_were_promised(money: Money) -> None:
    money.apply_together(three("columns").values())
    for kind in PLURALS:
        money.until(kind, "columns")
    until(lambda: money.status("Account", "columns")["balance"] == "25.00", "the balance")
    tables = money.kubectl("get", "kazoo").strip().split("\n\n")
    found = {rows.splitlines()[1].split(".")[0]: rows.splitlines() for rows in tables}
    assert {kind: " ".join(rows[0].split()) for kind, rows in found.items()} == COLUMNS
    assert found["trunklimits"][1].split()[1:8] == [
        "columns.pbx.example.com", "1", "0", "2", "true", "True", "Ready"
    ]  # fmt: skip
    assert found["creditpolicy"][1].split()[1:7] == [
        "columns.pbx.example.com", "Allotted", "25.00", "5.00", "True", "Ready"
    ]  # fmt: skip
    wide = money.kubectl("get", "kzcp", "-o", "wide").split("\n")[0].split()
    assert {"GRANTED", "RUNWAY"} < set(wide)


@pytest.mark.parametrize("kind", ["TrunkLimits", "CreditPolicy"])
def test_who_loses_an_account_to_an_older_object_has_it_when_that_goes(money: Money, kind: str) -> None:
    name = f"rival-{kind.lower()}"
    said = {"allowPerMinute": True} if kind == "TrunkLimits" else ALERT
    said |= {"resyncInterval": "24h"}
    money.apply("Account", name)
    money.apply(kind, name, **said)
    money.until(kind, name)
    money.apply(kind, f"{name}-z", accountRef={"realm": f"{name}.pbx.example.com"}, **said)
    told = money.until(kind, f"{name}-z", "Conflict")
    stalled = next(one for one in told["conditions"] if one["type"] == "Stalled")
    assert name in stalled["message"]
    money.kubectl("delete", PLURALS[kind], name, "--timeout=120s")
    money.until(kind, f"{name}-z")


def test_reset_holds_the_object_until_what_it_set_is_taken_back(money: Money) -> None:
    objects = three("reset")
    for kind in ("TrunkLimits", "CreditPolicy"):
        objects[kind]["spec"]["deletionPolicy"] = "Reset"
    money.apply("Account", "reset")
    money.until("Account", "reset")
    money.apply_together(objects.values())
    account_id = money.until("CreditPolicy", "reset")["accountID"]
    money.until("TrunkLimits", "reset")
    for kind in ("TrunkLimits", "CreditPolicy"):
        found = money.get(kind, "reset")
        assert found is not None
        assert found["metadata"]["finalizers"] == ["kazoo-operator.io/reset"]
        assert money.writes(kind, "reset") == ["patch ", "patch status"]
    assert money.state(account_id)["account"]["notifications"]["low_balance"]["enabled"] is True
    for kind in ("TrunkLimits", "CreditPolicy"):
        money.kubectl("delete", PLURALS[kind], "reset", "--timeout=120s")
        assert money.get(kind, "reset") is None
        assert money.writes(kind, "reset") == ["patch ", "patch status", "patch "], "one for the deletion"
    held = money.state(account_id)
    assert (held["limits"]["twoway_trunks"], held["limits"]["inbound_trunks"]) == (0, 0)
    assert held["account"]["notifications"]["low_balance"]["enabled"] is False
    assert money.booked(account_id) == {"initial": [25.0]}, "money is never undone"


def test_the_api_server_keeps_references_and_grants_as_they_are(money: Money) -> None:
    first, second = grant("first"), grant("second", "5.00", type="Debit", description="Back")
    money.apply("CreditPolicy", "kept", grants=[first, second])
    money.apply("TrunkLimits", "kept", allowPerMinute=True)
    for kind, said in (
        ("CreditPolicy", {"grants": [first, second]}),
        ("TrunkLimits", {"allowPerMinute": True}),
    ):
        with pytest.raises(KubectlFailed, match=r"spec\.accountRef"):
            money.apply(kind, "kept", accountRef={"name": "other"}, **said)
    wrong: list[list[dict[str, Any]]] = [
        [first],
        [],
        [first, {**second, "amount": "6.00"}],
        [first, {**second, "type": "Credit"}],
        [first, {**second, "description": "Other"}],
        [{**first, "date": "2020-01-01"}, second],
        [first, second, grant("first", "1.00")],
    ]
    for grants in wrong:
        with pytest.raises(KubectlFailed, match=r"spec\.grants"):
            money.apply("CreditPolicy", "kept", grants=grants)
    with pytest.raises(KubectlFailed, match=r"spec\.grants"):
        money.kubectl(
            "patch", "creditpolicy", "kept", "--type=json", "-p", '[{"op": "remove", "path": "/spec/grants"}]'
        )
    money.apply("CreditPolicy", "kept", grants=[second, grant("between"), first])


@pytest.mark.parametrize(
    "amount", ["0.99", "-5", "5.00000", "NaN", "1000000000000", 25], ids=lambda value: str(value)
)
def test_the_api_server_refuses_what_is_no_amount(money: Money, amount: Any) -> None:
    with pytest.raises(KubectlFailed, match="amount"):
        money.apply("CreditPolicy", "odd", grants=[{**grant("odd"), "amount": amount}])


def test_consent_to_the_quote_in_status_is_all_that_a_dearer_change_needs(money: Money) -> None:
    money.assign({"limits": {"twoway_trunks": {"rate": 24.99, "cascade": True}}})
    money.apply("Account", "dear")
    money.apply("TrunkLimits", "dear", twoWay=5, allowPerMinute=True, resyncInterval="24h")
    asked = money.until("TrunkLimits", "dear", "ChargesNotAccepted")
    quote = asked["pendingQuote"]
    assert quote["recurring"] == "124.95"
    account_id = asked["accountID"]
    assert money.state(account_id)["limits"].get("twoway_trunks", 0) == 0
    consent = {"accept": "Quote", "quoteDigest": quote["digest"]}
    money.apply("TrunkLimits", "dear", twoWay=5, allowPerMinute=True, resyncInterval="24h", charges=consent)
    done = money.until("TrunkLimits", "dear")
    assert "pendingQuote" not in done
    assert {one["type"]: one["status"] for one in done["conditions"]}["ChargesAccepted"] == "True"
    assert money.state(account_id)["limits"]["twoway_trunks"] == 5


def test_a_kill_around_a_booking_books_nothing_twice(money: Money) -> None:
    money.apply("Account", "killed")
    account_id = money.until("Account", "killed")["accountID"]
    grants: list[dict[str, Any]] = []
    for number, (method, path, do) in enumerate(
        (
            ("PUT", "/ledgers/credit$", {"hang": True}),
            ("PUT", "/ledgers/credit$", {"hang": True, "afterCommit": True}),
            ("GET", "/ledgers/summary/", {"hang": True}),
        )
    ):
        grants.append(grant(f"grant-{number}", f"{number + 1}.50"))
        money.stage.sandbox.fault(do, method, path)
        money.apply("CreditPolicy", "killed", grants=grants)
        until(lambda method=method, path=path: money.stage.hangs(method, path), "the hanging call")
        money.stage.operator.kill()
        money.stage.sandbox.control("DELETE", "faults")
        money.stage.sandbox.control("DELETE", "requests")
        money.stage.operator.start()
        money.until("CreditPolicy", "killed")
        assert money.booked(account_id) == {f"grant-{one}": [one + 1.5] for one in range(number + 1)}
    assert money.status("CreditPolicy", "killed")["balance"] == "7.50"

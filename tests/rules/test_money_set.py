"""Accounts, limits and credit of a set of files, told together: whatever the references look like."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.rules import attached_set, budget_set, calling_set
from tests.steps import steps

ID = "4c0c8f6f9d8b4a0f8e3d2c1b0a998877"
REALM = "acme.example.com"
RULES = (*attached_set.RULES, *calling_set.RULES, *budget_set.RULES)


def one(kind: str, called: str = "acme", namespace: str = "team", /, **spec: Any) -> Resource:
    return Resource(Key(kind, namespace, called), "", 0, "", spec, {})


def account(name: str = "acme", **spec: Any) -> Resource:
    return one("Account", name, **{"name": name, "realm": f"{name}.example.com", **spec})


def limits(reference: dict[str, str] | None = None, **spec: Any) -> Resource:
    said = {"twoWay": 5, "allowPerMinute": True, **spec}
    return one("TrunkLimits", accountRef=reference or {"name": "acme"}, **said)


def credit(*grants: tuple[str, str], name: str = "acme", **spec: Any) -> Resource:
    booked = [
        {"id": str(number), "amount": amount, "date": date} for number, (amount, date) in enumerate(grants)
    ]
    said = {"accountRef": {"name": name}, "lowBalanceAlert": {"threshold": "20.00"}, **spec}
    return one("CreditPolicy", name, grants=booked, **said)


def told(*resources: Resource) -> set[tuple[str, int]]:
    return {(rule.id, number) for rule in RULES for number, _ in rule.on_set(resources)}


GRANTED = ("50.00", "2026-11-02")
DENIED = {"callRestrictions": {"international": "Deny"}}


@pytest.mark.parametrize("first", [{"name": "acme"}, {"realm": REALM}, {"accountID": ID}], ids=str)
@pytest.mark.parametrize("second", [{"name": "acme"}, {"realm": REALM}, {"accountID": ID}], ids=str)
def test_two_objects_keep_one_account_whatever_form_names_it(
    first: dict[str, str], second: dict[str, str]
) -> None:
    other = one("TrunkLimits", "other", "elsewhere", accountRef=second, allowPerMinute=True)
    whose = account(adopt=True, accountID=ID, **DENIED)
    found = told(whose, limits(first), other)
    # A name speaks of the object's own namespace.
    assert (("KZ159", 2) in found) is ("name" not in second)


def test_the_same_object_twice_is_no_rival_of_itself() -> None:
    assert ("KZ159", 1) not in told(limits(), limits())


def test_who_only_observes_is_no_rival() -> None:
    seen = one("TrunkLimits", "seen", accountRef={"name": "acme"}, managementPolicy="ObserveOnly")
    assert ("KZ159", 1) not in told(limits(), seen)


def test_limits_by_themselves_say_nothing_about_credit() -> None:
    assert told(limits()) == set()
    assert told(limits({"realm": REALM})) == set()


def test_a_policy_that_may_be_about_the_account_is_no_missing_one() -> None:
    unknown = one("CreditPolicy", "other", accountRef={"accountID": ID}, lowBalanceAlert={"threshold": "25"})
    assert told(account(**DENIED), limits(), unknown) == set()
    known = account(**DENIED, adopt=True, accountID="0" * 32)
    assert told(known, limits(), unknown) == {("KZ086", 1)}


@pytest.mark.parametrize("state", [{"adopt": True}, {"managementPolicy": "ObserveOnly"}], ids=str)
def test_what_an_account_that_exists_lacks_no_file_tells(state: dict[str, Any]) -> None:
    assert told(account(**state), limits(twoWay=0), credit()) == set()
    assert {rule for rule, _ in told(account(), limits(twoWay=0), credit())} == {"KZ043"}


@pytest.mark.parametrize("per_minute", [True, False])
@pytest.mark.parametrize("trunks", [0, 5])
@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize("abroad", ["Allow", "Deny", None])
def test_each_cell_of_trunks_credit_and_restrictions(
    per_minute: bool, trunks: int, granted: bool, abroad: str | None
) -> None:
    said = {"callRestrictions": {"international": abroad}} if abroad else {}
    spec = {"inbound": 0, "outbound": trunks, "twoWay": 0, "allowPerMinute": per_minute}
    found = told(account(**said), limits(**spec), credit(*[GRANTED] * granted))
    paid = per_minute and granted
    assert (("KZ043", 1) in found) is (trunks == 0 and not paid)
    assert (("KZ045", 1) in found) is (trunks > 0 and per_minute and not granted and abroad != "Deny")
    assert (("KZ042", 2) in found) is (trunks > 0 and per_minute and not granted and abroad == "Deny")
    assert (("KZ099", 1) in found) is (trunks > 0 and not per_minute and abroad != "Deny")
    assert (("KZ072", 0) in found) is (abroad == "Allow" and not paid)
    assert {rule for rule, _ in found} <= {"KZ042", "KZ043", "KZ045", "KZ072", "KZ099"}


def test_debits_are_taken_off_and_a_recharge_is_credit() -> None:
    back = credit(GRANTED)
    taken = {
        **back.spec,
        "grants": [*back.spec["grants"], {**back.spec["grants"][0], "id": "b", "type": "Debit"}],
    }
    assert ("KZ042", 2) in told(account(**DENIED), limits(), one("CreditPolicy", **taken))
    recharged = {**taken, "autoRecharge": {"threshold": "10", "amount": "50"}}
    assert told(account(**DENIED), limits(), one("CreditPolicy", **recharged)) == set()
    off = {**taken, "autoRecharge": {"enabled": False}}
    assert ("KZ042", 2) in told(account(**DENIED), limits(), one("CreditPolicy", **off))


PARENT = account("top")
CHILD = account("low", parentRef={"name": "top"})
OTHER = account("else", parentRef={"realm": "top.example.com"})


@pytest.mark.parametrize(
    ("above", "below", "places"),
    [
        ([("50", "2026-11-01")], [("50", "2026-11-30")], []),
        ([("50", "2026-11-01")], [("50.0001", "2026-11-30")], ["spec.grants[0].amount"]),
        # What was not used in October is there in November, and not the other way round.
        ([("50", "2026-10-01")], [("50", "2026-11-30")], []),
        ([("50", "2026-11-01")], [("50", "2026-10-31")], ["spec.grants[0].amount"]),
        # One finding a month, at the grant that goes beyond.
        (
            [("50", "2026-10-01"), ("50", "2026-11-01")],
            [("50", "2026-10-01"), ("1", "2026-10-02"), ("60", "2026-11-01")],
            ["spec.grants[0].amount", "spec.grants[2].amount"],
        ),
    ],
)
def test_months_add_up(above: list[tuple[str, str]], below: list[tuple[str, str]], places: list[str]) -> None:
    found = [PARENT, CHILD, credit(*above, name="top"), credit(*below, name="low")]
    said = [finding.path for rule in budget_set.RULES for _, finding in rule.on_set(found)]
    assert sorted(said) == places


def test_all_children_count_in_whatever_form_they_name_the_parent() -> None:
    both = [credit(("30", "2026-11-01"), name="low"), credit(("30", "2026-11-01"), name="else")]
    assert ("KZ077", 5) in told(PARENT, CHILD, OTHER, credit(("50", "2026-11-01"), name="top"), *both)


def test_a_parent_that_no_policy_describes_is_unknown_and_one_that_no_file_does_is_silent() -> None:
    below = credit(("30", "2026-11-01"), name="low")
    assert ("KZ077", 2) in told(PARENT, CHILD, below)
    assert told(CHILD, below) == set()
    recharged = credit(name="top", autoRecharge={"threshold": "10", "amount": "50"})
    assert told(PARENT, CHILD, recharged, below) == set()


def test_what_is_only_observed_is_not_allotted() -> None:
    below = credit(("30", "2026-11-01"), name="low", managementPolicy="ObserveOnly")
    assert told(PARENT, CHILD, below) == set()


def test_grants_that_are_no_grants_raise_nothing_here() -> None:
    odd = one("CreditPolicy", "low", accountRef={"name": "low"}, grants=[5, {"amount": 5, "date": 5}, {}])
    assert told(PARENT, CHILD, odd, one("TrunkLimits", accountRef="low", twoWay="5")) == set()


def test_a_thousand_accounts_take_no_longer_each_than_a_hundred() -> None:
    found: list[Resource] = []
    for number in range(1000):
        name = f"a{number}"
        found += [account(name), credit(GRANTED, name=name)]
        found.append(one("TrunkLimits", name, accountRef={"name": name}, twoWay=5, allowPerMinute=True))
    assert told(*found) == set()
    assert steps(lambda: told(*found)) < 1.05 * 10 * steps(lambda: told(*found[:300]))

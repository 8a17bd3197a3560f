"""Cycles and owners among the accounts of a set, whatever form their references have."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.rules.account import RULES

ID, OTHER = "a" * 32, "b" * 32


def account(name: str, namespace: str = "team", **spec: Any) -> Resource:
    return Resource(Key("Account", namespace, name), "", 0, "", spec, {})


def said(rule: str, *resources: Resource) -> dict[str, str]:
    return {
        resources[number].key.name: finding.message
        for one in RULES
        if one.id == rule
        for number, finding in one.on_set(resources)
    }


def below(**reference: str) -> dict[str, Any]:
    return {"parentRef": reference}


OBSERVED = {"managementPolicy": "ObserveOnly"}


@pytest.mark.parametrize(
    ("resources", "members"),
    [
        ([account("a", **below(name="a"))], {"a"}),
        ([account("a", accountID=ID, **below(accountID=ID))], {"a"}),
        ([account("a", realm="a.example", **below(realm="a.example"))], {"a"}),
        ([account("a", accountID=ID, **below(name="b")), account("b", **below(accountID=ID))], {"a", "b"}),
        (
            [
                account("a", accountID=ID, **below(accountID=OTHER)),
                account("b", accountID=OTHER, **below(accountID=ID)),
            ],
            {"a", "b"},
        ),
        (
            [
                account("a", accountID=ID, **below(realm="b.example")),
                account("b", realm="b.example", **below(name="c")),
                account("c", **below(accountID=ID)),
            ],
            {"a", "b", "c"},
        ),
        (
            [
                account("a", accountID=ID, **below(realm="b.example")),
                account("b", "other", realm="b.example", **below(accountID=ID)),
            ],
            {"a", "b"},
        ),
        (
            [
                account("a", realm="a.example", **below(name="w")),
                account("w", realm="a.example", **OBSERVED),
            ],
            {"a"},
        ),
        (
            [
                account("w", accountID=ID, **OBSERVED, **below(name="b")),
                account("a", accountID=ID, **below(realm="root.example")),
                account("b", **below(accountID=ID)),
            ],
            {"w", "b"},
        ),
    ],
    ids=[
        "itself, by name",
        "itself, by id",
        "itself, by realm",
        "by name and by id",
        "by id twice",
        "three forms",
        "two namespaces",
        "through an observer",
        "as an observer sees it",
    ],
)
def test_a_cycle_is_found_whatever_form_each_reference_has(
    resources: list[Resource], members: set[str]
) -> None:
    found = said("KZ080", *resources)
    assert set(found) == members
    assert set(said("KZ080", *reversed(resources))) == members
    assert all(name in found[one] for one in found for name in members)


@pytest.mark.parametrize(
    "resources",
    [
        [account("a", accountID=ID, **below(accountID=OTHER)), account("b", **below(accountID=ID))],
        [account("a", **below(name="b")), account("b", "other", **below(name="a"))],
        # Two that claim one realm are told by KZ131, and are no cycle.
        [account("a", realm="x.example", **below(name="b")), account("b", realm="x.example")],
        [account("a", realm="a.example", **below(realm="root.example")), account("b", **below(name="a"))],
        [
            account("a", **{"parentRef": {"name": 5}}),
            account("b", accountID=[], **{"parentRef": {"realm": []}}),
        ],
    ],
    ids=["a chain", "other namespaces", "one realm twice", "a root", "mistyped"],
)
def test_what_is_no_cycle_is_none(resources: list[Resource]) -> None:
    assert said("KZ080", *resources) == {}


def test_whoever_stands_below_a_cycle_is_not_of_it() -> None:
    found = said(
        "KZ080",
        account("c", **below(name="a")),
        account("a", **below(name="b")),
        account("b", **below(name="a")),
    )
    assert set(found) == {"a", "b"}


def test_a_chain_of_thousands_is_walked_once() -> None:
    chain = [account(f"a{n}", accountID=f"{n:032x}", **below(accountID=f"{n + 1:032x}")) for n in range(5000)]
    assert said("KZ080", *chain) == {}
    assert len(said("KZ080", *chain, account("end", accountID=f"{5000:032x}", **below(name="a0")))) == 5001


def test_two_that_manage_one_account_are_told_of_each_other() -> None:
    first, second = account("a", accountID=ID, adopt=True), account("b", "other", accountID=ID, adopt=True)
    found = said("KZ158", first, second)
    assert set(found) == {"b"}
    assert found["b"].startswith("the Account team/a takes over this account too, ")


def test_an_account_may_be_observed_by_others_than_manage_it() -> None:
    watchers = [account(name, accountID=ID, **OBSERVED) for name in ("w1", "w2")]
    assert said("KZ158", account("a", accountID=ID, adopt=True), *watchers) == {}
    assert (
        said("KZ158", account("a", accountID=ID, adopt=True), account("b", accountID=OTHER, adopt=True)) == {}
    )

"""CEL and its Python part give one verdict on limits and credit; what is booked never changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazoo_operator.manifests.cel_rules import CelRules
from tests.rules.corpus import KINDS

ATTACHED = [KINDS[name] for name in ("CreditPolicy", "TrunkLimits")]
CEL = {kind.name: CelRules(kind) for kind in ATTACHED}

AMOUNT = st.sampled_from(["1", "25.00", "999999999.9999"])
CHARGES = st.fixed_dictionaries(
    {},
    optional={
        "accept": st.sampled_from(["Never", "UpTo", "Quote"]),
        "maxRecurringIncrease": AMOUNT,
        "maxOneTime": AMOUNT,
        "quoteDigest": st.just("sha256:" + "0a" * 32),
    },
)
GRANT = st.fixed_dictionaries(
    {"id": st.sampled_from("abc"), "amount": AMOUNT, "date": st.sampled_from(["2026-11-27", "2026-11-28"])},
    optional={"type": st.sampled_from(["Credit", "Debit"]), "description": st.just("Initial")},
)
GRANTS = st.lists(GRANT, max_size=3, unique_by=lambda one: one["id"])
SWITCHED = {"enabled": st.booleans(), "threshold": AMOUNT}
SPECS = st.fixed_dictionaries(
    {"accountRef": st.sampled_from([{"name": "a"}, {"realm": "a.example"}])},
    optional={
        "charges": CHARGES,
        "grants": GRANTS,
        "lowBalanceAlert": st.fixed_dictionaries({}, optional=SWITCHED),
        "autoRecharge": st.fixed_dictionaries({}, optional={**SWITCHED, "amount": AMOUNT}),
        "resyncInterval": st.sampled_from(["29s", "30s", "24h1s"]),
    },
)


@pytest.mark.parametrize("kind", ATTACHED, ids=lambda kind: kind.name)
@given(spec=SPECS)
def test_cel_and_python_judge_alike(kind: Any, spec: dict[str, Any]) -> None:
    known = {name: value for name, value in spec.items() if name in _names(kind)}
    found = {(one.rule, one.path) for one in CEL[kind.name].findings(known) if one.rule != "SCHEMA"}
    judged = [rule for rule in kind.rules if rule.cel is not None]
    assert found == {(one.rule, one.path) for rule in judged for one in rule.findings(known)}


def _names(kind: Any) -> set[str]:
    return {field.alias or name for name, field in kind.spec.model_fields.items()}


def _as_booked(grant: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Credit", **grant}


@given(GRANTS, GRANTS)
def test_a_grant_neither_changes_nor_leaves(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    old = {"accountRef": {"name": "a"}, "grants": before}
    new = {"accountRef": {"name": "a"}, "grants": after}
    kept = all(_as_booked(one) in map(_as_booked, after) for one in before)
    found = {one.rule for one in CEL["CreditPolicy"].changes(old, new)}
    assert found == (set() if kept else {"KZ046"})


@given(GRANTS, GRANTS)
def test_order_and_new_grants_are_free(held: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    names = {one["id"] for one in held}
    new = {"grants": [*[one for one in more if one["id"] not in names], *reversed(held)]}
    reference = {"accountRef": {"name": "a"}}
    assert not list(CEL["CreditPolicy"].changes({**reference, "grants": held}, {**reference, **new}))


def test_all_grants_cannot_be_left_out_at_once_and_none_need_be_there_before() -> None:
    reference = {"accountRef": {"name": "a"}}
    granted = {**reference, "grants": [{"id": "a", "amount": "1", "date": "2026-11-28"}]}
    assert {one.rule for one in CEL["CreditPolicy"].changes(granted, reference)} == {"KZ046"}
    assert not list(CEL["CreditPolicy"].changes(reference, granted))


@pytest.mark.parametrize("kind", ATTACHED, ids=lambda kind: kind.name)
def test_no_rule_calls_matches_which_is_slow_offline(kind: Any) -> None:
    assert [rule.id for rule in kind.rules if rule.cel is not None and "matches(" in rule.cel] == []

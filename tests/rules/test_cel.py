"""CEL and its Python part give one verdict, over specs that hypothesis makes up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazoo_operator.core.conformity import schema_findings
from kazoo_operator.core.kind import Kind
from kazoo_operator.kinds import discover
from kazoo_operator.manifests.cel_rules import CelRules

(KIND,) = [kind for kind in discover() if kind.name == "Account"]
CEL = CelRules(KIND)

BALANCE = st.fixed_dictionaries({}, optional={name: st.booleans() for name in ("show", "credit", "minutes")})
ADDRESS = st.fixed_dictionaries(
    {},
    optional={
        "street": st.just("1 Main St"),
        "city": st.just("San Jose"),
        "region": st.just("CA"),
        "postalCode": st.just("95113"),
        "country": st.just("US"),
    },
)
CLASSES = st.one_of(
    st.sampled_from(["emergency", "international", "a.b", "a b", "", "x" * 64, "x" * 65, "é" * 64]),
    st.text(max_size=8),
)
REFERENCE = st.one_of(
    st.just({"name": "a"}), st.just({"name": "b"}), st.just({"realm": "a.b"}), st.just({"realm": "a.example"})
)
SPECS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"name": st.just("Acme"), "timezone": st.just("Etc/UTC"), "language": st.just("en")},
    optional={
        "address": ADDRESS,
        "managementPolicy": st.sampled_from(["Manage", "ObserveOnly"]),
        "callRestrictions": st.dictionaries(CLASSES, st.sampled_from(["Allow", "Deny"]), max_size=3),
        "controlCenter": st.fixed_dictionaries(
            {}, optional={"preset": st.sampled_from(["All", "SubAccount"]), "balance": BALANCE}
        ),
        "adopt": st.booleans(),
        "accountID": st.just("0" * 32),
        "realm": st.sampled_from(["a.example", "b.example"]),
        "allowRealmChange": st.sampled_from(["a.example->b.example", "b.example->a.example"]),
        "parentRef": REFERENCE,
        "resyncInterval": st.sampled_from(["29s", "30s", "24h", "24h1s", "1h30m15s", "86400s", "", "1d"]),
    },
)


def by_python(kind: Kind, spec: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (finding.rule, finding.path)
        for rule in kind.rules
        if rule.cel is not None
        for finding in rule.findings(spec)
    }


@given(SPECS)
def test_cel_and_python_judge_alike(spec: dict[str, Any]) -> None:
    found = {(finding.rule, finding.path) for finding in CEL.findings(spec) if finding.rule != "SCHEMA"}
    assert found == by_python(KIND, spec)


@given(SPECS)
def test_the_cel_of_nested_fields_says_what_the_model_says(spec: dict[str, Any]) -> None:
    refused = {finding.path for finding in schema_findings(KIND.spec, spec)}
    assert {finding.path for finding in CEL.findings(spec) if finding.rule == "SCHEMA"} <= refused


@given(SPECS, SPECS)
def test_a_realm_and_a_parent_change_only_with_consent(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = {finding.rule for finding in CEL.changes(old, new)}
    before, after = old.get("realm"), new.get("realm")
    consented = after is not None and new.get("allowRealmChange") == f"{before}->{after}"
    assert ("KZ020" in found) is (before is not None and before != after and not consented)
    assert ("KZ151" in found) is (old.get("parentRef") != new.get("parentRef"))


@pytest.mark.parametrize("rule", [rule for rule in KIND.rules if rule.cel], ids=lambda rule: rule.path)
def test_no_rule_calls_matches_which_is_slow_offline(rule: Any) -> None:
    assert "matches(" not in rule.cel

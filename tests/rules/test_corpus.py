"""One corpus, and every place that judges: `validate` and status here, the API server in tests/cluster."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.manifests import load
from kazoo_operator.manifests.judgement import judge
from kazoo_operator.rules.rule import Place
from kazoo_operator.subject import Halt
from kazoo_operator.validity import validated
from tests.rules.corpus import CASES, CATALOGUE, FOLDER, KINDS, TODAY, Case


def findings(case: Case, name: str) -> list[tuple[str, str, str]]:
    before = load([case.before]).documents if case.before else ()
    found = judge(load([case.folder / name]), before, TODAY)
    return [(one.finding.rule, str(one.finding.severity), one.finding.message) for one in found]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_validate_finds_the_rule_that_is_broken_and_no_other(case: Case) -> None:
    assert findings(case, "pass.yaml") == []
    found = findings(case, "fail.yaml")
    assert {rule for rule, *_ in found} == {case.id}
    severities = {str(rule.severity) for rule in case.rules} or {"error"}
    assert {severity for _, severity, _ in found} <= severities


def said_in_status(body: dict[str, Any]) -> str:
    kind = KINDS[body["kind"]]
    try:
        validated(kind, Resource.of(kind.name, body), TODAY)
    except Halt as halt:
        return halt.found.outcome.message
    return ""


@pytest.mark.parametrize("case", [case for case in CASES if not case.before], ids=str)
def test_status_refuses_what_it_claims_in_the_same_words(case: Case) -> None:
    for manifest in load([case.folder / "pass.yaml"]).documents:
        assert said_in_status(manifest.body) == ""
    said = [
        said_in_status(manifest.body)
        for manifest in load([case.folder / "fail.yaml"]).documents
        if "name" in manifest.body["metadata"]
    ]
    if case.id == "SCHEMA" and not case.claimed(Place.STATUS):
        # Status never sees such an object.
        return
    assert any(said) is case.claimed(Place.STATUS)
    for rule, _, message in findings(case, "fail.yaml") if any(said) else ():
        assert any(message in text and f"({rule})" in text for text in said)


def test_valid_manifests_raise_nothing() -> None:
    loaded = load([FOLDER / "valid"])
    assert len(loaded.documents) >= 6
    assert judge(loaded, day=TODAY) == ()


def test_each_rule_that_files_can_break_has_a_case() -> None:
    told = {case.id for case in CASES}
    offline = {
        name
        for name, rules in CATALOGUE.items()
        if any({Place.VALIDATE, Place.AGAINST} & set(rule.places) for rule in rules)
    }
    assert offline - told == set()


def test_each_rule_says_what_why_and_what_to_do() -> None:
    for rules in CATALOGUE.values():
        for rule in rules:
            assert rule.title and rule.message and rule.hint and rule.source, rule.id
            assert rule.places, rule.id
            assert "\n" not in rule.message + rule.hint


def test_what_kazoo_says_of_a_class_can_take_the_place_of_what_files_say() -> None:
    kind = KINDS["Account"]
    said = {"callRestrictions": {"internation": "Deny"}}
    offline = [one for rule in kind.rules for one in rule.findings(said) if one.rule == "KZ141"]
    live = kind.findings(said, {"classifiers": {"international": {}, "emergency": {}}})
    assert [(one.rule, one.path) for one in live] == [(one.rule, one.path) for one in offline]
    assert [str(one.severity) for one in (*offline, *live)] == ["warning", "error"]

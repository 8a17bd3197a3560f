"""The laws of kinds, over every kind there is and all of its samples: a new kind is tested by being there."""

from __future__ import annotations

import copy
from itertools import combinations
from typing import Any

import pytest

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import Documents, differences, get, without_nones
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.plan import make_plan
from kazoo_operator.core.schema import schema_findings
from kazoo_operator.kinds import discover

ALL = discover()
KINDS = [kind for kind in ALL if kind.managed]
SAMPLES = [
    pytest.param(kind, sample, id=f"{kind.name}-{number}")
    for kind in KINDS
    for number, sample in enumerate(kind.samples)
]
PAIRS = [
    pytest.param(kind, old, new, id=f"{kind.name}-{kind.samples.index(old)}-{kind.samples.index(new)}")
    for kind in KINDS
    for old in kind.samples
    for new in kind.samples
]
FOREIGN: JsonObject = {"org": "Foreign Org", "contact": {"notes": {"vip": True}}, "zzz": [1, {"a": None}]}


def normal(kind: Kind, sample: JsonObject) -> JsonObject:
    return kind.normal(kind.spec.model_validate(sample))


def merged(old: Any, new: Any) -> Any:
    """What a PATCH of KAZOO makes of `old`: objects merge, an empty one and everything else replaces."""
    if not (isinstance(old, dict) and isinstance(new, dict) and new):
        return copy.deepcopy(new)
    return {**old, **{name: merged(old.get(name), value) for name, value in new.items()}}


def held(kind: Kind, fields: JsonObject) -> Documents:
    """What KAZOO holds once the fields were written; of a document that is replaced, no member is null."""
    documents = {**kind.setting, **kind.render(fields, kind.setting)}
    for document in kind.documents:
        if document.verb == "POST" and document.name in documents:
            documents[document.name] = without_nones(documents[document.name])
    return documents


def applied(kind: Kind, fields: JsonObject, documents: Documents) -> Documents:
    after = dict(copy.deepcopy(dict(documents)))
    for write in make_plan(kind, fields, documents).writes:
        name, old = write.document.name, after.get(write.document.name, {})
        after[name] = copy.deepcopy(write.data) if write.document.verb == "POST" else merged(old, write.data)
    return after


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_a_kind_has_samples_enough(kind: Kind) -> None:
    assert len(kind.samples) >= 2


@pytest.mark.parametrize(
    ("kind", "sample"),
    [pytest.param(kind, sample, id=kind.name) for kind in ALL for sample in kind.samples],
)
def test_each_sample_breaks_no_rule(kind: Kind, sample: JsonObject) -> None:
    assert schema_findings(kind.spec, sample) == []
    found = [finding for rule in kind.rules for finding in rule.findings(sample)]
    # A rule that only warns is not broken: an account that is switched off is a valid sample.
    assert [finding for finding in found if finding.severity is Severity.ERROR] == []


@pytest.mark.parametrize(("kind", "sample"), SAMPLES)
def test_law_1_what_is_imported_is_clean(kind: Kind, sample: JsonObject) -> None:
    documents = held(kind, normal(kind, sample))
    assert make_plan(kind, kind.parse(documents), documents).empty


@pytest.mark.parametrize(("kind", "sample"), SAMPLES)
def test_law_2_a_spec_survives_the_round_trip(kind: Kind, sample: JsonObject) -> None:
    fields = normal(kind, sample)
    back = kind.parse(held(kind, fields))
    # What KAZOO says by leaving it out comes back as what it then takes for granted.
    assert [path for path, said, _ in differences(fields, back) if said != kind.absent(path)] == []
    start = kind.lifecycle.start if kind.lifecycle is not None else {}
    assert [path for path, *_ in differences(back, fields) if path not in start] == []


@pytest.mark.parametrize(("kind", "old", "new"), PAIRS)
def test_law_3_any_sample_leads_to_any_other(kind: Kind, old: JsonObject, new: JsonObject) -> None:
    documents = held(kind, normal(kind, old))
    fields = normal(kind, new)
    after = applied(kind, fields, documents)
    assert make_plan(kind, fields, after).empty
    assert make_plan(kind, fields, documents).empty is (documents == after)


@pytest.mark.parametrize(("kind", "old", "new"), PAIRS)
def test_law_4_what_a_kind_does_not_own_is_left_alone(kind: Kind, old: JsonObject, new: JsonObject) -> None:
    rendered = held(kind, normal(kind, old))
    before = {name: merged(content, FOREIGN) for name, content in rendered.items()}
    after = applied(kind, normal(kind, new), before)
    for name in before:
        assert list(differences(FOREIGN, after[name])) == []


def test_law_5_no_two_kinds_render_the_same_field() -> None:
    fields: dict[str, set[tuple[str, str]]] = {}
    for kind in KINDS:
        for sample in kind.samples:
            for name, content in kind.render(normal(kind, sample), {}).items():
                leaves = {(name, path) for path, *_ in differences(content, {})}
                fields.setdefault(kind.name, set()).update(leaves)
    assert all(fields.values())
    for one, other in combinations(fields, 2):
        assert fields[one] & fields[other] == set()


@pytest.mark.parametrize(("kind", "old", "new"), PAIRS)
def test_a_write_carries_what_must_go_along_as_observed(kind: Kind, old: JsonObject, new: JsonObject) -> None:
    documents, fields = held(kind, normal(kind, old)), normal(kind, new)
    for document in kind.documents:
        for name in document.always:
            spoiled = {**documents, document.name: {**documents.get(document.name, {}), name: False}}
            said = {field: value for field, value in fields.items() if field != name}
            for write in make_plan(kind, said, spoiled).writes:
                assert write.document is not document or get(write.data, name) is False

"""Values as kubectl reads them, each with its place; hostile text ends in a finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kazoo_operator.manifests import load
from kazoo_operator.manifests.broken import Broken
from kazoo_operator.manifests.nodes import documents

TEXT = """\
apiVersion: kazoo-operator.io/v1alpha1
kind: Account
metadata: {name: a, annotations: {kazoo-operator.io/recreate: "1"}}
spec:
  name: Acme
  grants:
  - id: one
    amount: "5"
  - {id: two, amount: "6"}
  callRestrictions:
    a.b: Deny
"""


def value(text: str) -> Any:
    (document,) = documents(text)
    return document.value


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("NO", False),
        ("yes", True),
        ("On", True),
        ("y", True),
        ('"NO"', "NO"),
        ("~", None),
        ("", None),
        ("0123", 0o123),
        ("95113", 95113),
        ("0x1F", 31),
        ("1_000", 1000),
        ("-5", -5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("2026-01-02", "2026-01-02"),
        ("12:30", "12:30"),
        ("+14085550100", 14085550100),
        ("1.2.3", "1.2.3"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_mean_what_kubectl_takes_them_for(text: str, means: Any) -> None:
    found = value(f"a: {text}\n")["a"]
    assert found == means and type(found) is type(means)


def test_keys_become_text() -> None:
    assert value("{911: a, on: b, '1': c}") == {"911": "a", "true": "b", "1": "c"}


def test_anchors_and_merges_are_spelled_out() -> None:
    text = "base: &base {a: 1, b: 2}\none: {<<: *base, b: 3}\ntwo: {<<: [*base, {c: 4}]}\nthree: *base\n"
    found = value(text)
    assert found["one"] == {"a": 1, "b": 3}
    assert found["two"] == {"a": 1, "b": 2, "c": 4}
    assert found["three"] == {"a": 1, "b": 2}


def test_every_field_has_its_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TEXT)
    (manifest,) = load([str(tmp_path)]).documents
    assert manifest.line == 1
    assert manifest.position("spec.name") == (5, 3)
    assert manifest.span("spec.name") == (5, 9, 4)
    assert manifest.span("spec.name", of_key=True) == (5, 3, 4)
    assert manifest.position("spec.grants[0].amount") == (8, 5)
    assert manifest.position("spec.grants[1]") == (9, 5)
    assert manifest.position("spec.grants[1].amount") == (9, 15)
    assert manifest.position("spec.callRestrictions.a.b") == (11, 5)
    assert manifest.position("metadata.annotations.kazoo-operator.io/recreate") == (3, 35)


def test_a_field_that_is_not_there_is_told_where_it_belongs(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TEXT)
    (manifest,) = load([str(tmp_path)]).documents
    assert manifest.position("spec.timezone") == (4, 1)
    assert manifest.position("spec.grants[7].amount") == (6, 3)
    assert manifest.position("") == (1, 1)


def test_a_key_that_stands_twice_is_an_error_at_the_second(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TEXT + "  name: Other\n")
    (found,) = load([str(tmp_path)]).findings
    assert (found.line, found.column, found.name) == (12, 3, "a")
    assert found.finding.path == "spec.name"
    assert "line 5" in found.finding.message


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{number + 1}: &a{number + 1} [{', '.join([f'*a{number}'] * 10)}]\n" for number in range(9)
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (LAUGHS, 6, "values"),
        ("a: &a\n  b: *a\n", 2, "stands within"),
        ("a: *b\n", 1, "no anchor"),
        ("[" * 100_000, 1, "depth"),
        ("- " * 100_000, 1, "levels"),
        ("a: " + "{b: " * 500, 1, "levels"),
        ("a: !!python/object/apply:os.system ['true']\n", 1, "tag"),
        ("a: !secret x\n", 1, "tag"),
        ("? {a: b}\n: c\n", 1, "key"),
        ("a: 1\nb: \x07\n", 2, "control characters"),
        ("a: 1\n  b: 2\n", 2, "mapping values"),
        ("a: 1\nb: \t- 2\n", 2, ""),
        ('{"a": 1', 1, "flow mapping"),
        ("- a\n" * 1_250_000, 300_000, "values"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else None,
)
def test_hostile_text_ends_in_a_finding_with_a_line(text: str, line: int, said: str) -> None:
    with pytest.raises(Broken) as broken:
        list(documents(text))
    assert said in broken.value.message
    assert broken.value.line + 1 == line

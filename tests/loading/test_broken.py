"""Broken YAML: the place that is at fault, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loading.test_files import of


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("a:\n\tb: 1\n", "2:1", "a tab cannot indent", "indent with blanks"),
        ("a: @b\n", "1:4", "a value cannot begin with @", "quote the value"),
        ("a: *b\n", "1:4", "there is no anchor &b", "quote the value"),
        ("a: !b c\n", "1:4", "the tag !b", "quote the value"),
        ("a: 1\nb 2\nc: 3\n", "2:1", "the colon after the key is missing", "write it"),
        ("a: b: c\n", "1:5", "mapping values cannot stand here", "quote a value"),
        ('a: "b\nc: "d"\ne: 1\n', "1:4", "a quote is not closed on its line", "close the quote"),
        ("a: 1\nb: 'c\n", "2:4", "the file ends within quotes", "close the quote"),
        ("a: {b: 1\nc: 2\n", "2:2", "the flow mapping", "close the bracket"),
        ('a: "C:\\Users"\n', "1:9", "no such escape", "single quotes"),
        ("a: x\x07y\n", "1:5", "such as \\u0007", 'write "\\u0007"'),
        ("a: {{ .Values.b }}\n", "1:5", "a key must be text", "helm template"),
        ("{{- if x }}\na: b\n{{- end }}\n", "1:2", "a key must be text", "helm template"),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\n", "2:1", "colon", "resolve the conflict"),
        ("a:\n  b: 1\n\u00a0 c: 2\n  d: 3\n", "4:4", "mapping values", "invisible \\u00a0"),
    ],
)
def test_what_is_broken_is_told_where_it_is_and_what_to_do(
    tmp_path: Path, text: str, place: str, message: str, hint: str
) -> None:
    (found,) = of(text, tmp_path).findings
    assert f"{found.line}:{found.column}" == place
    assert message in found.finding.message
    assert hint in found.finding.hint


def test_a_broken_object_in_a_stream_has_the_line_of_its_file(tmp_path: Path) -> None:
    nested = "[" * 120 + "]" * 120
    (found,) = of(f'{{"a": 1}}\n{{"b": {nested}}}\n', tmp_path, "stream.json").findings
    assert (found.line, found.finding.message) == (2, "broken YAML: nested deeper than 100 levels")

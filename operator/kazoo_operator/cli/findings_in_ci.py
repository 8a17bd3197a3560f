"""Findings as continuous integration reads them: SARIF, JUnit XML, and GitHub's annotations."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from kazoo_operator import __version__
from kazoo_operator.core.printable import printable
from kazoo_operator.manifests import Loaded, Located


def sarif(found: Sequence[Located]) -> str:
    """SARIF 2.1.0, for code scanning."""
    rules = {one.finding.rule: printable(one.finding.message) for one in found}
    driver = {
        "name": "kazoo-operator",
        "version": __version__,
        "rules": [
            {"id": rule, "shortDescription": {"text": message}} for rule, message in sorted(rules.items())
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one) for one in found],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(one: Located) -> dict[str, Any]:
    region = {
        "startLine": one.line,
        "startColumn": one.column,
        "endColumn": one.column + one.length,
    }
    place = {"artifactLocation": {"uri": quote(PurePath(one.file).as_posix())}, "region": region}
    return {
        "ruleId": one.finding.rule,
        "level": str(one.finding.severity),
        "message": {"text": _sentence(one)},
        "locations": [{"physicalLocation": place}],
    }


def junit(loaded: Loaded, found: Sequence[Located]) -> str:
    """JUnit XML: a suite a file, a case an object; warnings stand in the case's output."""
    by_file: dict[str, dict[str, list[Located]]] = defaultdict(lambda: defaultdict(list))
    for manifest in loaded.documents:
        _ = by_file[manifest.file][_called(manifest.kind, manifest.namespace, manifest.name)]
    for one in found:
        by_file[one.file][_called(one.kind, one.namespace, one.name)].append(one)
    suites, total, failed = [], 0, 0
    for file, cases in by_file.items():
        bad = sum(any(one.finding.severity == "error" for one in said) for said in cases.values())
        body = "".join(_case(file, name, said) for name, said in cases.items())
        counts = f'tests="{len(cases)}" failures="{bad}"'
        suites.append(f"  <testsuite name={_attribute(file)} {counts}>\n{body}  </testsuite>\n")
        total, failed = total + len(cases), failed + bad
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="kazoo-operator validate" tests="{total}" failures="{failed}">\n'
        f"{''.join(suites)}</testsuites>\n"
    )


def _case(file: str, name: str, said: list[Located]) -> str:
    inner = ""
    errors = [one for one in said if one.finding.severity == "error"]
    if errors:
        message = f"{len(errors)} error{'s' if len(errors) > 1 else ''}: {errors[0].finding.rule}"
        inner += f"      <failure message={_attribute(message)}>{_lines(errors)}</failure>\n"
    warnings = [one for one in said if one.finding.severity != "error"]
    if warnings:
        inner += f"      <system-out>{_lines(warnings)}</system-out>\n"
    start = f"    <testcase classname={_attribute(file)} name={_attribute(name)}"
    return f"{start}>\n{inner}    </testcase>\n" if inner else f"{start}/>\n"


def _lines(said: list[Located]) -> str:
    lines = (printable(f"{one.file}:{one.line}:{one.column}: ") + _sentence(one) for one in said)
    return escape("\n".join(lines))


def _attribute(text: str) -> str:
    return quoteattr(printable(text))


def github(found: Sequence[Located]) -> str:
    """Workflow commands of GitHub Actions: an annotation a finding."""
    return "".join(
        f"::{one.finding.severity} file={_property(one.file)},line={one.line},col={one.column},"
        f"title={_property(one.finding.rule)}::{_data(_sentence(one))}\n"
        for one in found
    )


def _data(text: str) -> str:
    return text.replace("%", "%25")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")


def _sentence(one: Located) -> str:
    """The finding in one line, safe to show."""
    return printable(str(one.finding) if one.finding.path else str(one.finding).removeprefix(": "))


def _called(kind: str, namespace: str, name: str) -> str:
    return f"{kind} {'/'.join(part for part in (namespace, name) if part)}".strip() or "the file"

"""Findings as text for people, and as JSON for machines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any
from unicodedata import combining, east_asian_width

import typer

from kazoo_operator.core.printable import is_hidden, printable
from kazoo_operator.manifests import Loaded, Located

Findings = Sequence[Located]

_WIDEST = 160
_DOTS = "..."


def render(form: str, loaded: Loaded, found: Findings, no_color: bool) -> str:
    """The findings in one of the forms of `validate`."""
    from kazoo_operator.cli.findings_in_ci import github, junit, sarif

    color = not no_color and "NO_COLOR" not in os.environ and sys.stdout.isatty()
    forms: dict[str, Callable[[], str]] = {
        "text": lambda: "\n".join(text(one, color) for one in found) + "\n" * bool(found),
        "json": lambda: as_json(loaded, found),
        "sarif": lambda: sarif(found),
        "junit": lambda: junit(loaded, found),
        "github": lambda: github(found),
    }
    return forms[form]()


def text(one: Located, color: bool = False) -> str:
    """One finding as compilers show it: what, where, the line with a caret, and what to do."""
    finding = one.finding
    hue = "red" if finding.severity == "error" else "yellow"
    said = f"{finding.path}: {finding.message}" if finding.path else finding.message
    names = "/".join(part for part in (one.namespace, one.name) if part)
    subject = f"  ({f'{one.kind} {names}'.strip()})" if one.kind else ""
    number, gap = str(one.line), " " * len(str(one.line))
    line, start = _window(one.source.excerpt(one.line), one.column - 1)
    head = _styled(f"{finding.severity}[{finding.rule}]", color, fg=hue, bold=True)
    shown = [
        f"{head}: {_styled(printable(said), color, bold=True)}",
        printable(f"{gap}--> {one.file}:{one.line}:{one.column}{subject}"),
    ]
    if line.strip():
        before, meant = _shown(line[:start]), _shown(line[start : start + one.length])
        # Tabs stay tabs, so that the caret stands below what it means.
        below = "".join(char if char == "\t" else " " * _cells(char) for char in before)
        caret = "^" * max(1, sum(map(_cells, meant)))
        excerpt = f"{before}{meant}{_shown(line[start + one.length :])}".rstrip()
        shown += [f"{gap} |", f"{number} | {excerpt}", f"{gap} | {below}{_styled(caret, color, fg=hue)}"]
    shown += [printable(f"{gap} = hint: {finding.hint}"), ""]
    return "\n".join(shown)


def _window(line: str, start: int) -> tuple[str, int]:
    """The part of a line that fits, and where `start` is in it; dots stand for what does not fit."""
    start = min(start, len(line))
    if len(line) <= _WIDEST:
        return line, start
    first = max(0, min(start - 20, len(line) - _WIDEST))
    part = line[first : first + _WIDEST]
    before, after = _DOTS * bool(first), _DOTS * (first + _WIDEST < len(line))
    return f"{before}{part}{after}", len(before) + start - first


def _shown(text: str) -> str:
    return "\t".join(map(printable, text.split("\t")))


def _cells(char: str) -> int:
    """How many columns of a terminal the character takes."""
    if combining(char):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def _styled(words: str, color: bool, **style: Any) -> str:
    return typer.style(words, **style) if color else words


def as_record(one: Located) -> dict[str, Any]:
    """One finding as JSON has it."""
    return {
        "rule": one.finding.rule,
        "severity": str(one.finding.severity),
        "message": printable(one.finding.message),
        "hint": printable(one.finding.hint),
        "file": one.file,
        "line": one.line,
        "column": one.column,
        "kind": one.kind,
        "namespace": one.namespace,
        "name": one.name,
        "path": one.finding.path,
    }


def as_json(loaded: Loaded, found: Findings) -> str:
    """All findings, and how many there are."""
    errors = sum(one.finding.severity == "error" for one in found)
    summary = {
        "files": loaded.files,
        "objects": len(loaded.documents),
        "errors": errors,
        "warnings": len(found) - errors,
    }
    said = {"findings": [as_record(one) for one in found], "summary": summary}
    lines = json.dumps(said, indent=2, ensure_ascii=False).split("\n")
    return "".join(f"{_escaped(line)}\n" for line in lines)


def _escaped(line: str) -> str:
    """The line of JSON with escapes for what nobody sees: names stay the same to who reads JSON."""
    if printable(line) == line:
        return line
    return "".join(json.dumps(char)[1:-1] if is_hidden(char) else char for char in line)

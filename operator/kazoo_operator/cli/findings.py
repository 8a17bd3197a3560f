"""Findings as text for people, and as JSON for machines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from kazoo_operator.manifests import Loaded, Located

Findings = Sequence[Located]

_WIDEST = 160


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
    subject = f"  ({one.kind} {names})" if one.kind else ""
    number, gap = str(one.line), " " * len(str(one.line))
    line, start = _window(one.source.line(one.line), one.column - 1)
    caret = "^" * max(1, min(one.length, len(line) - start))
    head = _styled(f"{finding.severity}[{finding.rule}]", color, fg=hue, bold=True)
    shown = [
        f"{head}: {_styled(_printable(said), color, bold=True)}",
        _printable(f"{gap}--> {one.file}:{one.line}:{one.column}{subject}"),
    ]
    if line.strip():
        # Tabs stay tabs, so that the caret stands below what it means.
        below = "".join("\t" if char == "\t" else " " for char in line[:start])
        marked = f"{gap} | {below}{_styled(caret, color, fg=hue)}"
        shown += [f"{gap} |", _printable(f"{number} | {line}"), marked]
    shown += [_printable(f"{gap} = hint: {finding.hint}"), ""]
    return "\n".join(shown)


def _window(line: str, start: int) -> tuple[str, int]:
    """The part of a line that fits, and where `start` is in it."""
    start = min(start, len(line))
    if len(line) <= _WIDEST:
        return line, start
    first = max(0, min(start - 20, len(line) - _WIDEST))
    return line[first : first + _WIDEST], start - first


def _styled(words: str, color: bool, **style: Any) -> str:
    return typer.style(words, **style) if color else words


def _printable(line: str) -> str:
    """Without control characters, which would write over the terminal."""
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in line)


def as_record(one: Located) -> dict[str, Any]:
    """One finding as JSON has it."""
    return {
        "rule": one.finding.rule,
        "severity": str(one.finding.severity),
        "message": one.finding.message,
        "hint": one.finding.hint,
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
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"

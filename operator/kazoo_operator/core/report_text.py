"""A plan as text for a terminal: pieces with a style each, so that the same words stand in a log without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.printable import printable
from kazoo_operator.core.report import (
    Action,
    Place,
    PlannedChange,
    PlannedObject,
    Report,
    sections,
    totals,
    value,
)

Style = Literal["", "create", "update", "none", "blocked", "warning", "final", "title", "dim"]
Line = tuple[tuple[str, Style], ...]

_SIGNS: dict[Action, tuple[str, Style]] = {
    Action.CREATE: ("+", "create"),
    Action.UPDATE: ("~", "update"),
    Action.DELETE: ("-", "blocked"),
    Action.NONE: ("=", "none"),
    Action.BLOCKED: ("x", "blocked"),
}
CHARGES = "Charges: not known; this version does not read service plans."
FINAL = "! cannot be taken back, or not without harm."


def lines(report: Report) -> Iterator[Line]:
    """The report, line by line, without line ends."""
    if report.objects:
        yield ((printable(f"KAZOO at {report.backend}, below {report.root_realm}"), "dim"),)
        yield ()
    for one in report.objects:
        yield from _object(one)
    yield from (_finding(one.finding, one.place) for one in report.findings)
    if report.findings:
        yield ()
    yield ((f"Plan: {totals(report)}.", "title"),)
    if any(change.irreversible for one in report.objects for change in one.changes):
        yield ((FINAL[0], "final"), (FINAL[1:], ""))
    yield ((CHARGES, "dim"),)
    yield ((f"Digest: {report.digest}", "dim"),)


def plain(report: Report) -> str:
    """The report without styles."""
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines(report))


def headline(one: PlannedObject) -> str:
    """What would be done about the object, in words."""
    if one.action is Action.CREATE:
        return f"to be created below {printable(one.below)}"
    if one.action is Action.UPDATE:
        if one.takes_over and not any(change.path != "adopt" for change in one.changes):
            return f"to be adopted: the account {one.takes_over}"
        return (
            f"to be adopted and updated: the account {one.takes_over}" if one.takes_over else "to be updated"
        )
    blocked = "blocked, but for emergency calls" if one.changes else "blocked"
    return {Action.NONE: "no change", Action.DELETE: "to be deleted"}.get(one.action, blocked)


def _object(one: PlannedObject) -> Iterator[Line]:
    sign, style = _SIGNS[one.action]
    name = f"{one.key.kind} {one.key.namespace}/{one.key.name}"
    place = f"  ({one.place})" if one.place.file else ""
    yield (
        (f"{sign} {printable(name)}", style),
        (f"  {value(one.title)}: ", ""),
        (headline(one), style),
        (printable(place), "dim"),
    )
    for title, changes in sections(one):
        yield ((f"    {title}", "title"),)
        widest = max(len(change.path) for change in changes)
        for change in changes:
            yield _change(change, widest)
    for finding in one.findings:
        yield _finding(finding, one.place_of(finding))
    yield ()


def _change(change: PlannedChange, widest: int) -> Line:
    mark: tuple[str, Style] = ("    ! ", "final") if change.irreversible else ("      ", "")
    path = printable(change.path).ljust(widest)
    if change.before is None:
        return (mark, (f"{path}  ", ""), (value(change.after), "create"))
    return (
        mark,
        (f"{path}  ", ""),
        (value(change.before), "blocked"),
        (" -> ", "dim"),
        (value(change.after), "create"),
    )


def _finding(finding: Finding, stands: Place) -> Line:
    style: Style = "blocked" if finding.severity is Severity.ERROR else "warning"
    place = f"  ({stands})" if stands.file else ""
    return (
        (f"    {finding.severity.value} {printable(finding.rule)}: ", style),
        (sentence(finding), ""),
        (printable(place), "dim"),
    )


def sentence(finding: Finding) -> str:
    """What a finding says: where, what, and what to do about it."""
    path = f"{finding.path}: " if finding.path and not finding.message.startswith(finding.path) else ""
    hint = f"; {finding.hint}" if finding.hint else ""
    return printable(f"{path}{finding.message}{hint}")

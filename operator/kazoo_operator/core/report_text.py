"""A plan as text for a terminal: pieces with a style each, so that the same words stand in a log without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kazoo_operator.core import money
from kazoo_operator.core.bill import Share, in_words, signed
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.printable import printable
from kazoo_operator.core.report import (
    Action,
    Place,
    PlannedObject,
    Report,
    totals,
    value,
)
from kazoo_operator.core.wizard import PlannedChange, sections

Style = Literal["", "create", "update", "none", "blocked", "warning", "final", "title", "dim"]
Line = tuple[tuple[str, Style], ...]

_SIGNS: dict[Action, tuple[str, Style]] = {
    Action.CREATE: ("+", "create"),
    Action.UPDATE: ("~", "update"),
    Action.DELETE: ("-", "blocked"),
    Action.NONE: ("=", "none"),
    Action.BLOCKED: ("x", "blocked"),
}
FINAL = "! cannot be taken back, or not without harm."


def lines(report: Report) -> Iterator[Line]:
    """The report, line by line, without line ends."""
    if report.objects:
        below = f", below {report.root_realm}" if report.root_realm else ""
        yield ((printable(f"KAZOO at {report.backend}{below}"), "dim"),)
        if report.asks:
            yield ((printable(report.asks), "warning" if report.as_master else "dim"),)
        yield ()
    for one in report.objects:
        yield from _object(one)
    yield from (_finding(one.finding, one.place) for one in report.findings)
    if report.findings:
        yield ()
    yield ((f"Plan: {totals(report)}.", "title"),)
    if any(change.irreversible for one in report.objects for change in (*one.changes, *one.withheld)):
        yield ((FINAL[0], "final"), (FINAL[1:], ""))
    yield ((printable(charges(report)), "title" if report.total.recurring else "dim"),)
    yield ((f"Digest: {report.digest}", "dim"),)


def plain(report: Report) -> str:
    """The report without styles."""
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines(report))


def charges(report: Report) -> str:
    """What all of it costs, in words."""
    total, waiting = report.total, any(one.withheld and one.bill.shares for one in report.objects)
    said = f"Charges: {in_words(total, report.currency)}"
    said += ", with what waits for consent" if waiting else ""
    if total.apart is not None:
        said += f"; the changes would be {signed(total.apart)} {report.currency} a month each by itself"
    return f"{said}."


def price(share: Share, currency: str) -> str:
    """What an account pays, in words."""
    said = in_words(share, currency)
    if share.first_month and share.recurring:
        said += f"; {signed(share.first_month)} {currency} of it for the rest of this month"
    return said


def items(share: Share) -> list[str]:
    """What an account's share is made of: `limits/twoway_trunks  0 x 24.99 -> 5 x 24.99: +124.95`."""
    return [
        f"{one.name}  {one.units_before} x {_rate(one.rate_before)} -> {one.units} x {_rate(one.rate)}: "
        f"{signed(one.difference)}"
        for one in share.items
    ]


_rate = money.price_to_text


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
    blocked = "blocked"
    if one.changes:
        blocked += ", but for emergency calls" if one.key.kind == "Account" else ", but for what stands here"
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
    for word, listed in (("", one.changes), (", not written", one.withheld)):
        for title, changes in sections(listed):
            yield ((f"    {title}{word}", "title"),)
            widest = max(len(change.path) for change in changes)
            for change in changes:
                yield _change(change, widest)
    yield from _charges(one)
    for finding in one.findings:
        yield _finding(finding, one.place_of(finding))
    yield ()


def _charges(one: PlannedObject) -> Iterator[Line]:
    if not one.bill.shares:
        return
    yield (("    Charges", "title"),)
    for share in one.bill.shares:
        yield ((f"      {printable(share.account)}  {price(share, one.currency)}", ""),)
        yield from (((f"        {printable(line)}", "dim"),) for line in items(share))


def _change(change: PlannedChange, widest: int) -> Line:
    mark: tuple[str, Style] = ("    ! ", "final") if change.irreversible else ("      ", "")
    path = printable(change.path).ljust(widest)
    if change.before is None:
        return (mark, (f"{path}  ", ""), (after(change), "create"))
    return (
        mark,
        (f"{path}  ", ""),
        (value(change.before), "blocked"),
        (" -> ", "dim"),
        (after(change), "create"),
    )


def after(change: PlannedChange) -> str:
    """What a field will be, for a person."""
    return printable(change.words) if change.words else value(change.after)


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

"""A plan as Markdown, fit for a comment on a pull request: whatever users or KAZOO wrote stays text."""

from __future__ import annotations

from collections.abc import Iterator

from kazoo_operator.core.finding import Finding
from kazoo_operator.core.report import (
    Action,
    FileFinding,
    PlannedObject,
    Report,
    totals,
    value,
)
from kazoo_operator.core.report_text import after, charges, headline, items, price, sentence
from kazoo_operator.core.wizard import PlannedChange, sections

NAMED = 20
LONGEST = 60_000
"""Characters: GitHub takes comments of at most 65,536."""


def markdown(report: Report) -> str:
    """The report; where it grows too long for a comment, objects are left out, and that is said."""
    head = f"### KAZOO plan: {totals(report)}\n\n"
    if report.findings:
        head += "".join(_misplaced(one) for one in report.findings[:NAMED]) + _and_more(report) + "\n"
    foot = "".join(_foot(report))
    parts, length, left_out = [], len(head) + len(foot), 0
    for one in report.objects:
        block = "".join(_object(one))
        if one.action is Action.NONE and not one.findings:
            continue
        if length + len(block) > LONGEST:
            left_out += 1
            continue
        parts.append(block)
        length += len(block)
    if left_out:
        parts.append(f"**{left_out} more are left out here:** the comment would be too long.\n\n")
    return head + "".join(parts) + foot


def code(text: str) -> str:
    """The text as code, whatever it holds: there nothing is a link, a mention, a tag or a table's border."""
    if not any(char in "`|\\" for char in text):
        return f"`{text}`"
    return "<code>" + "".join(char if char.isalnum() else f"&#{ord(char)};" for char in text) + "</code>"


def _object(one: PlannedObject) -> Iterator[str]:
    name = f"{one.key.kind} {one.key.namespace}/{one.key.name}"
    yield f"#### {code(value(name))} {code(value(one.title))}\n\n"
    yield f"{_words(one)}{f' ({code(value(str(one.place)))})' if one.place.file else ''}\n\n"
    for word, listed in (("will hold", one.changes), ("would hold, not written", one.withheld)):
        for title, changes in sections(listed):
            yield f"| | {title} | KAZOO holds | {word} |\n| --- | --- | --- | --- |\n"
            yield from (_row(change) for change in changes)
            yield "\n"
    yield from _charges(one)
    for finding in one.findings:
        yield _line(finding)
    if one.findings:
        yield "\n"


def _charges(one: PlannedObject) -> Iterator[str]:
    if not one.bill.shares:
        return
    yield "| Charges to | | |\n| --- | --- | --- |\n"
    for share in one.bill.shares:
        listed = "<br>".join(code(value(line)) for line in items(share))
        yield f"| {code(value(share.account))} | {price(share, one.currency)} | {listed} |\n"
    yield "\n"


def _misplaced(one: FileFinding) -> str:
    return (
        _line(one.finding).rstrip("\n")
        + (f" ({code(value(str(one.place)))})" if one.place.file else "")
        + "\n"
    )


def _and_more(report: Report) -> str:
    more = len(report.findings) - NAMED
    return f"- and {more} more of the files\n" if more > 0 else ""


def _words(one: PlannedObject) -> str:
    if one.action is Action.CREATE:
        return f"**to be created** below {code(value(one.below))}"
    said = headline(one)
    what, colon, account = said.partition(": ")
    return f"**{what}**{colon}{account}"


def _row(change: PlannedChange) -> str:
    mark = "**!**" if change.irreversible else ""
    before = "" if change.before is None else code(value(change.before))
    return f"| {mark} | {code(value(change.path))} | {before} | {code(after(change))} |\n"


def _line(finding: Finding) -> str:
    return f"- **{finding.severity.value}** {code(value(finding.rule))}: {code(value(sentence(finding)))}\n"


def _foot(report: Report) -> Iterator[str]:
    if any(change.irreversible for one in report.objects for change in (*one.changes, *one.withheld)):
        yield "**!** cannot be taken back, or not without harm.\n\n"
    unchanged = [one for one in report.objects if one.action is Action.NONE and not one.findings]
    if unchanged:
        named = [code(value(f"{one.key.namespace}/{one.key.name}")) for one in unchanged[:NAMED]]
        more = f" and {len(unchanged) - NAMED} more" if len(unchanged) > NAMED else ""
        yield f"{len(unchanged)} unchanged: {', '.join(named)}{more}.\n\n"
    if not report.objects:
        return
    below = f", below {code(value(report.root_realm))}" if report.root_realm else ""
    yield f"KAZOO at {code(value(report.backend))}{below}.\n"
    if report.asks:
        yield f"{code(value(report.asks)) if not report.as_master else f'**{report.asks}**'}\n"
    yield f"**{charges(report)}**\n"
    yield f"Digest: `{report.digest}`\n"

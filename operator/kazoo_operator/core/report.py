"""What a plan says, as a value: objects with their actions, changes and findings; summary, digest, JSON.

The rendering as text and as Markdown stands beside this module; both say what is here and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from kazoo_operator.core.bill import FREE, Bill, Total, total_of
from kazoo_operator.core.custom_resource import JsonObject, Key
from kazoo_operator.core.digest import digest_of
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.printable import printable
from kazoo_operator.core.wizard import PlannedChange


class Action(StrEnum):
    """What would be done about an object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NONE = "none"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Place:
    """Where an object is declared; line 0 where that is not known."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


NOWHERE = Place()


def _no_line(_path: str) -> int:
    return 0


@dataclass(frozen=True)
class PlannedObject:
    """One object of the plan.

    `changes` are written, also where something else blocks the object; `withheld` are not, as long as it is
    blocked. `bill` is the price of both. `title` is what people call the account, `below` the account that a
    new one would stand below, and `takes_over` the id of an account that no object managed so far. `line_of`
    gives the line of a field.
    """

    key: Key
    title: str
    action: Action
    changes: tuple[PlannedChange, ...] = ()
    withheld: tuple[PlannedChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    bill: Bill = FREE
    place: Place = NOWHERE
    currency: str = "USD"
    below: str = ""
    takes_over: str = ""
    line_of: Callable[[str], int] = field(default=_no_line, compare=False, repr=False)

    def blocked(
        self,
        *findings: Finding,
        written: tuple[PlannedChange, ...] = (),
        withheld: tuple[PlannedChange, ...] = (),
    ) -> PlannedObject:
        """The object with nothing done about it but what is `written` all the same, and why."""
        kept = tuple(finding for finding in self.findings if finding not in findings)
        return replace(
            self,
            action=Action.BLOCKED,
            changes=written,
            withheld=withheld,
            findings=(*kept, *findings),
            below="",
            takes_over="",
        )

    def place_of(self, finding: Finding) -> Place:
        """Where the field stands that a finding is about, or else the object."""
        return replace(self.place, line=self.line_of(finding.path) or self.place.line)

    @property
    def charges(self) -> JsonObject:
        """What it would cost, for machines."""
        return self.bill.as_json(self.currency)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that are errors."""
        return tuple(one for one in self.findings if one.severity is Severity.ERROR)


@dataclass(frozen=True)
class FileFinding:
    """A finding that belongs to no object of the plan: the file is at fault, or an object without a name."""

    finding: Finding
    place: Place = NOWHERE
    key: Key = field(default=Key("", "", ""))


@dataclass(frozen=True)
class Report:
    """The plan for all objects, parents before children, and what belongs to none of them.

    `backend` is a URL, `root` the root account's id. `login` is the realm of the account that logs in;
    KAZOO asks before it charges its bill, but not where it is the master (`as_master`). `priced` is what all
    of it costs together, where that is not the sum of the objects.
    """

    backend: str
    root: str
    root_realm: str
    objects: tuple[PlannedObject, ...] = field(default=())
    findings: tuple[FileFinding, ...] = field(default=())
    login: str = ""
    as_master: bool = False
    priced: Total | None = None

    @property
    def currency(self) -> str:
        """The currency of all amounts."""
        return self.objects[0].currency if self.objects else ""

    @property
    def asks(self) -> str:
        """Whom KAZOO asks before it charges; empty where nothing that is billed changes."""
        if self.as_master:
            return "Logged in as the master: KAZOO will not ask before charging, whoever pays."
        if any(one.bill.shares for one in self.objects):
            return f"Logged in as {self.login}: KAZOO asks before charging that account, and for no other."
        return ""

    @property
    def total(self) -> Total:
        """What all of it costs, what waits for consent included."""
        return self.priced or total_of(one.bill for one in self.objects)

    @property
    def summary(self) -> dict[str, int]:
        """How many objects there are of each action."""
        return {action.value: sum(one.action is action for one in self.objects) for action in Action}

    @property
    def exit_code(self) -> int:
        """0 without a change, 2 with changes, 1 where something is blocked or wrong."""
        if any(one.action is Action.BLOCKED or one.errors for one in self.objects):
            return 1
        if any(one.finding.severity is Severity.ERROR for one in self.findings):
            return 1
        return 2 if any(one.action is not Action.NONE for one in self.objects) else 0

    @property
    def digest(self) -> str:
        """`sha256:` and 64 hex digits over what would be done, where, and for how much; not over findings."""
        content = {
            "backend": self.backend,
            "root": self.root,
            "objects": [
                {**_named(one.key), **_done(one, by_path=True), "recurring": one.charges["recurring"]}
                for one in sorted(self.objects, key=lambda one: one.key)
            ],
        }
        return digest_of(content, default=str)

    def as_json(self) -> JsonObject:
        """The report for machines."""
        return {
            "objects": [
                {
                    **_named(one.key),
                    **_done(one),
                    **({"withheld": [_change(change) for change in one.withheld]} if one.withheld else {}),
                    "charges": one.charges,
                    "findings": [
                        _finding(one.key, one.place_of(finding), finding) for finding in one.findings
                    ],
                }
                for one in self.objects
            ],
            "findings": [_finding(one.key, one.place, one.finding) for one in self.findings],
            "summary": self.summary,
            "charges": {
                **self.total.as_json(),
                **({"authoritative": self.total.authoritative, "note": self.asks} if self.asks else {}),
            },
            "digest": self.digest,
        }


def totals(report: Report) -> str:
    """`1 to create, 2 to update, 3 unchanged, 1 blocked`; what there is none of is left out."""
    words = {
        Action.CREATE: "to create",
        Action.UPDATE: "to update",
        Action.DELETE: "to delete",
        Action.NONE: "unchanged",
        Action.BLOCKED: "blocked",
    }
    counted = ((report.summary[action.value], word) for action, word in words.items())
    return ", ".join(f"{count} {word}" for count, word in counted if count) or "no objects"


def value(shown: Any) -> str:
    """A value for a person's eyes: text as it is where that is plain to see, anything else as JSON."""
    if isinstance(shown, str) and shown and shown == shown.strip() and shown.isprintable():
        return shown
    return printable(json.dumps(shown, ensure_ascii=False, default=str))


def _named(key: Key) -> JsonObject:
    return {"kind": key.kind, "namespace": key.namespace, "name": key.name}


def _done(one: PlannedObject, by_path: bool = False) -> JsonObject:
    """Action and changes, in the wizard's order, or by path: another order to show is no other plan."""
    listed = sorted(one.changes, key=lambda change: change.path) if by_path else one.changes
    return {"action": one.action.value, "changes": [_change(change) for change in listed]}


def _change(change: PlannedChange) -> JsonObject:
    return {
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "irreversible": change.irreversible,
    }


def _finding(key: Key, place: Place, finding: Finding) -> JsonObject:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": finding.message,
        "hint": finding.hint,
        "file": place.file,
        "line": place.line,
        **_named(key),
        "path": finding.path,
    }

"""What a plan says, as a value: objects with their actions, changes and findings; summary, digest, JSON.

The rendering as text and as Markdown stands beside this module; both say what is here and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject, Key
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.printable import printable

_CALLER = ("name", "number")
_SWITCHES = (
    *("user", "account", "creditCard", "balance.show", "balance.credit", "balance.minutes", "servicePlan"),
    *("transactions", "inbound", "outbound", "twoWay", "errorTracker"),
)

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("General", ("name", "realm", "parentRef", "timezone", "language", "enabled")),
    (
        "Address and contacts",
        (
            *(f"address.{part}" for part in ("street", "extra", "city", "region", "postalCode", "country")),
            *(f"contacts.technical.{part}" for part in ("name", "email", "phone")),
            *(f"contacts.billing.{part}" for part in ("name", "email", "phone")),
        ),
    ),
    (
        "Call restrictions and caller ID",
        (
            "callRestrictions",
            *(f"callerID.{one}.{part}" for one in ("internal", "external", "emergency") for part in _CALLER),
            "callerIDPrivacy",
        ),
    ),
    ("Control Center", tuple(f"controlCenter.{switch}" for switch in _SWITCHES)),
    ("Routing", ("outboundRouting",)),
    ("Account", ("adopt",)),
)
"""The steps of KAZOO's account wizard, with the spec fields that each asks for, in its order."""

_FIELDS = tuple(name for _, names in SECTIONS for name in names)
_FINAL = ("realm", "parentRef", "address.country")
"""What has long-standing consequences (guide: read before you start), at the creation and ever after."""


class Action(StrEnum):
    """What would be done about an object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NONE = "none"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class PlannedChange:
    """One spec field that would be written; `irreversible`: it cannot be taken back, or not without harm."""

    path: str
    before: Any
    after: Any
    irreversible: bool = False


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

    `title` is what people call the account, `below` the account that a new one would stand below, and
    `takes_over` the id of an account that no object managed so far. `line_of` gives the line of a field.
    """

    key: Key
    title: str
    action: Action
    changes: tuple[PlannedChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    place: Place = NOWHERE
    currency: str = "USD"
    below: str = ""
    takes_over: str = ""
    line_of: Callable[[str], int] = field(default=_no_line, compare=False, repr=False)

    def blocked(self, *findings: Finding, rescue: tuple[PlannedChange, ...] = ()) -> PlannedObject:
        """The object with nothing to be done about it but the `rescue`, and why."""
        kept = tuple(finding for finding in self.findings if finding not in findings)
        return replace(
            self,
            action=Action.BLOCKED,
            changes=rescue,
            findings=(*kept, *findings),
            below="",
            takes_over="",
        )

    def place_of(self, finding: Finding) -> Place:
        """Where the field stands that a finding is about, or else the object."""
        return replace(self.place, line=self.line_of(finding.path) or self.place.line)

    @property
    def charges(self) -> JsonObject:
        """What it would cost: unknown, as long as nothing here reads service plans."""
        return {
            "today": None,
            "recurring": None,
            "currency": self.currency,
            "payer": None,
            "authoritative": False,
        }

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

    `backend` is a URL, `root` the root account's id.
    """

    backend: str
    root: str
    root_realm: str
    objects: tuple[PlannedObject, ...] = field(default=())
    findings: tuple[FileFinding, ...] = field(default=())

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
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
        return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"

    def as_json(self) -> JsonObject:
        """The report for machines."""
        return {
            "objects": [
                {
                    **_named(one.key),
                    **_done(one),
                    "charges": one.charges,
                    "findings": [
                        _finding(one.key, one.place_of(finding), finding) for finding in one.findings
                    ],
                }
                for one in self.objects
            ],
            "findings": [_finding(one.key, one.place, one.finding) for one in self.findings],
            "summary": self.summary,
            "charges": {"today": None, "recurring": None},
            "digest": self.digest,
        }


def changes(found: Iterable[tuple[str, Any, Any]]) -> tuple[PlannedChange, ...]:
    """The changes (path, before, after) in the wizard's order, with those marked that are final."""
    made = (PlannedChange(path, before, after, path in _FINAL) for path, before, after in found)
    return tuple(sorted(made, key=lambda change: (_rank(change.path), change.path)))


def sections(one: PlannedObject) -> Iterator[tuple[str, tuple[PlannedChange, ...]]]:
    """The changes of an object by the wizard's steps; a field of no step stands under `Account`."""
    for title, names in SECTIONS:
        last = title == SECTIONS[-1][0]
        held = tuple(
            change
            for change in one.changes
            if _asked(change.path) in names or (last and _asked(change.path) is None)
        )
        if held:
            yield title, held


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


def _asked(path: str) -> str | None:
    """The field of a step that a path is, or stands below; None where no step asks for it."""
    return next((name for name in _FIELDS if f"{path}.".startswith(f"{name}.")), None)


def _rank(path: str) -> int:
    asked = _asked(path)
    return len(_FIELDS) if asked is None else _FIELDS.index(asked)


def _named(key: Key) -> JsonObject:
    return {"kind": key.kind, "namespace": key.namespace, "name": key.name}


def _done(one: PlannedObject, by_path: bool = False) -> JsonObject:
    """Action and changes, in the wizard's order, or by path: another order to show is no other plan."""
    listed = sorted(one.changes, key=lambda change: change.path) if by_path else one.changes
    return {
        "action": one.action.value,
        "changes": [
            {
                "path": change.path,
                "before": change.before,
                "after": change.after,
                "irreversible": change.irreversible,
            }
            for change in listed
        ],
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

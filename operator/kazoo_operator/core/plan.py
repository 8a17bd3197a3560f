"""A plan is a value: what would change, in the user's words, and what would be written.

Planning is pure: desired fields and observed documents in, a plan out. Nothing here knows a clock,
Kubernetes or HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import Document, Documents, differences, get, put
from kazoo_operator.core.kind import Kind


@dataclass(frozen=True)
class Change:
    """One spec field that differs: `before` is what KAZOO holds, `after` what the spec says."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Write:
    """One call that changes a document of an account that exists."""

    document: Document
    data: JsonObject


@dataclass(frozen=True)
class Create:
    """The one call that makes the account: the whole body, mark included; the engine knows the parent."""

    data: JsonObject


@dataclass(frozen=True)
class Plan:
    """Changes and the writes that bring them about; empty when KAZOO equals the spec."""

    changes: tuple[Change, ...] = ()
    writes: tuple[Write, ...] = ()
    create: Create | None = field(default=None)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes and not self.writes and self.create is None


def make_plan(kind: Kind, fields: JsonObject, documents: Documents, mark: str | None = None) -> Plan:
    """Compare the desired `fields` (as `kind.normal` gives them) with KAZOO's documents, left-scoped.

    A `mark` that is missing in an account that is known to be ours is written again.
    """
    observed = kind.parse(documents)
    desired, actual = kind.render(fields), kind.render(observed)
    writes = []
    for document in kind.documents:
        data: JsonObject = {}
        for path, value, _ in differences(desired.get(document.name, {}), actual.get(document.name, {})):
            put(data, path, value)
        _add_mark(kind, document, documents, mark, data)
        if data:
            writes.append(Write(document, _accompanied(document, data, desired, actual)))
    return Plan(_changes(fields, observed), tuple(writes))


def plan_creation(kind: Kind, fields: JsonObject, mark: str) -> Plan:
    """The plan for an account that does not exist: one create, with our mark inside its body."""
    if kind.lifecycle is None:
        raise ValueError(f"objects of kind {kind.name} are not made in KAZOO")
    data = dict(kind.render(fields).get(kind.lifecycle.document.name, {}))
    put(data, kind.lifecycle.marks, [mark])
    return Plan(_changes(fields, {}), create=Create(data))


def _changes(fields: JsonObject, observed: JsonObject) -> tuple[Change, ...]:
    found = (Change(path, before, after) for path, after, before in differences(fields, observed))
    return tuple(sorted(found, key=lambda change: change.path))


def _add_mark(
    kind: Kind, document: Document, documents: Documents, mark: str | None, data: JsonObject
) -> None:
    if mark is None or kind.lifecycle is None or kind.lifecycle.document != document:
        return
    found = get(documents.get(document.name) or {}, kind.lifecycle.marks)
    flags = list(found) if isinstance(found, list) else []
    if mark not in flags:
        put(data, kind.lifecycle.marks, [*flags, mark])


def _accompanied(document: Document, data: JsonObject, desired: Documents, actual: Documents) -> JsonObject:
    for name in document.always:
        for side in (desired, actual):
            value = get(side.get(document.name, {}), name)
            if value is not None:
                data.setdefault(name, value)
    return data

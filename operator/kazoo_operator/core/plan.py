"""A plan is a value: what would change, in the user's words, and what would be written.

Planning is pure: desired fields and observed documents in, a plan out. Nothing here knows a clock,
Kubernetes or HTTP.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import (
    Document,
    Documents,
    differences,
    get,
    merge,
    put,
    without,
    without_nones,
)
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.mark import Mark


@dataclass(frozen=True)
class Change:
    """One spec field that differs: `before` is what KAZOO holds, `after` what the spec says."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Write:
    """One call that changes a document of an account that exists, or with `new` makes the document."""

    document: Document
    data: JsonObject
    new: bool = False


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


def make_plan(
    kind: Kind,
    fields: JsonObject,
    documents: Documents,
    mark: str | None = None,
    ignored: Collection[str] = (),
) -> Plan:
    """Compare the desired `fields` (as `kind.normal` gives them) with KAZOO's documents, left-scoped.

    A `mark` that is missing in an account that is known to be ours is written, in the place of any other.
    `ignored` are spec paths that are left alone, with what is below them; what is vital is not.
    """
    wanted = merge(without(kind.complete(fields, documents), ignored), kind.vital(documents))
    observed = _supplemented(kind, kind.parse(documents), wanted)
    desired, actual = kind.render(wanted, documents), kind.render(observed, documents)
    writes = []
    for document in kind.documents:
        data: JsonObject = {}
        for path, value, _ in differences(desired.get(document.name, {}), actual.get(document.name, {})):
            put(data, path, value)
        _add_mark(kind, document, documents, mark, data)
        if data:
            new = document.found_by is not None and not documents.get(document.name)
            data = without_nones(data) if new else _whole(document, data, documents, desired, actual)
            writes.append(Write(document, data, new))
    return Plan(_changes(wanted, observed), tuple(writes))


def plan_creation(kind: Kind, fields: JsonObject, mark: str) -> Plan:
    """The plan for an account that does not exist: one create, with our mark inside its body."""
    if kind.lifecycle is None:
        raise ValueError(f"objects of kind {kind.name} are not made in KAZOO")
    data = dict(kind.render(fields, {}).get(kind.lifecycle.document.name, {}))
    put(data, kind.lifecycle.marks, [mark])
    return Plan(_changes(fields, {}), create=Create(data))


def _supplemented(kind: Kind, observed: JsonObject, wanted: JsonObject) -> JsonObject:
    """What was observed, and what KAZOO takes for granted where it holds nothing."""
    meant: JsonObject = {}
    for path, _, found in differences(wanted, observed):
        if found is None and (value := kind.absent(path)) is not None:
            put(meant, path, value)
    return merge(observed, meant)


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
    others = [flag for flag in flags if not Mark.among((flag,))]
    if [flag for flag in flags if flag not in others] != [mark]:
        put(data, kind.lifecycle.marks, [*others, mark])


def _whole(
    document: Document, data: JsonObject, documents: Documents, desired: Documents, actual: Documents
) -> JsonObject:
    """The body of a write: what differs, and what has to go along with it."""
    if document.verb == "POST":
        return _replacing(documents.get(document.name) or {}, data, document.unsent)
    for name in document.always:
        for side in (desired, actual, documents):
            value = get(side.get(document.name, {}), name)
            if value is not None:
                data.setdefault(name, value)
    return data


def _replacing(observed: JsonObject, data: JsonObject, unsent: Collection[str]) -> JsonObject:
    """The observed document with `data` in it; a member that is None there is taken out."""
    body = {name: value for name, value in observed.items() if name not in unsent}
    for name, value in data.items():
        if value is None:
            body.pop(name, None)
        else:
            body[name] = merge(body[name], value) if _are_objects(body.get(name), value) else value
    return body


def _are_objects(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)

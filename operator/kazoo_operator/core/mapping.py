"""A table of rows (spec path, document, document path) read in both directions: render and parse."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import Document, Documents, get, put


def same(value: Any) -> Any:
    """A value that stands alike on both sides."""
    return value


@dataclass(frozen=True)
class Row:
    """One field: where it stands in the spec, where in KAZOO, and how KAZOO's value reads in the spec.

    `read` brings what KAZOO holds to the one form the spec would use (letter case, say), so that equal
    things compare equal. `absent` is what a missing member means.
    """

    spec: str
    document: Document
    path: str
    read: Callable[[Any], Any] = same
    absent: Any = None


def render(table: Iterable[Row], fields: JsonObject) -> Documents:
    """The documents that the given spec fields ask for; fields that are absent leave no trace."""
    documents: dict[str, JsonObject] = {}
    for row in table:
        value = get(fields, row.spec)
        if value is not None:
            put(documents.setdefault(row.document.name, {}), row.path, value)
    return documents


def parse(table: Iterable[Row], documents: Documents) -> JsonObject:
    """The spec fields that the documents amount to; what KAZOO does not hold is absent."""
    fields: JsonObject = {}
    for row in table:
        value = get(documents.get(row.document.name) or {}, row.path)
        value = row.absent if value is None else row.read(value)
        if value is not None:
            put(fields, row.spec, value)
    return fields

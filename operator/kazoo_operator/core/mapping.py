"""A table of rows (spec path, document, document path) read in both directions: render and parse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
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
    things compare equal. `words` are the spec's words with KAZOO's, where they differ; None for a word that
    KAZOO says by leaving the member out. `write` is the way back of `read`. `absent` is what a missing member
    means.
    """

    spec: str
    document: Document
    path: str
    read: Callable[[Any], Any] = same
    write: Callable[[Any], Any] = same
    words: Mapping[Any, Any] = field(default_factory=dict)
    absent: Any = None


def render(table: Iterable[Row], fields: JsonObject) -> Documents:
    """The documents that the given spec fields ask for; fields that are absent leave no trace."""
    documents: dict[str, JsonObject] = {}
    for row in table:
        value = get(fields, row.spec)
        if value is not None:
            put(documents.setdefault(row.document.name, {}), row.path, row.words.get(value, row.write(value)))
    return documents


def parse(table: Iterable[Row], documents: Documents) -> JsonObject:
    """The spec fields that the documents amount to; what KAZOO does not hold is absent."""
    fields: JsonObject = {}
    for row in table:
        value = get(documents.get(row.document.name) or {}, row.path)
        if value is not None:
            put(fields, row.spec, _spoken(row, value))
    return fields


def _spoken(row: Row, value: Any) -> Any:
    """KAZOO's value in the words of the spec."""
    return next((word for word, theirs in row.words.items() if theirs == value), row.read(value))

"""A kind of custom resource, as a value: names, models, and two pure functions between spec and KAZOO."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import Document, Documents
from kazoo_operator.core.schema import Spec, Status
from kazoo_operator.rules.rule import Rule


@dataclass(frozen=True)
class Column:
    """A printer column; `wide` ones show under `kubectl get -o wide`."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False


@dataclass(frozen=True)
class Lifecycle:
    """Of a kind whose objects are made in KAZOO.

    `key` is the spec field by which they are found, `marks` the member of `document` that holds the mark, and
    `start` the fields that a new one gets where the spec leaves them out.
    """

    document: Document
    key: str
    marks: str
    start: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """One kind. `render` and `parse` speak of document fields only (camelCase JSON, as in the YAML).

    `normal(spec)` is `render`'s input: the fields of a validated spec that stand in KAZOO's documents.
    `samples` are whole specs; the laws run over them.
    """

    name: str
    plural: str
    singular: str
    short_name: str
    description: str
    spec: type[Spec]
    status: type[Status]
    columns: tuple[Column, ...]
    documents: tuple[Document, ...]
    normal: Callable[[Spec], JsonObject]
    render: Callable[[JsonObject], Documents]
    parse: Callable[[Documents], JsonObject]
    rules: tuple[Rule, ...] = ()
    samples: tuple[JsonObject, ...] = ()
    lifecycle: Lifecycle | None = None

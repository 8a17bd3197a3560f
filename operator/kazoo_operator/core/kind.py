"""A kind of custom resource, as a value: names, models, and two pure functions between spec and KAZOO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import Document, Documents
from kazoo_operator.core.finding import Finding
from kazoo_operator.core.ledger import Booked, Grant
from kazoo_operator.core.outcome import Event
from kazoo_operator.core.pricing.estimate import Day
from kazoo_operator.core.schema import Spec, Status
from kazoo_operator.rules.rule import Rule


@dataclass(frozen=True)
class Column:
    """A printer column; `wide` ones show under `kubectl get -o wide`."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False


_READY = ".status.conditions[?(@.type=='Ready')]"


def ready_columns() -> tuple[Column, ...]:
    """The columns that end every kind's row: whether it is Ready, why, and how old."""
    return (
        Column("READY", f"{_READY}.status"),
        Column("REASON", f"{_READY}.reason"),
        Column("AGE", ".metadata.creationTimestamp", type="date"),
    )


@dataclass(frozen=True)
class Lifecycle:
    """Of a kind whose objects are made in KAZOO.

    `key` is the spec field by which they are found, `marks` the member of `document` that holds the mark, and
    `start` the fields that a new one gets where the spec leaves them out. `when_empty` are lists of documents
    with the fields that an account gets as long as such a list is empty; `steps` name the parts of the work,
    by the document that each writes.
    """

    document: Document
    key: str
    marks: str
    start: JsonObject = field(default_factory=dict)
    when_empty: tuple[tuple[Document, JsonObject], ...] = ()
    steps: tuple[tuple[str, Document], ...] = ()


@dataclass(frozen=True)
class Seen:
    """What a pass has seen of an account on a day: its documents, and what was booked there.

    `real`: somebody is billed its balance, in the `currency`. `wanted` are the fields of the spec; `managed`:
    KAZOO is brought to them.
    """

    documents: Documents
    booked: tuple[Booked, ...]
    day: Day
    currency: str
    real: bool
    wanted: JsonObject = field(default_factory=dict)
    managed: bool = True


def _grants_nothing(_spec: JsonObject) -> tuple[Grant, ...]:
    return ()


def _notices_nothing(_fields: JsonObject, _status: JsonObject) -> tuple[Event, ...]:
    return ()


def _reads_nothing(_day: Day) -> tuple[Document, ...]:
    return ()


def _recalls_nothing(_status: JsonObject, _fields: JsonObject, _documents: Documents) -> JsonObject:
    return {}


def _says_nothing(_seen: Seen) -> Mapping[str, tuple[str, str, str]]:
    return {}


@dataclass(frozen=True)
class Attachment:
    """Of a kind whose objects set documents of an account that stands by itself (`spec.accountRef`).

    `report` gives the fields of status; `proof` is one of them, which stands there only once a pass has
    brought the account to the spec. `reset` gives the fields that take back what the spec's fields set.
    `priced` are the fields that count units of an item of a service plan: (category, item). `budgeted`: what
    the account holds counts against what its parent has. `grants` are what a spec books once. `reads` are
    further documents for status, of which each may be missing.

    `recall` gives what the object remembers of the account, by its status of before and by what is seen as
    the pass begins; through the pass it stands among the documents as `MEMORY`. `conditions` are those beside
    Ready: type -> (status, reason, message). `notices` are what a person should hear of once, by the spec's
    fields and by status.
    """

    report: Callable[[Seen], JsonObject]
    proof: str
    reset: Callable[[JsonObject], JsonObject]
    priced: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    budgeted: bool = False
    grants: Callable[[JsonObject], tuple[Grant, ...]] = _grants_nothing
    notices: Callable[[JsonObject, JsonObject], tuple[Event, ...]] = _notices_nothing
    reads: Callable[[Day], tuple[Document, ...]] = _reads_nothing
    recall: Callable[[JsonObject, JsonObject, Documents], JsonObject] = _recalls_nothing
    conditions: Callable[[Seen], Mapping[str, tuple[str, str, str]]] = _says_nothing


def _nothing(_path: str) -> None:
    return None


def _as_it_is(fields: JsonObject, _documents: Documents) -> JsonObject:
    return fields


def _none(_documents: Documents) -> JsonObject:
    return {}


def _consults_nothing(_fields: JsonObject, _documents: Documents) -> tuple[Document, ...]:
    return ()


def _finds_nothing(_fields: JsonObject, _documents: Documents) -> list[Finding]:
    return []


def _no_fields(_spec: Spec) -> JsonObject:
    return {}


def _no_documents(_fields: JsonObject, _documents: Documents) -> Documents:
    return {}


@dataclass(frozen=True)
class Kind:
    """One kind: its objects are made in KAZOO (`lifecycle`) or belong to an account (`attachment`).

    A kind with neither keeps nothing in KAZOO: its objects say where KAZOO is (`managed` is False), and it
    has no documents.

    `render` and `parse` speak of document fields only (camelCase JSON, as in the YAML).

    `normal(spec)` is `render`'s input: the fields of a validated spec that stand in KAZOO's documents; what
    only KAZOO knows, `render` takes from the documents observed. `absent(path)` is what a field means that
    KAZOO does not hold, `complete` adds what the spec's fields imply for the documents observed, and `vital`
    gives the fields that are repaired whatever the policies say. `consults` tells the documents that are read
    only, to judge the fields by, as far as those read so far tell: what stands against the fields then is in
    `findings`. `samples` are whole specs; the laws run over them, beside the documents of `setting`.
    """

    name: str
    plural: str
    singular: str
    short_name: str
    description: str
    spec: type[Spec]
    status: type[Status]
    columns: tuple[Column, ...]
    documents: tuple[Document, ...] = ()
    normal: Callable[[Spec], JsonObject] = _no_fields
    render: Callable[[JsonObject, Documents], Documents] = _no_documents
    parse: Callable[[Documents], JsonObject] = _none
    absent: Callable[[str], Any] = _nothing
    complete: Callable[[JsonObject, Documents], JsonObject] = _as_it_is
    vital: Callable[[Documents], JsonObject] = _none
    consults: Callable[[JsonObject, Documents], tuple[Document, ...]] = _consults_nothing
    findings: Callable[[JsonObject, Documents], list[Finding]] = _finds_nothing
    rules: tuple[Rule, ...] = ()
    samples: tuple[JsonObject, ...] = ()
    setting: Documents = field(default_factory=dict)
    lifecycle: Lifecycle | None = None
    attachment: Attachment | None = None

    @property
    def managed(self) -> bool:
        """Whether its objects keep something in KAZOO."""
        return self.lifecycle is not None or self.attachment is not None

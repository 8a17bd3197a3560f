"""The rules about metadata that hold for every kind: what an annotation of ours, or a name, must be."""

from __future__ import annotations

from collections.abc import Iterator

from kazoo_operator.core.custom_resource import GROUP, JsonObject
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.near import nearest
from kazoo_operator.rules.rule import Objection, Rule

ANNOTATIONS = ("reconcile-now", "recreate", "confirm-delete", "approve-deletions")
CONFIRM = f"{GROUP}/confirm-delete"


def _metadata(body: JsonObject, name: str) -> JsonObject:
    metadata = body.get("metadata")
    found = metadata.get(name) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _confirms(body: JsonObject) -> Iterator[Objection]:
    if CONFIRM in _metadata(body, "annotations"):
        yield Objection(f"metadata.annotations.{CONFIRM}")


def _strange(body: JsonObject) -> Iterator[Objection]:
    for name in _metadata(body, "annotations"):
        prefix, _, word = str(name).partition("/")
        if prefix == GROUP and word not in ANNOTATIONS:
            near = nearest(word, ANNOTATIONS)
            hint = f"write {GROUP}/{near}" if near else ""
            yield Objection(f"metadata.annotations.{name}", hint=hint)


def _generated(body: JsonObject) -> Iterator[Objection]:
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and metadata.get("generateName") is not None:
        yield Objection("metadata.generateName")


RULES = (
    Rule(
        id="KZ144",
        title="A deletion is not confirmed in a file",
        severity=Severity.WARNING,
        path="",
        message="confirms a deletion before anybody asked for it",
        hint="remove it; kubectl annotate is the place, once the object is being deleted",
        source="Monster UI: a deletion asks to type a word, and lists what goes with the account",
        of_object=_confirms,
    ),
    Rule(
        id="KZ156",
        title="Annotations with our prefix are ours",
        severity=Severity.WARNING,
        path="",
        message="is no annotation that the operator knows; it does nothing",
        hint=f"write one of {', '.join(ANNOTATIONS)} after {GROUP}/, or remove it",
        source="the operator's own: docs/kinds/account.md, Annotations",
        of_object=_strange,
    ),
    Rule(
        id="KZ157",
        title="Objects have names of their own",
        severity=Severity.ERROR,
        path="",
        message="generateName makes another object, and so another account, each time it is applied",
        hint="write metadata.name",
        source="the operator's own: an object's name is part of the mark that an account bears",
        of_object=_generated,
    ),
)

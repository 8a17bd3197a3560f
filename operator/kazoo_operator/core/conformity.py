"""What a spec has that its model does not allow: findings by the schema alone, in the words of the user."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.fault import NO_FIELD, error, finding_of, unknown
from kazoo_operator.core.finding import Finding
from kazoo_operator.core.form import shown
from kazoo_operator.core.model_fields import Location, members, model_of, model_within, paths
from kazoo_operator.core.near import nearest

__all__ = [
    "ENOUGH",
    "NO_FIELD",
    "ignored_findings",
    "model_of",
    "schema_findings",
    "without_nulls",
]

# Nobody reads more about one object, and a file may be made to have a hundred thousand.
ENOUGH = 100
_MOST = 5000


def schema_findings(model: type[BaseModel], spec: Any) -> list[Finding]:
    """What the schema alone says against `spec`: rule `SCHEMA`, one finding a field, hints by example."""
    found = [unknown(model, location) for location in islice(_unknown_nulls(model, spec, ()), ENOUGH)]
    try:
        # Strict, as the API server is: "true" is no boolean, and 5 is no text.
        model.model_validate(without_nulls(_trimmed(spec)), strict=True)
    except ValidationError as refusal:
        # What keys of a map may be, the schema of a CRD cannot say: a rule does.
        faults = [fault for fault in refusal.errors(include_url=False) if fault["loc"][-1:] != ("[key]",)]
        found += [finding_of(model, dict(fault)) for fault in faults[:ENOUGH]]
    return found


def _trimmed(value: Any) -> Any:
    """The first of more members than any kind allows: enough to be refused by. 5.0 is 5, as in JSON."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _trimmed(member) for name, member in islice(value.items(), _MOST)}
    return [_trimmed(member) for member in value[:_MOST]] if isinstance(value, list) else value


def _unknown_nulls(model: type[BaseModel], value: Any, at: Location) -> Iterator[Location]:
    """Fields that the model does not have and that are null: absent, and yet misspelt."""
    if isinstance(value, list):
        for number, item in enumerate(value[:_MOST]):
            yield from _unknown_nulls(model, item, (*at, number))
    if not isinstance(value, dict):
        return
    fields = members(model)
    for name, member in value.items():
        if member is None and name not in fields:
            yield (*at, name)
        elif isinstance(member, dict | list) and name in fields:
            inner = model_within(fields[name].annotation)
            if inner is not None:
                yield from _unknown_nulls(inner, member, (*at, name))


def ignored_findings(model: type[BaseModel], spec: JsonObject) -> list[Finding]:
    """What `driftIgnore` names that is no field of the kind, each with the nearest that is."""
    known, maps = paths(model)
    found = spec.get("driftIgnore")
    said = found[:ENOUGH] if isinstance(found, list) else []
    findings = []
    for number, path in enumerate(said):
        # What is no text, or none at all, is told by its type.
        if not isinstance(path, str) or not path:
            continue
        where = f"spec.driftIgnore[{number}]"
        if path in said[:number]:
            findings.append(error(where, f"{shown(path)} stands here twice", "remove one"))
        elif path not in known and path.rpartition(".")[0] not in maps:
            near = nearest(path.removeprefix("spec."), known)
            hint = f"did you mean {near}?" if near else "write a path such as callerID.external.name"
            findings.append(error(where, f"{shown(path)} {NO_FIELD}", hint))
    return findings


def without_nulls(value: Any) -> Any:
    """The same JSON with null members left out: null counts as absent."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(member) for member in value] if isinstance(value, list) else value

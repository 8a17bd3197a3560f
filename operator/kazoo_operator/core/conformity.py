"""What a spec has that its model does not allow: findings by the schema alone, in the words of the user."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from itertools import islice
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.finding import Finding, Severity

# Nobody reads more about one object, and a file may be made to have a hundred thousand.
ENOUGH = 100
_MOST = 5000
NO_FIELD = "is no field of this kind"

Location = tuple[int | str, ...]


def _shown(value: Any) -> str:
    text = (
        json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, bool | str) else repr(value)
    )
    return text if len(text) <= 60 else f"{text[:57]}..."


def schema_findings(model: type[BaseModel], spec: Any) -> list[Finding]:
    """What the schema alone says against `spec`: rule `SCHEMA`, one finding a field, hints by example."""
    unknown = islice(_unknown_nulls(model, spec, ()), ENOUGH)
    found = [_unknown(model, location) for location in unknown]
    try:
        # Strict, as the API server is: "true" is no boolean, and 5 is no text.
        model.model_validate(without_nulls(_trimmed(spec)), strict=True)
    except ValidationError as error:
        # What keys of a map may be, the schema of a CRD cannot say: a rule does.
        faults = [fault for fault in error.errors(include_url=False) if fault["loc"][-1:] != ("[key]",)]
        found += [_finding(model, dict(fault)) for fault in faults[:ENOUGH]]
    return found


def _trimmed(value: Any) -> Any:
    """The first of more members than any kind allows: enough to be refused by."""
    if isinstance(value, dict):
        return {name: _trimmed(member) for name, member in islice(value.items(), _MOST)}
    return [_trimmed(member) for member in value[:_MOST]] if isinstance(value, list) else value


def _unknown_nulls(model: type[BaseModel], value: Any, at: Location) -> Iterator[Location]:
    """Fields that the model does not have and that are null: absent, and yet misspelt."""
    if not isinstance(value, dict):
        return
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    for name, member in value.items():
        if member is None and name not in fields:
            yield (*at, name)
        elif isinstance(member, dict) and name in fields:
            inner = model_of(fields[name].annotation)
            if inner is not None:
                yield from _unknown_nulls(inner, member, (*at, name))


def _unknown(model: type[BaseModel], location: Location) -> Finding:
    near = _near(str(location[-1]), _names_at(model, location[:-1]))
    hint = f"did you mean {near}?" if near else "remove it"
    return Finding("SCHEMA", Severity.ERROR, f"spec{_path(location)}", NO_FIELD, hint)


def _path(location: Location) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


_FORMS = {
    "string_type": "must be text: quote it",
    "bool_type": "must be true or false, without quotes",
    "model_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "list_type": "must be a list",
    "string_too_short": "is too short: at least {min_length} characters",
    "string_too_long": "is too long: at most {max_length} characters",
    "model_attributes_type": "must be a mapping",
}


def _finding(model: type[BaseModel], fault: dict[str, Any]) -> Finding:
    location = fault["loc"]
    field = _field_at(model, location)
    example = field.examples[0] if field is not None and field.examples else None
    kind, context = fault["type"], fault.get("ctx") or {}
    hint = f"write it as in the example {example}" if example else "see kubectl explain"
    if kind == "missing":
        message, hint = "is required", f"add it, for example {example}" if example else "add it"
    elif kind == "extra_forbidden":
        return _unknown(model, location)
    elif kind == "literal_error":
        choices = re.findall("'([^']*)'", context["expected"])
        near = _near(str(fault["input"]), choices)
        message = f"{_shown(fault['input'])} is none of {', '.join(choices)}"
        hint = f"did you mean {near}?" if near else f"write {' or '.join(choices)}"
    else:
        text = (
            "has not the form that is asked for"
            if "pattern" in context
            else _FORMS.get(kind, "").format(**context)
        )
        text = text or _lowered(fault["msg"].removeprefix("Value error, "))
        message = text if isinstance(fault["input"], dict | list) else f"{_shown(fault['input'])} {text}"
    return Finding("SCHEMA", Severity.ERROR, f"spec{_path(location)}", message, hint)


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _near(name: str, known: Iterable[str]) -> str | None:
    """The name that is meant, most likely; letter case is no matter."""
    by_lower = {one.lower(): one for one in known}
    found = get_close_matches(name.lower(), by_lower, 1)
    return by_lower[found[0]] if found else None


def _names_at(model: type[BaseModel], location: Location) -> list[str]:
    """The fields of the model at that place."""
    for part in location:
        inner = next(
            (model_of(field.annotation) for name, field in model.model_fields.items() if field.alias == part),
            None,
        )
        model = inner or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _field_at(model: type[BaseModel], location: Location) -> Any:
    field = None
    for part in location:
        by_alias = {field.alias or name: field for name, field in model.model_fields.items()}
        if not isinstance(part, str) or part not in by_alias:
            return None
        field = by_alias[part]
        inner = model_of(field.annotation)
        if inner is not None:
            model = inner
    return field


def ignored_findings(model: type[BaseModel], spec: JsonObject) -> list[Finding]:
    """What `driftIgnore` names that is no field of the kind, each with the nearest that is."""
    known, maps = _paths(model)
    said = spec.get("driftIgnore")
    findings = []
    paths = said[:ENOUGH] if isinstance(said, list) else []
    for number, path in enumerate(paths):
        if path in paths[:number]:
            where = f"spec.driftIgnore[{number}]"
            findings.append(
                Finding("SCHEMA", Severity.ERROR, where, f"{path!r} stands here twice", "remove one")
            )
        if path not in known and str(path).rpartition(".")[0] not in maps:
            near = get_close_matches(str(path), known, 1)
            hint = f"write {near[0]}" if near else "write a path such as callerID.external.name"
            where = f"spec.driftIgnore[{number}]"
            message = f"{path!r} is no field of this kind"
            findings.append(Finding("SCHEMA", Severity.ERROR, where, message, hint))
    return findings


@cache
def _paths(model: type[BaseModel], prefix: str = "") -> tuple[list[str], list[str]]:
    """The paths of all fields of a model, and those of them that are maps with keys of the user's own."""
    paths, maps = [], []
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        paths.append(path)
        inner = model_of(field.annotation)
        if inner is not None:
            below = _paths(inner, f"{path}.")
            paths += below[0]
            maps += below[1]
        elif any(get_origin(one) is dict for one in (field.annotation, *get_args(field.annotation))):
            maps.append(path)
    return paths, maps


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model inside `Model` or `Model | None`, if there is one."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def without_nulls(value: Any) -> Any:
    """The same JSON with null members left out: null counts as absent."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(member) for member in value] if isinstance(value, list) else value

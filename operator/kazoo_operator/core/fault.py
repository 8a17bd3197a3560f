"""One fault that a model found in a spec, said to its author: what is wrong, and what to write."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.form import shown
from kazoo_operator.core.model_fields import Location, field_at, form_of, members, model_at, paths
from kazoo_operator.core.near import nearest
from kazoo_operator.core.printable import quoted

NO_FIELD = "is no field of this kind"
_FEW = 12
_SWITCHED = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}

Fault = dict[str, Any]
Said = tuple[str, str]


def finding_of(model: type[BaseModel], fault: Fault) -> Finding:
    """The finding for one of pydantic's errors about a spec of the model."""
    location, kind = fault["loc"], fault["type"]
    if kind == "extra_forbidden":
        return unknown(model, location)
    field = field_at(model, location)
    message, hint = _SAYINGS.get(kind, _otherwise)(field, fault)
    return error(path_of(location), message, hint)


def error(path: str, message: str, hint: str) -> Finding:
    """A finding of the schema alone."""
    return Finding("SCHEMA", Severity.ERROR, path, message, hint)


def path_of(location: Location) -> str:
    """`spec.grants[1].amount`."""
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def unknown(model: type[BaseModel], location: Location) -> Finding:
    """What is said about a field that the model does not have there."""
    name, known = str(location[-1]), list(members(model_at(model, location[:-1])))
    near = nearest(name, known)
    elsewhere = [path for path in paths(model)[0] if path.rpartition(".")[2].lower() == name.lower()]
    if near:
        hint = f"did you mean {near}?"
    elif elsewhere:
        hint = f"it stands at {' or '.join(f'spec.{path}' for path in elsewhere[:3])}"
    elif len(known) <= _FEW:
        hint = f"remove it; the fields here are {', '.join(known)}"
    else:
        hint = "remove it; kubectl explain lists the fields there are"
    return error(path_of(location), NO_FIELD, hint)


def _example(field: FieldInfo | None) -> str:
    return str(field.examples[0]) if field is not None and field.examples else ""


def _as_in_the_example(field: FieldInfo | None) -> str:
    example = _example(field)
    return f"write it as in the example {example}" if example else "kubectl explain tells its form"


def _missing(field: FieldInfo | None, _fault: Fault) -> Said:
    example = _example(field)
    return "is required", f"add it, for example {example}" if example else "add it"


def _choice(_field: FieldInfo | None, fault: Fault) -> Said:
    choices, value = re.findall("'([^']*)'", fault["ctx"]["expected"]), fault["input"]
    near = nearest(value, choices) if isinstance(value, str) else None
    hint = f"did you mean {near}?" if near else f"write {' or '.join(choices)}"
    if isinstance(value, bool):
        words = [one for one in choices if _SWITCHED.get(one.lower()) is value]
        hint = f"put it in quotes: {quoted(words[0])}, which YAML takes for a switch" if words else hint
    return f"{shown(value)} is none of {', '.join(choices)}", hint


def _malformed(field: FieldInfo | None, fault: Fault) -> Said:
    """A text that is too short, too long, or has not the form."""
    value, context = str(fault["input"]), fault.get("ctx") or {}
    form, example = form_of(field), _as_in_the_example(field)
    if form is not None and value:
        return f"{shown(value)} {form.objection(value)}", form.advice(value) or example
    if not value:
        return "is empty", example
    if "max_length" in context:
        most = context["max_length"]
        return f"{shown(value)} is too long: {len(value)} characters of {most}", f"shorten it to {most}"
    return f"{shown(value)} is too short: at least {context.get('min_length')} characters", example


def _no_text(field: FieldInfo | None, fault: Fault) -> Said:
    value, example = fault["input"], _as_in_the_example(field)
    if value is None:
        return "is null, which a list cannot hold", "remove it, or write a value"
    if isinstance(value, bool):
        return f"must be text, and YAML reads it as {shown(value)}", "put it in quotes"
    if isinstance(value, int | float):
        form = form_of(field)
        near = form.advice(str(value)) if form is not None else ""
        quote = f"put it in quotes; {example}" if field is not None else "put it in quotes"
        return "must be text, and YAML reads it as a number", near or quote
    return f"{_kind_of(value)} stands where text must", example


def _no_switch(_field: FieldInfo | None, fault: Fault) -> Said:
    value = fault["input"]
    word = str(value).lower() if isinstance(value, str | int) else ""
    meant = {"true": "true", "yes": "true", "on": "true", "1": "true"}
    meant |= {"false": "false", "no": "false", "off": "false", "0": "false"}
    return (
        f"{shown(value)} must be true or false, without quotes",
        f"write {meant.get(word, 'true or false')}",
    )


def _no_number(field: FieldInfo | None, fault: Fault) -> Said:
    value = fault["input"]
    if isinstance(value, str) and value.strip().isdecimal():
        return f"{shown(value)} is text where a number must stand", f"write {int(value)}, without quotes"
    return f"{_kind_of(value)} stands where a whole number must", _as_in_the_example(field)


def _too_little(field: FieldInfo | None, fault: Fault) -> Said:
    return f"{shown(fault['input'])} is less than {fault['ctx']['ge']}, the least", _as_in_the_example(field)


def _too_much(field: FieldInfo | None, fault: Fault) -> Said:
    return f"{shown(fault['input'])} is more than {fault['ctx']['le']}, the most", _as_in_the_example(field)


def _no_mapping(field: FieldInfo | None, fault: Fault) -> Said:
    return f"{_kind_of(fault['input'])} stands where a mapping must", _as_in_the_example(field)


def _no_list(field: FieldInfo | None, fault: Fault) -> Said:
    value = fault["input"]
    hint = f"write [{value}]" if isinstance(value, str) else _as_in_the_example(field)
    return f"{_kind_of(value)} stands where a list must", hint


def _kind_of(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else shown(value)


def _otherwise(field: FieldInfo | None, fault: Fault) -> Said:
    """What the model's own functions say, and what is too much."""
    value, text = fault["input"], str(fault["msg"]).removeprefix("Value error, ")
    text = text[:1].lower() + text[1:]
    if isinstance(value, dict | list):
        return text, _as_in_the_example(field)
    form = form_of(field)
    near = form.advice(value) if form is not None and isinstance(value, str) else ""
    return f"{shown(value)} {text}", near or _as_in_the_example(field)


_SAYINGS: dict[str, Callable[[FieldInfo | None, Fault], Said]] = {
    "missing": _missing,
    "literal_error": _choice,
    "string_pattern_mismatch": _malformed,
    "string_too_short": _malformed,
    "string_too_long": _malformed,
    "string_type": _no_text,
    "bool_type": _no_switch,
    "int_type": _no_number,
    "greater_than_equal": _too_little,
    "less_than_equal": _too_much,
    "model_type": _no_mapping,
    "model_attributes_type": _no_mapping,
    "dict_type": _no_mapping,
    "list_type": _no_list,
}

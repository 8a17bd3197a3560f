"""What a spec's model has where: fields by their names outside, paths, and the form of a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kazoo_operator.core.form import Form

Location = tuple[int | str, ...]
"""Where a value stands in a spec: names of members, numbers of items."""


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model inside `Model` or `Model | None`, if there is one."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def model_within(annotation: Any) -> type[BaseModel] | None:
    """The model inside `Model`, `list[Model]`, or either of them with None."""
    for candidate in (annotation, *get_args(annotation)):
        found = model_of(candidate)
        if found is None and get_origin(candidate) is list:
            found = model_of(get_args(candidate)[0])
        if found is not None:
            return found
    return None


@cache
def members(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by their names in YAML."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def model_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
    """The model at a place; the last one on the way there where the place is in none."""
    for part in location:
        field = members(model).get(str(part))
        model = (model_within(field.annotation) if field is not None else None) or model
    return model


def field_at(model: type[BaseModel], location: Location) -> FieldInfo | None:
    """The field that stands at a place; None for an item of a list, and for what is no field."""
    return members(model_at(model, location[:-1])).get(str(location[-1])) if location else None


def form_of(field: FieldInfo | None) -> Form | None:
    """The form of a field that is a text with one."""
    return next(_forms(field.metadata, field.annotation), None) if field is not None else None


def _forms(metadata: Iterable[Any], annotation: Any) -> Iterator[Form]:
    yield from (one for one in metadata if isinstance(one, Form))
    for argument in get_args(annotation):
        yield from _forms(getattr(argument, "__metadata__", ()), argument)


@cache
def paths(model: type[BaseModel], prefix: str = "") -> tuple[list[str], list[str]]:
    """The paths of all fields of a model, and those of them that are maps with keys of the user's own."""
    found, maps = [], []
    for name, field in members(model).items():
        path = f"{prefix}{name}"
        found.append(path)
        inner = model_of(field.annotation)
        if inner is not None:
            below = paths(inner, f"{path}.")
            found += below[0]
            maps += below[1]
        elif any(get_origin(one) is dict for one in (field.annotation, *get_args(field.annotation))):
            maps.append(path)
    return found, maps

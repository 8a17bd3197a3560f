"""Validation tables: what a document may hold, with defaults filled in, and errors in KAZOO's exact shapes.

A table is a tree of the classes below. `check` returns the value as it is stored (coerced, with defaults)
and adds what is wrong to `errors`: path -> kind -> details (Crossbar API, validation errors).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Protocol

Errors = dict[str, dict[str, Any]]
Path = tuple[str, ...]


class Schema(Protocol):
    """Anything that can stand in a table."""

    def check(self, value: Any, path: Path, errors: Errors) -> Any:
        """The value as it is stored; what is wrong with it goes into `errors`."""


def fail(errors: Errors, path: Path, kind: str, message: str, **details: Any) -> None:
    """Note one fault. The dots of a nested path are written `%2E`, as the account and user modules do."""
    dotted = "%2E".join(part.replace(".", "%2E") for part in path)
    errors.setdefault(dotted, {})[kind] = {"message": message, **details}


def _wrong_type(errors: Errors, path: Path, wanted: str, value: Any) -> None:
    fail(errors, path, "type", f"Value did not match type(s): {wanted}", target=wanted, value=value)


def _check_choice(errors: Errors, path: Path, choices: tuple[str, ...] | None, value: Any) -> None:
    if choices is not None and value not in choices:
        text = "Value not found in enumerated list of values"
        fail(errors, path, "enum", text, target=list(choices), value=value)


@dataclass(frozen=True)
class Text:
    """A string. Other types are not converted."""

    shortest: int | None = None
    longest: int | None = None
    pattern: str | None = None
    choices: tuple[str, ...] | None = None
    is_email: bool = False
    default: Any = None

    def check(self, value: Any, path: Path, errors: Errors) -> Any:
        """See `Schema`."""
        _check_choice(errors, path, self.choices, value)
        if not isinstance(value, str):
            _wrong_type(errors, path, "string", value)
            return value
        if self.is_email and not re.fullmatch("[^@]+@[^@]+", value):
            fail(
                errors,
                path,
                "wrong_format",
                "Field is not in the correct format",
                format="email",
                value=value,
            )
        if self.shortest is not None and len(value) < self.shortest:
            text = f"String must be at least {self.shortest} characters"
            fail(errors, path, "minLength", text, target=self.shortest, cause=value, value=value)
        if self.longest is not None and len(value) > self.longest:
            text = f"String must not be more than {self.longest} characters"
            fail(errors, path, "maxLength", text, target=self.longest, cause=value, value=value)
        if self.pattern is not None and not re.search(self.pattern, value, re.ASCII):
            text = f"Failed to match pattern '{self.pattern}'"
            fail(errors, path, "pattern", text, target=self.pattern, value=value)
        return value


@dataclass(frozen=True)
class Flag:
    """A boolean; the texts `true` and `false` count, numbers do not."""

    default: Any = None

    def check(self, value: Any, path: Path, errors: Errors) -> Any:
        """See `Schema`."""
        value = {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
        if not isinstance(value, bool):
            _wrong_type(errors, path, "boolean", value)
        return value


@dataclass(frozen=True)
class Number:
    """A number, `whole` or not; `texts` that hold one are converted, and a whole one is rounded."""

    whole: bool = False
    least: int | None = None
    most: int | None = None
    default: Any = None
    texts: bool = True

    def check(self, value: Any, path: Path, errors: Errors) -> Any:
        """See `Schema`."""
        number = self._number(value)
        if number is None:
            _wrong_type(errors, path, "integer" if self.whole else "number", value)
            return value
        if self.least is not None and number < self.least:
            fail(
                errors,
                path,
                "minimum",
                f"Value must be at least {self.least}",
                target=self.least,
                value=number,
            )
        if self.most is not None and number > self.most:
            fail(
                errors, path, "maximum", f"Value must be at most {self.most}", target=self.most, value=number
            )
        return number

    def _number(self, value: Any) -> int | float | None:
        if isinstance(value, str) and self.texts:
            try:
                value = int(value) if re.fullmatch(r"[+-]?\d{1,18}", value) else float(value)
            except ValueError:
                return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        if isinstance(value, float) and not isfinite(value):
            return None
        if not self.whole or isinstance(value, int):
            return value
        return rounded(value) if abs(value) < 1e18 else None


@dataclass(frozen=True)
class Items:
    """An array whose items are all of one kind."""

    item: Schema
    default: Any = None

    def check(self, value: Any, path: Path, errors: Errors) -> Any:
        """See `Schema`."""
        if not isinstance(value, list):
            _wrong_type(errors, path, "array", value)
            return value
        return [self.item.check(item, (*path, str(index)), errors) for index, item in enumerate(value)]


@dataclass(frozen=True)
class Members:
    """An object. Members without a name here are kept (`others=None`), refused (False) or of a kind."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    others: Schema | bool | None = None
    default: Any = None

    def check(self, value: Any, path: Path, errors: Errors) -> Any:
        """See `Schema`."""
        if not isinstance(value, dict):
            _wrong_type(errors, path, "object", value)
            return value
        result: dict[str, Any] = {}
        for key, member in value.items():
            kind = self.fields.get(key, self.others)
            if kind is False:
                text = "Strict checking of data is enabled; only include schema-defined properties"
                fail(errors, (*path, key), "additionalProperties", text, value=value)
            result[key] = kind.check(member, (*path, key), errors) if kind else member
        for key, kind in self.fields.items():
            if key not in result and kind.default is not None:
                result[key] = kind.check(copy(kind.default), (*path, key), errors)
        for key in self.required:
            if key not in result:
                fail(errors, (*path, key), "required", "Field is required but missing", value=key)
        return result


def last_kinds(errors: Errors) -> Errors:
    """As KAZOO 5.0 tells them: of several faults at one path the one that its validator looks at last."""

    def keyword(kind: str) -> str:
        return "format" if kind == "wrong_format" else kind

    return {
        path: dict([max(kinds.items(), key=lambda item: keyword(item[0]))]) for path, kinds in errors.items()
    }


def rounded(number: float) -> int:
    """Halves away from zero, as Erlang rounds."""
    return int(number + 0.5) if number >= 0 else -int(-number + 0.5)

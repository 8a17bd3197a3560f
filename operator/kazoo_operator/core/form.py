"""The form of a text: bounds and pattern for the schema, plain words and what was meant for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import SchemaValidator, core_schema

from kazoo_operator.core.printable import as_it_looks, first_hidden, quoted

_LONGEST_QUOTED = 60
# What is longer was meant to be something else.
_LONGEST_READ = 1000


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Form:
    """A form that a text must have; `Annotated[str, FORM]` is the type of such a field.

    `what` says what it is and what is expected of it, to follow on `is no`. `meant` gives the text that a
    reader would take a wrong one for, `allowed` the nearest that the field takes where it has bounds beside
    the form. Both take any text, and may give one that does not fit: then nothing is proposed.
    """

    pattern: str
    shortest: int
    longest: int
    what: str
    meant: Callable[[str], str] = _as_it_is
    allowed: Callable[[str], str] = _as_it_is

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """The schema of the text: lengths and pattern."""
        return self._schema

    @property
    def _schema(self) -> core_schema.StringSchema:
        return core_schema.str_schema(pattern=self.pattern, min_length=self.shortest, max_length=self.longest)

    @cached_property
    def _validator(self) -> SchemaValidator:
        return SchemaValidator(self._schema)

    def fits(self, text: str) -> bool:
        """Whether the text has the form."""
        return self._validator.isinstance_python(text)

    def objection(self, text: str) -> str:
        """What is wrong with a text that does not fit, to follow on the text."""
        hidden = first_hidden(text[:_LONGEST_READ])
        if hidden:
            return f"has an invisible character, {hidden}"
        if self.fits(text.strip()):
            return "has a blank at its beginning or its end"
        return f"is no {self.what}"

    def advice(self, text: str) -> str:
        """What was meant, as a hint; empty where that is not plain."""
        looks = as_it_looks(text[:_LONGEST_READ])
        found = looks if self.fits(looks) else self.meant(looks)
        if not found or not self.fits(found):
            return "remove it" if first_hidden(text[:_LONGEST_READ]) else ""
        allowed = self.allowed(found)
        if allowed == found:
            return f"did you mean {quoted(found)}?"
        same = f"that is {found}; " if found != text else ""
        return f"{same}write {quoted(allowed)}, the nearest that is allowed"


def shown(value: Any) -> str:
    """A value as a message quotes it: as JSON, not too long."""
    if isinstance(value, str):
        return quoted(value) if len(value) <= _LONGEST_QUOTED else f"{quoted(value[:_LONGEST_QUOTED])}..."
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]}..."

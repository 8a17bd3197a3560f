"""Regular expressions that other people write: searched for in a time that grows with the text alone.

The engine is Rust's, which pydantic brings along: RE2's syntax, no look-around and no back references, and
nothing compiled that would take more than 10 MB.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

LONGEST = 256
"""How many characters an expression may have."""

_REMEMBERED = 256


class NoExpression(Exception):
    """A text is no such regular expression; says why, in a few words."""


def matches(expression: str, text: str) -> bool:
    """Whether the expression matches somewhere in the text. Raises NoExpression."""
    return _compiled(expression).isinstance_python(text)


def objection(expression: str) -> str:
    """Why a text is no regular expression, in a few words; empty where it is one."""
    try:
        _compiled(expression)
    except NoExpression as why:
        return str(why)
    return ""


@lru_cache(_REMEMBERED)
def _compiled(expression: str) -> SchemaValidator:
    if len(expression) > LONGEST:
        raise NoExpression(f"longer than {LONGEST} characters")
    try:
        return SchemaValidator(core_schema.str_schema(pattern=expression))
    except SchemaError as error:
        why = re.split("[eE]rror: ", str(error))[-1].strip().rstrip(".")
        raise NoExpression(why[:1].lower() + why[1:]) from None

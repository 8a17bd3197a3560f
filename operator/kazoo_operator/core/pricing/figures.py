"""The figures of a plan or a bill as KAZOO prints them, read strictly: anything else is Unpriced.

JSON numbers come in as int and Decimal (`parse_float=Decimal`). A float is our mistake and not KAZOO's: it
raises TypeError, since no price may rest on one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError, model_validator

from kazoo_operator.core.printable import printable

_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,25})?", re.ASCII)
_COUNT = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_LEAST, _MOST, _PLACES = -(10**12), 10**12, 25


_SAID = {
    "extra_forbidden": "is not known",
    "missing": "is missing",
    "model_type": "is no object",
    "dict_type": "is no object",
    "tuple_type": "is no list",
    "too_long": "is not empty",
    "string_type": "is no text",
    "bool_type": "is neither true nor false",
    "literal_error": "is of no known kind",
}


class Unpriced(ValueError):
    """Something cannot be priced; the text says what and why, for a person, whatever KAZOO's names hold."""

    def __init__(self, said: str) -> None:
        super().__init__(printable(said[:300]))


class Figures(BaseModel):
    """An object of KAZOO's whose every member is known: another member, or a null, is Unpriced."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, value: Any) -> Any:
        """Refuse nulls: what one means in a merged plan was never observed."""
        nulls = [key for key, member in value.items() if member is None] if isinstance(value, dict) else []
        if nulls:
            raise ValueError(f"{nulls[0]} is null")
        return value


def price(value: object) -> Decimal:
    """A price, which may be negative; KAZOO takes a number in a string too."""
    if isinstance(value, float):
        raise TypeError("a price came in as a float: JSON is read with parse_float=Decimal")
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("is no number")
    number = Decimal(value)
    if not number.is_finite() or not _LEAST < number < _MOST or int(number.as_tuple().exponent) < -_PLACES:
        raise ValueError("is no price")
    return number


def count(value: object) -> int:
    """A whole number from 0 to 999,999,999; KAZOO takes one in a string too."""
    if isinstance(value, float):
        raise TypeError("a count came in as a float: JSON is read with parse_float=Decimal")
    if isinstance(value, bool) or not isinstance(value, int | str) or not _COUNT.fullmatch(str(value)):
        raise ValueError("is no whole number")
    return int(value)


def _step(value: object) -> int:
    if (number := count(value)) == 0:
        raise ValueError("is 0")
    return number


def _tiers(value: object) -> tuple[tuple[int, Decimal], ...]:
    if not isinstance(value, Mapping):
        raise ValueError("is no object of tiers")
    return tuple(sorted((count(bound), price(rate)) for bound, rate in value.items()))


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise ValueError("is neither true nor false")


Price = Annotated[Decimal, PlainValidator(price)]
Count = Annotated[int, PlainValidator(count)]
Step = Annotated[int, PlainValidator(_step)]
Flag = Annotated[bool, PlainValidator(_flag)]
Tiers = Annotated[tuple[tuple[int, Decimal], ...], PlainValidator(_tiers)]
"""Upper bounds, inclusive, with the price of each, from the smallest."""


def reason(where: str, fault: ValidationError) -> Unpriced:
    """The first fault of an object, as one sentence that begins with where the object stands."""
    first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
    own = (
        first["msg"].removeprefix("Value error, ") if first["type"] == "value_error" else "is not understood"
    )
    member = ".".join(str(step) for step in first["loc"])
    said = " ".join(filter(None, [member, _SAID.get(first["type"], own)]))
    return Unpriced(f"{where}: {said}")

"""Amounts and grants as a spec writes them, whatever else is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kazoo_operator.core import ledger, money
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.money import Amount

# As the schema has it, which tells what has not this form.
_DATE = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


def amount(text: Any) -> Amount | None:
    """An amount in units of 1/10000; None for what is none."""
    try:
        return money.from_text(text) if isinstance(text, str) else None
    except ValueError:
        return None


def grants(spec: JsonObject) -> Iterator[tuple[int, JsonObject]]:
    """The grants of a CreditPolicy with their places in the list."""
    found = spec.get("grants")
    for number, grant in enumerate(found if isinstance(found, list) else ()):
        if isinstance(grant, dict):
            yield number, grant


def date(grant: JsonObject) -> str | None:
    """The grant's day as YYYY-MM-DD, where it has the form of one; the calendar need not know it."""
    text = grant.get("date")
    return text if isinstance(text, str) and _DATE.fullmatch(text) else None


def is_day(text: str) -> bool:
    """Whether the calendar knows a day that `date` gave."""
    return ledger.is_date(text)


def signed(grant: JsonObject) -> Amount:
    """What a grant does to the balance; 0 where its amount is none."""
    worth = amount(grant.get("amount")) or 0
    return -worth if grant.get("type") == "Debit" else worth

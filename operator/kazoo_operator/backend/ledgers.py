"""Ledger entries as KAZOO lists them, and the months that it keeps them in.

Crossbar API: an entry's `id` is `YYYYMM-` and a hash, of the month in which it was booked, whatever its
period says; `amount` is signed, in currency units with up to four decimals; times are Gregorian seconds.
"""

from __future__ import annotations

import re
from typing import Any

from kazoo_operator.backend.envelope import is_number
from kazoo_operator.backend.errors import Nonsense
from kazoo_operator.backend.protocol import LedgerEntry
from kazoo_operator.backend.rows import text_of
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.money import Amount, from_number
from kazoo_operator.core.month import length, midnight

_MOST_MONEY = 10**9  # what status can hold, in units of the currency


def amount_of(value: Any) -> Amount:
    """Units of 1/10000 from an amount that KAZOO answered with. Raises Nonsense when it is none."""
    if not is_number(value) or not -_MOST_MONEY < value < _MOST_MONEY:
        raise Nonsense("KAZOO answered with an amount of money that is none")
    return from_number(value)


def ledger_entry(row: JsonObject) -> LedgerEntry:
    """A row of a ledger. Raises Nonsense when it has no id, source or amount."""
    source, usage, period = (_object(row.get(name)) for name in ("source", "usage", "period"))
    entry_id, service, source_id = row.get("id"), source.get("service"), source.get("id")
    if not (isinstance(entry_id, str) and isinstance(service, str) and isinstance(source_id, str)):
        raise Nonsense("KAZOO answered with a ledger entry without id or source")
    return LedgerEntry(
        entry_id,
        amount_of(row.get("amount")),
        service,
        source_id,
        account_id=text_of(_object(row.get("account")).get("id")),
        usage_type=text_of(usage.get("type")),
        unit=text_of(usage.get("unit")),
        start=_seconds(period.get("start")),
        end=_seconds(period.get("end")),
        description=text_of(row.get("description")),
    )


def refuse_open_booking(entry: JsonObject) -> None:
    """Raises ValueError for an entry that KAZOO would book as 0, or at every try anew, or by a float."""
    amount: object = entry.get("amount")
    if not is_number(amount) or amount < 1:
        raise ValueError("an entry needs an amount of at least 1, as int or Decimal")
    if not isinstance(_object(entry.get("period")).get("start"), int):
        raise ValueError("an entry needs period.start: without it each try is another booking")


def window_of(month: str) -> dict[str, str]:
    """The query for the entries booked in a month, `YYYYMM` in UTC. Raises ValueError for another text.

    The second at which a window ends is not in it.
    """
    if not re.fullmatch(r"[0-9]{4}(0[1-9]|1[0-2])", month):
        raise ValueError(f"{month!r} is no month like 202611")
    year, number = int(month[:4]), int(month[4:])
    first = midnight(year, number)
    end = first + length(year, number) * 86_400
    return {"created_from": str(first), "created_to": str(end)}


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _seconds(value: Any) -> int | None:
    return int(value) if is_number(value) and 0 <= value < 10**12 else None

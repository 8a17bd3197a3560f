"""What a spec books once and for ever, as KAZOO's ledger keeps it (Crossbar API, ledgers).

A booking is known by its source: the account's id and the grant's own, and nothing else. Its period is the
grant's date, so that KAZOO itself refuses a second one within a month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from kazoo_operator.core import money, month
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.money import Amount
from kazoo_operator.core.pricing.estimate import Day

SERVICE = "adjustments"


@dataclass(frozen=True)
class Grant:
    """Credit to give, or with `debit` to take: `amount` is above 0, `date` is YYYY-MM-DD in UTC."""

    id: str
    amount: Amount
    date: str
    debit: bool = False
    description: str = ""

    @property
    def signed(self) -> Amount:
        """What it does to the balance."""
        return -self.amount if self.debit else self.amount

    @property
    def direction(self) -> str:
        """KAZOO's word for it."""
        return "debit" if self.debit else "credit"

    def source_id(self, account_id: str) -> str:
        """The id by which its booking is found, in whatever month it stands."""
        return f"kazoo-operator/{account_id}/{self.id}"

    def entry(self, account_id: str, currency: str) -> JsonObject:
        """The body of its booking; nothing in it depends on when, or by which object, it is made."""
        start = month.midnight(*_parts(self.date))
        said = {"description": self.description} if self.description else {}
        return {
            "amount": Decimal(self.amount) / money.UNITS,
            **said,
            "source": {"service": SERVICE, "id": self.source_id(account_id)},
            "usage": {"type": self.direction, "quantity": 0, "unit": currency},
            "period": {"start": start, "end": start},
        }


@dataclass(frozen=True)
class Booked:
    """A grant that KAZOO holds: the entry's id, its signed amount, and when we booked it, if known."""

    grant: Grant
    ledger_id: str
    amount: Amount
    applied_at: str = ""


def day_of(day: Day) -> str:
    """`2026-11-28`."""
    return f"{day.year:04}-{day.month:02}-{day.day:02}"


def month_of(date: str) -> str:
    """`2026-11-28` -> `202611`."""
    return date[:4] + date[5:7]


def months_since(date: str, now: str) -> Iterator[str]:
    """The months in which what was granted on `date` may stand until `now`, the newest first.

    The month before counts when the date is its month's first: KAZOO's clock may be behind ours.
    """
    *first, day = _parts(date)
    year, number, _ = _parts(now)
    last = month.before(*first) if day == 1 else tuple(first)
    one = (year, number)
    while one >= last:
        yield month.named(*one)
        one = month.before(*one)


def is_date(text: str) -> bool:
    """Whether a text of the form YYYY-MM-DD is a day of the calendar."""
    year, number, day = _parts(text)
    return 1 <= number <= 12 and year >= 1 and 1 <= day <= month.length(year, number)


def _parts(date: str) -> tuple[int, int, int]:
    year, number, day = date.split("-")
    return int(year), int(number), int(day)

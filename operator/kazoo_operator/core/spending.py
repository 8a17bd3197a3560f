"""What an account spends, by the summaries of its ledgers: this month and the last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kazoo_operator.core import money, month
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import Document, Documents
from kazoo_operator.core.money import Amount
from kazoo_operator.core.pricing.estimate import Day

_PER_MINUTE = "per-minute-voip"
_NO_SPENDING = frozenset({"rollovers", "adjustments", "payments"})
_LEAST_THRESHOLD = 20 * money.UNITS
_WEEK, _MONTH = 7, 30


@dataclass(frozen=True)
class Spending:
    """`usage` as status shows it; `daily` is the mean of the days of this month so far and of the last."""

    usage: JsonObject
    daily: Amount

    def runway(self, balance: Amount) -> int | None:
        """For how many whole days the balance lasts; None where nothing is spent."""
        return max(0, balance) // self.daily if self.daily > 0 else None

    def recommended(self) -> JsonObject:
        """An alert for a week ahead, at least 20; a recharge for a month, at least the alert."""
        threshold = max(_LEAST_THRESHOLD, _whole(self.daily * _WEEK))
        return {
            "lowBalanceThreshold": money.to_text(threshold),
            "rechargeAmount": money.to_text(max(threshold, _whole(self.daily * _MONTH))),
        }


def reads(day: Day) -> tuple[Document, ...]:
    """The summaries of the month of a day and of the one before; the latter may not be there."""
    return tuple(Document(name, f"ledgers/summary/{name}", "none") for name in _months(day))


def of(documents: Documents, day: Day) -> Spending:
    """What the summaries amount to; what was not read counts as nothing."""
    this, last = (_sources(documents.get(name) or {}) for name in _months(day))
    spent = sum(
        -amount for found in (this, last) for name, amount in found.items() if name not in _NO_SPENDING
    )
    days = day.day + (month.length(*month.before(day.year, day.month)) if last else 0)
    usage = {
        "month": f"{day.year:04}-{day.month:02}",
        "perMinute": money.to_text(-this.get(_PER_MINUTE, 0)),
        "mobile": money.to_text(-sum(amount for name, amount in this.items() if name.startswith("mobile"))),
        "rollovers": money.to_text(this.get("rollovers", 0)),
    }
    return Spending(usage, max(0, spent) // days)


def _months(day: Day) -> tuple[str, str]:
    this = day.year, day.month
    return month.named(*this), month.named(*month.before(*this))


def _sources(summary: Mapping[str, Any]) -> dict[str, Amount]:
    """The sum of each source of a month."""
    found = summary.get("summary")
    amounts = {
        name: held.get("amount")
        for name, held in (found.items() if isinstance(found, dict) else ())
        if isinstance(held, dict)
    }
    return {
        name: money.from_number(amount)
        for name, amount in amounts.items()
        if isinstance(amount, int | Decimal)
    }


def _whole(amount: Amount) -> Amount:
    """Rounded up to whole units of the currency."""
    return -(-amount // money.UNITS) * money.UNITS

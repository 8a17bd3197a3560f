"""What a plan says about money: what each account of the line pays, and which of them pays first.

Amounts are None where they are not known, and never 0 for that; the plan then says why, as a finding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from kazoo_operator.core import money
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.money import Amount


@dataclass(frozen=True)
class PricedItem:
    """An item of a bill that the change touches: billable units and price of a unit, before and after."""

    name: str
    units_before: int
    rate_before: Decimal
    units: int
    rate: Decimal
    difference: Amount

    def as_json(self) -> JsonObject:
        """The item for machines."""
        return {
            "item": self.name,
            "before": {"quantity": self.units_before, "rate": money.price_to_text(self.rate_before)},
            "after": {"quantity": self.units, "rate": money.price_to_text(self.rate)},
            "recurring": money.to_text(self.difference),
        }


@dataclass(frozen=True)
class Share:
    """What a change costs one account: at once, more a month, and of that for the rest of this month."""

    account: str
    today: Amount | None
    recurring: Amount | None
    first_month: Amount | None
    items: tuple[PricedItem, ...] = ()
    authoritative: bool = False

    def as_json(self) -> JsonObject:
        """The share for machines."""
        return {
            "account": self.account,
            "today": _text(self.today),
            "recurring": _text(self.recurring),
            "firstMonth": _text(self.first_month),
            "authoritative": self.authoritative,
            "items": [one.as_json() for one in self.items],
        }


@dataclass(frozen=True)
class Bill:
    """What a change costs the `payer`, whose bill rises first, and the shares of all who pay for it.

    `recurring` is what a month costs more; below 0 where it costs less. `digest` is what a consent to this
    price names, empty where none is needed. The default is what nothing costs.
    """

    today: Amount | None = 0
    recurring: Amount | None = 0
    payer: str = ""
    authoritative: bool = True
    digest: str = ""
    shares: tuple[Share, ...] = ()

    def as_json(self, currency: str) -> JsonObject:
        """The bill for machines; the digest and the shares where there are any."""
        return {
            "today": _text(self.today),
            "recurring": _text(self.recurring),
            "currency": currency,
            "payer": self.payer or None,
            "authoritative": self.authoritative,
            **({"quoteDigest": self.digest} if self.digest else {}),
            **({"payers": [one.as_json() for one in self.shares]} if self.shares else {}),
        }


FREE = Bill()


@dataclass(frozen=True)
class Total:
    """What all changes of a plan cost together; `apart`: the monthly sum if each were the only one."""

    today: Amount | None = 0
    recurring: Amount | None = 0
    authoritative: bool = True
    apart: Amount | None = None

    def as_json(self) -> JsonObject:
        """The sums for machines."""
        return {"today": _text(self.today), "recurring": _text(self.recurring)}


def total_of(bills: Iterable[Bill]) -> Total:
    """The sums of bills that do not touch one another; not known where one of them is not."""
    held = tuple(bills)
    return Total(
        _sum(one.today for one in held),
        _sum(one.recurring for one in held),
        all(one.authoritative for one in held),
    )


def in_words(bill: Bill | Share | Total, currency: str) -> str:
    """`+124.95 USD a month, 10.00 USD at once, by our own estimate`; what is not known is said so."""
    if bill.recurring is None or bill.today is None:
        return "not known in full"
    parts = [f"{signed(bill.recurring)} {currency} a month"] if bill.recurring else []
    parts += [f"{money.to_text(bill.today)} {currency} at once"] if bill.today else []
    said = ", ".join(parts) or "none"
    return said if bill.authoritative else f"{said}, by our own estimate"


def signed(amount: Amount) -> str:
    """`+124.95`, `-24.99`."""
    return f"{'+' if amount > 0 else ''}{money.to_text(amount)}"


def _sum(amounts: Iterable[Amount | None]) -> Amount | None:
    found = 0
    for amount in amounts:
        if amount is None:
            return None
        found += amount
    return found


def _text(amount: Amount | None) -> str | None:
    return None if amount is None else money.to_text(amount)

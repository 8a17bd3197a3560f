"""KAZOO's quote, as a 402 carries it, and the digest that an approval names.

A quote comes in two shapes: a list of invoices (4.3 and 5.0), and the map category -> item of the older
documentation. Another shape, an unknown member, or sums that do not add up are Unpriced: nobody can approve
what is not understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from pydantic import StrictBool, StrictStr, TypeAdapter, ValidationError

from kazoo_operator.core import money
from kazoo_operator.core.digest import digest_of
from kazoo_operator.core.money import Amount
from kazoo_operator.core.pricing.estimate import Estimate
from kazoo_operator.core.pricing.figures import Count, Figures, Price, Unpriced, price, reason
from kazoo_operator.core.pricing.terms import Prorate

_ZERO = Decimal(0)


@dataclass(frozen=True, order=True)
class QuotedItem:
    """An item that the change touches: its whole quantity and price afterwards, or what it costs once."""

    category: str
    item: str
    quantity: int
    rate: Decimal
    total: Amount


@dataclass(frozen=True)
class Quote:
    """What is owed `today` (activation charges alone) and every month from then on (the whole new bill)."""

    today: Amount
    recurring: Amount
    items: tuple[QuotedItem, ...]
    activation: tuple[QuotedItem, ...]


def digest(account: str, currency: str, quotes: Mapping[str, Quote]) -> str:
    """`sha256:` and 64 hex digits over the changed account, the currency, and the quote of each payer.

    Of a quote, items and activation charges count; nothing prorated and no sum of other items is in it: the
    digest holds until the price of the change moves. A payer without either pays nothing, and is left out.
    """
    content = {
        "account": account,
        "currency": currency,
        "payers": {
            payer: {"items": _rows(quote.items), "activation": _rows(quote.activation)}
            for payer, quote in quotes.items()
            if quote.items or quote.activation
        },
    }
    return digest_of(content)


def quote_of(estimate: Estimate) -> Quote:
    """Our estimate in the form of KAZOO's quote, with the same digest; Unpriced where it is unknown."""
    if estimate.one_time is None or estimate.after is None:
        raise Unpriced("; ".join(estimate.unknown))
    return Quote(
        estimate.one_time,
        estimate.after,
        tuple(
            _item(line.category, line.item, line.after.quantity, line.after.rate, line.after.total)
            for line in estimate.lines
        ),
        tuple(
            _item(line.category, line.key, line.rise, line.activation_rate, line.activation)
            for line in estimate.lines
            if line.activation
        ),
    )


def read_quote(data: Any) -> Quote:
    """The quote in a 402's `data`; Unpriced where it has no known shape or does not add up."""
    if isinstance(data, list) and data:
        return _of_invoices(data)
    if isinstance(data, dict) and data:
        return _of_map(data)
    raise Unpriced("the quote is neither a list of invoices nor a map of items")


class _Activation(Figures):
    category: StrictStr
    item: StrictStr
    name: StrictStr
    billable: Count
    rate: Price
    total: Price


class _Rebate(Figures):
    rate: Price = _ZERO
    quantity: Count = 0


class _Rebates(Figures):
    total: Price = _ZERO
    single: _Rebate = _Rebate()
    cumulative: _Rebate = _Rebate()


class _Changes(Figures):
    type: Literal["created", "modified"]
    difference: dict[str, Any]


class _Line(_Activation):
    quantity: Count
    minimum: Count = 0
    maximum: Count = 0
    discounts: _Rebates = _Rebates()
    prorate: Prorate = Prorate()
    changes: _Changes | None = None


class _Sums(Figures):
    today: Price
    recurring: Price


class _Invoice(Figures):
    items: tuple[_Line, ...]
    activation_charges: tuple[_Activation, ...]
    taxes: tuple[()]
    summary: _Sums
    plan: dict[str, Any]
    bookkeeper: dict[str, Any]


class _OldLine(Figures):
    category: StrictStr
    item: StrictStr
    name: StrictStr = ""
    quantity: Count
    rate: Price
    single_discount: StrictBool
    single_discount_rate: Price
    cumulative_discount: Count
    cumulative_discount_rate: Price
    activation_charge: Price = _ZERO
    activation_charges: Price = _ZERO
    minimum: Count = 0
    exceptions: tuple[StrictStr, ...] = ()

    @property
    def total(self) -> Decimal:
        single = self.single_discount_rate if self.single_discount else _ZERO
        return self.quantity * self.rate - single - self.cumulative_discount * self.cumulative_discount_rate


_INVOICES = TypeAdapter(tuple[_Invoice, ...])
_OLD_LINES = TypeAdapter(dict[StrictStr, dict[StrictStr, _OldLine]])


def _of_invoices(data: list[Any]) -> Quote:
    try:
        invoices = _INVOICES.validate_python(data)
    except ValidationError as fault:
        raise reason("the quote", fault) from fault
    lines = [line for invoice in invoices for line in invoice.items]
    charges = [charge for invoice in invoices for charge in invoice.activation_charges]
    changed = [line for line in lines if line.changes]
    if not changed:
        raise Unpriced("the quote says of no item that it changes")
    for line in lines:
        _must_equal(
            f"{line.category}/{line.item}", line.total, line.billable * line.rate - line.discounts.total
        )
    for charge in charges:
        _must_equal(f"{charge.category}/{charge.item}", charge.total, charge.billable * charge.rate)
    today, recurring = _sum(charges), _sum(lines)
    _must_equal("today", sum((one.summary.today for one in invoices), _ZERO), today)
    _must_equal("recurring", sum((one.summary.recurring for one in invoices), _ZERO), recurring)
    return Quote(
        money.from_number(today),
        money.from_number(recurring),
        tuple(_item(line.category, line.item, line.quantity, line.rate, line.total) for line in changed),
        tuple(_item(one.category, one.item, one.billable, one.rate, one.total) for one in charges),
    )


def _of_map(data: Mapping[str, Any]) -> Quote:
    """The older map. It does not say what changes: each item that it names counts as changed."""
    told = {key: data[key] for key in data if key != "activation_charges"}
    try:
        categories = _OLD_LINES.validate_python(told)
        today = price(data.get("activation_charges", 0))
    except ValidationError as fault:
        raise reason("the quote", fault) from fault
    except ValueError as fault:
        raise Unpriced(f"the quote: activation_charges {fault}") from fault
    places = [(category, key) for category, items in categories.items() for key in items]
    lines = [line for items in categories.values() for line in items.values()]
    if not lines or places != [(line.category, line.item) for line in lines]:
        raise Unpriced("the quote has no item, or one in another's place")
    _must_equal("activation_charges", today, sum((line.activation_charges for line in lines), _ZERO))
    return Quote(
        money.from_number(today),
        money.from_number(_sum(lines)),
        tuple(_item(line.category, line.item, line.quantity, line.rate, line.total) for line in lines),
        tuple(
            _item(line.category, line.item, 1, line.activation_charges, line.activation_charges)
            for line in lines
            if line.activation_charges
        ),
    )


def _item(category: str, item: str, quantity: int, rate: Decimal, total: Decimal) -> QuotedItem:
    return QuotedItem(category, item, quantity, money.without_noise(rate), money.from_number(total))


def _sum(lines: Iterable[_Line | _Activation | _OldLine]) -> Decimal:
    return sum((line.total for line in lines), _ZERO)


def _must_equal(where: str, told: Decimal, ours: Decimal) -> None:
    """Refuse a sum that is not the sum of its parts; KAZOO adds doubles."""
    if money.from_number(told) != money.from_number(ours):
        raise Unpriced(f"the quote does not add up: {where} is {told:f}, and not {ours:f}")


def _rows(items: Iterable[QuotedItem]) -> list[list[Any]]:
    """The items in one order, their figures as text."""
    return [
        [one.category, one.item, one.quantity, money.price_to_text(one.rate), money.to_text(one.total)]
        for one in sorted(items)
    ]

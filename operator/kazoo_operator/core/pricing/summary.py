"""The bill that KAZOO has now: the merged plans and quantities of `services/summary`.

The answer of `services/quote` has the same form. Items are read when they are asked for: what a change does
not touch need not be understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from kazoo_operator.core import money
from kazoo_operator.core.documents import get
from kazoo_operator.core.pricing.figures import Unpriced, count, price
from kazoo_operator.core.pricing.terms import ALL, Charge, Terms

Counts = Mapping[str, Any]
"""Category -> item -> units."""

Place = tuple[str, str]
"""Category and key of an item of a plan."""


class Delta(NamedTuple):
    """So many more units of an item (fewer, where negative): `Delta("limits", "twoway_trunks", 5)`."""

    category: str
    item: str
    units: int


@dataclass(frozen=True)
class Invoice:
    """The bill of one bookkeeper: its merged plan, item by item, and KAZOO's own lines."""

    bookkeeper: str
    plan: Mapping[Place, Any]
    lines: tuple[Any, ...]
    recurring: Decimal

    @staticmethod
    def of(said: Any) -> Invoice:
        """The invoice as KAZOO prints it; else Unpriced."""
        match said:
            case {"plan": dict(plan), "items": list(lines), "summary": {"recurring": recurring}}:
                keeper = said.get("bookkeeper")
                name = keeper.get("id") if isinstance(keeper, dict) else None
                own = tuple(line for line in lines if not _is_removed(line))
                return Invoice(str(name or ""), dict(_places(plan)), own, _sum_of_a_month(recurring))
        raise Unpriced("an invoice has no plan, items or sum")

    def falls_away(self) -> bool:
        """Whether a quote shows this invoice only to say that nothing of it is left."""
        return (
            bool(self.lines)
            and all(get(line, "billable") == 0 for line in self.lines)
            and any(map(_loses, self.lines))
        )

    def shows(self, category: str, item: str, charge: Charge) -> bool:
        """Whether KAZOO's own bill has a line of this name, quantity and price."""
        named = [line for line in self.lines if isinstance(line, dict) and line.get("item") == item]
        return any(line.get("category") == category and _is(line, charge) for line in named)


@dataclass(frozen=True)
class Summary:
    """Who is billed for what: invoices, and the counts of the account, of those below, and by hand."""

    invoices: tuple[Invoice, ...]
    account: Counts
    cascade: Counts
    manual: Counts

    @staticmethod
    def of(said: Any) -> Summary:
        """The data of `services/summary` or `services/quote`; else Unpriced.

        Without an invoice nothing is billed, unless plans are assigned: then their bill is missing.
        """
        match said:
            case {
                "plans": dict(plans),
                "invoices": list(invoices),
                "quantities": {"account": dict(account), "cascade": dict(cascade), "manual": dict(manual)},
            }:
                if plans and not invoices:
                    raise Unpriced("plans are assigned, and there is no invoice")
                return Summary(tuple(map(Invoice.of, invoices)), account, cascade, manual)
        raise Unpriced("the summary of services has another form than KAZOO's")

    def standing(self) -> Summary:
        """A quote without the invoices that fall away.

        KAZOO keeps them with their old plan: all items at 0 units, and some that lost units.
        """
        return replace(self, invoices=tuple(one for one in self.invoices if not one.falls_away()))

    @property
    def recurring(self) -> Decimal:
        """KAZOO's own sum of the month."""
        return sum((invoice.recurring for invoice in self.invoices), Decimal(0))

    def changed(self, deltas: Iterable[Delta], *, below: bool) -> Summary:
        """The same plans with other counts: of the account itself, or of an account `below` it."""
        counts = dict(self.cascade if below else self.account)
        for category, item, units in deltas:
            if units == 0:
                continue
            items = _items(counts, category)
            number = _count_of(items, category, item) + units
            if number < 0:
                raise Unpriced(f"{category}/{item}: KAZOO counts fewer than are taken away")
            counts[category] = {**items, item: number}
        return replace(self, cascade=counts) if below else replace(self, account=counts)

    def counted(self, category: str, key: str) -> Any:
        """Everything that an item's quantity may be made of, as it came."""
        places = [counts.get(category) for counts in (self.account, self.cascade, self.manual)]
        return places if key == ALL else [one.get(key) if isinstance(one, dict) else one for one in places]

    def quantity(self, category: str, key: str, terms: Terms) -> int:
        """The quantity of an item of the plan.

        A manual count replaces the account's own, never what cascades. `_all` sums the category's items but
        the `exceptions`; those that the plan names beside it are counted in both.
        """
        own = {**_items(self.account, category), **_items(self.manual, category)}
        below = _items(self.cascade, category) if terms.cascade else {}
        names = {*own, *below} - {*terms.exceptions} if key == ALL else {key}
        return sum(_count_of(items, category, name) for items in (own, below) for name in names)


def _places(plan: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    """The items of a plan; one without any terms is none.

    A category that is no object stands as its own `_all`, so that it is unknown once it is touched.
    """
    for category, items in plan.items():
        if not isinstance(items, dict):
            yield (category, ALL), items
            continue
        yield from (((category, key), body) for key, body in items.items() if body != {})


def _items(counts: Counts, category: str) -> Mapping[str, Any]:
    items = counts.get(category, {})
    if not isinstance(items, dict):
        raise Unpriced(f"{category}: its quantities are no numbers")
    return items


def _count_of(items: Mapping[str, Any], category: str, item: str) -> int:
    try:
        return count(items.get(item, 0))
    except ValueError as fault:
        raise Unpriced(f"{category}/{item}: its quantity {fault}") from fault


def _sum_of_a_month(said: object) -> Decimal:
    try:
        return price(said)
    except ValueError as fault:
        raise Unpriced(f"the sum of an invoice {fault}") from fault


def _is_removed(line: Any) -> bool:
    """A quote keeps items that fall away, at 0 units and with their old discount: they are no bill."""
    return bool(get(line, "changes.type") == "removed")


def _loses(line: Any) -> bool:
    lost = get(line, "changes.difference.billable")
    return isinstance(lost, int) and lost < 0


def _is(line: Mapping[str, Any], charge: Charge) -> bool:
    """Whether KAZOO's line says the same; its sums are doubles."""
    try:
        rate, total = price(line.get("rate")), price(line.get("total"))
    except ValueError:
        return False
    return (
        line.get("quantity"),
        line.get("billable"),
        money.without_noise(rate),
        money.from_number(total),
    ) == (
        charge.quantity,
        charge.billable,
        money.without_noise(charge.rate),
        money.from_number(charge.total),
    )

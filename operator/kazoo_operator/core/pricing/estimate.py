"""Our own estimate of what a change does to one account's bill.

KAZOO has no dry run, asks only about the bill of the account that logged in, and never about flat prices:
so the price of a change is told before any write, from the bill as it is. Only the items that the change
touches are priced; their present price by our rules must be the one that KAZOO prints, or else they are
unknown. All other items stay as they are, whatever their terms.

The prorated first month is not KAZOO's: of what a month costs more, the share of the days that are left,
that day included, of the days of its month (UTC); of what it costs less, the same share is saved. An item
whose `prorate` says no costs a whole month when it is added, and saves nothing when it is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from kazoo_operator.core import money, month
from kazoo_operator.core.money import Amount
from kazoo_operator.core.pricing.figures import Unpriced
from kazoo_operator.core.pricing.summary import Delta, Invoice, Place, Summary
from kazoo_operator.core.pricing.terms import Charge, Prorate, Terms

_ZERO = Decimal(0)


class Day(Protocol):
    """A day in UTC; a `datetime.date` is one."""

    @property
    def year(self) -> int:
        """The year."""

    @property
    def month(self) -> int:
        """The month, 1 to 12."""

    @property
    def day(self) -> int:
        """The day of the month, from 1."""


@dataclass(frozen=True)
class Line:
    """An item that the change touches: its charge before and after, and what it costs once.

    `item` is the name on the bill, `key` the plan's own. A side on which the plan has no such item is a
    charge of nothing.
    """

    category: str
    key: str
    item: str
    name: str
    before: Charge
    after: Charge
    activation_rate: Decimal
    prorate: Prorate

    @property
    def rise(self) -> int:
        """The billable units gained; negative where some are lost. A flat price is one unit."""
        return self.after.billable - self.before.billable

    @property
    def difference(self) -> Decimal:
        """What a month costs more."""
        return self.after.total - self.before.total

    @property
    def activation(self) -> Decimal:
        """What the units gained cost once. Nothing is given back for units that are lost."""
        return self.activation_rate * self.rise if self.rise > 0 and self.activation_rate > 0 else _ZERO

    @property
    def is_dearer(self) -> bool:
        """Whether an owner would want to be asked: more units, more money, or a flat price that begins."""
        return self.rise > 0 or self.difference > 0 or (self.after.flat and not self.before.flat)

    def first_month(self, day: Day) -> Decimal:
        """The part of the difference that falls due for the rest of the day's month."""
        days = month.length(day.year, day.month)
        if self.prorate.additions if self.difference > 0 else self.prorate.removals:
            return self.difference * (days - day.day + 1) / days
        return max(self.difference, _ZERO)


@dataclass(frozen=True)
class Estimate:
    """What a change costs one account: sums of money are None where something in it is unknown.

    `authoritative` is true only where the account has no plan yet: then nothing is billed now, and what a
    first plan costs is what KAZOO's quote says. `unknown` says, for a person, what could not be priced.
    """

    day: Day
    lines: tuple[Line, ...] = ()
    recurring: Decimal | None = None
    authoritative: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def before(self) -> Amount | None:
        """The monthly bill as it is, by KAZOO's own sum."""
        return None if self.recurring is None else money.from_number(self.recurring)

    @property
    def after(self) -> Amount | None:
        """The monthly bill as it will be."""
        if self.recurring is None or self.unknown:
            return None
        return money.from_number(sum((line.difference for line in self.lines), self.recurring))

    @property
    def difference(self) -> Amount | None:
        """What a month costs more."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def one_time(self) -> Amount | None:
        """The activation charges."""
        return self._sum(line.activation for line in self.lines)

    @property
    def first_month(self) -> Amount | None:
        """The difference for the rest of the day's month: ours alone, KAZOO tells no such sum."""
        return self._sum(line.first_month(self.day) for line in self.lines)

    @property
    def kazoo_asks(self) -> bool | None:
        """Whether KAZOO answers 402 if this account logged in: exactly if some item gains billable units."""
        if any(line.rise > 0 for line in self.lines):
            return True
        return None if self.unknown else False

    @property
    def asks_approval(self) -> bool:
        """Whether the change needs an approval: it is dearer in any item, or what it costs is unknown."""
        return bool(self.unknown) or any(line.is_dearer for line in self.lines)

    def _sum(self, parts: Iterable[Decimal]) -> Amount | None:
        return None if self.unknown else money.from_number(sum(parts, _ZERO))


def estimate(summary: Any, deltas: Iterable[Delta], day: Day, *, below: bool) -> Estimate:
    """What more or fewer units cost the account of this `services/summary`.

    The units are its own, or of an account `below` it, at any depth: those count where an item cascades.
    """
    try:
        present = Summary.of(summary)
        return _compared(present, present.changed(deltas, below=below), day)
    except Unpriced as fault:
        return Estimate(day, unknown=(str(fault),))


def estimate_together(summary: Any, own: Iterable[Delta], below: Iterable[Delta], day: Day) -> Estimate:
    """What more or fewer units cost the account of this `services/summary`, its own and those below it."""
    try:
        present = Summary.of(summary)
        future = present.changed(own, below=False).changed(below, below=True)
        return _compared(present, future, day)
    except Unpriced as fault:
        return Estimate(day, unknown=(str(fault),))


def estimate_plans(summary: Any, quoted: Any, day: Day) -> Estimate:
    """What it costs to have the plans of a `services/quote` instead of those of the `services/summary`.

    Of the quote only its merged plans and its lines are taken: its comparison with the present forgets the
    overrides that stand, and keeps the discounts of items that fall away.
    """
    try:
        return _compared(Summary.of(summary), Summary.of(quoted).standing(), day, quoted=True)
    except Unpriced as fault:
        return Estimate(day, unknown=(str(fault),))


def _compared(present: Summary, future: Summary, day: Day, *, quoted: bool = False) -> Estimate:
    before, after = _by_bookkeeper(present), _by_bookkeeper(future)
    lines: list[Line] = []
    unknown: list[str] = []
    for keeper in sorted({*before, *after}):
        sides = _Side(before.get(keeper), present, True), _Side(after.get(keeper), future, quoted)
        for place in sorted({*sides[0].plan, *sides[1].plan}):
            try:
                lines.extend(_touched(place, *sides))
            except Unpriced as fault:
                unknown.append(str(fault))
    return Estimate(
        day, tuple(lines), present.recurring, not present.invoices and not unknown, tuple(unknown)
    )


def _by_bookkeeper(summary: Summary) -> Mapping[str, Invoice]:
    found = {invoice.bookkeeper: invoice for invoice in summary.invoices}
    if len(found) < len(summary.invoices):
        raise Unpriced("two invoices have the same bookkeeper")
    return found


@dataclass(frozen=True)
class _Side:
    """One bookkeeper's bill, before or after; `told`: KAZOO prints its lines too, and they must agree."""

    invoice: Invoice | None
    summary: Summary
    told: bool

    @property
    def plan(self) -> Mapping[Place, Any]:
        return self.invoice.plan if self.invoice else {}

    def grounds(self, place: Place) -> Any:
        """All that an item's price rests on, as it came; None where the plan has no such item."""
        return (self.plan[place], self.summary.counted(*place)) if place in self.plan else None

    def priced(self, place: Place) -> tuple[Terms | None, Charge]:
        """The item's terms and its charge."""
        if place not in self.plan:
            return None, Charge()
        category, key = place
        terms = Terms.of(f"{category}/{key}", self.plan[place])
        charge = terms.charge(self.summary.quantity(category, key, terms))
        if self.told and self.invoice and not self.invoice.shows(category, terms.item(key), charge):
            raise Unpriced(f"{category}/{key}: KAZOO's own bill has another price for it than ours")
        return terms, charge


def _touched(place: Place, before: _Side, after: _Side) -> Iterator[Line]:
    """The lines of an item whose terms or counts change; none where its charge stays."""
    if before.grounds(place) == after.grounds(place):
        return
    (old, was), (new, will) = before.priced(place), after.priced(place)
    if old and new and old.item(place[1]) != new.item(place[1]):
        # To KAZOO an item that is shown under another name is another item, and all its units are new.
        yield _line(place, old, was, Charge())
        yield _line(place, new, Charge(), will)
    elif (terms := new or old) and was != will:
        yield _line(place, terms, was, will)


def _line(place: Place, terms: Terms, before: Charge, after: Charge) -> Line:
    category, key = place
    item = terms.item(key)
    return Line(
        category=category,
        key=key,
        item=item,
        name=terms.title(category, key),
        before=before,
        after=after,
        activation_rate=terms.activation_charge,
        prorate=terms.prorate,
    )

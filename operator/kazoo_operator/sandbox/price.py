"""The price of one item of a plan: how many units are billed, at which rate, with which discounts.

In doubles throughout and never rounded, as KAZOO computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .plan import Document, number, whole

Tiers = list[tuple[float, float]]


@dataclass(frozen=True)
class Discounts:
    """What is taken off: once, and for each of so many units."""

    single: float | None = None
    each: float | None = None
    units: int = 0

    @property
    def total(self) -> float:
        """Both together; nothing stops it at the price."""
        return (self.single or 0.0) + self.units * (self.each or 0.0)


@dataclass(frozen=True)
class Price:
    """`billable` units at a `rate`. `minimum` and `maximum` are what is printed as such."""

    billable: int
    rate: float
    minimum: int
    maximum: int
    discounts: Discounts = field(default_factory=Discounts)

    @property
    def total(self) -> float:
        """What the item costs a month; negative where the discounts exceed it."""
        return self.billable * self.rate - self.discounts.total


def price(rules: Document, quantity: int) -> Price:
    """What so many of an item cost by its rules in the plan."""
    minimum = whole(rules.get("minimum"))
    maximum = whole(rules.get("maximum"), quantity)
    billable, rate = _rated(rules, _units(rules, quantity, minimum, maximum))
    return Price(billable, rate, minimum, maximum, _discounts(rules, billable))


def _units(rules: Document, quantity: int, minimum: int, maximum: int) -> int:
    """A quantity below the minimum pays that; only one that is not can meet the maximum."""
    step = max(1, whole(rules.get("step"), 1))
    units, least, most = (-(-number // step) * step for number in (quantity, minimum, maximum))
    if units < least:
        return least
    return min(units, most)


def _rated(rules: Document, units: int) -> tuple[int, float]:
    """The first source that has a price for so many; a flat one makes them a single unit."""
    flat = _tier(rules.get("flat_rates"), units)
    if flat is not None:
        return 1, flat
    if number(rules.get("flat_rate")) > 0:
        return 1, number(rules["flat_rate"])
    rate = _tier(rules.get("rates"), units)
    return units, number(rules.get("rate")) if rate is None else rate


def _tier(tiers: Any, units: int) -> float | None:
    """The price of the smallest upper bound that is not exceeded; bounds compare as numbers."""
    if not isinstance(tiers, Mapping):
        return None
    fitting = [(number(bound), price) for bound, price in tiers.items() if number(bound, -1) >= units]
    return number(min(fitting)[1]) if fitting else None


def _discounts(rules: Document, units: int) -> Discounts:
    """They need a plain rate above 0, whatever tier applied."""
    found = rules.get("discounts")
    rate = number(rules.get("rate"))
    if not isinstance(found, Mapping) or rate <= 0:
        return Discounts()
    single, cumulative = (_applicable(found.get(kind), units) for kind in ("single", "cumulative"))
    once = number(single.get("rate"), rate) if single else None
    if not cumulative:
        return Discounts(once)
    count = min(units, whole(cumulative.get("maximum")))
    each = _tier(cumulative.get("rates"), count)
    return Discounts(once, number(cumulative.get("rate"), rate) if each is None else each, count)


def _applicable(discount: Any, units: int) -> Document:
    """The rules of a discount; nothing where it has none or asks for more units."""
    if not isinstance(discount, Mapping) or units < whole(discount.get("minimum"), 1):
        return {}
    return discount

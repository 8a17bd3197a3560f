"""One item of a merged plan, and what it charges for a quantity.

The rules are KAZOO's own, surprises included: a flat price is owed at quantity 0, a tier's price holds for
all units, beyond the last tier an item without a plain rate is free, and nothing stops at 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import Field, StrictBool, StrictStr, ValidationError

from kazoo_operator.core.pricing.figures import Count, Figures, Flag, Price, Step, Tiers, reason

ALL = "_all"
"""The key of the item that stands for all items of its category."""
_NOTHING = Decimal(0)


@dataclass(frozen=True)
class Charge:
    """What one item costs a month: units times rate, less discounts. A flat price is one unit."""

    quantity: int = 0
    billable: int = 0
    rate: Decimal = _NOTHING
    discount: Decimal = _NOTHING
    flat: bool = False

    @property
    def total(self) -> Decimal:
        """The money of a month, exact; negative where discounts exceed the price."""
        return self.billable * self.rate - self.discount


class Single(Figures):
    """A discount given once. KAZOO ignores its `rates`."""

    rate: Price | None = None
    rates: Tiers = ()
    minimum: Count = 1


class Cumulative(Figures):
    """A discount given for each unit up to `maximum`, which KAZOO takes as 0 when it is absent."""

    rate: Price | None = None
    rates: Tiers = ()
    minimum: Count = 1
    maximum: Count = 0


class Discounts(Figures):
    """Both kinds add. An empty one does not apply."""

    single: Single = Single()
    cumulative: Cumulative = Cumulative()


class Prorate(Figures):
    """Whether a part of a month costs a part of its price; KAZOO prints it and never prices it."""

    additions: StrictBool = True
    removals: StrictBool = True


class Terms(Figures):
    """The members of an item that are known; another member makes the item unpriced.

    `shown` is the item's name on the bill. `activation_charges` is no key of a plan: KAZOO ignores it.
    """

    shown: StrictStr | None = Field(None, alias="as")
    name: StrictStr | None = None
    cascade: Flag = False
    exceptions: tuple[StrictStr, ...] = ()
    minimum: Count = 0
    maximum: Count | None = None
    step: Step = 1
    rate: Price = _NOTHING
    rates: Tiers = ()
    flat_rate: Price = _NOTHING
    flat_rates: Tiers = ()
    discounts: Discounts = Discounts()
    activation_charge: Price = _NOTHING
    prorate: Prorate = Prorate()
    activation_charges: Any = None

    @staticmethod
    def of(where: str, body: object) -> Terms:
        """The terms of the item that stands at `where` (`limits/twoway_trunks`); else Unpriced."""
        try:
            return Terms.model_validate(body)
        except ValidationError as fault:
            raise reason(where, fault) from fault

    def item(self, key: str) -> str:
        """The item's name on the bill; `key` is its name in the plan."""
        return self.shown or key

    def title(self, category: str, key: str) -> str:
        """The item's name for people."""
        return self.name or (category if key == ALL else f"{category}/{self.item(key)}")

    def charge(self, quantity: int) -> Charge:
        """The bill of this item at a quantity."""
        units = self._units(quantity)
        flat = _tier(self.flat_rates, units)
        if flat is None and self.flat_rate > 0:
            flat = self.flat_rate
        if flat is not None:
            return Charge(quantity, 1, flat, self._discount(1), flat=True)
        rate = _tier(self.rates, units)
        return Charge(quantity, units, self.rate if rate is None else rate, self._discount(units))

    def _units(self, quantity: int) -> int:
        """Billable units: whole steps, not under the minimum, and only else not over the maximum."""
        units, least = self._whole(quantity), self._whole(self.minimum)
        if units < least:
            return least
        return units if self.maximum is None else min(units, self._whole(self.maximum))

    def _whole(self, number: int) -> int:
        return -(-number // self.step) * self.step

    def _discount(self, units: int) -> Decimal:
        """Both discounts. They hang on the plain rate, whatever the item is billed by."""
        if self.rate <= 0:
            return _NOTHING
        given, single, cumulative = _NOTHING, self.discounts.single, self.discounts.cumulative
        if single.model_fields_set and units >= single.minimum:
            given += self.rate if single.rate is None else single.rate
        if cumulative.model_fields_set and units >= cumulative.minimum:
            times = min(units, cumulative.maximum)
            steps = (_tier(cumulative.rates, times), cumulative.rate, self.rate)
            given += times * next(rate for rate in steps if rate is not None)
        return given


def _tier(tiers: Iterable[tuple[int, Decimal]], units: int) -> Decimal | None:
    """The price of the lowest tier that holds so many units; None beyond the last."""
    return next((rate for bound, rate in tiers if units <= bound), None)

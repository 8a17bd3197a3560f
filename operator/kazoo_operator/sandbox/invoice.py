"""Invoices: the items of an account's plans with their quantities, alone or compared with an earlier bill.

An invoice is printed whole, every item of the plan on it, changed or not (Crossbar API, services).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .plan import Document, Merged, Plan, by_bookkeeper, is_true, number
from .price import Price, price

Counts = Mapping[str, Mapping[str, int]]
"""Category -> item -> how many."""
ALL = "_all"


@dataclass(frozen=True)
class Quantities:
    """What an account has itself, what all accounts below it have, and what was set by hand."""

    account: Counts = field(default_factory=dict)
    cascade: Counts = field(default_factory=dict)
    manual: Counts = field(default_factory=dict)

    def of(self, category: str, item: str, rules: Document) -> int:
        """How many of an item count by its rules in the plan."""
        own = {**self.account.get(category, {}), **self.manual.get(category, {})}
        below = self.cascade.get(category, {}) if is_true(rules.get("cascade")) else {}
        if item != ALL:
            return own.get(item, 0) + below.get(item, 0)
        exceptions = rules.get("exceptions")
        excepted = exceptions if isinstance(exceptions, list) else []
        return sum(part[name] for part in (own, below) for name in part if name not in excepted)

    def shown(self) -> dict[str, Any]:
        """As a summary prints them."""
        return {"account": self.account, "cascade": self.cascade, "manual": self.manual}


@dataclass(frozen=True)
class Item:
    """One line: the `item` of the plan, under the name and the title that it is shown with."""

    category: str
    item: str
    shown_as: str
    title: str
    quantity: int
    price: Price
    activation_charge: float
    prorate: Mapping[str, bool]
    changes: Mapping[str, Any] = field(default_factory=dict)
    added: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is compared by: under another name it is another item."""
        return self.category, self.item, self.shown_as


@dataclass(frozen=True)
class Invoice:
    """The lines of one bookkeeper."""

    plan: Merged
    items: tuple[Item, ...]

    @property
    def added(self) -> bool:
        """Whether more units of some item are billed than before."""
        return any(item.added > 0 for item in self.items)


Bill = dict[str, Invoice]
"""Bookkeeper -> invoice."""


def bill(plans: Sequence[Plan], quantities: Quantities) -> Bill:
    """What an account with these plans and quantities pays."""
    return {name: Invoice(plan, _items(plan, quantities)) for name, plan in by_bookkeeper(plans).items()}


def _items(plan: Merged, quantities: Quantities) -> tuple[Item, ...]:
    return tuple(
        _item(category, item, rules, quantities.of(category, item, rules))
        for category, named in plan.items.items()
        for item, rules in named.items()
        if rules  # an item without a single key is as none
    )


def _item(category: str, item: str, rules: Document, quantity: int) -> Item:
    shown_as = str(rules.get("as") or item)
    said = rules.get("prorate")
    prorate = said if isinstance(said, dict) else {}
    return Item(
        category=category,
        item=item,
        shown_as=shown_as,
        title=str(rules.get("name") or (category if item == ALL else f"{category}/{shown_as}")),
        quantity=quantity,
        price=price(rules, quantity),
        activation_charge=number(rules.get("activation_charge")),
        prorate={flag: is_true(prorate.get(flag, True)) for flag in ("additions", "removals")},
    )


def compared(old: Bill, new: Bill) -> Bill:
    """The new bill with what has changed since the old one: invoices that are gone stay, all removed."""
    result = {name: _compared(old.get(name), invoice) for name, invoice in new.items()}
    for name, invoice in old.items():
        if name not in new:
            result[name] = replace(invoice, items=tuple(_gone(item, "modified") for item in invoice.items))
    return result


def _compared(old: Invoice | None, new: Invoice) -> Invoice:
    if old is None:
        return replace(new, items=tuple(_come(item, "modified") for item in new.items))
    before = {item.key: item for item in old.items}
    after = {item.key for item in new.items}
    items = [
        _modified(before[item.key], item) if item.key in before else _come(item, "created")
        for item in new.items
    ]
    items += [_gone(item, "removed") for item in old.items if item.key not in after]
    return replace(new, items=tuple(items))


def _come(item: Item, kind: str) -> Item:
    return _changed(item, kind, {"billable": item.price.billable})


def _gone(item: Item, kind: str) -> Item:
    """It keeps its rate and its discount: a total below 0, which nobody takes away."""
    none = replace(item.price, billable=0)
    return _changed(replace(item, price=none), kind, {"billable": -item.price.billable})


def _modified(old: Item, new: Item) -> Item:
    before, after = old.price, new.price
    difference: dict[str, Any] = {
        "billable": after.billable - before.billable,
        "quantity": new.quantity - old.quantity,
        "rate": after.rate - before.rate,
        "minimum": after.minimum - before.minimum,
    }
    if new.title != old.title:
        difference["name"] = new.title
    mine, theirs = after.discounts, before.discounts
    single = _without_zeros({"rate": (mine.single or 0.0) - (theirs.single or 0.0)})
    each = {"rate": (mine.each or 0.0) - (theirs.each or 0.0), "quantity": mine.units - theirs.units}
    difference["discounts"] = _without_zeros({"single": single, "cumulative": _without_zeros(each)})
    return _changed(new, "modified", difference)


def _changed(item: Item, kind: str, difference: Mapping[str, Any]) -> Item:
    seen = _without_zeros(difference)
    changes = {"type": kind, "difference": seen} if seen else {}
    return replace(item, changes=changes, added=difference["billable"])


def _without_zeros(members: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value}


def printed(bill: Bill) -> list[dict[str, Any]]:
    """A list of invoices as they go over the wire."""
    return [_printed_invoice(invoice) for invoice in bill.values()]


def _printed_invoice(invoice: Invoice) -> dict[str, Any]:
    charges = [_activation(item) for item in invoice.items if item.added > 0 and item.activation_charge > 0]
    return {
        "activation_charges": charges,
        "items": [_printed_item(item) for item in invoice.items],
        "taxes": [],
        "summary": {
            "today": sum((charge["total"] for charge in charges), 0.0),
            "recurring": sum((item.price.total for item in invoice.items), 0.0),
        },
        "plan": invoice.plan.items,
        "bookkeeper": invoice.plan.bookkeeper,
    }


def _activation(item: Item) -> dict[str, Any]:
    return {
        "category": item.category,
        "item": item.item,
        "name": item.title,
        "billable": item.added,
        "rate": item.activation_charge,
        "total": item.added * item.activation_charge,
    }


def _printed_item(item: Item) -> dict[str, Any]:
    cost = item.price
    optional = {
        "minimum": cost.minimum,
        "maximum": cost.maximum,
        "discounts": _printed_discounts(cost),
        "changes": item.changes,
    }
    return {
        "category": item.category,
        "item": item.shown_as,
        "name": item.title,
        "quantity": item.quantity,
        "billable": cost.billable,
        "rate": cost.rate,
        "prorate": item.prorate,
        "total": cost.total,
        **_without_zeros(optional),
    }


def _printed_discounts(cost: Price) -> dict[str, Any]:
    taken = cost.discounts
    return _without_zeros({
        "total": taken.total,
        "single": _without_zeros({"rate": taken.single}),
        "cumulative": _without_zeros({"rate": taken.each, "quantity": taken.units}),
    })  # fmt: skip

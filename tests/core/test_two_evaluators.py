"""Our estimate against the sandbox's bills, which it makes by code of its own, over made-up plans and counts.

What either got wrong alone, the other does not share.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kazoo_operator.core import money
from kazoo_operator.core.pricing.estimate import estimate, estimate_plans
from kazoo_operator.core.pricing.payers import who_pays
from kazoo_operator.core.pricing.quote import digest, quote_of, read_quote
from kazoo_operator.core.pricing.summary import Delta
from kazoo_operator.sandbox import invoice
from kazoo_operator.sandbox.invoice import Quantities
from kazoo_operator.sandbox.plan import Plan

Json = dict[str, Any]

DAY = date(2026, 11, 28)
ITEMS = {
    "limits": ["inbound_trunks", "outbound_trunks", "twoway_trunks"],
    "users": ["admin", "user"],
}
PLACES = [(category, item) for category, items in ITEMS.items() for item in items]

units = st.integers(0, 15)
prices = st.decimals(min_value=-5, max_value=60, places=2).map(float) | st.integers(0, 60) | st.just("7.25")
tiers = st.dictionaries(units.map(str), prices, max_size=3)


def optional(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=members)


discounts = optional(
    single=optional(rate=prices, minimum=units, rates=tiers),
    cumulative=optional(rate=prices, minimum=units, maximum=units, rates=tiers),
)
names = st.sampled_from([item for items in ITEMS.values() for item in items])
terms = st.fixed_dictionaries({"rate": prices, "cascade": st.booleans() | st.just("true")}) | optional(
    rate=prices,
    rates=tiers,
    flat_rate=prices,
    flat_rates=tiers,
    minimum=units,
    maximum=units,
    step=st.integers(1, 5),
    activation_charge=prices,
    cascade=st.booleans() | st.just("true"),
    exceptions=st.lists(names, max_size=2, unique=True),
    name=st.sampled_from(["Line", "Seat"]),
    discounts=discounts,
)
plans = st.fixed_dictionaries(
    {
        category: st.dictionaries(st.sampled_from([*items, "_all"]), terms, max_size=3)
        for category, items in ITEMS.items()
    }
)
documents = st.builds(
    lambda plan, merge, keeper: {"plan": plan, "merge": merge, **keeper},
    plans,
    optional(strategy=st.sampled_from(["simple", "recursive", "cumulative"]), priority=st.integers(1, 9)),
    st.sampled_from([{}, {}, {"bookkeeper": {"id": "second", "type": "default"}}]),
)
counts = st.fixed_dictionaries(
    {},
    optional={
        category: st.dictionaries(st.sampled_from(items), units, max_size=3)
        for category, items in ITEMS.items()
    },
)
quantities = st.fixed_dictionaries({"account": counts, "cascade": counts, "manual": counts})
deltas = st.lists(
    st.builds(lambda place, number: Delta(*place, number), st.sampled_from(PLACES), st.integers(-6, 12)),
    min_size=2,
    max_size=4,
    unique_by=lambda delta: (delta.category, delta.item),
)


def billed(assigned: list[Json], counted: Json) -> Json:
    """The sandbox's summary of an account with these plans and counts, over the wire and back."""
    bill = invoice.bill([Plan("0" * 32, document) for document in assigned], Quantities(**counted))
    read: Json = over_the_wire({"plans": {}, "invoices": invoice.printed(bill), "quantities": counted})
    return read


def over_the_wire(told: Any) -> Any:
    return json.loads(json.dumps(told), parse_float=Decimal)


def changed(counted: Json, wanted: list[Delta], side: str) -> Json:
    found = json.loads(json.dumps(counted))
    for category, item, number in wanted:
        items = found[side].setdefault(category, {})
        items[item] = items.get(item, 0) + number
    return dict(found)


def possible(counted: Json, wanted: list[Delta], side: str) -> list[Delta]:
    """The deltas, none taking away more than there is."""
    return [
        Delta(category, item, max(number, -counted[side].get(category, {}).get(item, 0)))
        for category, item, number in wanted
    ]


def recurring(told: Json) -> int:
    return money.from_number(sum((one["summary"]["recurring"] for one in told["invoices"]), Decimal(0)))


def lines(told: Json) -> Counter[tuple[Any, ...]]:
    """Each line of a bill, as often as it stands there."""
    return Counter(
        (
            line["category"],
            line["item"],
            line["name"],
            line["quantity"],
            line["billable"],
            money.without_noise(line["rate"]),
            money.from_number(line["total"]),
        )
        for one in told["invoices"]
        for line in one["items"]
    )


def billable(told: Json) -> dict[tuple[str, str, str], int]:
    """The billable units of each line of each bookkeeper."""
    return {
        (one["bookkeeper"]["id"], line["category"], line["item"]): line["billable"]
        for one in told["invoices"]
        for line in one["items"]
    }


@settings(max_examples=100)
@given(st.lists(documents, min_size=1, max_size=3), quantities, deltas, st.booleans())
def test_more_or_fewer_units_cost_what_the_sandbox_bills_afterwards(
    assigned: list[Json], counted: Json, wanted: list[Delta], below: bool
) -> None:
    side = "cascade" if below else "account"
    wanted = possible(counted, wanted, side)
    before, after = billed(assigned, counted), billed(assigned, changed(counted, wanted, side))
    found = estimate(before, wanted, DAY, below=below)
    assert found.unknown == ()
    assert (found.before, found.after) == (recurring(before), recurring(after))
    new = Counter(
        (
            line.category,
            line.item,
            line.name,
            line.after.quantity,
            line.after.billable,
            money.without_noise(line.after.rate),
            money.from_number(line.after.total),
        )
        for line in found.lines
    )
    assert not (lines(after) - lines(before)) - new
    assert not new - lines(after)
    units_before, units_after = billable(before), billable(after)
    assert found.kazoo_asks is any(units_after[key] > units_before[key] for key in units_after)


levels = st.lists(st.tuples(st.lists(documents, max_size=2), counts, counts), min_size=1, max_size=4)


@settings(max_examples=80)
@given(levels, deltas)
def test_each_level_of_a_tree_pays_what_the_sandbox_bills_there_and_asks_with_the_same_digest(
    tree: list[tuple[list[Json], Json, Json]], wanted: list[Delta]
) -> None:
    """The first level is the account that changes; each one above has what is below it, and siblings."""
    wanted = [one for one in possible({"account": tree[0][1]}, wanted, "account") if one.units]
    chain, bills, below = [], [], Counter[tuple[str, str]]()
    for level, (assigned, own, siblings) in enumerate(tree):
        counted = {"account": own, "cascade": nested(below), "manual": {}}
        future = changed(counted, wanted, "cascade" if level else "account")
        chain.append((str(level), billed(assigned, counted)))
        bills.append(([Plan("0" * 32, one) for one in assigned], counted, future))
        below += flat(own) + flat(siblings)
    payers = who_pays(chain, wanted, DAY)
    for payer, (_, before), (assigned, counted, future) in zip(payers, chain, bills, strict=True):
        new = invoice.bill(assigned, Quantities(**future))
        after = {"invoices": over_the_wire(invoice.printed(new))}
        found = payer.estimate
        assert (found.unknown, found.before, found.after) == ((), recurring(before), recurring(after))
        compared = invoice.compared(invoice.bill(assigned, Quantities(**counted)), new)
        assert found.kazoo_asks is any(one.added for one in compared.values())
        if found.kazoo_asks:
            quote = read_quote(over_the_wire(invoice.printed(compared)))
            assert digest("it", "USD", {"asker": quote}) == digest("it", "USD", {"asker": quote_of(found)})


def flat(counted: Json) -> Counter[tuple[str, str]]:
    return Counter({(category, item): n for category, items in counted.items() for item, n in items.items()})


def nested(counted: Counter[tuple[str, str]]) -> Json:
    found: Json = {}
    for (category, item), number in counted.items():
        found.setdefault(category, {})[item] = number
    return found


@settings(max_examples=60)
@given(st.lists(documents, max_size=2), st.lists(documents, max_size=2), quantities)
def test_other_plans_cost_what_the_sandbox_bills_with_them(
    old: list[Json], new: list[Json], counted: Json
) -> None:
    before, after = billed(old, counted), billed(new, counted)
    found = estimate_plans(before, after, DAY)
    assert found.unknown == ()
    assert (found.before, found.after) == (recurring(before), recurring(after))

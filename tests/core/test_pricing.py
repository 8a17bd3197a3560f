"""The estimate of a change: what it says, what it does not know, and who pays."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazoo_operator.core import money
from kazoo_operator.core.pricing.estimate import Estimate, estimate, estimate_plans
from kazoo_operator.core.pricing.payers import who_pays
from kazoo_operator.core.pricing.summary import Delta
from kazoo_operator.core.pricing.terms import Terms
from tests.core.observed_prices import CASES, Json, bill, deltas, summary

DAY = date(2026, 11, 28)
NOTHING: Json = bill({}, {})


def trunks(units: int) -> list[Delta]:
    return [Delta("limits", "twoway_trunks", units)]


def change(terms: Any, before: int, after: int, day: date = DAY) -> Estimate:
    """Two-way trunks of the account itself, from one count to another, at these terms."""
    counts = {"limits": {"twoway_trunks": before}}
    return estimate(
        bill({"limits": {"twoway_trunks": terms}}, counts), trunks(after - before), day, below=False
    )


def text(amount: int | None) -> str:
    assert amount is not None
    return money.to_text(amount)


def test_five_more_two_way_trunks_at_24_99_cost_124_95_a_month() -> None:
    found = change({"rate": Decimal("24.99")}, 3, 8)
    assert (text(found.before), text(found.after), text(found.difference)) == ("74.97", "199.92", "124.95")
    [line] = found.lines
    assert (line.category, line.item, line.name) == ("limits", "twoway_trunks", "limits/twoway_trunks")
    assert (line.after.quantity, line.after.billable, line.rise) == (8, 8, 5)
    assert money.price_to_text(line.after.rate) == "24.99"
    assert found.kazoo_asks and found.asks_approval and not found.authoritative


def test_units_gained_are_activated_once_and_units_lost_give_nothing_back() -> None:
    terms = {"rate": 10, "activation_charge": Decimal("20.5")}
    assert text(change(terms, 3, 5).one_time) == "41.00"
    assert text(change(terms, 5, 3).one_time) == "0.00"


def test_no_change_costs_nothing_and_asks_nobody() -> None:
    found = change({"rate": 10}, 3, 3)
    assert (found.lines, found.difference, found.kazoo_asks, found.asks_approval) == ((), 0, False, False)


def test_a_flat_price_that_rises_is_never_asked_by_kazoo_but_by_us() -> None:
    found = change({"flat_rates": {"5": 50, "10": 80}}, 5, 6)
    assert (text(found.difference), found.kazoo_asks, found.asks_approval) == ("30.00", False, True)


def test_a_flat_price_that_begins_is_asked_even_where_the_bill_falls() -> None:
    found = change({"flat_rates": {"5": 50}, "rates": {"9": 10}}, 6, 5)
    assert found.difference is not None and found.difference < 0
    assert (found.kazoo_asks, found.asks_approval) == (False, True)


def test_more_units_are_asked_also_where_the_bill_falls() -> None:
    found = change({"rates": {"5": 10, "10": 1}}, 5, 6)
    assert (text(found.difference), found.kazoo_asks, found.asks_approval) == ("-44.00", True, True)


def test_fewer_units_ask_nobody() -> None:
    found = change({"rate": 10}, 6, 5)
    assert (text(found.difference), found.kazoo_asks, found.asks_approval) == ("-10.00", False, False)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 1), "30.00"),
        (date(2026, 11, 28), "3.00"),
        (date(2026, 11, 30), "1.00"),
        (date(2028, 2, 29), "1.0345"),
        (date(2026, 2, 28), "1.0714"),
    ],
)
def test_the_first_month_is_the_share_of_the_days_left_that_day_included(day: date, expected: str) -> None:
    assert text(change({"rate": 10}, 1, 4, day).first_month) == expected


@pytest.mark.parametrize(
    ("prorate", "more", "fewer"),
    [
        ({}, "3.00", "-3.00"),
        ({"additions": False}, "30.00", "-3.00"),
        ({"removals": False}, "3.00", "0.00"),
        ({"additions": False, "removals": False}, "30.00", "0.00"),
    ],
)
def test_an_item_that_is_not_prorated_costs_a_whole_month_and_saves_none(
    prorate: Json, more: str, fewer: str
) -> None:
    terms = {"rate": 10, "prorate": prorate}
    assert text(change(terms, 1, 4).first_month) == more
    assert text(change(terms, 4, 1).first_month) == fewer


UNKNOWN_TERMS = [
    pytest.param({"rate": 10, "surcharge": 1}, "surcharge is not known", id="an unknown member"),
    pytest.param({"discounts": {"volume": {}}}, "discounts.volume is not known", id="an unknown discount"),
    pytest.param({"discounts": {"single": {"maximum": 3}}}, "single.maximum", id="a misplaced member"),
    pytest.param({"prorate": {"days": True}}, "prorate.days", id="an unknown kind of proration"),
    pytest.param({"rate": "ten"}, "rate is no number", id="a word for a number"),
    pytest.param({"rate": "1,000.00"}, "rate is no number", id="a separator of thousands"),
    pytest.param({"rate": "NaN"}, "rate is no number", id="no number as text"),
    pytest.param({"rate": Decimal("NaN")}, "rate is no price", id="no number"),
    pytest.param({"rate": Decimal("Infinity")}, "rate is no price", id="no end"),
    pytest.param({"rate": 10**12}, "rate is no price", id="too much"),
    pytest.param({"rate": Decimal("1e-300")}, "rate is no price", id="too little"),
    pytest.param({"rate": True}, "rate is no number", id="a truth for a number"),
    pytest.param({"rate": None}, "rate is null", id="a null"),
    pytest.param({"rates": {"many": 1}}, "rates is no whole number", id="a tier without a bound"),
    pytest.param({"rates": {"-1": 1}}, "rates is no whole number", id="a tier below nothing"),
    pytest.param({"rates": [1, 2]}, "rates is no object", id="tiers in a list"),
    pytest.param({"minimum": -1}, "minimum is no whole number", id="a minimum below nothing"),
    pytest.param({"maximum": Decimal("2.5")}, "maximum is no whole number", id="half a unit"),
    pytest.param({"step": 0}, "step is 0", id="no step"),
    pytest.param({"cascade": "yes"}, "cascade is neither", id="another word for true"),
    pytest.param({"exceptions": "inbound_trunks"}, "exceptions", id="a word for a list"),
    pytest.param([], "limits/twoway_trunks", id="a list for an item"),
    pytest.param("free", "limits/twoway_trunks", id="a word for an item"),
    pytest.param(None, "limits/twoway_trunks", id="a null for an item"),
]


@pytest.mark.parametrize(("terms", "reason"), UNKNOWN_TERMS)
def test_terms_that_are_not_understood_are_unknown_and_never_free(terms: Any, reason: str) -> None:
    found = change(terms, 3, 8)
    assert_unknown(found)
    assert reason in found.unknown[0]


@pytest.mark.parametrize(("terms", "reason"), UNKNOWN_TERMS)
def test_what_the_change_does_not_touch_need_not_be_understood(terms: Any, reason: str) -> None:
    plan = {"limits": {"twoway_trunks": {"rate": 10}, "inbound_trunks": terms}, "support": terms}
    found = estimate(bill(plan, {}), trunks(2), DAY, below=False)
    assert (found.unknown, text(found.difference)) == ((), "20.00")


def test_a_category_that_is_no_object_is_unknown_once_it_is_touched() -> None:
    assert_unknown(estimate(bill({"limits": "free"}, {}), trunks(2), DAY, below=False))


@pytest.mark.parametrize(
    "counts", [{"limits": {"twoway_trunks": "-1"}}, {"limits": {"twoway_trunks": None}}, {"limits": 3}]
)
def test_counts_that_are_no_numbers_are_unknown(counts: Json) -> None:
    told = {**bill({"limits": {"twoway_trunks": {"rate": 10}}}, {}), "quantities": quantities(counts)}
    assert_unknown(estimate(told, trunks(2), DAY, below=False))


def test_more_taken_away_than_kazoo_counts_is_unknown() -> None:
    assert_unknown(change({"rate": 10}, 3, -1))


def test_a_present_price_that_differs_from_kazoos_own_is_unknown() -> None:
    told = bill({"limits": {"twoway_trunks": {"rate": 10}}}, {"limits": {"twoway_trunks": 3}})
    told["invoices"][0]["items"][0]["total"] = Decimal("29.99")
    found = estimate(told, trunks(2), DAY, below=False)
    assert_unknown(found)
    assert "another price" in found.unknown[0]


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {**NOTHING, "invoices": None},
        {**NOTHING, "invoices": [{}]},
        {**NOTHING, "invoices": [{"plan": {}, "items": [], "summary": {"recurring": "much"}}]},
        {**NOTHING, "quantities": {"account": {}}},
        {**NOTHING, "plans": {"gold": {}}},
    ],
    ids=str,
)
def test_a_summary_of_another_form_is_unknown(told: Any) -> None:
    found = estimate(told, trunks(2), DAY, below=False)
    assert_unknown(found)
    assert found.before is None


@pytest.mark.parametrize(
    "told",
    [
        bill({"limits": {"twoway_trunks": {"rate": 24.99}}}, {}, priced=False),
        bill({"limits": {"twoway_trunks": {"rates": {"5": 24.99}}}}, {}, priced=False),
        bill({"limits": {"twoway_trunks": {"minimum": 1.0}}}, {}, priced=False),
        {**NOTHING, "invoices": [{"plan": {}, "items": [], "summary": {"recurring": 1.5}}]},
    ],
    ids=str,
)
def test_a_float_is_our_own_mistake_and_raises(told: Any) -> None:
    with pytest.raises(TypeError, match="float"):
        estimate(told, trunks(2), DAY, below=False)


def test_without_a_plan_anywhere_up_the_tree_nothing_is_billed_and_that_is_authoritative() -> None:
    payers = who_pays([("customer", NOTHING), ("reseller", NOTHING), ("master", NOTHING)], trunks(5), DAY)
    assert [payer.account for payer in payers] == ["customer", "reseller", "master"]
    for payer in payers:
        assert not payer.pays
        assert (payer.estimate.difference, payer.estimate.one_time, payer.estimate.first_month) == (0, 0, 0)
        assert payer.estimate.authoritative and not payer.estimate.asks_approval


def test_each_level_pays_by_its_own_plan_and_only_what_cascades_there() -> None:
    own = bill({"limits": {"twoway_trunks": {"rate": 20}}}, {})
    cascading = bill({"limits": {"twoway_trunks": {"rate": 7, "cascade": True}}}, {})
    payers = who_pays([("customer", own), ("between", own), ("reseller", cascading)], trunks(5), DAY)
    assert [text(payer.estimate.difference) for payer in payers] == ["100.00", "0.00", "35.00"]
    assert [payer.pays for payer in payers] == [True, False, True]


def test_an_account_whose_plans_could_not_be_read_has_an_unknown_price() -> None:
    [_, above] = who_pays([("customer", NOTHING), ("reseller", None)], trunks(5), DAY)
    assert above.pays
    assert_unknown(above.estimate)


@pytest.mark.parametrize("name", ["iso-132", "iso-133", "iso-134", "iso-164"])
def test_who_pays_at_each_level_is_what_was_observed(name: str) -> None:
    [case] = [case for case in CASES if case["id"] == name]
    accounts = sorted({case["payer"], *case["also"]}, key=lambda one: one != case["change"]["account"])
    chain = [(one, summary(case, one)) for one in accounts]
    if accounts[0] != case["change"]["account"]:
        chain.insert(0, (case["change"]["account"], NOTHING))
    paid = {payer.account: payer.estimate.after for payer in who_pays(chain, deltas(case), DAY)}
    for one in accounts:
        after = summary(case, one, "after")["invoices"]
        assert paid[one] == sum(money.from_number(invoice["summary"]["recurring"]) for invoice in after)


def recorded(release: str) -> list[Json]:
    """The summaries of services that were recorded."""
    path = Path(__file__).parent.parent / "recordings" / release / "services-summary.json"
    steps = json.loads(path.read_text(), parse_float=Decimal)["steps"]
    asked = [step for step in steps if step.get("request", {}).get("path", "").endswith("/services/summary")]
    return [step["response"]["body"]["data"] for step in asked]


@pytest.mark.parametrize("release", ["4.3", "5.0"])
def test_each_recorded_summary_is_understood(release: str) -> None:
    told = recorded(release)
    found = [estimate(one, trunks(2), DAY, below=False) for one in told]
    assert [one.unknown for one in found] == [()] * len(told)
    assert [one.authoritative for one in found] == [one["invoices"] == [] for one in told]
    assert any(one.difference for one in found)


def test_a_manual_count_hides_the_accounts_own() -> None:
    told = bill({"limits": {"twoway_trunks": {"rate": 10}}}, {}, manual={"limits": {"twoway_trunks": 4}})
    found = estimate(told, trunks(5), DAY, below=False)
    assert (found.difference, found.asks_approval) == (0, False)


def test_a_first_plan_is_authoritative_and_costs_all_that_stands() -> None:
    plan = {"limits": {"twoway_trunks": {"rate": 10, "minimum": 2, "activation_charge": 3}}}
    found = estimate_plans(NOTHING, bill(plan, {}), DAY)
    assert (text(found.difference), text(found.one_time)) == ("20.00", "6.00")
    assert found.authoritative and found.asks_approval


def test_a_plan_whose_quote_differs_from_our_price_is_unknown() -> None:
    quote = bill({"limits": {"twoway_trunks": {"rate": 10, "minimum": 2}}}, {})
    quote["invoices"][0]["items"][0]["rate"] = Decimal(11)
    assert_unknown(estimate_plans(NOTHING, quote, DAY))


prices = st.decimals(min_value=-100, max_value=100, places=5)
small = st.integers(0, 12)
tiers = st.dictionaries(st.integers(0, 15).map(str), prices, max_size=3)
known_terms = st.fixed_dictionaries(
    {},
    optional={
        "rate": prices,
        "rates": tiers,
        "minimum": small,
        "maximum": st.integers(12, 20),
        "step": st.integers(1, 5),
        "activation_charge": prices,
        "discounts": st.fixed_dictionaries(
            {}, optional={"cumulative": st.fixed_dictionaries({"rate": prices}, optional={"maximum": small})}
        ),
    },
)
flat_too = st.builds(dict.__or__, known_terms, st.fixed_dictionaries({}, optional={"flat_rates": tiers}))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=5,
)
members = st.sampled_from(["as", *Terms.model_fields])
odd_terms = json_values | st.dictionaries(members | st.text(max_size=8), json_values, max_size=4)


@given(known_terms, small, small)
def test_more_units_never_make_fewer_billable_ones(terms: Json, fewer: int, more: int) -> None:
    fewer, more = sorted((fewer, more))
    read = Terms.of("item", terms)
    assert read.charge(fewer).billable <= read.charge(more).billable
    assert read.charge(more).billable % read.step == 0


@given(flat_too, small, small)
def test_there_and_back_again_costs_nothing(terms: Json, before: int, after: int) -> None:
    there, back = change(terms, before, after), change(terms, after, before)
    assert (there.before, there.after) == (back.after, back.before)
    assert there.difference is not None and back.difference is not None
    assert there.difference + back.difference == 0


@given(flat_too, small, small)
def test_what_raises_the_bill_is_never_unasked(terms: Json, before: int, after: int) -> None:
    found = change(terms, before, after)
    assert found.difference is not None and found.one_time is not None
    assert found.asks_approval or not (found.difference > 0 or found.one_time or found.kazoo_asks)


@given(odd_terms, small, small)
def test_any_terms_are_priced_or_unknown_and_unknown_is_no_number(odd: Any, before: int, after: int) -> None:
    found = change(odd, before, after)
    if found.unknown:
        assert_unknown(found)
    else:
        assert found.after is not None and found.one_time is not None


def quantities(account: Json) -> Json:
    return {"account": account, "cascade": {}, "manual": {}}


def assert_unknown(found: Estimate) -> None:
    assert found.unknown
    assert (found.after, found.difference, found.one_time, found.first_month) == (None, None, None, None)
    assert found.asks_approval and not found.authoritative
    assert found.kazoo_asks is not False

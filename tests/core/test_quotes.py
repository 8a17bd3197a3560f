"""KAZOO's quotes: both shapes of a 402, and the digest that an approval names."""

from __future__ import annotations

import ast
import json
from copy import deepcopy
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazoo_operator.core import money
from kazoo_operator.core.pricing import estimate as estimates
from kazoo_operator.core.pricing.estimate import Estimate, estimate
from kazoo_operator.core.pricing.figures import Unpriced
from kazoo_operator.core.pricing.quote import Quote, QuotedItem, digest, quote_of, read_quote
from kazoo_operator.core.pricing.summary import Delta
from tests.core.observed_prices import Json, bill

ACCOUNT = "0123456789abcdef" * 2
PAYER = "f" * 32
OLD_MAP: Json = {
    "ui_apps": {
        "numbers": {
            "category": "ui_apps",
            "item": "numbers",
            "quantity": 1,
            "rate": Decimal("2.0"),
            "single_discount": False,
            "single_discount_rate": Decimal("0.0"),
            "cumulative_discount": 0,
            "cumulative_discount_rate": Decimal("0.0"),
            "activation_charges": Decimal("1.0"),
        },
        "accounts": {
            "category": "ui_apps",
            "item": "accounts",
            "quantity": 3,
            "rate": Decimal("6.9900000000000002132"),
            "single_discount": True,
            "single_discount_rate": Decimal("0.5"),
            "cumulative_discount": 2,
            "cumulative_discount_rate": Decimal("0.25"),
            "activation_charges": Decimal("4.0"),
        },
    },
    "activation_charges": Decimal("5.0"),
}


def recorded(release: str) -> list[Json]:
    """The `data` of the first 402 that was recorded."""
    path = Path(__file__).parent.parent / "recordings" / release / "charges-handshake.json"
    steps = json.loads(path.read_text(), parse_float=Decimal)["steps"]
    bodies = [step["response"]["body"] for step in steps if "response" in step]
    data: list[Json] = next(body["data"] for body in bodies if body.get("error") == "402")
    return data


@pytest.mark.parametrize("release", ["4.3", "5.0"])
def test_a_recorded_402_is_read(release: str) -> None:
    quote = read_quote(recorded(release))
    assert (money.to_text(quote.today), money.to_text(quote.recurring)) == ("70.00", "103.95")
    assert sorted(quote.items) == [
        QuotedItem("limits", "inbound_trunks", 2, Decimal("6.99"), 139_800),
        QuotedItem("limits", "twoway_trunks", 3, Decimal("29.99"), 899_700),
    ]
    assert sorted(quote.activation) == [
        QuotedItem("limits", "inbound_trunks", 2, Decimal(5), 100_000),
        QuotedItem("limits", "twoway_trunks", 3, Decimal(20), 600_000),
    ]


def test_the_older_map_is_read_with_its_discounts_and_without_the_noise_of_its_doubles() -> None:
    quote = read_quote(OLD_MAP)
    assert (money.to_text(quote.today), money.to_text(quote.recurring)) == ("5.00", "21.97")
    assert sorted(quote.items) == [
        QuotedItem("ui_apps", "accounts", 3, Decimal("6.99"), 199_700),
        QuotedItem("ui_apps", "numbers", 1, Decimal(2), 20_000),
    ]


def test_several_invoices_are_one_quote() -> None:
    [invoice] = recorded("5.0")
    quote = read_quote([invoice, invoice])
    assert (money.to_text(quote.today), money.to_text(quote.recurring)) == ("140.00", "207.90")


def edited(edit: Any) -> Any:
    data = recorded("5.0")
    edit(data[0])
    return data


@pytest.mark.parametrize(
    "data",
    [
        None,
        "accept charges",
        [],
        {},
        [{}],
        [[]],
        {"message": "accept charges"},
        {"activation_charges": 5},
        {**OLD_MAP, "activation_charges": Decimal(6)},
        {**OLD_MAP, "activation_charges": "much"},
        {**OLD_MAP, "taxes": Decimal(1)},
        {**OLD_MAP, "limits": {"inbound_trunks": OLD_MAP["ui_apps"]["numbers"]}},
        {"ui_apps": {"numbers": {**OLD_MAP["ui_apps"]["numbers"], "markup": 1}}, "activation_charges": 1},
        edited(lambda invoice: invoice["summary"].update(today=Decimal(69))),
        edited(lambda invoice: invoice["summary"].update(recurring=Decimal(100))),
        edited(lambda invoice: invoice["summary"].update(taxes=Decimal(0))),
        edited(lambda invoice: invoice.pop("summary")),
        edited(lambda invoice: invoice.update(fees=[])),
        edited(lambda invoice: invoice.update(taxes=[{"vat": Decimal(1)}])),
        edited(lambda invoice: invoice["items"][0].update(markup=Decimal(1))),
        edited(lambda invoice: invoice["items"][0].update(total=Decimal("13.99"))),
        edited(lambda invoice: invoice["items"][0].update(rate="6,99")),
        edited(lambda invoice: invoice["items"][0].update(billable=None)),
        edited(lambda invoice: invoice["items"][0]["changes"].update(type="swapped")),
        edited(lambda invoice: [item.pop("changes", None) for item in invoice["items"]]),
        edited(lambda invoice: invoice["activation_charges"].pop()),
        edited(lambda invoice: invoice["activation_charges"][0].update(rate=Decimal(1))),
    ],
    ids=str,
)
def test_a_quote_of_another_shape_or_with_other_sums_is_refused(data: Any) -> None:
    with pytest.raises(Unpriced):
        read_quote(data)


def test_a_float_in_a_quote_is_our_own_mistake_and_raises() -> None:
    with pytest.raises(TypeError, match="float"):
        read_quote(edited(lambda invoice: invoice["items"][0].update(rate=6.99)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=8,
)


@given(json_values)
def test_no_junk_is_a_quote(data: Any) -> None:
    with pytest.raises(Unpriced):
        read_quote(data)


@given(st.sampled_from(["5.0", "old"]), st.data())
def test_a_quote_with_any_member_replaced_is_refused_or_adds_up(shape: str, drawn: st.DataObject) -> None:
    data = deepcopy(OLD_MAP) if shape == "old" else recorded("5.0")
    node: Any = data
    while True:
        key = drawn.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or drawn.draw(st.booleans()):
            break
        node = node[key]
    node[key] = drawn.draw(json_values)
    try:
        quote = read_quote(data)
    except Unpriced:
        return
    assert isinstance(quote.recurring, int) and isinstance(quote.today, int)


def quoted(rate: str = "24.99", units: int = 5, once: str = "2", day: date = date(2026, 11, 28)) -> Estimate:
    terms = {"rate": Decimal(rate), "activation_charge": Decimal(once)}
    told = bill({"limits": {"twoway_trunks": terms, "inbound_trunks": terms}}, {})
    deltas = [Delta("limits", "inbound_trunks", units), Delta("limits", "twoway_trunks", units)]
    return estimate(told, deltas, day, below=False)


def test_the_digest_is_sha256_over_what_an_owner_approves() -> None:
    found = digest(ACCOUNT, "USD", {PAYER: quote_of(quoted())})
    assert found.startswith("sha256:") and len(found) == 71
    assert found == digest(ACCOUNT, "USD", {PAYER: quote_of(quoted())})


@pytest.mark.parametrize(
    ("other", "account", "currency"),
    [
        (quoted(rate="25"), ACCOUNT, "USD"),
        (quoted(units=6), ACCOUNT, "USD"),
        (quoted(once="3"), ACCOUNT, "USD"),
        (quoted(), ACCOUNT[::-1], "USD"),
        (quoted(), ACCOUNT, "EUR"),
    ],
    ids=["rate", "quantity", "activation", "account", "currency"],
)
def test_another_price_account_or_currency_has_another_digest(
    other: Estimate, account: str, currency: str
) -> None:
    assert digest(account, currency, {PAYER: quote_of(other)}) != digest(
        ACCOUNT, "USD", {PAYER: quote_of(quoted())}
    )


def test_the_same_price_on_anothers_bill_or_on_two_bills_has_another_digest() -> None:
    quote = quote_of(quoted())
    bills = [{PAYER: quote}, {ACCOUNT: quote}, {PAYER: quote, ACCOUNT: quote}]
    assert len({digest(ACCOUNT, "USD", bill) for bill in bills}) == 3


def test_an_account_that_pays_nothing_is_not_in_the_digest() -> None:
    quote = quote_of(quoted())
    with_a_bystander = {PAYER: quote, ACCOUNT: quote_of(quoted(units=0))}
    assert digest(ACCOUNT, "USD", with_a_bystander) == digest(ACCOUNT, "USD", {PAYER: quote})


def test_a_digest_does_not_expire_overnight() -> None:
    today, tomorrow = quoted(), quoted(day=date(2026, 11, 29))
    assert today.first_month != tomorrow.first_month
    assert digest(ACCOUNT, "USD", {PAYER: quote_of(today)}) == digest(
        ACCOUNT, "USD", {PAYER: quote_of(tomorrow)}
    )


def test_a_digest_does_not_change_with_what_the_change_does_not_touch() -> None:
    plan = {"limits": {"twoway_trunks": {"rate": 10}, "inbound_trunks": {"rate": 1}}}
    deltas = [Delta("limits", "twoway_trunks", 1)]
    digests = set()
    for inbound in (0, 7):
        told = bill(plan, {"limits": {"inbound_trunks": inbound}})
        found = estimate(told, deltas, date(2026, 11, 28), below=False)
        digests.add(digest(ACCOUNT, "USD", {PAYER: quote_of(found)}))
    assert len(digests) == 1


items = st.builds(
    QuotedItem,
    st.sampled_from(["limits", "users"]),
    st.text(max_size=5),
    st.integers(0, 99),
    st.decimals(min_value=0, max_value=99, places=2),
    st.integers(-(10**9), 10**9),
)


@given(st.lists(items, max_size=5), st.randoms())
def test_a_digest_does_not_depend_on_an_order(rows: list[QuotedItem], random: Any) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)
    one, two = Quote(0, 0, tuple(rows), tuple(rows)), Quote(0, 0, tuple(shuffled), tuple(shuffled))
    assert digest(ACCOUNT, "USD", {PAYER: one}) == digest(ACCOUNT, "USD", {PAYER: two})


def test_an_unknown_estimate_is_no_quote() -> None:
    with pytest.raises(Unpriced, match="not be read"):
        quote_of(Estimate(date(2026, 11, 28), unknown=("its plans could not be read",)))


def test_no_price_is_a_float_in_the_core() -> None:
    modules = [*Path(estimates.__file__).parent.glob("*.py"), Path(money.__file__)]
    assert len(modules) > 5
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Constant):
                assert not isinstance(node.value, float), module
            if isinstance(node, ast.Name) and node.id == "float":
                assert is_refused(module, node), f"{module}:{node.lineno}"


def is_refused(module: Path, node: ast.Name) -> bool:
    """Whether the name `float` stands where a float is refused."""
    return "isinstance(value, float)" in module.read_text().splitlines()[node.lineno - 1]

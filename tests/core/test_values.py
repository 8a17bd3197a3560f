"""Money, durations, realms and marks: small things that money and identity rest on."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazoo_operator.core import duration, money
from kazoo_operator.core.mark import Mark
from kazoo_operator.core.realm import from_template, label, normalised_name


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0.00"),
        (250_000, "25.00"),
        (-1, "-0.0001"),
        (12_345, "1.2345"),
        (100_100, "10.01"),
        (69_900, "6.99"),
    ],
)
def test_money_is_shown_with_two_to_four_decimals(amount: int, text: str) -> None:
    assert money.to_text(amount) == text


@given(st.integers(-(10**13), 10**13))
def test_money_survives_being_shown(amount: int) -> None:
    assert money.from_number(Decimal(money.to_text(amount))) == amount


def test_a_double_as_kazoo_prints_it_is_the_amount_it_stands_for() -> None:
    assert money.from_number(Decimal("6.9900000000000002132")) == 69_900


@pytest.mark.parametrize("double", ["1.00004999999999999", "1.00005", "1.00005000000000011"])
def test_half_a_unit_is_rounded_alike_however_a_double_says_it(double: str) -> None:
    assert money.from_number(Decimal(double)) == 10_000


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("20", "20.00"),
        ("24.99", "24.99"),
        ("0.1", "0.10"),
        ("1.61739", "1.61739"),
        ("6.9900000000000002132", "6.99"),
        ("1E+3", "1000.00"),
        ("1234567.5", "1234567.50"),
        ("1E-4", "0.0001"),
        ("-0.0", "0.00"),
        ("-1E-12", "0.00"),
        ("-2.5", "-2.50"),
    ],
)
def test_a_price_is_shown_without_exponent_separator_or_negative_zero(price: str, text: str) -> None:
    assert money.price_to_text(Decimal(price)) == text


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("1h30m", 5400), ("1h30m15s", 5415)]
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert duration.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "1d", "30ms", "5m1h", "-1s", " 1s", "1.5h", "10m\n"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        duration.seconds(text)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Acme Dental, Inc.", "acme-dental-inc"),
        ("Söhne", "sohne"),
        ("  --A  B--  ", "a-b"),
        ("x" * 70, "x" * 63),
        ("日本", ""),
        ("ﬁne", "fine"),
    ],
)
def test_a_name_becomes_a_label(name: str, word: str) -> None:
    assert label(name) == word


def test_a_template_that_gives_no_realm_gives_none() -> None:
    assert from_template("{name}.pbx.example.com", "Acme") == "acme.pbx.example.com"
    assert from_template("{name}.pbx.example.com", "日本") is None
    assert from_template("{name}", "Acme") is None


def test_names_are_compared_as_kazoo_does() -> None:
    assert normalised_name("Acme, Inc.") == normalised_name("acmeinc")
    assert normalised_name("Ärzte") == "rzte"


def test_marks_are_recognised_among_other_flags() -> None:
    mark = Mark("cluster", "team", "acme")
    flags = ["vip", str(mark), 5, "kazoo-operator/x", "kazoo-operator//a/b", "other/a/b/c"]
    assert Mark.among(flags) == (mark,)

"""What an envelope tells beside its data, and how a request's body is written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from kazoo_operator.backend.envelope import Reply, write_json
from kazoo_operator.backend.errors import Nonsense
from kazoo_operator.core.money import UNITS, from_number


def reply(**members: object) -> Reply:
    return Reply.of(200, json.dumps({"status": "success", "data": {}, **members}).encode())


@given(st.integers(-(10**13), 10**13))
def test_every_amount_of_money_survives_being_written(units: int) -> None:
    amount = Decimal(units) / UNITS
    written = json.loads(write_json({"amount": amount}), parse_float=Decimal)["data"]["amount"]
    assert Decimal(written) == amount
    assert from_number(Decimal(written)) == units


def test_acceptance_stands_beside_data_and_only_when_given() -> None:
    assert json.loads(write_json({"calls": 1})) == {"data": {"calls": 1}}
    assert json.loads(write_json({"calls": 1}, True)) == {"data": {"calls": 1}, "accept_charges": True}


def test_a_secret_is_unwrapped_in_the_body_alone() -> None:
    data = {"api_key": SecretStr("hunter2")}
    assert json.loads(write_json(data)) == {"data": {"api_key": "hunter2"}}
    assert "hunter2" not in repr(data)


def test_the_token_of_an_answer_shows_in_no_text() -> None:
    answer = reply(auth_token="hunter2")
    assert answer.token is not None
    assert answer.token.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{answer!r} {answer.token!r} {answer.token}"


def test_a_revision_is_what_if_match_can_hold() -> None:
    assert reply().revision is None
    assert reply(revision="3-0f" + "a" * 30).revision == "3-0f" + "a" * 30


@pytest.mark.parametrize("revision", ["", 'a"b', "a b", "a\r\nX: y", "é", "x" * 129, 5, ["1-a"], True])
def test_a_revision_that_no_header_can_hold_is_nonsense(revision: object) -> None:
    with pytest.raises(Nonsense, match="revision"):
        _ = reply(revision=revision).revision


def test_the_time_of_an_answer_is_that_of_its_zone() -> None:
    assert reply(timestamp="2026-03-09T16:13:37Z").timestamp == datetime(2026, 3, 9, 16, 13, 37, tzinfo=UTC)
    zone = timezone(timedelta(hours=2))
    assert reply(timestamp="2026-03-09T18:13:37+02:00").timestamp == datetime(2026, 3, 9, 18, 13, 37, 0, zone)


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        "",
        "soon",
        "2026-03-09",
        "2026-03-09T16:13:37",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_a_time_that_cannot_be_reckoned_with_is_none(text: object) -> None:
    assert reply(timestamp=text).timestamp is None

"""Each refusal of KAZOO is one class, in either spelling, of either release, with or without a body."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazoo_operator.backend import errors
from kazoo_operator.backend.envelope import Reply, error_of
from kazoo_operator.backend.errors import (
    BillingIssue,
    ChargesNotAccepted,
    Conflict,
    Forbidden,
    Invalid,
    Nonsense,
    NotFound,
    PaymentFailed,
    PaymentRequired,
    PreconditionFailed,
    RateLimited,
    Refused,
    ServerFailure,
    Unauthorized,
)
from tests.backend.scripted import ACCOUNT_ID

KEY = "k" * 64
HTML = b"<html><body>hunter2</body></html>"
INVOICE = {
    "activation_charges": [],
    "items": [{"category": "limits", "item": "twoway_trunks", "billable": 5, "rate": 24.99, "total": 124.95}],
    "summary": {"today": 0.0, "recurring": 124.95},
}
OLDER = {"limits": {"twoway_trunks": {"category": "limits", "quantity": 5, "rate": 24.99}}}
IDENTIFIER = {"message": "bad identifier", "cause": ACCOUNT_ID}

ROWS: list[tuple[int, str, object, type[Refused]]] = [
    (400, "validation error", {"name": {"required": {"message": "missing"}}}, Invalid),
    (400, "validation error", {"json": {"invalid": {"message": "decoder_exit around 0"}}}, Invalid),
    (400, "parse_error", {"message": "parse error"}, Invalid),
    (400, "disabled", {"message": "disabled"}, Invalid),
    (400, "empty_tree_accounts_exist", {"message": "empty tree accounts exist"}, Invalid),
    (400, "invalid_bulk_type", {"message": "invalid bulk type"}, Invalid),
    (400, "Application already installed", {}, Invalid),
    (400, "Application is not installed", {}, Invalid),
    (401, "invalid_credentials", {"message": "invalid credentials"}, Unauthorized),
    (401, "invalid credentials", {}, Unauthorized),
    (402, "accept charges", [INVOICE], ChargesNotAccepted),
    (402, "accept charges", OLDER, ChargesNotAccepted),
    (402, "billing_issue", {"reason": "bookkeeper_fault", "message": "try again"}, BillingIssue),
    (402, "no_payment_token", {"message": "no payment token"}, PaymentFailed),
    (402, "no_credit", {"message": "no credit"}, PaymentFailed),
    (402, "something_new", {}, PaymentRequired),
    (403, "forbidden", {"message": "forbidden", "details": "why"}, Forbidden),
    (404, "bad_identifier", IDENTIFIER, NotFound),
    (404, "bad_identifier", {"message": "bad identifier", "details": "why"}, NotFound),
    (404, "bad identifier", {"message": "invalid account_id 'x'"}, NotFound),
    (404, "bad identifier", [KEY], NotFound),
    (404, "not_found", {"message": "not found"}, ServerFailure),
    (404, "faulty_request", {"message": "invalid page size"}, Refused),
    (405, "invalid_method", {"message": "method not allowed"}, Refused),
    (409, "datastore_conflict", {"message": "conflicting documents"}, Conflict),
    (410, "gone", "a text", Refused),
    (410, "deprecated", {}, Refused),
    (416, "range not satisfiable", {}, Refused),
    (429, "too_many_requests", {"message": "too many requests"}, RateLimited),
    (500, "account_has_descendants", {"message": "account has descendants"}, ServerFailure),
    (500, "account_has_active_port", {"message": "Account has active port request"}, ServerFailure),
    (500, "account_cant_create_tree", {"message": "account cant create tree"}, ServerFailure),
    (500, "unspecified_fault", {"message": "unspecified fault"}, ServerFailure),
    (500, "plan_is_not_assigned", {"message": "plan is not assigned"}, ServerFailure),
    (500, "invalid_bookkeeper", {"message": "invalid bookkeeper"}, ServerFailure),
    (500, "any_other_atom", {"message": "any other atom"}, ServerFailure),
    (501, "not_implemented", {"message": "not implemented"}, ServerFailure),
    (502, "bad_gateway", {"message": "bad gateway"}, ServerFailure),
    (503, "datastore_missing", {"message": "datastore missing"}, ServerFailure),
    (503, "datastore missing view", {}, ServerFailure),
    (503, "datastore_unreachable", {"message": "datastore unreachable", "cause": "x"}, ServerFailure),
    (503, "datastore_fault", {"message": "datastore fault"}, ServerFailure),
]
AROUND: dict[str, dict[str, Any]] = {
    "5.0": {"tokens": {"consumed": 1, "remaining": 99}, "node": "n", "request_id": "r"},
    "4.3": {"auth_token": "undefined", "version": "4.3.142", "node": "n", "request_id": "r"},
}


def body(status: int, message: str, **members: object) -> bytes:
    return json.dumps({"status": "error", "error": str(status), "message": message, **members}).encode()


@pytest.mark.parametrize("release", AROUND)
@pytest.mark.parametrize("spelling", ["as told", "_", " "])
@pytest.mark.parametrize(("status", "message", "data", "expected"), ROWS)
def test_a_refusal_is_one_class(
    status: int, message: str, data: object, expected: type[Refused], spelling: str, release: str
) -> None:
    spelt = message if spelling == "as told" else message.replace("_", " ").replace(" ", spelling)
    error = error_of(Reply.of(status, body(status, spelt, data=data, **AROUND[release])))
    assert type(error) is expected
    assert isinstance(error, Refused)
    assert (error.status, error.message) == (status, message.replace("_", " "))
    assert str(error) == f"KAZOO answered {status}: {error.message}"


def test_every_class_of_a_refusal_stands_in_the_table() -> None:
    tree = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Refused)}
    assert {kind for *_, kind in ROWS} | {PreconditionFailed} == tree


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, Nonsense) for status in (400, 401, 402, 403, 404, 405, 406, 409, 410, 415, 416, 423)),
        (412, PreconditionFailed),
        (429, RateLimited),
        *((status, ServerFailure) for status in (500, 501, 502, 503, 504, 599)),
        *((status, Nonsense) for status in (200, 201, 204, 301, 302, 304, 307)),
    ],
)
@pytest.mark.parametrize("left", [b"", b" \n", HTML, b'{"status": "err', b"[]", b'{"message": "forbidden"}'])
def test_without_an_envelope_only_the_status_counts(
    status: int, expected: type[errors.BackendError], left: bytes
) -> None:
    error = error_of(Reply.of(status, left))
    assert type(error) is expected
    assert "hunter2" not in f"{error} {error!r}"


@pytest.mark.parametrize(
    ("status", "expected"), [(500, ServerFailure), (402, ChargesNotAccepted), (400, Invalid), (404, NotFound)]
)
def test_a_handler_that_crashed_leaves_no_data(status: int, expected: type[Refused]) -> None:
    messages = {500: "init failed", 402: "accept charges", 400: "validation error", 404: "bad_identifier"}
    error = error_of(Reply.of(status, body(status, messages[status])))
    assert type(error) is expected
    assert getattr(error, "fields", {}) == {}
    assert getattr(error, "quote", None) is None


@pytest.mark.parametrize("quote", [[INVOICE], [INVOICE, INVOICE], OLDER, [], {}, "text", 5, None])
def test_a_quote_comes_whole_and_exact_and_in_no_text(quote: object) -> None:
    error = error_of(Reply.of(402, body(402, "accept charges", data=quote)))
    assert isinstance(error, ChargesNotAccepted)
    assert error.quote == json.loads(json.dumps(quote), parse_float=Decimal)
    assert "124" not in f"{error} {error!r}"
    if quote == [INVOICE]:
        assert error.quote[0]["summary"]["recurring"] == Decimal("124.95")  # type: ignore[index]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"reason": "no_payment_token", "message": "x"}, "no payment token"),
        ({"reason": "bookkeeper_fault"}, "bookkeeper fault"),
        ({"reason": "a\nb"}, "a b"),
        ({"reason": 5}, ""),
        ({}, ""),
        ([], ""),
    ],
)
def test_a_billing_issue_tells_its_reason(data: object, reason: str) -> None:
    error = error_of(Reply.of(402, body(402, "billing_issue", data=data)))
    assert isinstance(error, BillingIssue)
    assert error.reason == reason


@pytest.mark.parametrize(
    "kept",
    [
        PaymentRequired,
        ChargesNotAccepted,
        BillingIssue,
        PaymentFailed,
        PreconditionFailed,
        Forbidden,
        Invalid,
    ],
)
def test_after_a_plain_refusal_a_write_is_not_uncertain(kept: type[Refused]) -> None:
    assert not issubclass(kept, errors.UNCERTAIN)


TEXTS = st.text("a_ 5\n\x1b\u202e\u00e9", max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ("status", "message", "data", "metadata", "tokens", "revision", "timestamp", "next_start_key")
ENVELOPES = st.dictionaries(
    st.sampled_from(MEMBERS), JSON | st.sampled_from(["success", "error", "accept charges", "billing_issue"])
)


@given(st.integers(200, 599), st.binary() | ENVELOPES.map(lambda envelope: json.dumps(envelope).encode()))
def test_whatever_answers_is_read_without_a_surprise(status: int, content: bytes) -> None:
    reply = Reply.of(status, content)
    error = error_of(reply)
    assert error is not None or 200 <= status < 300
    if error is not None:
        assert isinstance(error, errors.BackendError)
        assert str(error).isprintable()
    assert reply.remaining is None or isinstance(reply.remaining, int)
    assert reply.timestamp is None or reply.timestamp.tzinfo is not None
    for member in ("document", "rows", "revision", "next_start_key"):
        with suppress(Nonsense):
            getattr(reply, member)

"""`.../transactions`: the side of the payment processor, of which there is none (Crossbar API, transactions).

So the list is empty, a look at one crashes, and a sale or refund is judged and then finds no bookkeeper.
"""

from __future__ import annotations

from .. import authority
from ..call import Call, Reply
from ..listing import listing
from ..refusal import Refusal, init_failed, system_error, validation
from ..routes import ANY, Action, Noun, Resource
from ..schema import Errors, Number, fail
from ..window import time_window


def transactions(call: Call) -> Reply:
    """Those of the last 31 days, or of the window that is asked for."""
    if call.account is None:
        raise system_error(404, "faulty_request")
    time_window(call)
    return listing(call, "transactions", lambda start, way: iter(()), dict, searched=True)


def one(call: Call) -> Reply:
    """Any id is unknown."""
    raise init_failed()


def sale(call: Call) -> Reply:
    """Would charge the default card."""
    return _processed(call, "more")


def refund(call: Call) -> Reply:
    """Would pay back."""
    return _processed(call, "greater")


def _processed(call: Call, word: str) -> Reply:
    if call.account is None:
        raise system_error(404, "faulty_request")
    errors: Errors = {}
    amount = Number().check(call.data.get("amount"), ("amount",), {})
    if not isinstance(amount, (int, float)) or isinstance(amount, bool):
        fail(errors, ("amount",), "required", "Amount is required")
    elif amount <= 0:
        fail(errors, ("amount",), "minimum", f"Amount must be {word} than 0")
    if errors:
        raise validation(errors)
    call.before_execution()
    raise Refusal(500, "invalid_bookkeeper", {})


NOUN = Noun(
    "transactions",
    (
        Resource((), {"GET": Action(transactions)}),
        Resource(("sale",), {"PUT": Action(sale, authorise=authority.of_the_reseller)}),
        Resource(("refund",), {"PUT": Action(refund, authorise=authority.of_the_reseller)}),
        Resource((ANY,), {"GET": Action(one)}),
    ),
)

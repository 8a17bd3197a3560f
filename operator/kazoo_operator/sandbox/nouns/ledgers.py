"""`.../ledgers`: so far the balance, `/ledgers/total` (Crossbar API, money)."""

from __future__ import annotations

from typing import Any

from .. import authority
from ..account import Account
from ..call import Call, Reply
from ..ledger import UNITS
from ..refusal import Refusal, system_error
from ..routes import ANY, Action, Noun, Resource
from ..world import World


def total(call: Call) -> Reply:
    """The balance; an account whose creation was cut has no database for the month."""
    account = call.account
    if account is None:
        raise system_error(404, "faulty_request")
    if account.stage != "whole":
        raise Refusal(503, "datastore missing view", {})
    return Reply({"amount": call.world.ledgers.total(account.id, call.world.clock.month()) / UNITS})


def _state(world: World, account: Account) -> dict[str, Any]:
    whole = account.stage == "whole"
    balance = world.ledgers.total(account.id, world.clock.month()) / UNITS if whole else None
    return {"ledgers": world.ledgers.entries(account.id), "balance": balance}


_reads = frozenset({"GET"})
_books = frozenset({"PUT"})

NOUN = Noun(
    "ledgers",
    (
        Resource(("total",), {"GET": Action(total, authorise=authority.or_a_crash)}),
        Resource((), awaited=_reads),
        Resource(("available",), awaited=_reads),
        Resource(("credit",), awaited=_books),
        Resource(("debit",), awaited=_books),
        Resource(("summary", ANY), awaited=_reads),
        Resource((ANY,), awaited=_reads),
        Resource((ANY, ANY), awaited=_reads),
    ),
    state=_state,
)

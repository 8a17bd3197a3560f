"""`.../ledgers`: the balance, the entries by source, sums, and bookings (Crossbar API, money)."""

from __future__ import annotations

import re
from sqlite3 import Row
from typing import Any

from .. import authority
from ..account import Account
from ..booking import credit, debit
from ..call import Call, Reply
from ..ledger import UNITS, read, summary_of
from ..listing import first_key, is_paginated, list_tag, listing
from ..refusal import Refusal, bad_identifier, init_failed, system_error
from ..routes import ANY, Action, Noun, Resource
from ..window import time_window
from ..world import World

AVAILABLE = [
    {"name": "per-minute-voip", "friendly_name": "Per Minute VoIP", "markup_type": ["percentage"]},
    {"name": "services", "friendly_name": "Monthly Recurring Services", "markup_type": []},
    {"name": "payments", "friendly_name": "Payments", "markup_type": []},
    {"name": "rollovers", "friendly_name": "Monthly Rollover", "markup_type": []},
]
LONG_CHUNK = 3
"""Entries from which on a chunked list of KAZOO 4.3 comes out empty."""


def total(call: Call) -> Reply:
    """The balance."""
    return Reply({"amount": call.world.ledgers.total(_account(call)) / UNITS})


def sources(call: Call) -> Reply:
    """What each source sums up to in the window: over a month's end no balance, as the rollover is in it."""
    found = call.world.ledgers.by_source(_account(call).id, time_window(call))
    members: dict[str, Any] = {"page_size": 1, "start_key": first_key("ledgers")}
    return Reply(
        found,
        revision=list_tag(call) if found else None,
        members=members if is_paginated(call) else {},
    )


def available(call: Call) -> Reply:
    """The sources that are known to the system; entries may name others."""
    _account(call)
    members = {"page_size": len(AVAILABLE)} if is_paginated(call) else {}
    return Reply(AVAILABLE, revision=list_tag(call), members=members)


def of_source(call: Call) -> Reply:
    """The entries of a source, the newest first; in chunks unless `is_chunked=false`."""
    account, service = _account(call), call.match.arguments[0]
    window = time_window(call)
    reply = listing(
        call,
        f"ledgers {service}",
        lambda start, way: call.world.ledgers.of_source(account.id, service, window, start, way),
        _shown,
        searched=True,
        strict=True,
    )
    return reply if call.value("is_chunked") in (False, "false") else _chunked(call, reply)


def _shown(row: Row) -> dict[str, Any]:
    return read(row).shown


def _chunked(call: Call, reply: Reply) -> Reply:
    """The same in chunks: what follows the data is glued to them as texts, and nobody sees an error."""
    lost = call.world.release.loses_long_chunks and len(reply.data) >= LONG_CHUNK
    if lost or not reply.data:
        return Reply([])
    members = dict(reply.members)
    if "page_size" in members:
        members["page_size"] = str(members["page_size"])
    return Reply(reply.data, members=members, chunked=True)


def one(call: Call) -> Reply:
    """An entry by its id, which KAZOO takes for one with another month in front: the ids it tells are 404."""
    account, (service, entry_id) = _account(call), call.match.arguments
    parts = re.fullmatch(r"(\d{6})-(.+)", entry_id)
    if parts is None:
        raise init_failed()
    entry = call.world.ledgers.get(account.id, parts[1], parts[2])
    if entry is None:
        raise bad_identifier(entry_id)
    if entry.document["source"].get("service") != service:
        raise bad_identifier(entry.id)
    return Reply(entry.shown)


def summary(call: Call) -> Reply:
    """A month by source, and by the accounts that its entries are about."""
    account, month = _account(call), call.match.arguments[1]
    if not re.fullmatch(r"\d{6}", month):
        raise Refusal(404, "bad identifier", [month])
    rows = call.world.ledgers.of_month(account.id, month)
    if not rows:
        raise _no_database()
    return Reply(summary_of(rows), revision=list_tag(call), members={"page_size": 1})


def _account(call: Call) -> Account:
    """The account in the path; one whose creation was cut has no database for the month."""
    account = call.account
    if account is None:
        raise system_error(404, "faulty_request")
    if account.stage != "whole":
        raise _no_database()
    return account


def _no_database() -> Refusal:
    return Refusal(503, "datastore missing view", {})


def _book(kind: str) -> Resource:
    def run(call: Call) -> Reply:
        _account(call)
        return credit(call) if kind == "credit" else debit(call)

    return Resource((kind,), {"PUT": Action(run, authorise=authority.of_the_reseller)})


def _state(world: World, account: Account) -> dict[str, Any]:
    balance = world.ledgers.total(account) / UNITS if account.stage == "whole" else None
    return {"ledgers": world.ledgers.entries(account.id), "balance": balance}


NOUN = Noun(
    "ledgers",
    (
        Resource((), {"GET": Action(sources)}),
        Resource(("total",), {"GET": Action(total, authorise=authority.or_a_crash)}),
        Resource(("available",), {"GET": Action(available, authorise=authority.or_a_crash)}),
        _book("credit"),
        _book("debit"),
        Resource((ANY,), {"GET": Action(of_source, authorise=authority.or_a_crash)}),
        Resource(("summary", ANY), {"GET": Action(summary)}),
        Resource((ANY, ANY), {"GET": Action(one)}),
    ),
    state=_state,
)

"""`GET .../search`: accounts by the beginning of their name, realm or id.

Whatever account stands in the path, the search goes below the caller's own. A value without a-z0-9 finds
all (Crossbar API, find by name or realm).
"""

from __future__ import annotations

from sqlite3 import Row
from typing import Any

from .. import authority
from ..account import SEARCH_KEYS, normalised
from ..call import Call, Reply
from ..listing import listing
from ..refusal import validation
from ..routes import Action, Noun, Resource
from ..schema import Errors, fail

TYPES = ["account", "user", "callflow", "device"]


def search(call: Call) -> Reply:
    """A page of what begins so."""
    kind, by, prefix = _asked(call)
    accounts = call.world.accounts
    if kind != "account":
        return listing(call, "search", lambda start, ascending: iter(()), _item, searched=True)
    return listing(
        call,
        f"search {by}",
        lambda start, ascending: accounts.found(call.caller.id, by, prefix, start, ascending),
        _item,
        searched=True,
    )


def _asked(call: Call) -> tuple[str, str, str]:
    kind, by, value = (call.value(name) for name in ("t", "q", "v"))
    errors: Errors = {}
    if kind is None:
        fail(errors, ("t",), "required", "search needs a document type to search on", target=TYPES)
    elif by is None:
        fail(errors, ("q",), "required", "search needs a view to search in", target=sorted(SEARCH_KEYS))
    elif by not in SEARCH_KEYS:
        fail(errors, ("q",), "enum", "value not found in enumerated list of values", cause=by)
    elif value is None:
        fail(errors, ("v",), "required", "search needs a value to search for")
    if errors:
        raise validation(errors)
    return str(kind), str(by), normalised(value)


def _item(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "realm": row["realm"],
        "descendants_count": row["descendants"],
    }


NOUN = Noun("search", (Resource((), {"GET": Action(search, authorise=authority.of_anyone)}),))

"""The control surface: what a test may do to the sandbox and no client of KAZOO could.

    GET    /sandbox/requests    the journal                 DELETE empties it
    POST   /sandbox/faults      one more fault (faults.py)  DELETE removes all
    POST   /sandbox/documents   an edit behind KAZOO's back
    GET    /sandbox/state       everything there is
    POST   /sandbox/clock       time passes (passing.py)
    POST   /sandbox/calls       a call is made, and costs (per_minute.py)
    POST   /sandbox/reset       back to the seed: documents, clock, journal and faults

What makes no sense is answered 400 with `{"error": text}`, and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from . import passing, per_minute
from .account import Account
from .faults import BadFault, Faults
from .journal import Journal
from .routes import Routes
from .world import World

Handler = Callable[[web.Request], Awaitable[web.Response]]


class BadRequest(Exception):
    """The text says what is wrong with it."""


class Control:
    """The handlers, over the parts that they control."""

    def __init__(self, world: World, routes: Routes, journal: Journal, faults: Faults) -> None:
        self._world, self._routes, self._journal, self._faults = world, routes, journal, faults

    def table(self) -> list[web.RouteDef]:
        """What is served."""
        return [
            web.get("/sandbox/requests", _plain(self._requests)),
            web.delete("/sandbox/requests", _plain(self._forget_requests)),
            web.post("/sandbox/faults", _plain(self._add_fault)),
            web.delete("/sandbox/faults", _plain(self._remove_faults)),
            web.post("/sandbox/documents", _plain(self._edit)),
            web.get("/sandbox/state", _plain(self._state)),
            web.post("/sandbox/clock", _plain(self._clock)),
            web.post("/sandbox/calls", _plain(self._call)),
            web.post("/sandbox/reset", _plain(self._reset)),
        ]

    async def _requests(self, _request: web.Request) -> Any:
        return {"requests": self._journal.shown()}

    async def _forget_requests(self, _request: web.Request) -> Any:
        self._journal.clear()
        return {}

    async def _add_fault(self, request: web.Request) -> Any:
        self._faults.add(await _body(request))
        return {"faults": len(self._faults)}

    async def _remove_faults(self, _request: web.Request) -> Any:
        self._faults.clear()
        return {"faults": 0}

    async def _edit(self, request: web.Request) -> Any:
        order = await _body(request)
        if not isinstance(order, dict) or set(order) != {"accountID", "document", "merge"}:
            raise BadRequest('an edit is {"accountID": id, "document": name, "merge": {...}}')
        editors = {
            name: edit for noun in self._routes.nouns.values() for name, edit in noun.documents.items()
        }
        edit = editors.get(str(order["document"]))
        if edit is None:
            raise BadRequest(
                f"document must be one of {', '.join(sorted(editors))}, not {order['document']!r}"
            )
        if not isinstance(order["merge"], dict):
            raise BadRequest("merge must be an object")
        account = self._account(order["accountID"])
        with self._world.store.transaction():
            after = edit(self._world, account, order["merge"])
        return {"accountID": account.id, "document": order["document"], "value": after}

    async def _clock(self, request: web.Request) -> Any:
        order = await _body(request)
        wanted = order.get("advance") if isinstance(order, dict) and set(order) == {"advance"} else None
        seconds = passing.seconds_of(wanted) if isinstance(wanted, str) else None
        if seconds is None:
            raise BadRequest('time passes by {"advance": "24h"}: days, hours, minutes, seconds; 366d at most')
        clock = self._world.clock
        before = clock.offset
        try:
            with self._world.store.transaction():
                passing.advance(self._world, seconds)
        except BaseException:
            clock.offset = before
            raise
        return {"now": clock.timestamp()}

    async def _call(self, request: web.Request) -> Any:
        order = await _body(request)
        if not isinstance(order, dict) or set(order) != {"accountID", "seconds", "rate"}:
            raise BadRequest('a call is {"accountID": id, "seconds": n, "rate": price of a minute}')
        seconds, rate = order["seconds"], order["rate"]
        if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= LONGEST_CALL:
            raise BadRequest(f"seconds must be a whole number from 0 to {LONGEST_CALL}, not {seconds!r}")
        if not isinstance(rate, (int, float)) or isinstance(rate, bool) or not 0 <= rate <= HIGHEST_RATE:
            raise BadRequest(f"rate must be a number from 0 to {HIGHEST_RATE}, not {rate!r}")
        account = self._account(order["accountID"])
        if account.stage != "whole":
            raise BadRequest(f"the account {account.id} is half-built")
        with self._world.store.transaction():
            return per_minute.call(self._world, account, seconds, rate)

    def _account(self, account_id: object) -> Account:
        account = self._world.accounts.get(str(account_id))
        if account is None:
            raise BadRequest(f"there is no account {account_id!r}")
        return account

    async def _state(self, _request: web.Request) -> Any:
        world = self._world
        parts = [noun.state for noun in self._routes.nouns.values() if noun.state]
        with world.store.transaction():
            accounts = {
                account.id: {key: value for part in parts for key, value in part(world, account).items()}
                for account in world.accounts.all()
            }
        return {
            "now": world.clock.timestamp(),
            "accounts": accounts,
            "apps": [{**app.shown, "account_id": vendor} for vendor, app in world.apps.everywhere()],
            "plans": world.service_plans.all(),
        }

    async def _reset(self, _request: web.Request) -> Any:
        self._world.reset()
        self._journal.clear()
        self._faults.clear()
        return {}


LONGEST_CALL = 31 * 86_400
"""In seconds."""
HIGHEST_RATE = 1_000_000
"""In the currency, of a minute."""


def _plain(answer: Callable[[web.Request], Awaitable[Any]]) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        try:
            return web.json_response(await answer(request))
        except (BadRequest, BadFault) as error:
            return web.json_response({"error": str(error)}, status=400)

    return handler


async def _body(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is no JSON: {error}") from error

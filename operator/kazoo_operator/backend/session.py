"""How a request gets its answer: with a token, in its turn, within its deadline, and as often as is safe.

Only a GET is ever sent again, and anything after a 401, which comes before any work.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from ssl import SSLContext

from kazoo_operator.backend.envelope import Reply, error_of
from kazoo_operator.backend.errors import Nonsense, NotLeading, ServerFailure, TimedOut, Unreachable
from kazoo_operator.backend.login import Credential, Login, LoginOnce, Source, login_of, login_request
from kazoo_operator.backend.pacing import Pacing, Turn
from kazoo_operator.backend.transport import CONNECTIONS, Observe, Request, Transport
from kazoo_operator.core.custom_resource import JsonObject

PAGE_SIZE = 200

_RETRY_PAUSES = (0.2, 0.4)


class Session:
    """The calls to one KAZOO with one credential. Every method raises `BackendError` only."""

    def __init__(
        self,
        url: str,
        credential: Credential | Source,
        *,
        requests_per_second: float,
        deadline: float,
        create_deadline: float,
        ssl: SSLContext | None,
        observe: Observe | None,
        may_write: Callable[[], bool],
    ) -> None:
        """As told at `Crossbar`. Raises ValueError for a URL that is none or that holds a password."""
        if requests_per_second <= 0:
            raise ValueError("requests_per_second must be above 0")
        self._credential = credential
        self._deadline = deadline
        self._create_deadline = create_deadline
        self._transport = Transport(url, ssl, observe)
        self._pacing = Pacing(requests_per_second, CONNECTIONS)
        self._login = LoginOnce(self._log_in)
        self._uncut: set[asyncio.Task[Reply]] = set()
        self._may_write = may_write
        self._told: tuple[float, datetime] | None = None

    @property
    def uncut_in_flight(self) -> int:
        """How many of the requests that must not be cut are sent, and not answered yet."""
        return len(self._uncut)

    async def finish_uncut(self) -> None:
        """Wait until each request that must not be cut is answered or past its deadline."""
        while self._uncut:
            await asyncio.wait(self._uncut)

    async def close(self) -> None:
        """Close the connections, once the requests that must not be cut are finished."""
        await self.finish_uncut()
        await self._login.close()
        await self._transport.close()

    async def login(self) -> Login:
        """The login in force."""
        return await self._login.current()

    async def log_in_anew(self) -> None:
        """Log in with the credential as it is now. Raises, and the login in force goes on, if refused."""
        self._login.replace(await self._log_in())

    async def now(self) -> datetime:
        """KAZOO's own time: that of its last answer and the seconds since. Raises Nonsense without."""
        await self._login.current()
        if self._told is None:
            raise Nonsense("KAZOO answers without the time")
        at, moment = self._told
        return moment + timedelta(seconds=asyncio.get_running_loop().time() - at)

    async def call(self, request: Request) -> Reply:
        """The answer to a request, after one new login where its token is refused. Raises its error."""
        login = await self._login.current()
        reply = await self._attempt(request, login)
        if reply.status == 401:
            login = await self._login.current(refused=login)
            reply = await self._attempt(request, login)
        error = error_of(reply)
        if error is not None:
            raise error
        return reply

    async def pages(self, request: Request) -> AsyncIterator[list[JsonObject]]:
        """The rows of a listing, page after page."""
        query = {**request.query, "page_size": str(PAGE_SIZE)}
        seen: set[str] = set()
        while True:
            reply = await self.call(replace(request, query=query))
            yield reply.rows
            key = reply.next_start_key
            if key is None:
                return
            if key in seen:
                raise Nonsense("KAZOO answered with a listing that leads back to its own pages")
            seen.add(key)
            query = {**query, "start_key": key}

    async def _attempt(self, request: Request, login: Login) -> Reply:
        if request.method != "GET":
            return await self._exchange(request, login)
        for pause in _RETRY_PAUSES:
            try:
                reply = await self._exchange(request, login)
            except TimedOut:
                raise
            except Unreachable:
                pass
            else:
                if not _may_pass(reply):
                    return reply
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - jitter
        return await self._exchange(request, login)

    async def _exchange(self, request: Request, login: Login | None) -> Reply:
        turn = await self._pacing.turn(request.account)
        if request.writes and login is not None and not self._may_write():
            turn.end(None)
            raise NotLeading("another replica is the leader now")
        if not request.uncut:
            return await self._send(request, login, turn, self._deadline)
        uncut = asyncio.create_task(self._send(request, login, turn, self._create_deadline))
        self._uncut.add(uncut)
        uncut.add_done_callback(self._finished)
        await asyncio.wait([uncut])  # unlike awaiting the task itself, this does not cancel it with us
        return uncut.result()

    async def _send(self, request: Request, login: Login | None, turn: Turn, deadline: float) -> Reply:
        reply: Reply | None = None
        try:
            token = None if login is None else login.token
            reply = await self._transport.exchange(request, token, deadline)
        finally:
            turn.end(reply)
        if reply.timestamp is not None:
            self._told = (asyncio.get_running_loop().time(), reply.timestamp)
        return reply

    def _finished(self, uncut: asyncio.Task[Reply]) -> None:
        self._uncut.discard(uncut)
        if not uncut.cancelled():
            uncut.exception()  # seen, also when the caller is gone

    async def _log_in(self) -> Login:
        held = self._credential
        credential = await held.read() if isinstance(held, Source) else held
        reply = await self._exchange(login_request(credential), None)
        return login_of(reply, credential)


def _may_pass(reply: Reply) -> bool:
    """Whether it is a failure of the moment."""
    error = error_of(reply)
    return reply.status >= 500 and not (isinstance(error, ServerFailure) and error.lacks_databases)

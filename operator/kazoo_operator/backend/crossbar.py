"""The Crossbar client: the `Backend` protocol over KAZOO's HTTP API."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from ssl import SSLContext
from types import TracebackType
from typing import Self

from kazoo_operator.backend.envelope import Reply, error_of, is_number
from kazoo_operator.backend.errors import Nonsense, NotLeading, TimedOut, Unreachable
from kazoo_operator.backend.login import ApiKey, Login, LoginOnce, login_of, login_request
from kazoo_operator.backend.pacing import Pacing, Turn
from kazoo_operator.backend.protocol import AccountRow, Identity, Query
from kazoo_operator.backend.rows import account_row, refuse_flags, text_of
from kazoo_operator.backend.transport import CONNECTIONS, Observe, Request, Transport, quote_segment
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import ACCOUNT, Document
from kazoo_operator.core.money import Amount, from_number
from kazoo_operator.core.realm import normalised_name

PAGE_SIZE = 200

_RETRY_PAUSES = (0.2, 0.4)
_MOST_MONEY = 10**9  # what status can hold, in units of the currency


class Crossbar:
    """One KAZOO with one credential, over at most 32 connections.

    Every method raises `BackendError` only, but ValueError for what must never be sent: an account id that is
    no segment of a path, a member of data that KAZOO takes for a flag of the request. A GET is tried up to
    three times when the connection breaks or KAZOO answers 5xx; a write never. A token that KAZOO refuses is
    renewed once.
    """

    def __init__(
        self,
        url: str,
        api_key: ApiKey,
        *,
        requests_per_second: float = 50,
        deadline: float = 30,
        create_deadline: float = 180,
        ssl: SSLContext | None = None,
        observe: Observe | None = None,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        """`url` with or without `/v2`; the deadlines are seconds for one request, from when it leaves.

        A create takes KAZOO tens of seconds, and one that is cut leaves half an account: keep
        `create_deadline` at 120 or more. `ssl` holds a private CA; by default the system's are trusted.
        `may_write` is asked before each write leaves; where it says no, `NotLeading` is raised.
        Raises ValueError for a URL that is none or that holds a password.
        """
        if requests_per_second <= 0:
            raise ValueError("requests_per_second must be above 0")
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._deadline = deadline
        self._create_deadline = create_deadline
        self._transport = Transport(url, ssl, observe)
        self._pacing = Pacing(requests_per_second, CONNECTIONS)
        self._login = LoginOnce(self._log_in)
        self._identity: tuple[Login, Identity] | None = None
        self._creates: set[asyncio.Task[Reply]] = set()
        self._may_write = may_write

    @property
    def url(self) -> str:
        """The base URL, as given."""
        return self._url

    @property
    def creates_in_flight(self) -> int:
        """How many accounts are being created or deleted: sent, and not answered yet."""
        return len(self._creates)

    async def finish_creates(self) -> None:
        """Wait until each create and delete that was sent is answered or past its deadline."""
        while self._creates:
            await asyncio.wait(self._creates)

    async def close(self) -> None:
        """Close the connections, once the creates in flight are finished."""
        await self.finish_creates()
        await self._login.close()
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def identity(self) -> Identity:
        """The account of the credential, as of the last login; its realm costs one GET per login."""
        login = await self._login.current()
        if self._identity is None or self._identity[0] is not login:
            realm = (await self.read(login.account_id, ACCOUNT)).get("realm")
            if not isinstance(realm, str):
                raise Nonsense("KAZOO answered with an account without realm")
            identity = Identity(login.account_id, login.name, realm, login.is_reseller, login.is_master)
            self._identity = (login, identity)
        return self._identity[1]

    async def read(self, account_id: str, document: Document) -> JsonObject:
        """GET a document, `data` over `metadata`; numbers with a point are Decimal."""
        request = Request("GET", _route(document), account_id, item=document.item)
        return (await self._call(request)).document

    async def write(self, account_id: str, document: Document, data: JsonObject) -> JsonObject:
        """PATCH or POST `data`, once. Raises ValueError for a forbidden member of `data`.

        After Conflict, Unreachable and ServerFailure the change may have been stored, and on 5.0 even after
        Invalid.
        """
        refuse_flags(data)
        if document.verb == "none":
            raise ValueError(f"the document {document.name} is only read")
        request = Request(document.verb, _route(document), account_id, data=data, item=document.item)
        return (await self._call(request)).document

    async def create_account(self, parent_id: str, data: JsonObject) -> JsonObject:
        """PUT a new account below `parent_id`, once, without e-mail; returns the answer's data as they are.

        A roll-back answers like a success (without `created`): the caller has to look. Cancelling the caller
        does not cut the request once it has left. Raises ValueError for a forbidden member of `data`.
        """
        refuse_flags(data)
        query = {"send_email_on_creation": "false"}
        request = Request("PUT", _route(ACCOUNT), parent_id, query, data, uncut=True)
        return (await self._call(request)).document

    async def make(self, account_id: str, document: Document, data: JsonObject) -> JsonObject:
        """PUT `data` into a list of documents, once. Raises ValueError for a forbidden member of `data`."""
        refuse_flags(data)
        return (await self._call(Request("PUT", _route(document), account_id, data=data))).document

    async def items(self, account_id: str, document: Document, query: Query) -> tuple[JsonObject, ...]:
        """The rows of a list of documents, page after page."""
        pages = self._pages(_route(document), account_id, dict(query))
        return tuple([row async for page in pages for row in page])

    async def holds_any(self, account_id: str, document: Document) -> bool:
        """Whether a list of documents has any row; asks for one."""
        query = {"page_size": "1"}
        return bool((await self._call(Request("GET", _route(document), account_id, query))).rows)

    async def delete_account(self, account_id: str) -> None:
        """DELETE an account, once; cancelling the caller does not cut the request once it has left.

        KAZOO's permanent refusals come as ServerFailure with `account has descendants` or `active port`.
        """
        await self._call(Request("DELETE", _route(ACCOUNT), account_id, uncut=True))

    async def ancestors(self, account_id: str) -> tuple[str, ...]:
        """The ids from the credential's account down to the parent; none for the credential's own."""
        reply = await self._call(Request("GET", "/accounts/{id}/tree", account_id, {"paginate": "false"}))
        return tuple(text_of(row.get("id")) for row in reply.rows)

    async def find_by_realm(self, realm: str) -> tuple[AccountRow, ...]:
        """Search below the credential's account; KAZOO compares only the letters a-z0-9 of a prefix.

        Raises ValueError for an empty realm, which would match every account.
        """
        if not realm.strip():
            raise ValueError("an empty realm cannot be searched for")
        rows = await self._search("realm", realm)
        return tuple(row for row in rows if row.realm.lower() == realm.lower())

    async def find_by_name(self, name: str) -> tuple[AccountRow, ...]:
        """Search below the credential's account; nothing for a name without a-z0-9: KAZOO would list all."""
        wanted = normalised_name(name)
        if not wanted:
            return ()
        rows = await self._search("name", name)
        return tuple(row for row in rows if normalised_name(row.name) == wanted)

    async def descendants(self, account_id: str) -> tuple[AccountRow, ...]:
        """List all accounts below `account_id`, page after page."""
        return await self._list("/accounts/{id}/descendants", account_id, {})

    async def balance(self, account_id: str) -> Amount:
        """The ledgers' total, in units of 1/10000."""
        reply = await self._call(Request("GET", "/accounts/{id}/ledgers/total", account_id))
        amount = reply.document.get("amount")
        if not is_number(amount) or not -_MOST_MONEY < amount < _MOST_MONEY:
            raise Nonsense("KAZOO answered with a balance that is no amount")
        return from_number(amount)

    async def _search(self, by: str, value: str) -> tuple[AccountRow, ...]:
        login = await self._login.current()
        query = {"t": "account", "q": by, "v": value}
        return await self._list("/accounts/{id}/search", login.account_id, query)

    async def _list(self, route: str, account_id: str, query: dict[str, str]) -> tuple[AccountRow, ...]:
        rows = {
            row.id: row
            async for page in self._pages(route, account_id, query)
            for row in map(account_row, page)
        }
        return tuple(rows.values())

    async def _pages(
        self, route: str, account_id: str, query: dict[str, str]
    ) -> AsyncIterator[list[JsonObject]]:
        query = {**query, "page_size": str(PAGE_SIZE)}
        seen: set[str] = set()
        while True:
            reply = await self._call(Request("GET", route, account_id, query))
            yield reply.rows
            key = reply.next_start_key
            if key is None:
                return
            if key in seen:
                raise Nonsense("KAZOO answered with a listing that leads back to its own pages")
            seen.add(key)
            query["start_key"] = key

    async def _call(self, request: Request) -> Reply:
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

    async def _attempt(self, request: Request, login: Login) -> Reply:
        if request.method != "GET":
            return await self._exchange(request, login.token)
        for pause in _RETRY_PAUSES:
            try:
                reply = await self._exchange(request, login.token)
            except TimedOut:
                raise
            except Unreachable:
                pass
            else:
                if reply.status < 500:
                    return reply
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - jitter
        return await self._exchange(request, login.token)

    async def _exchange(self, request: Request, token: str | None) -> Reply:
        turn = await self._pacing.turn(request.account)
        if request.method != "GET" and token is not None and not self._may_write():
            turn.end(None)
            raise NotLeading("another replica is the leader now")
        if not request.uncut:
            return await self._send(request, token, turn, self._deadline)
        create = asyncio.create_task(self._send(request, token, turn, self._create_deadline))
        self._creates.add(create)
        create.add_done_callback(self._created)
        await asyncio.wait([create])  # unlike awaiting the task itself, this does not cancel it with us
        return create.result()

    async def _send(self, request: Request, token: str | None, turn: Turn, deadline: float) -> Reply:
        reply: Reply | None = None
        try:
            reply = await self._transport.exchange(request, token, deadline)
            return reply
        finally:
            turn.end(reply)

    def _created(self, create: asyncio.Task[Reply]) -> None:
        self._creates.discard(create)
        if not create.cancelled():
            create.exception()  # seen, also when the caller is gone

    async def _log_in(self) -> Login:
        return login_of(await self._exchange(login_request(self._api_key), None))


def _route(document: Document) -> str:
    segments = document.path.split("/") if document.path else []
    items = [] if document.item is None else ["{item}"]
    return "/".join(["/accounts/{id}", *map(quote_segment, segments), *items])

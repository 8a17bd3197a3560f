"""The Crossbar client: the `Backend` protocol over KAZOO's HTTP API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from ssl import SSLContext
from types import TracebackType
from typing import Literal, Self

from kazoo_operator.backend.errors import Nonsense
from kazoo_operator.backend.ledgers import amount_of, ledger_entry, refuse_open_booking, window_of
from kazoo_operator.backend.login import Credential, Login, Source
from kazoo_operator.backend.protocol import AccountRow, Greeting, Identity, LedgerEntry, Query, Revised
from kazoo_operator.backend.rows import account_row, refuse_flags, text_of
from kazoo_operator.backend.session import Session
from kazoo_operator.backend.transport import Observe, Request, quote_segment
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import ACCOUNT, Document
from kazoo_operator.core.money import Amount
from kazoo_operator.core.realm import normalised_name

_LONGEST_VERSION = 64


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
        credential: Credential | Source,
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
        self._url = url.rstrip("/")
        self._session = Session(
            url,
            credential,
            requests_per_second=requests_per_second,
            deadline=deadline,
            create_deadline=create_deadline,
            ssl=ssl,
            observe=observe,
            may_write=may_write,
        )
        self._identity: tuple[Login, Identity] | None = None

    @property
    def url(self) -> str:
        """The base URL, as given."""
        return self._url

    @property
    def creates_in_flight(self) -> int:
        """How many accounts are being created or deleted: sent, and not answered yet."""
        return self._session.uncut_in_flight

    async def finish_creates(self) -> None:
        """Wait until each create and delete that was sent is answered or past its deadline."""
        await self._session.finish_uncut()

    async def close(self) -> None:
        """Close the connections, once the creates in flight are finished."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def identity(self) -> Identity:
        """The account of the credential, as of the last login; its realm costs one GET per login."""
        login = await self._session.login()
        if self._identity is None or self._identity[0] is not login:
            realm = (await self.read(login.account_id, ACCOUNT)).get("realm")
            if not isinstance(realm, str):
                raise Nonsense("KAZOO answered with an account without realm")
            identity = Identity(login.account_id, login.name, realm, login.is_reseller, login.is_master)
            self._identity = (login, identity)
        return self._identity[1]

    async def log_in_anew(self) -> None:
        """Log in with the credential as it is now; where that is refused, the login in force goes on."""
        await self._session.log_in_anew()

    async def greet(self) -> Greeting:
        """GET the credential's account: it as it is now, and the version that the envelope tells."""
        login = await self._session.login()
        reply = await self._session.call(Request("GET", _route(ACCOUNT), login.account_id))
        said = reply.envelope.get("version")
        fit = isinstance(said, str) and len(said) <= _LONGEST_VERSION and said.isprintable()
        return Greeting(str(said) if fit else "", reply.document)

    async def read(self, account_id: str, document: Document) -> JsonObject:
        """GET a document, `data` over `metadata`; numbers with a point are Decimal."""
        return (await self.read_revised(account_id, document)).content

    async def read_revised(self, account_id: str, document: Document) -> Revised:
        """GET a document with the revision that a later `write` can hold KAZOO to."""
        request = Request("GET", _route(document), account_id, item=document.item)
        reply = await self._session.call(request)
        return Revised(reply.document, reply.revision)

    async def write(
        self,
        account_id: str,
        document: Document,
        data: JsonObject,
        *,
        revision: str | None = None,
        accept_charges: bool = False,
    ) -> JsonObject:
        """PATCH or POST `data`, once. Raises ValueError for a forbidden member of `data`.

        With `revision`, raises PreconditionFailed where another stands by now; never for an account, where
        KAZOO answers 412 and may have written all the same. Without `accept_charges`, raises
        ChargesNotAccepted for a change that raises the bill of the credential's own account; bills of others
        rise without a question.
        After Conflict, Unreachable and ServerFailure the change may have been stored, and on 5.0 even after
        Invalid.
        """
        refuse_flags(data)
        if document.verb == "none":
            raise ValueError(f"the document {document.name} is only read")
        if revision is not None and not document.path:
            raise ValueError("an account cannot be written by its revision")
        request = Request(
            document.verb,
            _route(document),
            account_id,
            data=data,
            item=document.item,
            if_match=revision,
            accept_charges=accept_charges,
        )
        return (await self._session.call(request)).document

    async def create_account(self, parent_id: str, data: JsonObject) -> JsonObject:
        """PUT a new account below `parent_id`, once, without e-mail; returns the answer's data as they are.

        A roll-back answers like a success (without `created`): the caller has to look. Cancelling the caller
        does not cut the request once it has left. Raises ValueError for a forbidden member of `data`.
        """
        refuse_flags(data)
        query = {"send_email_on_creation": "false"}
        request = Request("PUT", _route(ACCOUNT), parent_id, query, data, uncut=True)
        return (await self._session.call(request)).document

    async def make(
        self, account_id: str, document: Document, data: JsonObject, *, accept_charges: bool = False
    ) -> JsonObject:
        """PUT `data` into a list of documents, once. Raises ValueError for a forbidden member of `data`."""
        refuse_flags(data)
        request = Request("PUT", _route(document), account_id, data=data, accept_charges=accept_charges)
        return (await self._session.call(request)).document

    async def items(self, account_id: str, document: Document, query: Query) -> tuple[JsonObject, ...]:
        """The rows of a list of documents, page after page."""
        pages = self._session.pages(Request("GET", _route(document), account_id, query))
        return tuple([row async for page in pages for row in page])

    async def holds_any(self, account_id: str, document: Document) -> bool:
        """Whether a list of documents has any row; asks for one."""
        query = {"page_size": "1"}
        return bool((await self._session.call(Request("GET", _route(document), account_id, query))).rows)

    async def delete_account(self, account_id: str) -> None:
        """DELETE an account, once; cancelling the caller does not cut the request once it has left.

        KAZOO's permanent refusals come as ServerFailure with `account has descendants` or `active port`.
        """
        _ = (await self._session.call(Request("DELETE", _route(ACCOUNT), account_id, uncut=True))).document

    async def ancestors(self, account_id: str) -> tuple[str, ...]:
        """The ids from the credential's account down to the parent; none for the credential's own."""
        reply = await self._session.call(
            Request("GET", "/accounts/{id}/tree", account_id, {"paginate": "false"})
        )
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
        reply = await self._session.call(Request("GET", "/accounts/{id}/ledgers/total", account_id))
        return amount_of(reply.document.get("amount"))

    async def ledger_entries(self, account_id: str, service: str, month: str) -> tuple[LedgerEntry, ...]:
        """The entries of one source (such as `adjustments`) booked in a month (`YYYYMM`, UTC), in any order.

        An entry of the running second may be missing. Raises ValueError for what is no month.
        """
        # Without is_chunked=false KAZOO may cut a list without a word, or leave it empty.
        query = {**window_of(month), "is_chunked": "false"}
        route = f"/accounts/{{id}}/ledgers/{quote_segment(service)}"
        pages = self._session.pages(Request("GET", route, account_id, query))
        return tuple([ledger_entry(row) async for page in pages for row in page])

    async def book(
        self, account_id: str, direction: Literal["credit", "debit"], entry: JsonObject
    ) -> LedgerEntry:
        """PUT a ledger entry, once, and return it as booked.

        Raises Conflict where this month holds one with the same source, account, usage and period: whether
        its amount is the same has to be read. After Unreachable and ServerFailure it may have been booked.
        Raises ValueError for an entry without an amount of at least 1 or without `period.start`.
        """
        refuse_flags(entry)
        refuse_open_booking(entry)
        request = Request("PUT", f"/accounts/{{id}}/ledgers/{direction}", account_id, data=entry)
        return ledger_entry((await self._session.call(request)).document)

    async def quote(self, account_id: str, data: JsonObject) -> JsonObject:
        """The summary of services as if only the plans in `data` were assigned; changes nothing."""
        refuse_flags(data)
        request = Request("POST", "/accounts/{id}/services/quote", account_id, data=data, reads=True)
        return (await self._session.call(request)).document

    async def reconcile_services(self, account_id: str) -> None:
        """Let KAZOO count anew what the account is billed for."""
        await self._session.call(Request("POST", "/accounts/{id}/services/reconciliation", account_id))

    async def now(self) -> datetime:
        """KAZOO's own time, as of its last answer and with the seconds since."""
        return await self._session.now()

    async def _search(self, by: str, value: str) -> tuple[AccountRow, ...]:
        login = await self._session.login()
        query = {"t": "account", "q": by, "v": value}
        return await self._list("/accounts/{id}/search", login.account_id, query)

    async def _list(self, route: str, account_id: str, query: dict[str, str]) -> tuple[AccountRow, ...]:
        rows = {
            row.id: row
            async for page in self._session.pages(Request("GET", route, account_id, query))
            for row in map(account_row, page)
        }
        return tuple(rows.values())


def _route(document: Document) -> str:
    segments = document.path.split("/") if document.path else []
    items = [] if document.item is None else ["{item}"]
    return "/".join(["/accounts/{id}", *map(quote_segment, segments), *items])

"""What the engine asks of a KAZOO: the only door between planning and the outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import Document
from kazoo_operator.core.money import Amount

Query = Mapping[str, str]


@dataclass(frozen=True)
class Identity:
    """The account that the credential logs in to."""

    account_id: str
    name: str
    realm: str
    is_reseller: bool
    is_master: bool


@dataclass(frozen=True)
class Greeting:
    """What KAZOO says of itself, empty where it does not, and of the credential's account."""

    version: str
    account: JsonObject


@dataclass(frozen=True)
class AccountRow:
    """One row of a listing: enough to recognise an account without reading it.

    `tree` (ids, root first, parent last) is empty where the listing has none (search).
    """

    id: str
    name: str
    realm: str
    flags: tuple[str, ...] = ()
    tree: tuple[str, ...] = ()


@dataclass(frozen=True)
class LedgerEntry:
    """One booking; those made by the server itself have no `usage_type` and no `unit`.

    `amount` is in units of 1/10000, credits above 0, debits below. `account_id` is whom it was booked for: a
    reseller's copy of a customer's entry names the customer. `start` and `end` are those of its period.
    """

    id: str
    amount: Amount
    service: str
    source_id: str
    account_id: str
    usage_type: str = ""
    unit: str = ""
    start: int | None = None
    end: int | None = None
    description: str = ""


@dataclass(frozen=True)
class Revised:
    """A document, and the revision it stands at; None where KAZOO has none yet."""

    content: JsonObject
    revision: str | None


class Backend(Protocol):
    """One KAZOO with one credential.

    Every method raises `BackendError` only, but ValueError for what must never be sent (an empty id, a
    member of data that KAZOO would take for a flag of the request).
    """

    @property
    def url(self) -> str:
        """The base URL, without credentials: fit for messages."""

    async def identity(self) -> Identity:
        """Log in if need be, and say who we are."""

    async def log_in_anew(self) -> None:
        """Log in with the credential as it is now; where that is refused, the login in force goes on."""

    async def greet(self) -> Greeting:
        """Ask KAZOO, now, what it is and what it holds of our own account."""

    async def read(self, account_id: str, document: Document) -> JsonObject:
        """GET a document of an account; what newer servers put in `metadata` stands in it too."""

    async def read_revised(self, account_id: str, document: Document) -> Revised:
        """GET a document of an account with its revision."""

    async def write(
        self,
        account_id: str,
        document: Document,
        data: JsonObject,
        *,
        revision: str | None = None,
        accept_charges: bool = False,
    ) -> JsonObject:
        """PATCH or POST (as the document says) `data`; returns the answer's data.

        With `revision`, only if the document still stands at it. A change that costs the credential's account
        something needs `accept_charges`.
        """

    async def make(
        self, account_id: str, document: Document, data: JsonObject, *, accept_charges: bool = False
    ) -> JsonObject:
        """PUT a new item into a list of an account's documents; returns the answer's data."""

    async def items(self, account_id: str, document: Document, query: Query) -> tuple[JsonObject, ...]:
        """The rows of a list of an account's documents: those that match `query`, through all pages."""

    async def holds_any(self, account_id: str, document: Document) -> bool:
        """Whether a list of an account's documents has any row."""

    async def create_account(self, parent_id: str, data: JsonObject) -> JsonObject:
        """PUT a new account below `parent_id`; not idempotent: look it up before trying again.

        No e-mail is sent. Never cut: the call ends with KAZOO's answer or its own long deadline.
        """

    async def delete_account(self, account_id: str) -> None:
        """DELETE an account, for ever. Never cut: ends with KAZOO's answer or its own long deadline."""

    async def ancestors(self, account_id: str) -> tuple[str, ...]:
        """The ids of the accounts above `account_id`, from the credential's own down to the parent."""

    async def find_by_realm(self, realm: str) -> tuple[AccountRow, ...]:
        """The accounts below ours whose realm equals `realm`, letter case aside."""

    async def find_by_name(self, name: str) -> tuple[AccountRow, ...]:
        """The accounts below ours whose name is `name` to KAZOO: only a-z and 0-9 count."""

    async def descendants(self, account_id: str) -> tuple[AccountRow, ...]:
        """All accounts below `account_id`, through all pages."""

    async def balance(self, account_id: str) -> Amount:
        """The balance, in units of 1/10000 of the currency; may be negative."""

    async def ledger_entries(self, account_id: str, service: str, month: str) -> tuple[LedgerEntry, ...]:
        """The entries of one source that were booked in a month, `YYYYMM`."""

    async def book(
        self, account_id: str, direction: Literal["credit", "debit"], entry: JsonObject
    ) -> LedgerEntry:
        """PUT a ledger entry, which can never be changed; not idempotent: look it up before trying again."""

    async def quote(self, account_id: str, data: JsonObject) -> JsonObject:
        """The summary of services as if only the plans in `data` were assigned; changes nothing."""

    async def reconcile_services(self, account_id: str) -> None:
        """Let KAZOO count anew what the account is billed for."""

    async def now(self) -> datetime:
        """KAZOO's own time, which decides in which month a booking stands."""

    async def finish_creates(self) -> None:
        """Wait until no create and no delete is in flight; raises nothing."""

    async def close(self) -> None:
        """Close the connections, once the creates in flight are finished."""

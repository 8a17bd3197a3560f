"""The KAZOOs that are connected, and what is remembered of each: its root account, and its accounts."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Literal
from weakref import WeakValueDictionary

from kazoo_operator.backend.errors import NotFound
from kazoo_operator.backend.index import AccountIndex
from kazoo_operator.backend.login import Source
from kazoo_operator.backend.protocol import Backend, Identity
from kazoo_operator.core.base_url import place_of
from kazoo_operator.core.custom_resource import JsonObject, Key
from kazoo_operator.core.documents import ACCOUNT, ROWS, Document

CONSULTED_FOR = 3600.0

Turns = WeakValueDictionary[str, asyncio.Lock]
"""What is done one at a time, by name."""


@dataclass(frozen=True)
class Policy:
    """What the settings or a TelephonyBackend say about a KAZOO beyond its URL and credential."""

    realm_template: str = ""
    currency: str = "USD"
    root_account: str | None = None
    max_deletions_per_hour: int = 1
    budget_policy: Literal["Deny", "Warn", "Off"] = "Warn"
    require_whitelabel: bool = False
    name_pattern: str = ""


class NoRoot(Exception):
    """The root account that is named is not to be found below the credential's account."""


@dataclass(frozen=True)
class Access:
    """How a KAZOO is reached: what differs in any of this is another connection.

    `auth` says by what a credential is found, `source` gives it; `authorities` are certificates in PEM form,
    trusted instead of the system's.
    """

    name: str
    url: str
    auth: str
    root_account: str | None
    requests_per_second: float
    authorities: str | None
    source: Source = field(compare=False)


Connect = Callable[[Access], Backend]
"""Makes the client of a KAZOO. Raises ValueError for what is no URL."""


class Connection:
    """One KAZOO as the engine works with it.

    `clock` is monotonic, in seconds; `key` names the TelephonyBackend that it is of, None the settings. Other
    connections to the same KAZOO share its `turns`.
    """

    def __init__(
        self,
        backend: Backend,
        policy: Policy,
        clock: Callable[[], float] = time.monotonic,
        key: Key | None = None,
        turns: Turns | None = None,
    ) -> None:
        self.backend = backend
        self.policy = policy
        self.key = key
        self.index = AccountIndex(backend, clock)
        self._root: tuple[str, Identity] | None = None
        self.creating: Counter[str] = Counter()
        self._clock = clock
        self.turns: Turns = WeakValueDictionary() if turns is None else turns
        self._consulted: dict[str, tuple[float, JsonObject]] = {}

    async def root(self) -> Identity:
        """The account below which everything happens. Raises BackendError, NoRoot."""
        login = await self.backend.identity()
        wanted = self.policy.root_account
        if wanted in (None, login.account_id, login.realm.lower()):
            return login
        if self._root is None or self._root[0] != login.account_id:
            self._root = (login.account_id, await self._find_root(str(wanted)))
        return self._root[1]

    async def root_now(self) -> Identity:
        """The root account, looked for anew. Raises BackendError, NoRoot."""
        self._root = None
        return await self.root()

    @property
    def called(self) -> str:
        """What a person calls it."""
        if self.key is None:
            return "the operator's settings"
        return f"the TelephonyBackend {self.key.called}"

    def among_all(self, account_id: str) -> str:
        """What tells the account from those of every other KAZOO: a copy of this one has the same ids."""
        return f"{place_of(self.backend.url)} {account_id}"

    @property
    def root_is_named_by(self) -> str:
        """Where a person says which account is the root."""
        return "KAZOO_OPERATOR_ROOT_ACCOUNT" if self.key is None else f"rootAccount of {self.called}"

    async def _find_root(self, wanted: str) -> Identity:
        account_id = wanted
        if "." in wanted:
            rows = await self.backend.find_by_realm(wanted)
            if len(rows) != 1:
                raise NoRoot(f"no account has the realm {wanted}")
            account_id = rows[0].id
        try:
            found = await self.backend.read(account_id, ACCOUNT)
        except NotFound:
            raise NoRoot(f"no account has the id {wanted}") from None
        return Identity(
            account_id,
            str(found.get("name")),
            str(found.get("realm")),
            is_reseller=found.get("is_reseller") is True,
            is_master=found.get("superduper_admin") is True,
        )

    async def consult(self, document: Document) -> JsonObject:
        """A document that is alike for all accounts, as the root account sees it; at most an hour old."""
        held = self._consulted.get(document.name)
        if held is None or self._clock() - held[0] >= CONSULTED_FOR:
            content = await self.read((await self.root()).account_id, document)
            self._consulted[document.name] = held = (self._clock(), content)
        return held[1]

    async def read(self, account_id: str, document: Document) -> JsonObject:
        """The content of a document of an account; of a list, its rows. Raises BackendError."""
        if document.listed:
            return {ROWS: list(await self.backend.items(account_id, document, {}))}
        return await self.backend.read(account_id, document)

    async def write(
        self,
        account_id: str,
        document: Document,
        data: JsonObject,
        *,
        revision: str | None = None,
        accept_charges: bool = False,
    ) -> None:
        """Change a document of an account, one at a time: of PATCHes that meet, KAZOO 4.3 loses some.

        Raises as `Backend.write` does.
        """
        async with self.alone(f"write {document.name} of {account_id}"):
            await self.backend.write(
                account_id, document, data, revision=revision, accept_charges=accept_charges
            )

    @contextmanager
    def creation_below(self, account_id: str) -> Iterator[None]:
        """While a child of the account is being made: it must not be deleted now."""
        self.creating[account_id] += 1
        try:
            yield
        finally:
            self.creating[account_id] -= 1

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[None]:
        """One at a time for each `name`: KAZOO checks uniqueness without a lock of its own."""
        lock = self.turns.setdefault(name, asyncio.Lock())
        async with lock:
            yield


class Registry:
    """The connection of the settings, if they describe one, and those of the TelephonyBackends by their keys.

    `connect` makes the clients of the latter; `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        default: Connection | None,
        connect: Connect | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.default = default
        self._connect = connect
        self._clock = clock
        self._held: dict[Key, tuple[Access, Connection]] = {}
        self._retired: list[Backend] = []

    def get(self, key: Key) -> Connection | None:
        """The connection of a TelephonyBackend; it outlives that, and its Secret."""
        held = self._held.get(key)
        return None if held is None else held[1]

    def leave(self, key: Key, url: str, root_account: str | None) -> None:
        """A connection that leads elsewhere is of no use any more, not even to see an end through."""
        held = self._held.get(key)
        if held is not None and (held[0].url, held[0].root_account) != (url, root_account):
            del self._held[key]
            self._retired.append(held[1].backend)

    async def open(self, key: Key, access: Access, policy: Policy) -> Connection:
        """The connection of a TelephonyBackend, a new one where another access is asked for.

        What is being created over the old one is finished first; passes that are on may still use that.
        Raises ValueError for what is no URL.
        """
        held = self._held.get(key)
        if held is None or held[0] != access:
            if self._connect is None:
                raise ValueError("no TelephonyBackend is connected here")
            backend = self._connect(access)
            if held is not None:
                self._retired.append(held[1].backend)
            for old in self._retired:
                await old.finish_creates()
            turns = self._turns_at(access.url)
            held = self._held[key] = (access, Connection(backend, policy, self._clock, key, turns))
        held[1].policy = policy
        return held[1]

    def _turns_at(self, url: str) -> Turns | None:
        """Those of the connections that lead to the same KAZOO, with whatever credential."""
        connections = [held for _, held in self._held.values()]
        if self.default is not None:
            connections.append(self.default)
        for one in connections:
            if place_of(one.backend.url) == place_of(url):
                return one.turns
        return None

    async def finish_creates(self) -> None:
        """Wait until no create is in flight anywhere."""
        for backend in self._backends():
            await backend.finish_creates()

    async def close(self) -> None:
        """Close every backend."""
        for backend in self._backends():
            await backend.close()

    def _backends(self) -> tuple[Backend, ...]:
        given = () if self.default is None else (self.default.backend,)
        return (*given, *(held.backend for _, held in self._held.values()), *self._retired)

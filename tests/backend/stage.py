"""A sandbox in one of its releases, on a clock that is moved by hand, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.login import Credential, User
from kazoo_operator.core.documents import Document
from kazoo_operator.sandbox import Sandbox

USERS = Document("users", "users", "PATCH")
START = 1_795_586_400.0  # 2026-11-25T05:00:00Z


class Clock:
    """The sandbox's clock: it stands still until it is moved."""

    now = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Stage:
    """A sandbox in one of its releases, and clients of it."""

    sandbox: Sandbox
    clock: Clock
    compat: str
    client: Crossbar
    """With the API key of the built-in reseller."""

    @property
    def master(self) -> str:
        return self.sandbox.identity.master.account_id

    @property
    def reseller(self) -> str:
        return self.sandbox.identity.reseller.account_id

    @property
    def admin(self) -> User:
        """The administrator of the master account."""
        password = SecretStr(self.sandbox.identity.admin_password)
        return User(self.sandbox.identity.admin_name, "Sandbox Master", lambda: password)

    @asynccontextmanager
    async def as_one(self, credential: Credential) -> AsyncIterator[Crossbar]:
        async with Crossbar(self.sandbox.url, credential, requests_per_second=10_000) as client:
            yield client

    async def account(self, name: str = "Acme") -> str:
        """A new account below the reseller."""
        realm = f"{name.lower()}.example.com"
        made = await self.client.create_account(self.reseller, {"name": name, "realm": realm})
        return str(made["id"])

    @property
    def logins(self) -> int:
        """How often anybody has logged in so far."""
        paths = [entry["path"] for entry in self.sandbox.journal.shown()]
        return sum(path in ("/v2/api_auth", "/v2/user_auth") for path in paths)

"""The login: one for all calls that need it, and a new one when KAZOO refuses its token.

Crossbar API: `PUT /api_auth` with an API key of 64 characters, or `PUT /user_auth` with a hash of a user's
name and password, gives a token for an hour, which use does not prolong and a new password ends. An unknown
key is answered by 404, and the answer repeats the key: nothing of its data may be shown.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from kazoo_operator.backend.envelope import Reply, error_of
from kazoo_operator.backend.errors import (
    BackendError,
    CredentialUnreadable,
    Invalid,
    Nonsense,
    NotFound,
    Unauthorized,
)
from kazoo_operator.backend.transport import Request

Secret = Callable[[], SecretStr]
"""Gives an API key or a password; asked at every login, so that a new one is picked up. May raise OSError."""


@dataclass(frozen=True)
class SecretFile:
    """A secret in a file, such as a mounted Secret; the end of its last line does not count."""

    path: Path

    def __call__(self) -> SecretStr:
        """Read the file anew."""
        return SecretStr(self.path.read_text(encoding="utf-8").rstrip("\r\n"))


@dataclass(frozen=True)
class User:
    """A user who logs in with a password; KAZOO knows an account's name by its letters a-z and digits.

    With a `realm`, the account is that of the realm, whatever its name.
    """

    name: str
    account_name: str
    password: Secret
    realm: str = ""


Credential = Secret | User
"""An API key, or a user."""


@dataclass(frozen=True)
class Source:
    """A credential that is read anew before each login; `read` raises CredentialUnreadable."""

    read: Callable[[], Awaitable[Credential]]


@dataclass(frozen=True)
class Login:
    """What KAZOO told when it let us in."""

    token: SecretStr
    account_id: str
    name: str
    is_reseller: bool
    is_master: bool


class LoginOnce:
    """Holds the login in force; however many calls wait for one, they share it."""

    def __init__(self, log_in: Callable[[], Awaitable[Login]]) -> None:
        self._log_in = log_in
        self._login: Login | None = None
        self._running: asyncio.Task[Login] | None = None

    async def current(self, refused: Login | None = None) -> Login:
        """The login in force, other than `refused`. Raises what the login raises."""
        if self._login is not None and self._login is not refused:
            return self._login
        if self._running is None:
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(self._finished)
        running = self._running
        await asyncio.wait([running])
        return running.result()

    def replace(self, login: Login) -> None:
        """Another login is in force from now on; one that is under way still serves those who wait for it."""
        self._login = login

    async def close(self) -> None:
        """Give up a login under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> Login:
        self._login = None
        return await self._log_in()

    def _finished(self, task: asyncio.Task[Login]) -> None:
        self._running = None
        if not task.cancelled() and task.exception() is None:
            self._login = task.result()


def login_request(credential: Credential) -> Request:
    """The request that logs in. Raises CredentialUnreadable."""
    if not isinstance(credential, User):
        key = _read(credential, "API key").get_secret_value().strip()
        return Request("PUT", "/api_auth", data={"api_key": SecretStr(key)})
    password = _read(credential.password, "password").get_secret_value()
    # KAZOO's own scheme, over TLS; user names are kept in lower case there.
    hashed = hashlib.md5(f"{credential.name.lower()}:{password}".encode(), usedforsecurity=False)
    data = {"credentials": SecretStr(hashed.hexdigest()), "method": "md5"}
    where = {"account_realm": credential.realm} if credential.realm else {}
    account = where or {"account_name": credential.account_name}
    return Request("PUT", "/user_auth", data={**data, **account})


def _read(secret: Secret, what: str) -> SecretStr:
    try:
        return secret()
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "it is not text"
    raise CredentialUnreadable(f"the {what} cannot be read: {reason}")


def login_of(reply: Reply, credential: Credential) -> Login:
    """The login that KAZOO granted. Raises Unauthorized when it was refused, or another BackendError."""
    error = error_of(reply)
    if error is not None:
        raise _of_user(error) if isinstance(credential, User) else _of_key(error)
    token, data = reply.token, reply.document
    account_id, name = data.get("account_id"), data.get("account_name")
    if token is None or not isinstance(account_id, str) or not re.fullmatch("[0-9a-f]{32}", account_id):
        raise Nonsense("KAZOO answered a login without token or account")
    return Login(
        token=token,
        account_id=account_id,
        name=name if isinstance(name, str) else "",
        is_reseller=data.get("is_reseller") is True,
        is_master=data.get("is_master_account") is True,
    )


def _of_key(error: BackendError) -> BackendError:
    if isinstance(error, NotFound):
        return Unauthorized(error.status, "it does not know this API key")
    if isinstance(error, Invalid):
        return Unauthorized(error.status, "this is no API key; one has 64 characters")
    return error


def _of_user(error: BackendError) -> BackendError:
    if isinstance(error, Invalid):
        kinds = error.fields.get("account", {})
        state = next((kind for kind in ("disabled", "expired") if kind in kinds), "not usable")
        return Unauthorized(error.status, f"the account of this user is {state}")
    if isinstance(error, Unauthorized):
        return Unauthorized(error.status, "it does not know this user, this password or this account")
    return error

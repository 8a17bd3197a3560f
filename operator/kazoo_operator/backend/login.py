"""The login: one for all calls that need it, and a new one when KAZOO refuses its token.

Crossbar API: `PUT /api_auth` with an API key of 64 characters gives a token for an hour, which use does not
prolong. An unknown key is answered by 404, and the answer repeats the key: nothing of its data may be shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
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

ApiKey = Callable[[], SecretStr]
"""Gives the API key; asked at every login, so that a rotated one is picked up. May raise OSError."""


@dataclass(frozen=True)
class ApiKeyFile:
    """An API key in a file, such as a mounted Secret; blanks around it do not count."""

    path: Path

    def __call__(self) -> SecretStr:
        """Read the file anew."""
        return SecretStr(self.path.read_text(encoding="utf-8").strip())


@dataclass(frozen=True)
class Login:
    """What KAZOO told when it let us in."""

    token: str = field(repr=False)
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


def login_request(api_key: ApiKey) -> Request:
    """The request that logs in. Raises CredentialUnreadable."""
    try:
        key = api_key().get_secret_value()
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "it is not text"
    else:
        return Request("PUT", "/api_auth", data={"api_key": key})
    raise CredentialUnreadable(f"the API key cannot be read: {reason}")


def login_of(reply: Reply) -> Login:
    """The login that KAZOO granted. Raises Unauthorized when it was refused, or another BackendError."""
    error = error_of(reply)
    if error is not None:
        raise _refusal(error)
    token, data = reply.token, reply.document
    account_id, name = data.get("account_id"), data.get("account_name")
    if token is None or not isinstance(account_id, str) or not account_id:
        raise Nonsense("KAZOO answered a login without token or account")
    return Login(
        token=token,
        account_id=account_id,
        name=name if isinstance(name, str) else "",
        is_reseller=data.get("is_reseller") is True,
        is_master=data.get("is_master_account") is True,
    )


def _refusal(error: BackendError) -> BackendError:
    if isinstance(error, NotFound):
        return Unauthorized(error.status, "it does not know this API key")
    if isinstance(error, Invalid):
        return Unauthorized(error.status, "this is no API key; one has 64 characters")
    return error

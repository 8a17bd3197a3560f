"""One HTTP exchange with KAZOO, and what a failure of the wire is called.

Nothing is ever sent twice from here: aiohttp would repeat a PUT whose connection broke, and
KAZOO's PUT creates.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Literal
from urllib.parse import quote, urlencode

import aiohttp
from pydantic import SecretStr
from yarl import URL

from kazoo_operator.backend import addresses
from kazoo_operator.backend.envelope import Reply, write_json
from kazoo_operator.backend.errors import AddressRefused, BackendError, Nonsense, TimedOut, Unreachable
from kazoo_operator.core.custom_resource import JsonObject

CONNECTIONS = 32
MAX_BODY = 16 * 2**20

_CONNECT_SECONDS = 10

Observe = Callable[[str, str, str, float], None]
"""Told of each exchange: method, route, code (HTTP status, or a word where there was none), seconds."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What to ask; `route` is the path below /v2 with `{id}` in the place of the account's id.

    `item` stands in the place of `{item}`: the id of one document in a list.

    `uncut`: from when it leaves, nothing but its long deadline may end it. `reads`: changes nothing, whatever
    its method. `if_match`: the revision that has to stand there still. `accept_charges` stands beside `data`.
    """

    method: Literal["GET", "PUT", "POST", "PATCH", "DELETE"]
    route: str
    account: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    data: JsonObject | None = field(default=None, repr=False)
    uncut: bool = False
    item: str | None = None
    reads: bool = False
    if_match: str | None = None
    accept_charges: bool = False

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET" and not self.reads

    @property
    def path(self) -> str:
        """The quoted path. Raises ValueError for an id that would lead to another place."""
        if self.account is None:
            return self.route
        path = self.route.replace("{id}", quote_segment(self.account))
        return path if self.item is None else path.replace("{item}", quote_segment(self.item))


def quote_segment(segment: str) -> str:
    """One segment of a path. Raises ValueError for one that is empty or dots, which quoting cannot tame."""
    if segment in ("", ".", ".."):
        raise ValueError(f"{segment!r} is no segment of a path")
    return quote(segment, safe="")


def base_url(url: str) -> str:
    """The URL up to and with the version of the API. Raises ValueError, which never repeats a password."""
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError("KAZOO's URL must read like https://crossbar.example.com:8443")
    if parsed.user is not None or parsed.password is not None:
        raise ValueError("KAZOO's URL must not hold a user name or password")
    if parsed.query_string or parsed.fragment:
        raise ValueError("KAZOO's URL must end with its path: no ? and no #")
    base = str(parsed).rstrip("/")
    return base if parsed.path.rstrip("/").endswith("/v2") else f"{base}/v2"


class Transport:
    """The connections to one KAZOO: at most 32, TLS verified, no cookies, no redirects."""

    def __init__(self, url: str, ssl: SSLContext | None, observe: Observe | None) -> None:
        self._base = base_url(url)
        self._host = URL(self._base).host
        self._ssl = ssl
        self._observe = observe
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, request: Request, token: SecretStr | None, deadline: float) -> Reply:
        """Send a request once, and read the answer whole within `deadline` seconds.

        Raises Unreachable or TimedOut when there is none, Nonsense when it is no HTTP or too large, and
        AddressRefused where the URL leads to an address that is never asked.
        """
        started = time.perf_counter()
        try:
            async with asyncio.timeout(deadline):
                reply = await self._send(request, token)
        except (aiohttp.ClientError, _Broken, OSError, BackendError) as error:
            failure = error if isinstance(error, BackendError) else self._name(error, deadline)
        else:
            self._note(request, str(reply.status), started)
            return reply
        self._note(request, _CODES[type(failure)], started)
        raise failure  # outside the except block: aiohttp's errors know the headers, and the token with them

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def _send(self, request: Request, token: SecretStr | None) -> Reply:
        addresses.refuse(str(self._host), str(self._host))  # a literal address is not resolved
        url = f"{self._base}{request.path}" + (f"?{urlencode(request.query)}" if request.query else "")
        async with self._open_session().request(
            request.method,
            URL(url, encoded=True),
            data=None if request.data is None else write_json(request.data, request.accept_charges),
            headers=_headers(request, token),
            allow_redirects=False,
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_BODY:
                    raise Nonsense(f"KAZOO answered with more than {MAX_BODY // 2**20} MiB")
            return Reply.of(response.status, bytes(body))

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS, ssl=self._ssl or True, resolver=addresses.GuardedResolver()
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=(_send_once,),
                headers={
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                    "User-Agent": "kazoo-operator",
                },
            )
        return self._session

    def _note(self, request: Request, code: str, started: float) -> None:
        seconds = time.perf_counter() - started
        _logger.debug("%s %s %s %.0f ms", request.method, request.path, code, seconds * 1000)
        if self._observe is not None:
            self._observe(request.method, request.route, code, seconds)

    def _name(self, error: Exception, deadline: float) -> BackendError:
        cause = error.cause if isinstance(error, _Broken) else error
        match cause:
            case aiohttp.ConnectionTimeoutError():
                return TimedOut(f"KAZOO at {self._host} took no connection within {_CONNECT_SECONDS} s")
            case TimeoutError():
                return TimedOut(f"KAZOO at {self._host} gave no answer within {deadline:g} s")
            case aiohttp.ClientResponseError():
                return Nonsense(f"what answers at {self._host} does not speak HTTP")
            case aiohttp.ClientConnectorDNSError():
                return Unreachable(f"the host name {self._host} cannot be resolved")
            case aiohttp.ClientConnectorCertificateError():
                reason = getattr(cause.certificate_error, "verify_message", "") or "not trusted"
                return Unreachable(f"the certificate of {self._host} does not verify: {reason}")
            case aiohttp.ClientConnectorSSLError():
                return Unreachable(f"KAZOO at {self._host} does not speak TLS")
            case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
                return Unreachable(f"KAZOO at {self._host} closed the connection before its answer was whole")
            case OSError(errno=int(number)):
                return Unreachable(f"KAZOO at {self._host} cannot be reached: {os.strerror(number).lower()}")
            case _:
                return Unreachable(f"KAZOO at {self._host} cannot be reached: {type(cause).__name__}")


def _headers(request: Request, token: SecretStr | None) -> dict[str, str]:
    headers = {} if token is None else {"X-Auth-Token": token.get_secret_value()}
    if request.if_match is not None:
        headers["If-Match"] = f'"{request.if_match}"'
    return headers


_CODES: Mapping[type[Exception], str] = {
    TimedOut: "timeout",
    Unreachable: "unreachable",
    Nonsense: "nonsense",
    AddressRefused: "refused",
}


class _Broken(Exception):
    """A connection that broke, in a type that aiohttp does not answer by sending the request again."""

    def __init__(self, cause: aiohttp.ClientError) -> None:
        super().__init__()
        self.cause = cause


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Broken(error) from None

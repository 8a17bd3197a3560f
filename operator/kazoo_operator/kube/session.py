"""The way to the API server: one capped pool of connections, shared by kopf and by our own calls.

ApiServerError
+-- NotLeading     it was not asked: another process may lead
+-- Refused        it answered 400 or more; `status` has the code, the text its own words
+-- Unreachable    no answer, or none that is JSON
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from kazoo_operator import __version__
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.kube.cluster import Cluster, Credentials
from kazoo_operator.kube.watches import Watches

_CONNECTIONS = 32
_LONGEST_WAIT = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)


class ApiServerError(Exception):
    """The API server did not do what it was asked."""


class NotLeading(ApiServerError):
    """A write was held back, since only the leader may write."""


class Refused(ApiServerError):
    """The API server answered with an error."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status


class Unreachable(ApiServerError):
    """The API server gave no usable answer."""


class ApiServer:
    """Calls to the API server of `cluster`; an async context manager.

    `watches` is how many streams stay open beside the calls: each needs a connection of its own. `may_write`
    is asked right before each write but those to a Lease; when it says no, `NotLeading` is raised.
    """

    def __init__(self, cluster: Cluster, watches: int = 1) -> None:
        self.url = cluster.url
        self.watches = Watches()
        self.may_write: Callable[[], bool] = lambda: True
        self._cluster = cluster
        self._origin = URL(cluster.url).origin()
        self._credentials = Credentials(cluster)
        self._connector = aiohttp.TCPConnector(
            limit=max(_CONNECTIONS, watches + _CONNECTIONS // 2), ssl=cluster.tls or True
        )
        self._not_before = 0.0
        self._session = self.session()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        await self._connector.close()

    def session(self) -> aiohttp.ClientSession:
        """A session on the shared connections; to close it closes none of them."""
        return aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            proxy=self._cluster.proxy,
            headers={"User-Agent": f"kazoo-operator/{__version__}"},
            middlewares=(self._paced, self._authorized, self._fenced, self._listened_to),
            timeout=_TIMEOUT,
        )

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> JsonObject:
        """GET `path`; raises `ApiServerError`."""
        return await self._call("GET", path, query)

    async def patch(
        self, path: str, patch: JsonObject | list[JsonObject], query: Mapping[str, str]
    ) -> JsonObject:
        """PATCH `path` with a JSON merge patch, or with a JSON patch where it is a list.

        Returns the object; raises `ApiServerError`.
        """
        form = "json-patch" if isinstance(patch, list) else "merge-patch"
        return await self._call("PATCH", path, query, patch, f"application/{form}+json")

    async def post(self, path: str, body: JsonObject, query: Mapping[str, str]) -> JsonObject:
        """POST `body`, a new object, to a collection; returns the object; raises `ApiServerError`."""
        return await self._call("POST", path, query, body, "application/json")

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: JsonObject | list[JsonObject] | None = None,
        form: str = "",
    ) -> JsonObject:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": form} if form else {}
        try:
            async with self._session.request(
                method, self.url + path, params=query, data=data, headers=headers, allow_redirects=False
            ) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from None
        return _answer(response.status, text)

    async def _paced(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """An answer of 429 makes all requests wait as long as it says, and this one is sent again.

        Those for the Lease do not wait: they are few, come again by themselves, and late they are of no use.
        """
        if _of_a_lease(request):
            return await handler(request)
        loop = asyncio.get_running_loop()
        for last in (False, False, True):
            if (wait := self._not_before - loop.time()) > 0:
                await asyncio.sleep(wait)
            response = await handler(request)
            if response.status != 429 or last:
                break
            response.release()
            self._not_before = loop.time() + _retry_after(response.headers.get("Retry-After"))
        return response

    async def _authorized(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if request.url.origin() != self._origin:
            return await handler(request)  # led elsewhere by a redirect: who we are stays at home
        if self._cluster.server_name:
            request.server_hostname = self._cluster.server_name
        token = await self._credentials.header()
        _authorize(request, token)
        response = await handler(request)
        if response.status == 401 and (renewed := await self._credentials.renew(token)) != token:
            response.release()
            _authorize(request, renewed)
            response = await handler(request)
        return response

    async def _fenced(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if not (request.method in ("GET", "HEAD") or _of_a_lease(request) or self.may_write()):
            raise NotLeading(f"{request.method} {request.url.path} is held back: this process does not lead")
        return await handler(request)

    async def _listened_to(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if request.url.query.get("watch") != "true":
            return await handler(request)
        try:
            response = await handler(request)
        except (aiohttp.ClientError, TimeoutError) as error:
            self.watches.failed(request.url.path, f"{type(error).__name__}: {error}")
            raise
        self.watches.listen(response)
        return response


def _of_a_lease(request: aiohttp.ClientRequest) -> bool:
    return "/apis/coordination.k8s.io/" in request.url.path


def _authorize(request: aiohttp.ClientRequest, token: str | None) -> None:
    if token is not None:
        request.headers["Authorization"] = token


def _retry_after(text: str | None) -> float:
    """Seconds to wait: a number, or until an HTTP date; a second where it says nothing of use."""
    try:
        seconds = float(text or 1)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text or "") - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            seconds = 1
    return min(max(seconds, 0.1), _LONGEST_WAIT)


def _answer(status: int, text: str) -> JsonObject:
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if status >= 400:
        said = data if isinstance(data, dict) and data.get("kind") == "Status" else {}
        raise Refused(status, str(said.get("reason") or "error"), str(said.get("message") or "")[:500])
    if status >= 300 or not isinstance(data, dict):
        raise Unreachable(f"the answer with status {status} is no JSON object")
    return data

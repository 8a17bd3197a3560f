"""A proxy in front of an API server that goes wrong as a test says: refusals, hangs, broken watches.

It listens with http on loopback, and verifies the API server behind it by the kubeconfig's authority.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from operator import methodcaller
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

_GLANCE = 0.2
_KEPT = ("Accept", "Authorization", "Content-Type", "User-Agent")


class ApiProxy:
    """Forwards everything, but for what it was told to do; all its methods may be called from any thread.

    `requests` has the method and path of each request, oldest first.
    """

    def __init__(self, upstream: str, authority: str) -> None:
        self.url = ""
        self.requests: list[tuple[str, str]] = []
        self._upstream = upstream
        self._tls = ssl.create_default_context(cadata=authority)
        # The authority of a test's control plane lacks extensions that Python 3.13 has come to demand.
        self._tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self._code: int | None = None
        self._answering = asyncio.Event()
        self._answering.set()
        self._streams: set[_Stream] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: aiohttp.ClientSession | None = None

    def refuse(self, code: int) -> None:
        """Answer everything with `code` from now on, and break what is open."""
        self._code = code
        self.cut()

    def hang(self) -> None:
        """Answer nothing from now on; what is open stays open and says no more."""
        self._in_the_loop(self._answering.clear)
        self.silence()

    def heal(self) -> None:
        """Forward everything again, new requests that is; broken and silent watches stay as they are."""
        self._code = None
        self._in_the_loop(self._answering.set)

    def silence(self) -> None:
        """The watches that are open deliver nothing more, and do not end."""
        for stream in tuple(self._streams):
            stream.silent = True

    def cut(self, last_words: bytes = b"") -> None:
        """Break the watches that are open, after a last piece of text in each."""
        self._in_the_loop(lambda: list(map(methodcaller("end", last_words), tuple(self._streams))))

    def say(self, event: dict[str, Any]) -> None:
        """Put an event into all watches that are open; they go on."""
        line = json.dumps(event).encode() + b"\n"
        self._in_the_loop(lambda: list(map(methodcaller("say", line), tuple(self._streams))))

    @property
    def watches(self) -> int:
        """How many watches are open."""
        return len(self._streams)

    def _in_the_loop(self, what: Callable[[], object]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Serve in the running loop."""
        self._loop = asyncio.get_running_loop()
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        try:
            async with aiohttp.ClientSession(connector=connector, timeout=timeout) as self._session:
                await runner.setup()
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
                try:
                    yield
                finally:
                    self.cut()
                    await runner.cleanup()
        finally:
            await asyncio.sleep(0.25)  # TLS connections are closed in later turns of the loop

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs))
        await self._answering.wait()
        if self._code is not None:
            body = {"kind": "Status", "status": "Failure", "code": self._code, "reason": "AsTheTestSays"}
            return web.json_response(body, status=self._code)
        headers = {name: request.headers[name] for name in _KEPT if name in request.headers}
        assert self._session is not None
        url = self._upstream + request.raw_path
        try:
            async with self._session.request(
                request.method, url, data=await request.read() or None, headers=headers
            ) as answer:
                if request.query.get("watch") == "true" and answer.status == 200:
                    return await self._stream(request, answer)
                kind = answer.headers.get("Content-Type", "")
                return web.Response(
                    status=answer.status, body=await answer.read(), headers={"Content-Type": kind}
                )
        except aiohttp.ClientError:
            return web.Response(status=502)

    async def _stream(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": answer.headers["Content-Type"]})
        await response.prepare(request)
        stream = _Stream(request)
        self._streams.add(stream)
        reading = asyncio.create_task(stream.read(answer))
        try:
            while (text := await stream.next()) is not None:
                if not stream.silent:
                    await response.write(text)
        except ConnectionError:
            pass
        finally:
            reading.cancel()
            self._streams.discard(stream)
            if answer.connection is not None and answer.connection.transport is not None:
                answer.connection.transport.abort()
        if stream.broken and request.transport is not None:
            request.transport.abort()
        return response


class _Stream:
    """One open watch: what is to be delivered, and None at its end."""

    def __init__(self, request: web.Request) -> None:
        self.waiting: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.silent = False
        self.broken = False
        self._request = request

    def say(self, text: bytes) -> None:
        self.waiting.put_nowait(text)

    async def next(self) -> bytes | None:
        """What is to be delivered next; None at the end, and soon after the watcher has gone."""
        while self._request.transport is not None:
            try:
                return await asyncio.wait_for(self.waiting.get(), _GLANCE)
            except TimeoutError:
                continue
        return None

    def end(self, last_words: bytes) -> None:
        self.broken = True
        if last_words:
            self.waiting.put_nowait(last_words)
        self.waiting.put_nowait(None)

    async def read(self, answer: aiohttp.ClientResponse) -> None:
        try:
            # Whole lines, so that what a test says never lands in the midst of an event.
            async for line in answer.content:
                self.say(line)
        except aiohttp.ClientError:
            self.broken = True
        if not self.silent:
            self.waiting.put_nowait(None)


@contextmanager
def running_api_proxy(kubeconfig: Path) -> Iterator[ApiProxy]:
    """A proxy to the API server of a kubeconfig, in a thread of its own."""
    cluster = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    proxy = ApiProxy(cluster["server"], authority)
    started, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with proxy.listening():
            started.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10), "the proxy does not listen"
    try:
        yield proxy
    finally:
        proxy._in_the_loop(ended.set)
        thread.join(10)


def through(proxy: ApiProxy, kubeconfig: Path, directory: Path) -> Path:
    """A kubeconfig like `kubeconfig` that goes through the proxy."""
    config = json.loads(kubeconfig.read_text())
    config["clusters"][0]["cluster"] = {"server": proxy.url}
    path = directory / f"proxied-{kubeconfig.name}"
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2))
    return path

"""The HTTP rim: a real server around the pipeline, with the faults that strike a connection.

The work between a request that has been read and its answer never waits, so requests are carried out one
after the other, and whole: a client that hangs up changes nothing about what is stored. The one exception
is KAZOO's own: a create that a `delay` holds back is not carried out if its client is gone by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from . import envelope, pipeline
from .call import Call
from .clock import Clock
from .control import Control
from .envelope import Answer
from .faults import BY_THE_ACTION, Fault, Faults
from .journal import Journal
from .nouns import discover
from .refusal import ConnectionCut, Refusal, not_built, system_error
from .release import RELEASES, Release
from .seed import Identity
from .world import World

if TYPE_CHECKING:
    from .seed_file import SeedFile

log = logging.getLogger(__name__)
log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))
"""What is no HTTP at all is answered 400, and is no traceback's worth."""

VERSIONS = ("v2", "v3")
READ_AT_MOST = 2 * envelope.LARGEST_BODY
LOOK_EVERY = 0.05
"""Seconds between looks at whether the client of a request that waits is still there."""
NO_CONTENT_TYPE = "application/octet-stream"
"""What aiohttp fills in where nothing was said; such a header is taken out again."""


class Sandbox:
    """A simulated Crossbar.

    In memory without a `database`; `api_key` is the master's, `control` adds the `/sandbox` surface,
    `compat` names the release to imitate (`release.RELEASES`), `clock` tells the seconds since 1970, and with
    a `rate_limit` requests draw from buckets; `seed` is a file of what a fresh sandbox holds (`seed_file`).
    Raises `store.DatabaseRefused` and `seed.SeedRefused` where a file cannot be used.
    """

    def __init__(
        self, database: Path | None = None, *, api_key: str | None = None, control: bool = True,
        compat: str = "5.0", clock: Callable[[], float] = time, rate_limit: bool = False,
        seed: Path | None = None,
    ) -> None:  # fmt: skip
        planted = _seed(seed) if seed else None
        self.world = World(
            database, api_key, Clock(clock), RELEASES[compat], rate_limit=rate_limit, seed_file=planted
        )
        self.routes = discover()
        self.faults, self.journal = Faults(), Journal()
        self.url = ""
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=READ_AT_MOST)
        if control:
            app.add_routes(Control(self.world, self.routes, self.journal, self.faults).table())
        app.router.add_route("*", "/{path:.*}", self._answer)
        app.on_response_prepare.append(_bare)
        self._runner = web.AppRunner(app, access_log=None, logger=log, shutdown_timeout=5.0)

    @property
    def identity(self) -> Identity:
        """Whom one may log in as."""
        return self.world.identity()

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> str:
        """Listen, on a free port for 0, and return the URL."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=1024)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{bound}"
        return self.url

    async def stop(self) -> None:
        """Answer what is being answered, let go of what hangs, and close the file."""
        self._stopping.set()
        await self._runner.cleanup()
        self.world.store.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        entry = self.journal.open(request.method, request.path, dict(request.query))
        call = Call(
            self.world, request.method, request.path, entry.query, request.headers, request.remote or ""
        )
        envelope.read_body(call, await _read(request))
        segments = [segment for segment in request.path.split("/") if segment]
        refused = _wrong_version(segments, self.world.release)
        call.match = self.routes.resolve(segments[1:])
        action = None if call.broken or refused else call.match.action(call.verb)
        entry.accept_charges = call.flag("accept_charges")
        entry.account_id = call.match.account_id
        call.fault = self.faults.take(request.method, request.path, action.faults if action else frozenset())
        try:
            answer = await self._under_fault(call, refused, request)
        except ConnectionCut:
            _reset(request)
            answer = None
        if call.match.own_account and call.known_caller:
            entry.account_id = call.known_caller.id
        entry.close(answer.status if answer else 0)
        return _response(answer)

    async def _under_fault(self, call: Call, refused: Refusal | None, request: web.Request) -> Answer | None:
        """The answer, None where none is sent."""

        def carry_out() -> Answer:
            return envelope.refusal(call, refused) if refused else pipeline.carry_out(call, self.routes)

        fault = call.fault
        if fault is None or fault.kind in BY_THE_ACTION:
            return carry_out()
        creating = bool((action := call.match.action(call.verb)) and "cut" in action.faults)
        good = carry_out() if fault.after_commit else None
        if fault.kind == "delay":
            await self._pause(fault.value, request if creating else None)
            if good is None and creating and _gone(request):
                return None
            return good or carry_out()
        if fault.kind == "hang":
            await self._pause(math.inf, request)
        if fault.kind in ("hang", "reset"):
            _reset(request)
            return None
        return _instead(call, fault)

    async def _pause(self, seconds: float, request: web.Request | None = None) -> None:
        """Wait, but not beyond the end of the sandbox, nor beyond that of the request's connection."""
        until = monotonic() + seconds
        while (
            (left := until - monotonic()) > 0
            and not self._stopping.is_set()
            and not (request and _gone(request))
        ):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), min(left, LOOK_EVERY) if request else left)


def _seed(path: Path) -> SeedFile:
    from .seed_file import read  # pydantic and YAML, which take longer to load than all the rest

    return read(path)


def _instead(call: Call, fault: Fault) -> Answer:
    """What is sent in place of an answer."""
    if fault.kind == "body":
        return Answer(200, {hdrs.CONTENT_TYPE: fault.content_type}, str(fault.value).encode())
    with contextlib.suppress(Refusal):
        pipeline.read_token(call)  # the envelope names it, and no further check is made
    call.negotiated = True
    return envelope.refusal(call, system_error(fault.value, fault.message))


def _wrong_version(segments: list[str], release: Release) -> Refusal | None:
    version = segments[0] if segments else ""
    if version in VERSIONS:
        return None
    if version != "v1":
        return Refusal(404, empty=True)
    return not_built("the API v1") if release.has_v1 else Refusal(410, "gone", "the API v1 is gone, use v2")


async def _read(request: web.Request) -> bytes | None:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return None


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _reset(request: web.Request) -> None:
    """Reset the connection: the client sees ECONNRESET, not an orderly end."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _response(answer: Answer | None) -> web.Response:
    if answer is None:
        return web.Response(status=500)  # goes nowhere: the connection is gone
    return web.Response(status=answer.status, headers=CIMultiDict(answer.headers), body=answer.body)


async def _bare(_request: web.Request, response: web.StreamResponse) -> None:
    if response.headers.get(hdrs.CONTENT_TYPE) == NO_CONTENT_TYPE:
        del response.headers[hdrs.CONTENT_TYPE]


@asynccontextmanager
async def running_sandbox(
    database: Path | None = None, *, api_key: str | None = None, control: bool = True,
    compat: str = "5.0", clock: Callable[[], float] = time, rate_limit: bool = False,
    seed: Path | None = None, port: int = 0,
) -> AsyncIterator[Sandbox]:  # fmt: skip
    """A sandbox that listens inside the `with`; its `url` and `identity` say where and as whom."""
    sandbox = Sandbox(
        database,
        api_key=api_key,
        control=control,
        compat=compat,
        clock=clock,
        rate_limit=rate_limit,
        seed=seed,
    )
    try:
        await sandbox.start(port)
        yield sandbox
    finally:
        await sandbox.stop()

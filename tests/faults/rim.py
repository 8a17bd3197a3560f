"""The whole operator in this process: the rim over a scripted API server, the real engine over a sandbox."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.registry import Connection, Policy, Registry
from kazoo_operator.engine import Engine
from kazoo_operator.kinds import discover
from kazoo_operator.sandbox import Sandbox
from kazoo_operator.surroundings import Surroundings
from tests.engine.conftest import SPEC
from tests.kube.api_server import FakeApiServer, status, write_kubeconfig
from tests.kube.harness import Operator, options_for

BEFORE, AFTER = "reset before", "reset after"
CODES = {"500": "InternalError", "409": "Conflict", "404": "NotFound"}
KILLED_BEFORE, KILLED_AFTER = "killed before", "killed after"
FAULTS = (BEFORE, AFTER, *CODES)
KILLS = (KILLED_BEFORE, KILLED_AFTER)


class FaultyApiServer(FakeApiServer):
    """Once armed, does wrong by the so manieth call that counts; watches and mere renewals do not count."""

    def __init__(self) -> None:
        super().__init__()
        self.deadly = asyncio.Event()
        self._left, self._what, self._part = 0, "", ""
        self.met = ""

    def arm(self, at: int, what: str, part: str = "") -> None:
        """Wrong goes the call number `at` from now of those whose path holds `part`."""
        self._left, self._what, self._part, self.met = at, what, part, ""
        self.deadly.clear()

    def disarm(self) -> str:
        """Nothing goes wrong from now on; which call did, or an empty text."""
        self._left = 0
        return self.met

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if not self._left or not await self._counts(request):
            return await super().handle(request)
        self._left -= 1
        if self._left:
            return await super().handle(request)
        self.met = f"{request.method} {request.path}"
        return await self._wrong(request)

    async def _counts(self, request: web.Request) -> bool:
        if request.query.get("watch") == "true" or self._part not in request.path:
            return False
        renewal = request.method == "PATCH" and "/leases/" in request.path
        return not renewal or "annotations" in await request.text()

    async def _wrong(self, request: web.Request) -> web.StreamResponse:
        if self._what in CODES:
            self.requests.append((request.method, request.path_qs))
            return status(int(self._what), CODES[self._what])
        if self._what in (AFTER, KILLED_AFTER):
            await super().handle(request)
        if self._what in KILLS:
            self.deadly.set()
            await asyncio.sleep(3600)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


@asynccontextmanager
async def running_faulty_api_server() -> AsyncIterator[FaultyApiServer]:
    """One that listens; at the end no status was unsound."""
    api = FaultyApiServer()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", api.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.url = "http://{}:{}".format(*runner.addresses[0][:2])
    try:
        yield api
    finally:
        await runner.cleanup()
    assert not api.unsound, "a status that breaks what kstatus relies on"


class RealEngine:
    """What the rim starts for each term: the engine over the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @asynccontextmanager
    async def start(self, surroundings: Surroundings) -> AsyncIterator[Engine]:
        """An engine that remembers nothing."""
        secret = SecretStr(self._sandbox.identity.reseller.api_key)
        backend = Crossbar(
            self._sandbox.url,
            lambda: secret,
            requests_per_second=10_000,
            may_write=surroundings.leads,
        )
        registry = Registry(Connection(backend, Policy(max_deletions_per_hour=1000)))
        try:
            yield Engine(discover(), registry, surroundings)
        finally:
            await registry.close()


class Lives:
    """One operator after the other over the same API server and the same sandbox."""

    def __init__(self, api: FaultyApiServer, sandbox: Sandbox, kubeconfig: Path) -> None:
        self.api, self.sandbox = api, sandbox
        self._kubeconfig = write_kubeconfig(kubeconfig, api.url)
        self.operator: Operator | None = None

    async def begin(self, ready: bool = True) -> None:
        """Start a life; with `ready`, wait until it says so."""
        engine: Any = RealEngine(self.sandbox)
        self.operator = Operator(options_for(self._kubeconfig), engine)
        if ready:
            await self.operator.until_ready(30)

    async def die(self) -> None:
        """Cut the life off where it stands."""
        assert self.operator is not None
        self.operator.task.cancel()
        await asyncio.gather(self.operator.task, return_exceptions=True)
        self.operator = None

    async def end(self) -> None:
        """SIGTERM."""
        if self.operator is not None:
            await self.operator.end()
            self.operator = None

    async def until(self, true: Any, within: float = 30) -> None:
        """Wait until `true()` holds; the operator must go on meanwhile."""
        assert self.operator is not None
        await self.operator.until(true, within)

    def written(self) -> Counter[str]:
        """Every write that came to KAZOO, logins aside, by method and route."""
        calls = self.sandbox.journal.shown()
        return Counter(
            f"{call['method']} {re.sub('[0-9a-f]{32}', 'ID', call['path'])}"
            for call in calls
            if call["method"] != "GET" and "/accounts" in call["path"]
        )

    def accounts(self) -> list[str]:
        """The realms of all accounts that objects made."""
        realms = [str(one.document.get("realm")) for one in self.sandbox.world.accounts.all()]
        return sorted(realm for realm in realms if realm.endswith(".faults.example.com"))

    def create(self, name: str) -> None:
        """An object whose account goes with it."""
        spec = {
            **SPEC,
            "name": f"Acme {name}",
            "realm": f"{name}.faults.example.com",
            "deletionPolicy": "Delete",
            "outboundRouting": "Platform",
        }
        self.api.create(name, spec)

    def ready(self, name: str) -> bool:
        """Whether the object is Ready at its generation, and holds our finalizer."""
        body = self.api.objects["default", name]
        found = body.get("status") or {}
        reasons = [one["reason"] for one in found.get("conditions") or () if one["type"] == "Ready"]
        at = found.get("observedGeneration") == body["metadata"]["generation"]
        return at and reasons == ["Ready"] and bool(body["metadata"].get("finalizers"))

    def shown(self, name: str) -> str:
        """The object's finalizers and status, without ids, its name and times."""
        body = self.api.objects["default", name]
        found = {**body["status"], "finalizers": body["metadata"].get("finalizers")}
        text = re.sub(r"[0-9a-f]{32}|\d{4}-\d\d-\d\dT[\d:]+Z", "#", repr(sorted(found.items())))
        return text.replace(name, "NAME")

    def delete(self, name: str) -> None:
        """A person confirms, and deletes the object."""
        notes = {"kazoo-operator.io/confirm-delete": f"Acme {name}"}
        self.api.touch(name, annotations=notes)
        self.api.delete(name)

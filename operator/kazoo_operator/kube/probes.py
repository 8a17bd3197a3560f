"""What the kubelet and Prometheus ask: /healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from kazoo_operator.kube.watches import Watches
from kazoo_operator.kube.watching import SERVER_TIMEOUT
from kazoo_operator.metrics import REGISTRY

_SILENT = 2.0 * SERVER_TIMEOUT
_STUCK = 600.0


class Health:
    """Whether the operator does what it is there for.

    `waiting_for` is what keeps it from starting or going on, None when nothing does. `stuck_for` gives the
    seconds since a worker last took a key while keys wait, `trouble` what keeps us from ever leading. A
    standby is as ready as the leader.
    """

    def __init__(
        self, watches: Watches, stuck_for: Callable[[], float], trouble: Callable[[], str | None]
    ) -> None:
        self._watches = watches
        self._stuck_for = stuck_for
        self._trouble = trouble
        self.waiting_for: str | None = "starting"

    def waits(self, text: str) -> None:
        """`text` keeps the operator from going on."""
        self.waiting_for = text

    @property
    def sick(self) -> str | None:
        """Why a restart is the remedy; None while it is not."""
        if (silent := self._watches.silence()) > _SILENT:
            return f"no watch event for {silent:.0f} s"
        if (stuck := self._stuck_for()) > _STUCK:
            return f"no object was taken up for {stuck:.0f} s, and some wait"
        return None

    @property
    def unready(self) -> str | None:
        """Why changes are not seen yet; None when they are."""
        if self.waiting_for is not None:
            return self.waiting_for
        return self._trouble() if self._watches.all_open else "not every watch is open"


@asynccontextmanager
async def probes(health: Health, probe_port: int, metrics_port: int) -> AsyncIterator[None]:
    """Serve the probes and the metrics on all addresses; OSError when a port is taken."""
    checks = web.Application()
    checks.router.add_get("/healthz", _check(lambda: health.sick))
    checks.router.add_get("/readyz", _check(lambda: health.unready))
    figures = web.Application()
    figures.router.add_get("/metrics", _metrics)
    async with _listening(checks, probe_port), _listening(figures, metrics_port):
        yield


@asynccontextmanager
async def _listening(app: web.Application, port: int) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        yield
    finally:
        await runner.cleanup()


def _check(problem: Callable[[], str | None]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        text = problem()
        return web.Response(status=503 if text else 200, text=f"{text or 'ok'}\n")

    return answer


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

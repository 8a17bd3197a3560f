"""The operator as a process: what is started in which order, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from kazoo_operator import metrics
from kazoo_operator.core.custom_resource import Key
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.cluster import find_cluster
from kazoo_operator.kube.controller import Controller
from kazoo_operator.kube.discovery import wait_for_kinds
from kazoo_operator.kube.feed import Feed
from kazoo_operator.kube.intake import Intake
from kazoo_operator.kube.options import Options
from kazoo_operator.kube.owner import find_owner
from kazoo_operator.kube.probes import Health, probes
from kazoo_operator.kube.reconciler import Reconciler
from kazoo_operator.kube.session import ApiServer
from kazoo_operator.kube.status import StatusWriter
from kazoo_operator.kube.supervisor import supervise
from kazoo_operator.kube.watching import hush_kopf, watch
from kazoo_operator.kube.workqueue import WorkQueue

_GRACE = 8.0
_WRITING = 1.0

StartEngine = Callable[[str], AbstractAsyncContextManager[Reconciler]]

log = logging.getLogger(__name__)


async def serve(options: Options, start_engine: StartEngine) -> None:
    """Run the operator until SIGTERM or SIGINT; then return, within 10 s unless a creation is in flight.

    `start_engine` is given the owner's name and yields the engine. Raises `NoCluster` when there is no
    configuration for a cluster, OSError when a port is taken, and what `start_engine` raises; nothing else
    ends it.
    """
    ending = _Ending()
    ending.take_signals()
    hush_kopf()
    async with AsyncExitStack() as stack:
        queue: WorkQueue[Key] = WorkQueue()
        engine: Reconciler | None = None
        async with ending.cuts_short():
            cluster = await asyncio.to_thread(find_cluster, options.kubeconfig, options.context)
            watches = sum(len(options.collections(kind)) for kind in options.kinds)
            api = await stack.enter_async_context(ApiServer(cluster, watches))
            health = Health(api.watches, lambda: queue.stuck_for)
            await stack.enter_async_context(probes(health, options.probe_port, options.metrics_port))
            await wait_for_kinds(api, options.kinds, health.waits)
            owner = await find_owner(api, options.owner, cluster.namespace, health.waits)
            log.info("this operator's marks carry the owner %s", owner)
            engine = await stack.enter_async_context(start_engine(owner))
        if engine is not None:
            await _operate(options, api, health, queue, engine, ending)
    log.info("ended")


async def _operate(
    options: Options,
    api: ApiServer,
    health: Health,
    queue: WorkQueue[Key],
    engine: Reconciler,
    ending: _Ending,
) -> None:
    """Watch and work until the process is asked to end, and wind up."""
    cache = Cache()
    intake = Intake(cache, queue, options.calls_per_pass, options.requests_per_second)
    plurals = {kind.kind: kind.plural for kind in options.kinds}
    writer = StatusWriter(api, cache, plurals, intake.observe, _now)
    controller = Controller(engine, cache, queue, intake, writer)
    feed = Feed(api, options, cache, intake)
    _show_metrics(api, options, cache, queue, intake)

    async def attempt() -> None:
        await wait_for_kinds(api, options.kinds, health.waits)
        await feed.list()
        log.info("watching, with %d objects at the start", len(cache))
        health.waiting_for = None
        await watch(api, options, feed, ending.take_signals)

    # The workers are older than kopf: what kopf sets in its tasks' context is not theirs.
    controller.start()
    watching = (
        asyncio.create_task(supervise(attempt, lambda why: health.waits(f"not watching: {why}"))),
        asyncio.create_task(feed.list_periodically()),
    )
    await ending.asked.wait()
    log.info("asked to end: no new work is taken up")
    health.waits("the operator is ending")
    for task in watching:
        task.cancel()
    await controller.stop(_GRACE, _WRITING)
    await asyncio.gather(*watching, return_exceptions=True)


class _Ending:
    """SIGTERM or SIGINT: cuts short what is still starting, and is waited for afterwards."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._starting: asyncio.Timeout | None = None

    def take_signals(self) -> None:
        """Have both signals come to us; once more whenever somebody else has taken them."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._ask)

    @asynccontextmanager
    async def cuts_short(self) -> AsyncIterator[None]:
        """What is in the block ends at once when the process is asked to end."""
        try:
            async with asyncio.timeout(0 if self.asked.is_set() else None) as self._starting:
                yield
        except TimeoutError:
            if not self.asked.is_set():
                raise
        finally:
            self._starting = None

    def _ask(self) -> None:
        if not self.asked.is_set():
            self.asked.set()
            if self._starting is not None:
                self._starting.reschedule(self._loop.time())


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _show_metrics(
    api: ApiServer, options: Options, cache: Cache, queue: WorkQueue[Key], intake: Intake
) -> None:
    metrics.QUEUE_DEPTH.labels("objects").set_function(lambda: len(queue))
    metrics.RESYNC_STRETCH.set_function(lambda: intake.stretch)
    for kind in options.kinds:
        metrics.OBJECTS.labels(kind.kind).set_function(partial(cache.count, kind.kind))
        metrics.WATCH_SILENCE.labels(kind.kind).set_function(
            partial(api.watches.silence, options.collections(kind))
        )

"""The operator as a process: what is started in which order, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from kazoo_operator import metrics
from kazoo_operator.core.resource import Key
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

T = TypeVar("T")
StartEngine = Callable[[str], AbstractAsyncContextManager[Reconciler]]

log = logging.getLogger(__name__)


class _Stopped(Exception):
    """The process was asked to end while it was still starting."""


async def serve(options: Options, start_engine: StartEngine) -> None:
    """Run the operator until SIGTERM or SIGINT; then return, within 10 s unless a creation is in flight.

    `start_engine` is given the owner's name and yields the engine. Raises `NoCluster` when there is no
    configuration for a cluster, OSError when a port is taken; nothing else ends it.
    """
    stop = asyncio.Event()

    def take_signals() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)

    take_signals()
    hush_kopf()
    cluster = await asyncio.to_thread(find_cluster, options.kubeconfig, options.context)
    watches = sum(len(options.collections(kind)) for kind in options.kinds)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(ApiServer(cluster, watches))
        cache = Cache()
        queue: WorkQueue[Key] = WorkQueue()
        health = Health(api.watches, lambda: queue.stuck_for)
        await stack.enter_async_context(probes(health, options.probe_port, options.metrics_port))
        try:
            await _unless(stop, wait_for_kinds(api, options.kinds, health.waits))
            owner = await _unless(stop, find_owner(api, options.owner, cluster.namespace, health.waits))
            log.info("this operator's marks carry the owner %s", owner)
            engine = await _unless(stop, stack.enter_async_context(start_engine(owner)))
        except _Stopped:
            return
        intake = Intake(cache, queue, options.calls_per_pass, options.requests_per_second)
        _show_metrics(api, options, cache, queue, intake)
        plurals = {kind.kind: kind.plural for kind in options.kinds}
        writer = StatusWriter(api, cache, plurals, intake.observe, _now)
        controller = Controller(engine, cache, queue, intake, writer)
        feed = Feed(api, options, cache, intake)

        async def attempt() -> None:
            await wait_for_kinds(api, options.kinds, health.waits)
            await feed.list()
            health.waiting_for = None
            await watch(api, options, feed, take_signals)

        controller.start()
        watching = (
            asyncio.create_task(supervise(attempt, lambda why: health.waits(f"watching has ended: {why}"))),
            asyncio.create_task(feed.list_periodically()),
        )
        await stop.wait()
        log.info("asked to end: no new work is taken up")
        for task in watching:
            task.cancel()
        await controller.stop(_GRACE, _WRITING)
        await asyncio.gather(*watching, return_exceptions=True)
    log.info("ended")


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; raises `_Stopped`, and cuts it, as soon as `stop` is set."""
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise _Stopped
    finally:
        for one in (task, stopped):
            one.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)


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

"""The operator as a process: what is started in which order, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from kazoo_operator import metrics
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.cluster import find_cluster
from kazoo_operator.kube.discovery import wait_for_kinds
from kazoo_operator.kube.feed import Feed
from kazoo_operator.kube.intake import Intake
from kazoo_operator.kube.lease import Always, Lease
from kazoo_operator.kube.lease_object import LeaseObject
from kazoo_operator.kube.options import Options
from kazoo_operator.kube.owner import find_owner
from kazoo_operator.kube.probes import Health, probes
from kazoo_operator.kube.session import ApiServer
from kazoo_operator.kube.supervisor import supervise
from kazoo_operator.kube.term import Office, StartEngine, serve_terms
from kazoo_operator.kube.watching import hush_kopf, watch

log = logging.getLogger(__name__)


async def serve(options: Options, start_engine: StartEngine) -> None:
    """Run the operator until SIGTERM or SIGINT; then return, within 10 s unless a creation is in flight.

    `start_engine` is given the surroundings and yields an engine; it is called anew whenever this process
    becomes the leader. Raises `NoCluster` when there is no configuration for a cluster, OSError when a port
    is taken, and what `start_engine` raises; nothing else ends it.
    """
    ending = _Ending()
    ending.take_signals()
    hush_kopf()
    async with AsyncExitStack() as stack:
        office: Office | None = None
        async with ending.cuts_short():
            cluster = await asyncio.to_thread(find_cluster, options.kubeconfig, options.context)
            watches = sum(len(options.collections(kind)) for kind in options.kinds)
            api = await stack.enter_async_context(ApiServer(cluster, watches))
            memory = LeaseObject(api, cluster.namespace)
            lease = Lease(memory) if options.elect else Always(memory)
            api.may_write = lease.leads
            cache = Cache()
            finalizers = {kind.kind: kind.finalizer for kind in options.kinds}
            intake = Intake(cache, finalizers, options.calls_per_pass, options.requests_per_second)
            health = Health(api.watches, lambda: intake.stuck_for, lambda: lease.trouble)
            await stack.enter_async_context(probes(health, options.probe_port, options.metrics_port))
            await wait_for_kinds(api, options.kinds, health.waits)
            owner = await find_owner(api, options.owner, cluster.namespace, health.waits)
            log.info("this operator's marks carry the owner %s", owner)
            listed = asyncio.Event()
            office = Office(options, api, owner, cache, intake, lease, memory, listed, start_engine)
        if office is not None:
            _show_metrics(office)
            await _operate(office, health, ending)
    log.info("ended")


async def _operate(office: Office, health: Health, ending: _Ending) -> None:
    """Watch, and work while we lead, until the process is asked to end; then wind up."""
    options, lease = office.options, office.lease
    feed = Feed(office.api, options, office.cache, office.intake)

    async def attempt() -> None:
        await wait_for_kinds(office.api, options.kinds, health.waits)
        await feed.list()
        log.info("watching, with %d objects at the start", len(office.cache))
        health.waiting_for = None
        office.listed.set()
        await watch(office.api, options, feed, ending.take_signals)

    # The terms' task is older than kopf: what kopf sets in its tasks' context is not the workers'.
    terms = asyncio.create_task(serve_terms(office, ending.asked))
    electing = asyncio.create_task(lease.run())
    watching = (
        asyncio.create_task(supervise(attempt, lambda why: health.waits(f"not watching: {why}"))),
        asyncio.create_task(feed.list_periodically()),
    )
    asked = asyncio.create_task(ending.asked.wait())
    try:
        await asyncio.wait((asked, terms), return_when=asyncio.FIRST_COMPLETED)
        log.info("asked to end: no new work is taken up")
        health.waits("the operator is ending")
        for task in watching:
            task.cancel()
        await terms
    finally:
        await _ended(electing)
        await lease.release()
        await _ended(asked, terms, *watching)


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


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


def _show_metrics(office: Office) -> None:
    intake, lease = office.intake, office.lease
    metrics.QUEUE_DEPTH.labels("objects").set_function(lambda: intake.waiting)
    metrics.RESYNC_STRETCH.set_function(lambda: intake.stretch)
    metrics.LEADS.labels("kazoo-operator").set_function(lambda: float(lease.leads()))
    for kind in office.options.kinds:
        metrics.OBJECTS.labels(kind.kind).set_function(partial(office.cache.count, kind.kind))
        metrics.WATCH_SILENCE.labels(kind.kind).set_function(
            partial(office.api.watches.silence, office.options.collections(kind))
        )

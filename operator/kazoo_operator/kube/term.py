"""A term: the time from when this process leads until it does not, with an engine and workers of its own."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kazoo_operator.core.custom_resource import Key
from kazoo_operator.core.lineage import BACKEND
from kazoo_operator.kube.api_secrets import ApiSecrets
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.controller import Controller, Writers
from kazoo_operator.kube.deletions import LeaseDeletions, StatusDeletions
from kazoo_operator.kube.events import Recorder
from kazoo_operator.kube.finalizers import FinalizerWriter
from kazoo_operator.kube.intake import Intake
from kazoo_operator.kube.lease import Always, Lease
from kazoo_operator.kube.lease_object import LeaseObject
from kazoo_operator.kube.objects import CachedObjects
from kazoo_operator.kube.options import Options, path_of
from kazoo_operator.kube.reconciler import Reconciler
from kazoo_operator.kube.session import ApiServer
from kazoo_operator.kube.status import StatusWriter
from kazoo_operator.kube.workqueue import WorkQueue
from kazoo_operator.surroundings import Deletions, Surroundings

_GRACE = 8.0
_WRITING = 2.0
# Of a lost Lease: passes that wait for no creation have no business any more.
_GRACE_OF_A_LOSER = 0.5

StartEngine = Callable[[Surroundings], AbstractAsyncContextManager[Reconciler]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Office:
    """What outlives terms. `listed` is set when all objects of all kinds were listed once."""

    options: Options
    api: ApiServer
    owner: str
    cache: Cache
    intake: Intake
    lease: Lease | Always
    memory: LeaseObject
    listed: asyncio.Event
    start_engine: StartEngine


async def serve_terms(office: Office, ended: asyncio.Event) -> None:
    """One term after the other until `ended` is set; the Lease is still held then, if it was."""
    lease = office.lease
    if not await _unless(ended, office.listed.wait()):
        return
    while not ended.is_set():
        lease.campaign()
        if await _unless(ended, lease.held.wait()):
            await _serve_term(office, ended)


async def _serve_term(office: Office, ended: asyncio.Event) -> None:
    lease = office.lease
    async with office.start_engine(_surroundings(office)) as engine:
        queue: WorkQueue[Key] = WorkQueue(urgent=_is_backend)
        writers = _writers(office)
        kinds = {kind.kind: kind for kind in office.options.kinds}
        controller = Controller(engine, office.cache, queue, office.intake, writers, kinds, lease.leads)
        posting = asyncio.create_task(writers.events.run())
        try:
            office.intake.begin(queue)
            controller.start()
            lost = await _unless(ended, lease.lost.wait())
            office.intake.end()
            await controller.stop(_GRACE_OF_A_LOSER if lost else _GRACE, _WRITING)
            if not lost:
                await writers.events.drain()
        finally:
            office.intake.end()
            posting.cancel()
            await asyncio.gather(posting, return_exceptions=True)


def _is_backend(key: Key) -> bool:
    """All its objects wait for it; and a new key is to be used within a minute, however long the line is."""
    return key.kind == BACKEND


def _surroundings(office: Office) -> Surroundings:
    leads, kinds = office.lease.leads, {kind.kind: kind for kind in office.options.kinds}
    on_the_lease = LeaseDeletions(office.memory, time.time, leads)

    def deletions_of(key: Key) -> Deletions:
        path = path_of(kinds[key.kind], key)
        return StatusDeletions(office.api, office.cache, key, path, on_the_lease, time.time)

    return Surroundings(
        owner=office.owner,
        objects=CachedObjects(office.cache),
        deletions=on_the_lease,
        leads=leads,
        secrets=ApiSecrets(office.api),
        deletions_of=deletions_of,
    )


def _writers(office: Office) -> Writers:
    api, cache, observe = office.api, office.cache, office.intake.observe
    kinds = {kind.kind: kind for kind in office.options.kinds}
    return Writers(
        status=StatusWriter(api, cache, kinds, observe, _now),
        finalizer=FinalizerWriter(api, cache, kinds, observe),
        events=Recorder(api, office.lease.identity, time.monotonic),
    )


async def _unless(ended: asyncio.Event, wanted: Coroutine[Any, Any, Any]) -> bool:
    """Wait for `wanted`, and return True; False when `ended` is set first."""
    tasks = (asyncio.ensure_future(wanted), asyncio.ensure_future(ended.wait()))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return not tasks[1].done()
    finally:
        for task in tasks:
            task.cancel()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

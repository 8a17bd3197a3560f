"""Workers: take a key, have the engine make a pass over its object, and have the status say so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from kazoo_operator import metrics
from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.lineage import BACKEND
from kazoo_operator.core.outcome import Outcome, Pass, Reason, State
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.entry import Entry
from kazoo_operator.kube.events import Recorder
from kazoo_operator.kube.finalizers import FinalizerWriter
from kazoo_operator.kube.intake import Intake
from kazoo_operator.kube.options import WatchedKind
from kazoo_operator.kube.reconciler import Progress, Reconciler
from kazoo_operator.kube.session import ApiServerError, NotLeading, Refused
from kazoo_operator.kube.status import StatusWriter, Target, Written
from kazoo_operator.kube.workqueue import WorkQueue

WORKERS = 32
_SHOWN_AFTER = 5.0
_LOOK_AGAIN = 1.0
_NOT_LEADING = "NotLeading"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Writers:
    """What the workers write to the API server with."""

    status: StatusWriter
    finalizer: FinalizerWriter
    events: Recorder


class Controller:
    """Turns keys into passes and passes into status, while `leads()` says so.

    `kinds` has the watched kinds by name.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        cache: Cache,
        queue: WorkQueue[Key],
        intake: Intake,
        writers: Writers,
        kinds: Mapping[str, WatchedKind],
        leads: Callable[[], bool],
    ) -> None:
        self._reconciler = reconciler
        self._cache = cache
        self._queue = queue
        self._intake = intake
        self._writers = writers
        self._kinds = kinds
        self._leads = leads
        self._workers: dict[asyncio.Task[None], Progress | None] = {}

    def start(self) -> None:
        """Start the workers."""
        for number in range(WORKERS):
            self._workers[asyncio.create_task(self._serve(), name=f"worker {number}")] = None

    async def stop(self, grace: float, writing: float) -> None:
        """Let the passes that are on come to an end: no new one starts.

        After `grace` seconds those are cut that waited for no creation. The others go on until that is
        done. What is to be found out and written to a status then has `writing` seconds, and five times as
        long after a creation that outlived the grace: the term of 10 s is over then anyway.
        """
        self._queue.close()
        workers, creating = tuple(self._workers), self._creating()
        await asyncio.wait(workers, timeout=grace)
        outlived = self._creating()
        for worker, progress in self._workers.items():
            if progress is not None and worker not in creating | outlived:
                worker.cancel()
        await self._reconciler.finish()
        await asyncio.wait(workers, timeout=5 * writing if outlived else writing)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await self._reconciler.finish()

    def _creating(self) -> set[asyncio.Task[None]]:
        """The workers that wait for a creation."""
        return {
            worker for worker, told in self._workers.items() if told is not None and told.outcome is not None
        }

    async def _serve(self) -> None:
        while (key := await self._queue.take()) is not None:
            try:
                await self._work(key)
            except Exception:
                log.exception("%s: a fault of the operator; it is tried again", key)
                self._queue.back_off(key)
            finally:
                self._queue.done(key)

    async def _work(self, key: Key) -> None:
        entry = self._cache.get(key)
        if entry is None:
            return
        if not self._leads():
            self._queue.add_after(key, _LOOK_AGAIN)
            return
        target = Target(key, entry.facts.uid, entry.facts.generation)
        try:
            if not await self._held_as_it_must(target, entry):
                return
        except ApiServerError as error:
            log.warning("%s: its finalizer is not written, it is tried again: %s", key, error)
            if isinstance(error, Refused) and error.status == HTTPStatus.FORBIDDEN:
                text = (
                    "The API server refuses our finalizer; grant patch on the resource in kazoo-operator.io."
                )
                await self._show(target, Pass(Outcome.of(Reason.INTERNAL_ERROR, text)))
            self._queue.back_off(key)
            return
        entry = self._entry(target)
        if entry is None or entry.facts.generation != target.generation:
            self._queue.add(key)
            return
        if entry.unwritten is None or entry.pass_is_due:
            found = await self._pass_over(target, entry)
        else:
            found = entry.unwritten
        await self._settle(target, found)

    async def _held_as_it_must(self, target: Target, entry: Entry) -> bool:
        """Whether a pass is to be made; our finalizer is then on the object if its account goes with it.

        What is being deleted gets none any more, and without one it needs no pass.
        """
        finalizer = self._kinds[target.key.kind].finalizer
        held, wanted = entry.holds(finalizer), entry.facts.destructive
        if entry.facts.deleting:
            if held and not wanted:
                await self._writers.finalizer.write(target, False)
            return held and wanted
        if held != wanted and not await self._writers.finalizer.write(target, wanted):
            self._queue.add(target.key)
            return False
        return True

    async def _pass_over(self, target: Target, entry: Entry) -> Pass:
        self._intake.pass_begins(target.key, entry)
        progress = Progress()
        worker = asyncio.current_task()
        assert worker is not None
        self._workers[worker] = progress
        running = asyncio.create_task(self._reconcile(target.key, entry, progress))
        try:
            if (outcome := await _takes_long(running, progress)) is not None:
                await self._show(target, Pass(outcome, progress.fields))
            return await running
        finally:
            self._workers[worker] = None
            if not running.done():
                running.cancel()
                await asyncio.wait({running})

    async def _reconcile(self, key: Key, entry: Entry, progress: Progress) -> Pass:
        began = asyncio.get_running_loop().time()
        try:
            found = await self._reconciler.reconcile(Resource.of(key.kind, entry.body), progress)
        except Exception as error:
            log.exception("%s: the pass failed", key)
            text = f"The operator failed on this object ({type(error).__name__}); its log has the details."
            found = Pass(Outcome.of(Reason.INTERNAL_ERROR, text))
        controller = key.kind.lower()
        metrics.RECONCILE_TIME.labels(controller).observe(asyncio.get_running_loop().time() - began)
        ready = found.outcome.state is State.READY
        if key.kind == BACKEND:
            metrics.show_backend(key.called, ready)
        metrics.RECONCILES.labels(controller, "success" if ready else "error").inc()
        if not ready:
            metrics.RECONCILE_ERRORS.labels(controller).inc()
        return found

    async def _show(self, target: Target, found: Pass) -> None:
        try:
            self._tell(target, found.outcome, await self._writers.status.write(target, found))
        except ApiServerError as error:
            log.debug("%s: its progress could not be shown: %s", target.key, error)

    async def _settle(self, target: Target, found: Pass) -> None:
        key = target.key
        if found.outcome.reason == _NOT_LEADING:
            self._hold_back(target, found)
            return
        try:
            if await self._released(target, found):
                return
            written = await self._writers.status.write(target, found)
        except NotLeading:
            self._hold_back(target, found)
            return
        except ApiServerError as error:
            if (entry := self._entry(target)) is not None:
                level = logging.DEBUG if entry.unwritten else logging.WARNING
                log.log(
                    level, "%s: what came of it is not written, that alone is tried again: %s", key, error
                )
                entry.unwritten = found
                self._queue.back_off(key)
            return
        entry = self._entry(target)
        if written is Written.GONE or entry is None:
            return
        entry.open, entry.unwritten = False, None
        if written is Written.MOVED:
            self._queue.add(key)
            return
        self._tell(target, found.outcome, written)
        for event in found.events:
            self._writers.events.tell(target, event)
        for other in found.wakes:
            self._queue.add(other)
        self._intake.come_back(key, found.outcome)

    async def _released(self, target: Target, found: Pass) -> bool:
        """Take our finalizer off what needs us no more; False when there is a status to write."""
        entry = self._entry(target)
        if not found.released or entry is None or not entry.facts.deleting:
            return False
        if await self._writers.finalizer.write(target, False):
            log.info("%s is released: %s", target.key, found.outcome.message)
            for event in found.events:
                self._writers.events.tell(target, event)
        elif (entry := self._entry(target)) is not None:
            entry.open, entry.unwritten = False, None
            self._queue.add(target.key)
        return True

    def _hold_back(self, target: Target, found: Pass) -> None:
        """We lead no more, or not for sure: nothing is written until we do.

        A pass that went well need not be made again. Any other may have failed of just that.
        """
        entry = self._entry(target)
        if entry is None:
            return
        if found.outcome.state is State.READY or found.released:
            entry.unwritten = found
        else:
            entry.wished = True
        self._queue.add_after(target.key, _LOOK_AGAIN)

    def _tell(self, target: Target, outcome: Outcome, written: Written) -> None:
        if written in (Written.TURNED, Written.CHANGED):
            log.info("%s is %s: %s", target.key, outcome.reason, outcome.message)
        if written is Written.TURNED:
            self._writers.events.turned(target, outcome)

    def _entry(self, target: Target) -> Entry | None:
        """The cached object that the pass was about; None when it is gone, or another has its name."""
        entry = self._cache.get(target.key)
        return entry if entry is not None and entry.facts.uid == target.uid else None


async def _takes_long(running: asyncio.Task[Pass], progress: Progress) -> Outcome | None:
    """What the pass has been waiting for since 5 s, as soon as it has; None when it ends before."""
    loop = asyncio.get_running_loop()
    since: float | None = None
    while not (await asyncio.wait({running}, timeout=_LOOK_AGAIN))[0]:
        if progress.outcome is None:
            since = None
        elif since is None:
            since = loop.time()
        elif loop.time() - since >= _SHOWN_AFTER:
            return progress.outcome
    return None

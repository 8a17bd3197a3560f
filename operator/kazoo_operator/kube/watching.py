"""kopf, embedded: it watches and writes nothing.

Three things of kopf's are held off here, each because the loop is ours and not kopf's alone: at its end it
cancels every task that is younger than itself (a creation in flight among them), it kills the process ten
minutes after it was cancelled, and it takes the process's signals.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator
from typing import Any

import aiohttp
import kopf

from kazoo_operator.core.custom_resource import GROUP
from kazoo_operator.kube.feed import Feed
from kazoo_operator.kube.options import Options
from kazoo_operator.kube.session import ApiServer

SERVER_TIMEOUT = 300

log = logging.getLogger(__name__)


class NoDiffBase(kopf.DiffBaseStorage):
    """Nothing is compared, nothing is kept, nothing is copied."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """An empty essence: the stock one copies the whole object at each event."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Nothing was kept."""
        return None

    def store(self, **_: Any) -> None:
        """Nothing is kept."""


class NoProgress(kopf.ProgressStorage):
    """No handler's progress is kept anywhere."""

    def fetch(self, **_: Any) -> None:
        """Nothing was kept."""

    def store(self, **_: Any) -> None:
        """Nothing is kept."""

    def purge(self, **_: Any) -> None:
        """Nothing is kept."""

    def touch(self, **_: Any) -> None:
        """Nothing is written, ever."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """The essence as it is, uncopied."""
        return essence


class _EveryTask(Collection[asyncio.Task[Any]]):
    """All tasks, as the list of those that kopf shall leave alone."""

    def __contains__(self, _: object) -> bool:
        return True

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Brief(logging.Handler):
    """Passes kopf's records on as one line each: its tracebacks tell of servers that were away."""

    def emit(self, record: logging.LogRecord) -> None:
        log.log(record.levelno, "kopf: %s", record.getMessage().split("\n", 1)[0][:300])


def hush_kopf() -> None:
    """kopf says what it must, from WARNING on, in one line each.

    Of its end the supervisor speaks, and of requests that fail the session.
    """
    logger = logging.getLogger("kopf")
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    logger.handlers[:] = [_Brief()]
    for name in ("_core.reactor.running", "_core.reactor.orchestration", "_cogs.clients.watching"):
        logging.getLogger(f"kopf.{name}").setLevel(logging.CRITICAL)


def settings() -> kopf.OperatorSettings:
    """kopf's settings: no writes, no scans, quick retries."""
    s = kopf.OperatorSettings()
    s.process.ultimate_exiting_timeout = None
    s.posting.enabled = False
    s.scanning.disabled = True
    s.persistence.finalizer = f"{GROUP}/kopf-unused"
    s.persistence.diffbase_storage = NoDiffBase()
    s.persistence.progress_storage = NoProgress()
    s.queueing.worker_limit = None
    s.queueing.idle_timeout = 0.1
    s.queueing.error_delays = (0.2, 0.5, 1, 2, 5, 10, 30)
    s.networking.error_backoffs = (0.1, 0.3, 1, 2, 5, 10, 10, 10, 10, 10, 10)
    s.networking.connect_timeout = 5
    s.networking.request_timeout = 30
    s.watching.chunk_size = 500
    s.watching.server_timeout = SERVER_TIMEOUT
    return s


async def watch(api: ApiServer, options: Options, feed: Feed, take_signals: Callable[[], None]) -> None:
    """Run kopf until it dies of something; what it sees goes to `feed`.

    `take_signals` is called as soon as kopf has put its own signal handlers in place.
    """
    registry = kopf.OperatorRegistry()
    feed.register(registry)
    sessions: list[aiohttp.ClientSession] = []

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        if sessions:
            await asyncio.sleep(1)  # refused again: without a pause kopf would ask in a tight loop
        sessions.append(api.session())
        return kopf.AiohttpSession(server=api.url, aiohttp_session=sessions[-1])

    api.watches.expect(tuple(path for kind in options.kinds for path in options.collections(kind)))
    try:
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=settings(),
            standalone=True,
            clusterwide=not options.namespaces,
            namespaces=options.namespaces,
        )
        take_signals()
        await kopf.run_tasks(tasks, ignored=_EveryTask())
    finally:
        await api.watches.hang_up()
        for session in sessions:
            await session.close()

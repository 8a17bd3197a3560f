"""How the watches are: which are open, and when each last delivered anything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

_GAP = 5.0

log = logging.getLogger(__name__)


@dataclass
class _Watch:
    """`heard` and `closed` are times of the loop; `told` says that its failing was logged."""

    heard: float
    closed: float
    open: bool = False
    told: bool = False


class Watches:
    """The watches that should be open, by the path of what they watch.

    aiohttp's tracing says nothing of a body that is read bit by bit, so the body itself is listened to:
    see `listen`.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watches: dict[str, _Watch] = {}
        self._bodies: set[_Heard] = set()
        self._readers: set[asyncio.Task[Any]] = set()

    def expect(self, paths: tuple[str, ...]) -> None:
        """Watches of `paths` are about to begin; none is open yet."""
        now, before = self._loop.time(), self._watches
        self._watches = {path: before.get(path) or _Watch(heard=now, closed=0) for path in paths}
        for watch in self._watches.values():
            watch.open, watch.closed = False, 0

    def listen(self, response: aiohttp.ClientResponse) -> None:
        """Take note of all that comes with the answer to a watch, and of its end."""
        path = response.url.path
        if response.status != 200:
            self.failed(path, f"the API server answered {response.status}")
            return
        self.heard(path)
        response.content = _Heard(response, self)  # type: ignore[assignment]

    def begun(self, body: _Heard) -> None:
        """A task begins to read the body of a watch."""
        self._bodies.add(body)
        if (reader := asyncio.current_task()) is not None:
            self._readers.add(reader)

    def done(self, body: _Heard, path: str) -> None:
        """No more of the body of a watch is read."""
        self._bodies.discard(body)
        self.ended(path)

    async def hang_up(self) -> None:
        """End all watches, and the tasks that read them, however many died of the same thing at once.

        A reader's exception keeps the body in its hands, and so its connection open, until it is collected.
        """
        for body in tuple(self._bodies):
            body.hang_up()
        self._bodies.clear()
        readers, self._readers = self._readers, set()
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)

    def heard(self, path: str) -> None:
        """The watch of `path` is open, and has just delivered something."""
        if (watch := self._of(path)) is not None:
            watch.open, watch.heard = True, self._loop.time()
            if watch.told:
                log.info("the watch of %s is open again", path)
                watch.told = False

    def ended(self, path: str) -> None:
        """The watch of `path` is over; all are, after some minutes, and begin anew."""
        watch = self._of(path)
        if watch is not None and watch.open:
            watch.open, watch.closed = False, self._loop.time()

    def failed(self, path: str, why: str) -> None:
        """The watch of `path` could not be opened; told once until it is open again."""
        self.ended(path)
        if (watch := self._of(path)) is not None and not watch.told:
            log.warning("the watch of %s cannot be opened: %s", path, why)
            watch.told = True

    @property
    def all_open(self) -> bool:
        """Whether each watch is open, or was so seconds ago and is about to begin anew."""
        just_now = self._loop.time() - _GAP
        watches = self._watches.values()
        return bool(watches) and all(one.open or one.closed > max(just_now, 0) for one in watches)

    def silence(self, paths: tuple[str, ...] | None = None) -> float:
        """Seconds since the most silent watch (of `paths`, or of all) delivered anything."""
        heard = [one.heard for path, one in self._watches.items() if paths is None or path in paths]
        return self._loop.time() - min(heard) if heard else 0.0

    def _of(self, path: str) -> _Watch | None:
        """The watch of a request's path, which may begin with a proxy's prefix."""
        return next((one for expected, one in self._watches.items() if path.endswith(expected)), None)


class _Heard:
    """A watch's body that says when something of it was read, and when no more comes."""

    def __init__(self, response: aiohttp.ClientResponse, watches: Watches) -> None:
        self._response = response
        self._content = response.content
        self._watches = watches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        path = self._response.url.path
        self._watches.begun(self)
        try:
            async for chunk in self._content.iter_chunked(size):
                self._watches.heard(path)
                yield chunk
        finally:
            self._watches.done(self, path)
            self.hang_up()

    def hang_up(self) -> None:
        """Cut the connection."""
        # A watch that is left in its midst would linger for TLS's farewell, longer than the loop may live.
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()

"""Who leads: the Lease `kazoo-operator`, held by one process at a time.

No clock is compared with another's. Our own hold is as old as the beginning of the last renewal that
succeeded; another's is over when its record was not seen to change for its duration. Both are measured on
our monotonic clock, which goes on while the process stands still.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.kube.lease_object import NAME, LeaseObject
from kazoo_operator.kube.session import ApiServerError, Refused

DURATION = 10
_MARGIN = 2.0
_EVERY = 2.0
_GIVING_BACK = 1.0

log = logging.getLogger(__name__)


class Lease:
    """Campaigns for the Lease when asked to, and keeps it.

    `held` is set from when we have won it until we know that another has it; then `lost` is. In between,
    `leads()` says whether the hold is fresh enough to write: it is not while no renewal succeeds.
    """

    def __init__(self, lease: LeaseObject, clock: Callable[[], float] = time.monotonic) -> None:
        self.identity = f"{socket.gethostname()}_{uuid.uuid4()}"
        self.held = asyncio.Event()
        self.lost = asyncio.Event()
        self._lease = lease
        self._wanted = False
        self._poke = asyncio.Event()
        self._trouble = "it was not read yet"
        self._well: float | None = None
        self._clock = clock
        self._renewed: float | None = None
        self._seen: JsonObject | None = None
        self._record: object = None
        self._changed = 0.0

    def leads(self) -> bool:
        """Whether we may write at this moment."""
        return self._renewed is not None and self._clock() - self._renewed < DURATION - _MARGIN

    @property
    def trouble(self) -> str | None:
        """Why we could not lead if we had to; None when nothing is known against it."""
        if self._well is not None and self._clock() - self._well < DURATION:
            return None
        return f"the Lease {NAME} in {self._lease.namespace} cannot be read or written: {self._trouble}"

    def campaign(self) -> None:
        """Take the Lease as soon as nobody holds it."""
        self._wanted = True
        self._poke.set()

    async def run(self) -> None:
        """Try and renew for ever."""
        told = False
        while True:
            self._poke.clear()
            try:
                await self.attempt()
                self._well, told = self._clock(), False
            except Exception as error:  # nothing may end this loop
                self._trouble = str(error) or type(error).__name__
                if not told:
                    log.warning("the Lease cannot be read or written, it is tried again: %s", error)
                told = True
            await self._wait()

    async def attempt(self) -> None:
        """Read the Lease, and renew or take it where that is ours to do. Raises `ApiServerError`."""
        began = self._clock()
        if self.held.is_set() and self._seen is not None:
            try:
                await self._write(began, self._seen, {})
                return
            except Refused as refused:
                if refused.status not in (404, 409):
                    raise
        seen = await self._lease.read()
        if seen is None:
            self._note(None)
            if self._wanted:
                await self._create(began)
            return
        self._note(seen)
        holder = _spec(seen).get("holderIdentity")
        if holder == self.identity:
            await self._write(began, seen, {})
        elif self.held.is_set():
            self._lose(holder)
        elif self._wanted and (not holder or began - self._changed >= _duration(seen)):
            transitions = int(_spec(seen).get("leaseTransitions") or 0) + 1
            await self._write(began, seen, {"acquireTime": _now(), "leaseTransitions": transitions})

    async def release(self) -> None:
        """Give the Lease back, so that another may take it at once; best effort, within seconds.

        To be called when nothing else renews it any more.
        """
        seen, self._wanted, self._renewed = self._seen, False, None
        if not self.held.is_set():
            return
        self.held.clear()
        try:
            async with asyncio.timeout(_GIVING_BACK):
                while seen is not None and not await self._give_back(seen):
                    seen = await self._lease.read()
        except (ApiServerError, TimeoutError) as error:
            log.debug("the Lease could not be given back: %s", error)

    async def _give_back(self, seen: JsonObject) -> bool:
        if _spec(seen).get("holderIdentity") != self.identity:
            return True
        try:
            await self._lease.change(seen, spec={"holderIdentity": "", "renewTime": _now()})
        except Refused as refused:
            if refused.status != 409:
                raise
            return False
        log.info("the Lease is given back")
        return True

    async def _wait(self) -> None:
        pause = _EVERY
        if not self.held.is_set() and self._seen is not None:
            over = self._changed + _duration(self._seen) - self._clock()
            pause = min(_EVERY, over) if over > 0 else _EVERY
        try:
            async with asyncio.timeout(pause):
                await self._poke.wait()
        except TimeoutError:
            return

    async def _create(self, began: float) -> None:
        spec = {"acquireTime": _now(), "leaseTransitions": 0, **self._claim()}
        try:
            self._win(began, await self._lease.create(spec))
        except Refused as refused:
            if refused.status != 409:
                raise

    async def _write(self, began: float, seen: JsonObject, more: JsonObject) -> None:
        """Write our claim; a 409 leaves all as it was, but for a renewal, which is raised."""
        try:
            self._win(began, await self._lease.change(seen, spec={**self._claim(), **more}))
        except Refused as refused:
            if refused.status != 409 or not more:
                raise

    def _claim(self) -> JsonObject:
        return {"holderIdentity": self.identity, "leaseDurationSeconds": DURATION, "renewTime": _now()}

    def _win(self, began: float, seen: JsonObject) -> None:
        self._seen, self._renewed = seen, began
        if not self.held.is_set():
            log.info("this process leads as %s", self.identity)
            self.lost.clear()
            self.held.set()

    def _lose(self, holder: object) -> None:
        log.warning("the Lease is lost to %s", holder or "nobody")
        self._renewed, self._wanted = None, False
        self.held.clear()
        self.lost.set()

    def _note(self, seen: JsonObject | None) -> None:
        """What the object is now; from when on its record stands still."""
        self._seen = seen
        record = _spec(seen) if seen is not None else None
        if record != self._record:
            self._record, self._changed = record, self._clock()


class Always:
    """Leads without election. The Lease object is made all the same, for the memory that it holds."""

    def __init__(self, lease: LeaseObject) -> None:
        self.held = asyncio.Event()
        self.held.set()
        self.lost = asyncio.Event()
        self.identity = socket.gethostname()
        self.trouble: str | None = None
        self._lease = lease

    def leads(self) -> bool:
        """Always."""
        return True

    def campaign(self) -> None:
        """Nothing is to be won."""

    async def run(self) -> None:
        """Make the Lease object where there is none; returns when there is one."""
        while True:
            try:
                if await self._lease.read() is None:
                    await self._lease.create({})
                return
            except ApiServerError as error:
                log.debug("the Lease object could not be made: %s", error)
            await asyncio.sleep(_EVERY)

    async def release(self) -> None:
        """Nothing is held."""


def _spec(seen: JsonObject) -> JsonObject:
    return seen.get("spec") or {}


def _duration(seen: JsonObject) -> float:
    return float(_spec(seen).get("leaseDurationSeconds") or DURATION)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

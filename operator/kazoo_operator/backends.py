"""The TelephonyBackends: which KAZOO an object is about, and whether that can be worked with.

of         the connection for an object, or NotConnected with what it waits for
keep       the pass over a TelephonyBackend: read its Secrets, log in, find its root account, tell its status
told       what a pass over an object came to; whether it is the KAZOO that is away, and not this object alone

While a TelephonyBackend is not Ready only its own pass asks its KAZOO; who is turned away waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from kazoo_operator.backend.registry import Connection, NoRoot, Registry
from kazoo_operator.core.base_url import place_of
from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.lineage import backend_of, means_own_default
from kazoo_operator.core.outcome import Outcome, Pass, Reason, State
from kazoo_operator.neighbours import Neighbours
from kazoo_operator.reach import Reach
from kazoo_operator.rules.backends import admits
from kazoo_operator.surroundings import Surroundings

TRUSTED = 1.0
PATIENCE = 5.0
_MAYBE_AWAY = frozenset({Reason.BACKEND_UNAVAILABLE, Reason.BACKEND_NONSENSE, Reason.UNAUTHORIZED})
_STILL_LET_IN = frozenset({Reason.SECRET_NOT_FOUND, Reason.UNAUTHORIZED})


class NotConnected(Exception):
    """There is no KAZOO for an object now; a change of the TelephonyBackend `key` brings it back.

    `wakes`: that has to tell in its own status why.
    """

    def __init__(self, reason: Reason, text: str, key: Key, wakes: bool = False) -> None:
        super().__init__(text)
        self.found = Pass(Outcome.of(reason, text, awaits=(key,)), wakes=(key,) if wakes else ())


@dataclass(frozen=True)
class Look:
    """What the last look at a TelephonyBackend came to, as it was declared then, and when it began."""

    declared: Resource
    began: float
    found: Pass

    @property
    def ready(self) -> bool:
        """Whether its KAZOO can be worked with."""
        return self.found.outcome.state is State.READY

    def lets_in(self, resource: Resource) -> bool:
        """Whether an object may go on: an end is seen through with the credential in memory."""
        return self.ready or (resource.deleting and self.found.outcome.reason in _STILL_LET_IN)

    def is_of(self, declared: Resource) -> bool:
        """Whether it was a look at the object as it is declared now."""
        return (self.declared.uid, self.declared.generation) == (declared.uid, declared.generation)


class Backends:
    """Gives objects their connection, and keeps the TelephonyBackends, which are of `kind`.

    `clock` is monotonic, in seconds; `now` is Unix time in seconds.
    """

    def __init__(
        self,
        kind: Kind,
        registry: Registry,
        surroundings: Surroundings,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._surroundings = surroundings
        self._clock = clock
        self._reach = Reach(kind, registry, surroundings.secrets, now)
        self._looks: dict[Key, Look] = {}
        self._looking: dict[Key, asyncio.Task[None]] = {}
        self._waiting: dict[Key, dict[Key, None]] = {}

    async def of(self, resource: Resource) -> Connection:
        """The connection to the KAZOO that the object is about. Raises NotConnected.

        A TelephonyBackend that was not looked at as it is declared now is looked at first. Who has to wait
        long for that is turned away: a KAZOO that hangs must not take all workers.
        """
        key = backend_of(resource)
        declared = self._surroundings.objects.get(key)
        if declared is None:
            return self._undeclared(resource, key)
        _refuse_stranger(resource, declared)
        look, seen = self._looks.get(key), True
        if look is None or not look.is_of(declared):
            look, seen = await self._look(declared, PATIENCE), False
        connection = self._registry.get(key)
        if look is None or connection is None or not look.lets_in(resource):
            raise self._turned_away(resource, key, wakes=not seen)
        self._waiting.get(key, {}).pop(resource.key, None)
        return connection

    def _turned_away(self, resource: Resource, key: Key, wakes: bool) -> NotConnected:
        self._waiting.setdefault(key, {})[resource.key] = None
        text = f"spec.backendRef: waiting for the TelephonyBackend {key.called}; its own conditions say why."
        return NotConnected(Reason.BACKEND_NOT_READY, text, key, wakes)

    def _undeclared(self, resource: Resource, key: Key) -> Connection:
        """Without its TelephonyBackend: the settings stand in for one that there never was.

        One that was deleted is waited for: its objects must not turn to another KAZOO by that. Only an end is
        seen through, with the credential in memory.
        """
        look, connection = self._looks.get(key), self._registry.get(key)
        if look is None and self._registry.default is not None and means_own_default(resource):
            return self._registry.default
        if look is not None and connection is not None and resource.deleting:
            _refuse_stranger(resource, look.declared)
            return connection
        text = f"spec.backendRef: waiting for the TelephonyBackend {key.called}, which is not there"
        if self._registry.default is None and means_own_default(resource):
            text += ", and the operator's settings name no KAZOO"
        text += "."
        raise NotConnected(Reason.BACKEND_NOT_READY, text, key)

    def neighbours(self, resource: Resource) -> Neighbours:
        """The objects as one of them sees them: those that are about the same KAZOO."""
        here = self._place_of(resource)
        return Neighbours(self._surroundings.objects, lambda other: self._place_of(other) == here)

    def rootless(self, resource: Resource, error: NoRoot) -> Pass:
        """The end of a pass that found no root account."""
        if self._surroundings.objects.get(backend_of(resource)) is None:
            text = f"The root account is not there: {error}; check KAZOO_OPERATOR_ROOT_ACCOUNT."
            return Pass(Outcome.of(Reason.FORBIDDEN, text))
        return Pass(
            Outcome.of(Reason.BACKEND_UNAVAILABLE, f"The root account is not there: {error}; retried.")
        )

    async def told(self, resource: Resource, found: Pass) -> Pass:
        """What a pass over an object came to, with the TelephonyBackend that it waits for.

        Of a KAZOO that is away altogether all its objects say the same, and none asks it again by itself.
        """
        key, outcome = backend_of(resource), found.outcome
        declared = self._surroundings.objects.get(key)
        if declared is not None and outcome.reason in _MAYBE_AWAY and await self._is_away(declared):
            away = self._turned_away(resource, key, wakes=True).found
            return replace(found, outcome=away.outcome, wakes=(*found.wakes, *away.wakes))
        awaits = tuple(dict.fromkeys((*outcome.awaits, key)))
        return replace(found, outcome=replace(outcome, awaits=awaits))

    async def keep(self, resource: Resource) -> Pass:
        """The pass over a TelephonyBackend; who waits for one that is Ready by now is woken."""
        look = await self._look(resource)
        assert look is not None  # it was waited for
        woken = self._waiting.pop(resource.key, {}) if look.ready else {}
        return replace(look.found, wakes=tuple(woken))

    async def close(self) -> None:
        """Give up what is being looked at."""
        for task in self._looking.values():
            task.cancel()
        await asyncio.gather(*self._looking.values(), return_exceptions=True)

    def _place_of(self, resource: Resource) -> str:
        """The URL, in one spelling, of the KAZOO that an object is about."""
        declared, default = self._surroundings.objects.get(backend_of(resource)), self._registry.default
        if declared is not None:
            return place_of(str(declared.spec.get("url")))
        return "" if default is None else place_of(default.backend.url)

    async def _is_away(self, declared: Resource) -> bool:
        look = self._looks.get(declared.key)
        if look is None or (look.ready and self._clock() - look.began >= TRUSTED):
            look = await self._look(declared, PATIENCE)
        return look is None or not look.ready

    async def _look(self, declared: Resource, patience: float | None = None) -> Look | None:
        """Look at a TelephonyBackend; however many want to know, it is asked once.

        None where that takes longer than `patience`, in seconds; it goes on by itself.
        """
        key = declared.key
        running = self._looking.get(key)
        if running is None:
            running = self._looking[key] = asyncio.create_task(self._look_now(declared))
            running.add_done_callback(lambda task: self._has_looked(key, task))
        if not (await asyncio.wait([running], timeout=patience))[0]:
            return None
        running.result()
        look = self._looks[key]
        return look if look.is_of(declared) else await self._look(declared, patience)

    def _has_looked(self, key: Key, task: asyncio.Task[None]) -> None:
        self._looking.pop(key, None)
        if not task.cancelled():
            task.exception()  # seen, also when nobody waited so long

    async def _look_now(self, declared: Resource) -> None:
        key, began = declared.key, self._clock()
        found, before = await self._reach.look(declared), self._looks.get(key)
        if found.outcome.reason is Reason.RATE_LIMITED and before is not None and before.is_of(declared):
            found = before.found  # it answers, and what is found out about it has not changed by that
        self._looks[key] = Look(declared, began, found)


def _refuse_stranger(resource: Resource, declared: Resource) -> None:
    """Raises NotConnected where the TelephonyBackend does not allow the object's namespace."""
    namespace = resource.key.namespace
    if not admits(declared, namespace):
        text = (
            f"spec.backendRef: the TelephonyBackend {declared.key.called} does not allow the namespace "
            f"{namespace}; add it to its allowedNamespaces, or refer to another (KZ179)."
        )
        raise NotConnected(Reason.INVALID_SPEC, text, declared.key)

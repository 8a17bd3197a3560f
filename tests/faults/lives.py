"""Lives of an engine that a hook may cut off at any call, or let fail there, and the objects they work on."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.protocol import Backend
from kazoo_operator.core.custom_resource import GROUP, Resource
from kazoo_operator.core.outcome import Pass, Reason, State
from kazoo_operator.engine import Engine
from tests.engine.conftest import Watching, World, after

CALLS = frozenset(name for name, member in vars(Backend).items() if inspect.iscoroutinefunction(member)) - {
    "finish_creates",
    "close",
}
WRITES = frozenset({"write", "make", "create_account", "delete_account", "book", "reconcile_services"})
SECONDS_BETWEEN_PASSES = 7.0
_ROUNDS = 24

Hook = Callable[["Call"], Awaitable[None]]


@dataclass(frozen=True)
class Call:
    """A call of the engine: the how manieth of its life, whether it is before it leaves or after its end."""

    number: int
    name: str
    moment: str
    backend: Crossbar


class Cut(Exception):
    """The pass was cancelled: this life is over."""


class Spied:
    """Delegates everything; the hook is awaited before and after each call that may take time."""

    def __init__(
        self, inner: Any, names: frozenset[str], heard: Callable[[str, str], Awaitable[int]]
    ) -> None:
        self._inner, self._names, self._heard = inner, names, heard

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._names:
            return found

        async def call(*arguments: Any, **named: Any) -> Any:
            await self._heard(name, "before")
            try:
                return await found(*arguments, **named)
            finally:
                await self._heard(name, "after")

        return call


class Life:
    """One life of the operator: an engine that remembers nothing of those before it."""

    def __init__(self, world: World, hook: Hook | None = None, **options: Any) -> None:
        self.calls: list[str] = []
        self.engine: Engine = world.engine(**options)
        self._backend = world.open[-1]
        self._world, self._hook = world, hook
        connection = self.engine._registry.default
        spied: Any = Spied(connection.backend, CALLS, self._heard)
        connection.backend = connection.index._backend = spied
        memory: Any = Spied(world.memory, frozenset({"read", "add"}), self._heard)
        deletion = self.engine._deletion
        deletion.surroundings = replace(deletion.surroundings, deletions=memory)

    async def _heard(self, name: str, moment: str) -> int:
        if moment == "before":
            self.calls.append(name)
        if self._hook is not None:
            await self._hook(Call(len(self.calls), name, moment, self._backend))
        return len(self.calls)

    async def end(self) -> None:
        """Let go of its connections."""
        self._world.open.remove(self._backend)
        await self._backend.close()


@dataclass
class Scene:
    """The objects of a story as the API server holds them, and how their passes ended."""

    world: World
    shown: bool = False
    options: dict[str, Any] = field(default_factory=lambda: {"policy": {"max_deletions_per_hour": 9}})
    objects: dict[str, Resource] = field(default_factory=dict)
    ended: dict[str, Pass] = field(default_factory=dict)

    def put(self, *resources: Resource) -> None:
        """Objects that the story is about, in the order of their first passes."""
        self.objects.update({resource.key.name: resource for resource in resources})
        self.world.objects.put(*resources)

    async def live(self, life: Life) -> None:
        """Pass after pass over every object until each is Ready or released. Raises Cut."""
        for _ in range(_ROUNDS):
            for name in [name for name in self.objects if not self._done(name)]:
                await self._pass(life, name)
            if all(map(self._done, self.objects)):
                return
            self.world.clock.now += SECONDS_BETWEEN_PASSES
        raise AssertionError(f"no end: { {name: found.outcome for name, found in self.ended.items()} }")

    async def rest(self, life: Life) -> None:
        """One more pass over what is Ready, as after a resync; it stays so."""
        for name in [name for name in self.objects if not self.ended[name].released]:
            await self._pass(life, name)
            assert self._done(name), self.ended[name].outcome

    def _done(self, name: str) -> bool:
        found = self.ended.get(name)
        return found is not None and (found.released or found.outcome.state is State.READY)

    async def _pass(self, life: Life, name: str) -> None:
        resource, progress = self.objects[name], Watching()
        task = asyncio.create_task(life.engine.reconcile(resource, progress))
        await asyncio.wait({task})
        if task.cancelled():
            if self.shown and progress.seen:
                self.put(after(resource, Pass(progress.seen[-1])))
            raise Cut
        found = self.ended[name] = task.result()
        assert found.outcome.state is not State.STALLED, f"no fault is the spec's: {found.outcome}"
        if found.released:
            self.world.objects.held.pop(resource.key, None)
            return
        self.put(_answered(after(resource, found), found))


def _answered(resource: Resource, found: Pass) -> Resource:
    """The object with the annotation that a person writes where the message asks for it."""
    if found.outcome.reason is not Reason.HALF_BUILT:
        return resource
    notes = {**resource.annotations, f"{GROUP}/recreate": str(resource.status["accountID"])}
    return replace(resource, annotations=notes)

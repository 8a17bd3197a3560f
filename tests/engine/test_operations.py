"""Acto's question to every kind: after each operation, KAZOO equals the spec, or a condition says why not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from kazoo_operator.backend import session
from kazoo_operator.core.custom_resource import JsonObject, Resource
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.outcome import Pass
from kazoo_operator.core.report import Action
from kazoo_operator.engine import Engine
from kazoo_operator.kinds import discover
from kazoo_operator.sandbox import running_sandbox
from tests.engine.attached import attached, ready_account
from tests.engine.conftest import Clock, Watching, World, account, after
from tests.engine.operations import HELD_BACK, Operations
from tests.planning.conftest import planned
from tests.planning.money import NOW

ROUNDS = 20
BROKEN = {"InternalError", "NotConverging", "BackendNonsense", "BackendUnavailable", "WriteConflict"}
MANAGED = [kind for kind in discover() if kind.lifecycle is not None or kind.attachment is not None]
KINDS = pytest.mark.parametrize("kind", MANAGED, ids=lambda kind: kind.name)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """KAZOO has no summary of a month that nobody used, and answers 500: asked again at once."""
    monkeypatch.setattr(session, "_RETRY_PAUSES", (0.0, 0.0))


@asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    async with running_sandbox(compat="5.0") as sandbox, aiohttp.ClientSession() as http:
        world = World(sandbox, http, Clock(), "5.0")
        try:
            yield world
        finally:
            for backend in world.open:
                await backend.close()


def base(kind: Kind) -> JsonObject:
    """A spec on which each operation makes sense by itself."""
    if kind.lifecycle is not None:
        return dict(account().spec)
    return {**max(kind.samples, key=len), "accountRef": {"name": "acme"}}


def an_object(kind: Kind, spec: JsonObject) -> Resource:
    """An object that is applied for the first time."""
    made = account() if kind.lifecycle is not None else attached(kind.name)
    return replace(made, spec=spec)


def applied(resource: Resource, spec: JsonObject) -> Resource:
    """The object with another spec."""
    return replace(resource, spec=spec, generation=resource.generation + 1)


async def settled(engine: Engine, resource: Resource) -> tuple[Resource, Pass]:
    """The object after the passes that it asks for, three at most."""
    for _ in range(3):
        found = await engine.reconcile(resource, Watching())
        resource = after(resource, found)
        if found.outcome.state.value != "Reconciling":
            break
    assert found.outcome.reason not in BROKEN, found.outcome
    assert found.outcome.message
    return resource, found


async def as_it_says(world: World, resource: Resource) -> bool:
    """Whether KAZOO needs no change, by GET alone, or the object's status tells what differs."""
    if resource.condition("DriftDetected").get("status") == "True":
        return True
    accounts = [one for one in world.objects.held.values() if one.key.kind == "Account"]
    objects = {one.key: one for one in (*accounts, resource)}
    report = await planned(world, *objects.values(), day=NOW)
    (one,) = [one for one in report.objects if one.key == resource.key]
    return one.action is Action.NONE and one.changes == ()


def without_money(spec: JsonObject) -> JsonObject:
    """The spec without grants, which are booked for ever, and have tests of their own."""
    return {name: value for name, value in spec.items() if name != "grants"}


@KINDS
async def test_after_each_operation_kazoo_equals_the_spec_or_a_condition_says_why_not(kind: Kind) -> None:
    made = Operations(kind, without_money(base(kind)), NOW)
    async with a_world() as world:
        engine = world.real_time_engine()
        if kind.lifecycle is None:
            await ready_account(world, engine)
        resource, ready = an_object(kind, made.base), 0
        for spec, _ in made.rounds(ROUNDS):
            resource, found = await settled(engine, applied(resource, spec))
            if found.outcome.reason == "Ready":
                assert await as_it_says(world, resource), spec
                ready += 1
        assert ready >= ROUNDS * 3 // 4, "most specs can be, and are"
        resource, found = await settled(engine, applied(resource, made.base))
        assert found.outcome.reason == "Ready", found.outcome.message
        assert await as_it_says(world, resource)


@KINDS
async def test_what_lies_beyond_a_bound_is_told_and_nothing_is_written(kind: Kind) -> None:
    made = Operations(kind, without_money(base(kind)), NOW)
    assert len(made.refused) > 5
    async with a_world() as world:
        engine = world.real_time_engine()
        if kind.lifecycle is None:
            await ready_account(world, engine)
        resource, found = await settled(engine, an_object(kind, made.base))
        assert found.outcome.reason == "Ready", found.outcome.message
        before = await world.writes("/v2/accounts/")
        for one in made.refused:
            told = await engine.reconcile(applied(resource, one.on(made.base)), Watching())
            assert told.outcome.reason == "InvalidSpec", one
            assert f"spec.{one.path.partition('.')[0]}" in told.outcome.message, one
        assert await world.writes("/v2/accounts/") == before


@KINDS
@pytest.mark.parametrize("held", sorted(HELD_BACK))
async def test_what_is_held_back_is_written_once_it_is_let_go(kind: Kind, held: str) -> None:
    made = Operations(kind, without_money(base(kind)), NOW)
    (spec, _), *_ = list(made.rounds(ROUNDS))
    async with a_world() as world:
        engine = world.real_time_engine()
        if kind.lifecycle is None:
            await ready_account(world, engine)
        resource, _ = await settled(engine, an_object(kind, made.base))
        before = await world.writes("/v2/accounts/")
        value: Any = {"suspend": True, "managementPolicy": "ObserveOnly"}[held]
        resource, _ = await settled(engine, applied(resource, {**spec, held: value}))
        assert await world.writes("/v2/accounts/") == before
        resource, found = await settled(engine, applied(resource, spec))
        assert found.outcome.reason == "Ready", found.outcome.message
        assert await as_it_says(world, resource)

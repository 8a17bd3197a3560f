"""Planning over a real sandbox, beside the engine that carries the plan out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.registry import Connection, Policy
from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.report import PlannedObject, Report
from kazoo_operator.declaration import Declared
from kazoo_operator.kinds import discover
from kazoo_operator.planning import Planning
from tests.engine.conftest import Watching, World, account, after, clock, world

__all__ = ["Plan", "account", "apply", "changed", "clock", "named", "plan", "reasons", "world"]

Plan = Callable[..., Awaitable[Report]]

TODAY = date(2026, 11, 28)


async def planned(
    world: World, *resources: Resource, key: str | None = None, day: date = TODAY, **policy: Any
) -> Report:
    """The plan for objects as files declare them: without status. Asserts that nothing was written for it."""
    before = await mutations(world)
    secret = SecretStr(key or world.sandbox.identity.reseller.api_key)
    backend = Crossbar(world.sandbox.url, lambda: secret, requests_per_second=10_000)
    try:
        planning = Planning(discover(), Connection(backend, Policy(**policy)), day)
        report = await planning.report([Declared(replace(one, status={})) for one in resources])
    finally:
        await backend.close()
    assert await mutations(world) == before
    return report


async def mutations(world: World) -> list[tuple[str, str]]:
    """Every request so far that is neither a GET nor a login."""
    journal = (await world.control("GET", "requests"))["requests"]
    calls = [(call["method"], call["path"]) for call in journal]
    return [call for call in calls if call[0] != "GET" and call != ("PUT", "/v2/api_auth")]


@pytest.fixture
def plan(world: World) -> Plan:
    async def of(*resources: Resource, **options: Any) -> Report:
        return await planned(world, *resources, **options)

    return of


async def apply(
    world: World, *resources: Resource, owner: str = "cluster", listed: bool = False, **policy: Any
) -> list[str]:
    """The engine over the objects, pass after pass, until nothing moves; the last reason of each.

    `listed`: it has seen which accounts there are.
    """
    engine, reasons = world.engine(owner, policy=policy), [""]
    if listed:
        root = await world.connection.root()
        await world.connection.index.marks(root.account_id)
    world.objects.put(*resources)
    for _ in range(6):
        before, reasons = reasons, []
        for one in resources:
            held = world.objects.held[one.key]
            found = await engine.reconcile(held, Watching())
            world.objects.put(after(held, found))
            reasons.append(str(found.outcome.reason))
        if reasons == before:
            break
    return reasons


def named(report: Report, name: str = "acme") -> PlannedObject:
    """The object of that name in a report."""
    (found,) = [one for one in report.objects if one.key.name == name]
    return found


def changed(one: PlannedObject) -> dict[str, tuple[Any, Any]]:
    """Path -> (before, after)."""
    return {change.path: (change.before, change.after) for change in one.changes}


def reasons(one: PlannedObject) -> list[str]:
    """What the errors among the findings are called."""
    return [str(finding.rule) for finding in one.errors]

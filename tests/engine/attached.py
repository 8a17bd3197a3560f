"""Objects that belong to an account, over the engine's world."""

from __future__ import annotations

from typing import Any

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.engine import Engine
from tests.engine.conftest import Watching, World, account, after, until_ready


def attached(
    kind: str,
    called: str = "acme",
    /,
    generation: int = 1,
    status: Any = None,
    deleting: bool = False,
    created: str = "2026-01-01T00:00:00Z",
    **spec: Any,
) -> Resource:
    """An object of `kind` as the API server would hand it over, of the Account `acme` unless it says so."""
    metadata: dict[str, Any] = {"namespace": "team", "name": called, "generation": generation, "uid": called}
    metadata["creationTimestamp"] = created
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-02T00:00:00Z"
    said = {"accountRef": {"name": "acme"}, **spec}
    return Resource.of(kind, {"metadata": metadata, "spec": said, "status": status or {}})


async def ready_account(world: World, engine: Engine) -> str:
    """The Account `acme`, made and Ready; returns KAZOO's id of it."""
    found = await until_ready(engine, account())
    world.objects.put(after(account(), found))
    return str(found.fields["accountID"])


async def keep(engine: Engine, resource: Resource, world: World | None = None) -> Resource:
    """The object as it stands after one pass; put into the world where one is given."""
    found = after(resource, await engine.reconcile(resource, Watching()))
    if world is not None:
        world.objects.put(found)
    return found


async def many(world: World, engine: Engine, count: int) -> list[str]:
    """So many accounts below the reseller, each with its Account; their ids."""
    found = []
    for number in range(count):
        one = account(f"a{number}", name=f"Acme {number}", realm=f"a{number}.pbx.example.com")
        made = await until_ready(engine, one)
        world.objects.put(after(one, made))
        found.append(str(made.fields["accountID"]))
    return found

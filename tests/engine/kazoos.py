"""Two KAZOOs in one cluster: TelephonyBackends for both, and an engine that knows no other place."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.registry import Access, Registry
from kazoo_operator.core.custom_resource import GROUP, Key, Resource
from kazoo_operator.core.outcome import Pass
from kazoo_operator.engine import Engine
from kazoo_operator.kinds import discover
from kazoo_operator.sandbox import Sandbox, running_sandbox
from tests.engine.conftest import Watching, World, account

EU = Key("TelephonyBackend", "team", "eu")

# A call's, in seconds: whatever ends well before it has not waited for a call that hangs.
DEADLINE = 10.0


def backend(
    url: str,
    name: str = "eu",
    /,
    generation: int = 1,
    annotations: dict[str, str] | None = None,
    **spec: Any,
) -> Resource:
    """A TelephonyBackend object as the API server would hand it over."""
    said = {"url": url, "auth": {"apiKeySecretRef": {"name": name, "key": "api-key"}}, **spec}
    said = {member: value for member, value in said.items() if value is not None}
    metadata: dict[str, Any] = {"namespace": "team", "name": name, "generation": generation}
    metadata["uid"] = f"uid of {name}"
    notes = (annotations or {}).items()
    metadata["annotations"] = {f"{GROUP}/{note.replace('_', '-')}": value for note, value in notes}
    return Resource.of("TelephonyBackend", {"metadata": metadata, "spec": said})


@dataclass
class Cluster:
    """One engine without settings over two KAZOOs: `world`'s, and another."""

    world: World
    other: Sandbox
    engine: Engine
    registry: Registry
    connected: list[Access] = field(default_factory=list)

    def declare(self, *resources: Resource) -> None:
        """These TelephonyBackends are in the cluster."""
        self.world.objects.put(*resources)

    def forget(self, key: Key) -> None:
        """The object is in the cluster no more."""
        del self.world.objects.held[key]

    def eu(self, generation: int = 1, **spec: Any) -> Resource:
        """Declare the TelephonyBackend `eu`, which is the world's KAZOO, with its Secret."""
        self.world.secrets.put("eu", api_key=self.world.sandbox.identity.reseller.api_key)
        made = backend(self.world.sandbox.url, "eu", generation=generation, **spec)
        self.declare(made)
        return made

    def us(self, **spec: Any) -> Resource:
        """Declare the TelephonyBackend `us`, which is the other KAZOO, with its Secret."""
        self.world.secrets.put("us", api_key=self.other.identity.reseller.api_key)
        made = backend(self.other.url, "us", **spec)
        self.declare(made)
        return made

    async def rotate(self) -> str:
        """Give the reseller of the world's KAZOO another API key; its old one lets nobody in any more."""
        known, url = self.world.sandbox.identity, f"{self.world.sandbox.url}/v2"
        word = hashlib.md5(f"{known.admin_name}:{known.admin_password}".encode(), usedforsecurity=False)
        login = {"credentials": word.hexdigest(), "method": "md5", "account_realm": known.master.realm}
        async with self.world.http.put(f"{url}/user_auth", json={"data": login}) as answer:
            headers = {"X-Auth-Token": (await answer.json())["auth_token"]}
        path = f"{url}/accounts/{known.reseller.account_id}/api_key"
        async with self.world.http.put(path, json={"data": {}}, headers=headers) as answer:
            return str((await answer.json())["data"]["api_key"])

    async def pass_over(self, resource: Resource) -> Pass:
        """One pass."""
        return await self.engine.reconcile(resource, Watching())


@asynccontextmanager
async def two_kazoos(world: World) -> AsyncIterator[Cluster]:
    """The world's KAZOO, and another of the same release."""
    connected: list[Access] = []

    def connect(access: Access) -> Crossbar:
        connected.append(access)
        return Crossbar(access.url, access.source, requests_per_second=10_000, deadline=DEADLINE)

    async with running_sandbox(compat=world.compat) as other:
        registry = Registry(None, connect, world.clock)
        engine = Engine(discover(), registry, world.surroundings("cluster"), world.clock, now=world.clock)
        yield Cluster(world, other, engine, registry, connected)
        await engine.close()
        await registry.close()


def at(name: str, called: str = "acme", /, **spec: Any) -> Resource:
    """An Account of the KAZOO behind a TelephonyBackend."""
    return account(called, backendRef={"name": name}, **spec)


async def accounts_of(cluster: Cluster, realm: str = "acme.pbx.example.com") -> dict[str, Any]:
    """The accounts that hold `realm` at the other KAZOO."""
    async with cluster.world.http.get(f"{cluster.other.url}/sandbox/state") as answer:
        state = await answer.json()
    return {
        found: held["account"]
        for found, held in state["accounts"].items()
        if held["account"]["realm"] == realm
    }

"""An engine over a real sandbox: HTTP, SQLite, no Kubernetes."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.registry import Connection, Policy, Registry
from kazoo_operator.core.custom_resource import GROUP, Key, Resource
from kazoo_operator.core.lineage import ByAccount, account_words
from kazoo_operator.core.outcome import Outcome, Pass
from kazoo_operator.core.outcome import conditions as conditions_of
from kazoo_operator.engine import Engine
from kazoo_operator.kinds import discover
from kazoo_operator.sandbox import Sandbox, running_sandbox
from kazoo_operator.surroundings import Deletion, Surroundings

SPEC: dict[str, Any] = {
    "name": "Acme Dental",
    "realm": "acme.pbx.example.com",
    "timezone": "America/Los_Angeles",
    "language": "en-US",
    "address": {
        "street": "1 Main St",
        "city": "San Jose",
        "region": "CA",
        "postalCode": "95113",
        "country": "US",
    },
    "contacts": {"billing": {"name": "Bo Li", "email": "bo@acme.example", "phone": "+14085550101"}},
}


def account(
    called: str = "acme",
    /,
    generation: int = 1,
    status: Any = None,
    annotations: dict[str, str] | None = None,
    deleting: bool = False,
    **spec: Any,
) -> Resource:
    """An Account object as the API server would hand it over; `spec` members win over `SPEC`."""
    said = {member: value for member, value in {**SPEC, **spec}.items() if value is not None}
    notes = {f"{GROUP}/{name.replace('_', '-')}": value for name, value in (annotations or {}).items()}
    metadata: dict[str, Any] = {"namespace": "team", "name": called, "generation": generation, "uid": "u"}
    metadata["annotations"] = notes
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return Resource.of("Account", {"metadata": metadata, "spec": said, "status": status or {}})


@dataclass
class Watching:
    """A progress that remembers what it was told."""

    seen: list[Outcome] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    _outcome: Outcome | None = None

    @property
    def outcome(self) -> Outcome | None:
        return self._outcome

    @outcome.setter
    def outcome(self, outcome: Outcome | None) -> None:
        self._outcome = outcome
        if outcome is not None:
            self.seen.append(outcome)


class Clock:
    """A clock that only moves when told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Objects:
    """The objects of a cluster that has no API server."""

    def __init__(self) -> None:
        self.held: dict[Key, Resource] = {}

    def put(self, *resources: Resource) -> None:
        self.held.update({resource.key: resource for resource in resources})

    def get(self, key: Key) -> Resource | None:
        return self.held.get(key)

    def referring_to(self, key: Key) -> list[Resource]:
        return [
            one for one in self.held.values() if (one.spec.get("parentRef") or {}).get("name") == key.name
        ]

    def attached(self, kind: str, account_id: str, realm: str) -> list[Resource]:
        index = ByAccount()
        for key, one in self.held.items():
            index.add(key, account_words(one))
        return [self.held[key] for key in index.attached(kind, account_id, realm)]

    def with_realm(self, realm: str) -> list[Resource]:
        managed = (one for one in self.held.values() if not one.observe_only)
        return [one for one in managed if one.spec.get("realm") == realm]


class Memory:
    """The deletions' memory of a Lease that is never lost."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.noted: list[Deletion] = []
        self._now = now

    async def read(self) -> tuple[Deletion, ...]:
        found = tuple(self.noted)
        await asyncio.sleep(0.01)  # as an answer of the API server, it may be old when it comes
        return found

    async def add(self, account_id: str) -> None:
        self.noted.append(Deletion(account_id, self._now()))


class Secrets:
    """The Secrets of a cluster that has no API server; `broken` is raised by each reading."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], dict[str, bytes]] = {}
        self.broken: OSError | None = None
        self.reads = 0

    def put(self, name: str, namespace: str = "team", **entries: str) -> None:
        self.held[namespace, name] = {
            entry.replace("_", "-"): value.encode() for entry, value in entries.items()
        }

    async def get(self, namespace: str, name: str) -> dict[str, bytes] | None:
        self.reads += 1
        if self.broken is not None:
            raise self.broken
        return self.held.get((namespace, name))


@dataclass
class World:
    """A sandbox, and engines that start and end over it."""

    sandbox: Sandbox
    http: aiohttp.ClientSession
    clock: Clock
    compat: str
    open: list[Crossbar] = field(default_factory=list)
    objects: Objects = field(default_factory=Objects)
    leading: bool = True
    connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.memory = Memory(self.clock)
        self.memories: dict[Key, Memory] = {}
        self.secrets = Secrets()

    def engine(
        self, owner: str = "cluster", key: str | None = None, just_begun: bool = False, **options: Any
    ) -> Engine:
        """A new life of the operator: nothing is remembered but what KAZOO holds.

        `just_begun`: another may have ended within the second; otherwise this one has been there for a while.
        """
        policy, now = Policy(**options.pop("policy", {})), options.pop("now", self.clock)
        secret = SecretStr(key or self.sandbox.identity.reseller.api_key)
        backend = Crossbar(
            self.sandbox.url,
            lambda: secret,
            requests_per_second=10_000,
            may_write=lambda: self.leading,
            **options,
        )
        self.open.append(backend)
        surroundings = self.surroundings(owner)
        self.connection = Connection(backend, policy, self.clock)
        registry = Registry(self.connection)
        engine = Engine(discover(), registry, surroundings, self.clock, now=now)
        if not just_begun:
            engine._attached._booking._begun -= 60
        return engine

    def surroundings(self, owner: str) -> Surroundings:
        """What an engine of this world is given."""
        return Surroundings(
            owner,
            self.objects,
            self.memory,
            lambda: self.leading,
            self.secrets,
            lambda key: self.memories.setdefault(key, Memory(self.clock)),
        )

    def real_time_engine(self, later: float = 0, **options: Any) -> Engine:
        """A new life whose calendar is the real one, or `later` by so many seconds."""
        return self.engine(now=lambda: time.time() + later, **options)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the sandbox's control surface."""
        async with self.http.request(method, f"{self.sandbox.url}/sandbox/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def as_master(self, method: str, path: str, data: Any = None) -> Any:
        """A call of KAZOO's own API as the master."""
        return await self.call(method, path, data, key=self.sandbox.identity.master.api_key)

    async def call(self, method: str, path: str, data: Any = None, key: str = "") -> Any:
        """A call of KAZOO's own API, by default as the reseller, as a person's tool would make it."""
        login = {"data": {"api_key": key or self.sandbox.identity.reseller.api_key}}
        async with self.http.put(f"{self.sandbox.url}/v2/api_auth", json=login) as answer:
            token = (await answer.json())["auth_token"]
        headers, body = {"X-Auth-Token": token}, {"data": {} if data is None else data}
        url = f"{self.sandbox.url}/v2/{path}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return (await answer.json())["data"]

    async def fault(
        self, do: dict[str, Any], method: str = "PUT", path: str = "/accounts/", times: int = 1
    ) -> None:
        """Make the next `times` matching calls go wrong."""
        await self.control(
            "POST", "faults", {"match": {"method": method, "path": path}, "times": times, "do": do}
        )

    async def writes(self, where: str = r"/accounts/\w{32}$") -> list[tuple[str, int]]:
        """Method and status of every write so far to paths that match; by default to accounts themselves."""
        journal = (await self.control("GET", "requests"))["requests"]
        return [
            (call["method"], call["status"])
            for call in journal
            if call["method"] != "GET" and re.search(where, call["path"])
        ]

    async def accounts(self, realm: str = "acme.pbx.example.com") -> dict[str, Any]:
        """The accounts that hold `realm`, whatever listing they are in."""
        state = await self.control("GET", "state")
        return {
            found: held["account"]
            for found, held in state["accounts"].items()
            if str(held["account"].get("realm", "")).lower() == realm
        }

    async def callflows(self, account_id: str) -> list[dict[str, Any]]:
        """The callflows of an account."""
        found = (await self.control("GET", "state"))["accounts"][account_id]["callflows"]
        return list(found.values()) if isinstance(found, dict) else list(found)

    async def document(self, account_id: str) -> dict[str, Any]:
        """An account's public document."""
        found: dict[str, Any] = (await self.control("GET", "state"))["accounts"][account_id]["account"]
        return found

    async def edit(self, account_id: str, merge: dict[str, Any]) -> None:
        """An edit behind our back."""
        await self.control(
            "POST", "documents", {"accountID": account_id, "document": "account", "merge": merge}
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["5.0", "4.3"])
async def world(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[World]:
    """Over both releases of KAZOO: what the engine does is the same."""
    async with running_sandbox(compat=request.param) as sandbox, aiohttp.ClientSession() as http:
        world = World(sandbox, http, clock, request.param)
        yield world
        for backend in world.open:
            await backend.close()


DEFAULT = Key("TelephonyBackend", "team", "default")


def awaited(found: Pass) -> tuple[Key, ...]:
    """Whom an object waits for beside its TelephonyBackend, which every object waits for."""
    assert found.outcome.awaits[-1] == DEFAULT
    return found.outcome.awaits[:-1]


def after(resource: Resource, found: Pass, generation: int | None = None, **spec: Any) -> Resource:
    """The object as it stands after a pass: with its status, and with what the user changes in its spec."""
    wanted = resource.generation if generation is None else generation
    conditions = [
        {"type": kind, "status": status, "reason": reason}
        for kind, (status, reason, _) in {**conditions_of(found.outcome), **found.also}.items()
    ]
    fields = {**resource.status, **found.fields, "observedGeneration": resource.generation}
    status = {name: value for name, value in fields.items() if value is not None}
    changed = {**resource.spec, **spec}
    said = {name: value for name, value in changed.items() if value is not None}
    return replace(resource, generation=wanted, spec=said, status={**status, "conditions": conditions})


async def until_ready(engine: Engine, resource: Resource, passes: int = 6) -> Pass:
    """Pass after pass, as the queue would make them, until the outcome is Ready."""
    for _ in range(passes):
        found = await engine.reconcile(resource, Watching())
        if found.outcome.reason == "Ready":
            return found
    raise AssertionError(f"not Ready after {passes} passes: {found.outcome}")

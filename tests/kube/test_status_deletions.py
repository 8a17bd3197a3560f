"""The deletions of an hour in the status of a TelephonyBackend: never lost, and never failing open."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Key
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.deletions import StatusDeletions
from kazoo_operator.kube.session import NotLeading, Refused, Unreachable
from kazoo_operator.surroundings import Deletion

KEY = Key("TelephonyBackend", "team", "eu")
ONE, TWO = "a" * 32, "b" * 32


class Server:
    """An API server with one TelephonyBackend; `failing` is raised by each GET."""

    def __init__(self) -> None:
        self.body: dict[str, Any] | None = {
            "metadata": {"namespace": "team", "name": "eu", "uid": "u", "resourceVersion": "7"},
            "spec": {},
            "status": {"level": "Reseller", "conditions": [{"type": "Ready", "status": "True"}]},
        }
        self.conflicts = 0
        self.failing: Exception | None = None

    async def get(self, path: str) -> Any:
        assert path == "/the/object"
        if self.failing is not None:
            raise self.failing
        if self.body is None:
            raise Refused(404, "NotFound", "gone")
        return self.body

    async def patch(self, path: str, patch: Any, query: Any) -> Any:
        assert (path, query) == ("/the/object/status", {"fieldManager": "kazoo-operator"})
        assert self.body is not None
        if self.conflicts:
            self.conflicts -= 1
            raise Refused(409, "Conflict", "changed")
        assert patch["metadata"]["resourceVersion"] == self.body["metadata"]["resourceVersion"]
        version = str(int(self.body["metadata"]["resourceVersion"]) + 1)
        metadata = {**self.body["metadata"], "resourceVersion": version}
        self.body = {**self.body, "metadata": metadata, "status": {**self.body["status"], **patch["status"]}}
        return self.body


class Elsewhere:
    """The memory on the Lease."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    async def read(self) -> tuple[Deletion, ...]:
        return tuple(Deletion(one, 1.0) for one in self.noted)

    async def add(self, account_id: str) -> None:
        self.noted.append(account_id)


class Stand:
    """The memory, and all around it."""

    def __init__(self) -> None:
        self.server, self.cache, self.elsewhere = Server(), Cache(), Elsewhere()
        self.now = 1_700_000_000.25
        self.memory = StatusDeletions(
            self.server,  # type: ignore[arg-type]
            self.cache,
            KEY,
            "/the/object",
            self.elsewhere,
            lambda: self.now,
        )

    @property
    def noted(self) -> Any:
        assert self.server.body is not None
        return self.server.body["status"].get("deletions")


async def test_a_deletion_is_noted_with_its_time_and_forgotten_after_an_hour() -> None:
    stand = Stand()
    assert await stand.memory.read() == ()
    await stand.memory.add(ONE)
    assert stand.noted == [{"accountID": ONE, "at": "2023-11-14T22:13:20.250Z"}]
    stand.now += 1800
    await stand.memory.add(TWO)
    assert await stand.memory.read() == (
        Deletion(ONE, 1_700_000_000.25),
        Deletion(TWO, 1_700_001_800.25),
    )
    stand.now += 1801
    assert [one.account_id for one in await stand.memory.read()] == [TWO]
    await stand.memory.add(ONE)
    assert [one["accountID"] for one in stand.noted] == [TWO, ONE], "what is older leaves with the next one"


async def test_the_rest_of_the_status_stays_and_the_cache_knows_the_answer() -> None:
    stand = Stand()
    await stand.memory.add(ONE)
    assert stand.server.body is not None
    assert stand.server.body["status"]["level"] == "Reseller"
    held = stand.cache.get(KEY)
    assert held is not None
    assert held.version == 8


async def test_a_write_in_between_is_no_reason_to_lose_one() -> None:
    stand = Stand()
    stand.server.conflicts = 3
    await stand.memory.add(ONE)
    assert [one["accountID"] for one in stand.noted] == [ONE]
    stand.server.conflicts = 1000
    with pytest.raises(OSError, match="cannot be written"):
        await stand.memory.add(TWO)


async def test_once_the_object_is_gone_the_lease_remembers() -> None:
    stand = Stand()
    stand.server.body = None
    await stand.memory.add(ONE)
    assert stand.elsewhere.noted == [ONE]
    assert [one.account_id for one in await stand.memory.read()] == [ONE]


@pytest.mark.parametrize("failing", [Unreachable("no answer"), NotLeading("held back")])
async def test_what_cannot_be_read_or_noted_is_an_os_error(failing: Exception) -> None:
    stand = Stand()
    stand.server.failing = failing
    with pytest.raises(OSError, match="cannot be read"):
        await stand.memory.read()
    with pytest.raises(OSError, match="cannot be written"):
        await stand.memory.add(ONE)


@pytest.mark.parametrize("noted", ["x", [1], [{"accountID": ONE}], [{"accountID": ONE, "at": "soon"}]])
async def test_what_somebody_wrote_there_does_not_open_the_limit(noted: Any) -> None:
    stand = Stand()
    assert stand.server.body is not None
    stand.server.body["status"]["deletions"] = noted
    with pytest.raises(OSError, match="correct it or take it away"):
        await stand.memory.read()

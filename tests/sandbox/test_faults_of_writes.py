"""Every verb that writes, under every fault: what is answered, and what is stored then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from kazoo_operator.sandbox import Sandbox
from tests.sandbox.client import IN_BOTH, Client

ACME = {"name": "Acme", "realm": "acme.example.org", "timezone": "Etc/UTC"}
CREDIT = {
    "amount": 5,
    "source": {"service": "adjustments", "id": "x"},
    "usage": {"type": "credit", "quantity": 0, "unit": "USD"},
}
FLOW = {"numbers": ["no_match"], "flow": {"module": "offnet"}}


@dataclass(frozen=True)
class Write:
    """A request on an account that has a child and a callflow, which changes the state."""

    method: str
    path: str
    data: Any = None


WRITES = {
    "account PUT": Write("PUT", "{acme}", {"name": "New"}),
    "account POST": Write("POST", "{acme}", {**ACME, "org": "x"}),
    "account PATCH": Write("PATCH", "{acme}", {"org": "x"}),
    "account DELETE": Write("DELETE", "{kid}"),
    "reseller PUT": Write("PUT", "{acme}/reseller"),
    "reseller DELETE": Write("DELETE", "{reseller}/reseller"),
    "callflow PUT": Write("PUT", "{acme}/callflows", {**FLOW, "numbers": ["1001"]}),
    "callflow POST": Write("POST", "{acme}/callflows/{flow}", {**FLOW, "name": "x"}),
    "callflow PATCH": Write("PATCH", "{acme}/callflows/{flow}", {"name": "x"}),
    "callflow DELETE": Write("DELETE", "{acme}/callflows/{flow}"),
    "limits POST": Write("POST", "{acme}/limits", {"calls": 5}),
    "blacklist POST": Write("POST", "{acme}/apps_store/blacklist", {"blacklist": ["x"]}),
    "whitelabel PUT": Write("PUT", "{acme}/whitelabel", {"company_name": "Acme"}),
    "ledgers credit PUT": Write("PUT", "{acme}/ledgers/credit", CREDIT),
    "ledgers debit PUT": Write("PUT", "{acme}/ledgers/debit", CREDIT),
}
EVERY_WRITE = pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
BEFORE_AND_AFTER = pytest.mark.parametrize("after", [False, True], ids=["before", "afterCommit"])
BROKEN = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)


@pytest.fixture
async def nobody(sandbox: Sandbox) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(sandbox.url) as session:
        session._retry_connection = False  # aiohttp would send a request a second time where it is reset
        yield Client(session, sandbox)


class Scene:
    """The account, and what a write does to it."""

    def __init__(self, master: Client, names: dict[str, str], before: dict[str, Any]) -> None:
        self.master, self._names, self._before = master, names, before

    async def send(self, write: Write) -> Any:
        path = f"/v2/accounts/{write.path.format(**self._names)}"
        return await self.master.request(write.method, path, write.data)

    async def is_changed(self) -> bool:
        return await self.master.state() != self._before


@pytest.fixture
async def scene(master: Client) -> Scene:
    acme = await master.create("Acme", timezone="Etc/UTC")
    kid = await master.create("Kid", acme)
    flow = (await master.put(f"/v2/accounts/{acme}/callflows", FLOW)).data["id"]
    names = {"acme": acme, "kid": kid, "flow": flow, "reseller": master.reseller}
    return Scene(master, names, await master.state())


@IN_BOTH
@EVERY_WRITE
async def test_without_a_fault_it_changes_something(scene: Scene, write: Write) -> None:
    assert (await scene.send(write)).status in (200, 201)
    assert await scene.is_changed()


@IN_BOTH
@EVERY_WRITE
@BEFORE_AND_AFTER
async def test_a_status(scene: Scene, write: Write, after: bool) -> None:
    await scene.master.fault({"status": 503, "afterCommit": after}, f"^{write.method}$", "^/v2/accounts/")
    answer = await scene.send(write)
    assert (answer.status, answer.body["error"]) == (503, "503")
    assert await scene.is_changed() == after


@EVERY_WRITE
@BEFORE_AND_AFTER
async def test_a_page_that_is_no_json(scene: Scene, write: Write, after: bool) -> None:
    await scene.master.fault({"body": "<html>", "afterCommit": after}, f"^{write.method}$")
    answer = await scene.send(write)
    assert (answer.status, answer.text) == (200, "<html>")
    assert await scene.is_changed() == after


@EVERY_WRITE
@BEFORE_AND_AFTER
async def test_a_reset(scene: Scene, write: Write, after: bool) -> None:
    await scene.master.fault({"reset": True, "afterCommit": after}, f"^{write.method}$")
    with pytest.raises(BROKEN):
        await scene.send(write)
    assert await scene.is_changed() == after


@EVERY_WRITE
@BEFORE_AND_AFTER
async def test_a_hang(scene: Scene, write: Write, after: bool) -> None:
    await scene.master.fault({"hang": True, "afterCommit": after}, f"^{write.method}$")
    sent = asyncio.create_task(scene.send(write))
    entry = await newest(scene.master, write.method)
    assert (entry["status"], await scene.is_changed()) == (0, after)
    sent.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sent


@EVERY_WRITE
@BEFORE_AND_AFTER
async def test_a_delay(scene: Scene, write: Write, after: bool) -> None:
    await scene.master.fault({"delay": 0.3, "afterCommit": after}, f"^{write.method}$")
    sent = asyncio.create_task(scene.send(write))
    await newest(scene.master, write.method)
    assert await scene.is_changed() == after
    assert (await sent).status in (200, 201)
    assert await scene.is_changed()


async def newest(client: Client, method: str) -> dict[str, Any]:
    """The journal's entry of a request that is being answered."""
    async with asyncio.timeout(60):
        while True:
            open_ = [entry for entry in await client.journal() if not entry["milliseconds"]]
            if open_ and open_[-1]["method"] == method:
                return open_[-1]
            await asyncio.sleep(0)


@IN_BOTH
@EVERY_WRITE
@pytest.mark.parametrize("do", [{"cut": "early"}, {"cut": "late"}, {"rollback": True}], ids=str)
async def test_a_cut_and_a_roll_back_are_for_creating_accounts_only(
    scene: Scene, write: Write, do: dict[str, Any]
) -> None:
    await scene.master.fault(do)
    if write is WRITES["account PUT"]:
        if "cut" in do:
            with pytest.raises(BROKEN):
                await scene.send(write)
        else:
            assert "created" not in (await scene.send(write)).data
        assert await scene.is_changed() == ("cut" in do)
        return
    assert (await scene.send(write)).status in (200, 201)
    assert await scene.is_changed()


@IN_BOTH
async def test_a_refusal_stays_one_under_a_fault_after_the_commit(scene: Scene, compat: str) -> None:
    await scene.master.create("Rival")
    taken = Write("PATCH", "{acme}", {"realm": "rival.example.org", "org": "x"})
    await scene.master.fault({"status": 500, "afterCommit": True}, "PATCH")
    assert (await scene.send(taken)).status == 500
    acme = next(row for row in (await scene.master.state()).values() if row["account"]["name"] == "Acme")
    assert acme["account"].get("org") == ("x" if compat == "5.0" else None)

"""What a request was told to be done survives `kill -9`, in every round of a loop."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from kazoo_operator.sandbox import running_sandbox
from tests.sandbox.client import Client
from tests.sandbox.process import serving

ROUNDS = 6
WRITERS = 4


@dataclass
class Told:
    """What was answered of one account: itself and what it holds."""

    account: dict[str, Any]
    entries: list[dict[str, Any]] = field(default_factory=list)
    users: list[dict[str, Any]] = field(default_factory=list)
    callflows: list[dict[str, Any]] = field(default_factory=list)
    limits: dict[str, Any] = field(default_factory=dict)
    plans: dict[str, Any] = field(default_factory=dict)


async def write(
    session: aiohttp.ClientSession, path: str, numbers: itertools.count[int], told: dict[str, Told]
) -> None:
    """Make accounts that hold something of everything, noting what was answered, until the server is gone."""
    while True:
        number = next(numbers)
        account = {"name": f"Account {number}", "realm": f"a{number}.example.org"}
        created = await answered(session.put(path, json={"data": account}))
        held = told[created["id"]] = Told({**account, "id": created["id"]})
        own = f"/v2/accounts/{created['id']}"
        await answered(session.patch(own, json={"data": {"org": f"{number}"}}))
        held.account["org"] = f"{number}"
        credit = {
            "amount": number % 7 + 1.25, "source": {"service": "adjustments", "id": f"grant {number}"},
            "usage": {"type": "credit", "quantity": 0, "unit": "USD"},
        }  # fmt: skip
        held.entries.append(await answered(session.put(f"{own}/ledgers/credit", json={"data": credit})))
        user = {"first_name": "Ada", "last_name": "Byron", "username": "ada", "password": "x"}
        held.users.append(await answered(session.put(f"{own}/users", json={"data": user})))
        held.plans = await answered(session.post(f"{own}/services", json={"data": {"add": ["gold-trunks"]}}))
        trunks = {"data": {"twoway_trunks": number % 5}}
        held.limits = await answered(session.post(f"{own}/limits", json=trunks))
        flow = {"data": {"numbers": [f"{number}"], "flow": {"module": "offnet"}}}
        held.callflows.append(await answered(session.put(f"{own}/callflows", json=flow)))


async def answered(request: Any) -> dict[str, Any]:
    """What a request that was carried out is answered."""
    async with request as response:
        assert response.status in (200, 201), await response.text()
        return dict((await response.json())["data"])


async def log_in(session: aiohttp.ClientSession, ready: dict[str, Any]) -> None:
    login = {"data": {"api_key": ready["apiKey"]}}
    async with session.put("/v2/api_auth", json=login) as response:
        session.headers["X-Auth-Token"] = (await response.json())["auth_token"]


async def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    numbers = itertools.count()
    told: dict[str, Told] = {}
    for round_ in range(ROUNDS):
        async with (
            serving("--database", str(tmp_path / "sandbox.db")) as (process, ready),
            aiohttp.ClientSession(ready["url"]) as session,
        ):
            session._retry_connection = False
            await log_in(session, ready)
            await everything_told_is_there(session, ready, told)
            path = f"/v2/accounts/{ready['accountID']}"
            writers = [asyncio.create_task(write(session, path, numbers, told)) for _ in range(WRITERS)]
            async with asyncio.timeout(120):
                while len(told) < (round_ + 1) * 10:
                    await asyncio.sleep(0)
            process.kill()
            ended = await asyncio.gather(*writers, return_exceptions=True)
            assert all(isinstance(error, aiohttp.ClientError) for error in ended), ended
    async with (
        serving("--database", str(tmp_path / "sandbox.db")) as (_, ready),
        aiohttp.ClientSession(ready["url"]) as session,
    ):
        await log_in(session, ready)
        await everything_told_is_there(session, ready, told)


async def everything_told_is_there(
    session: aiohttp.ClientSession, ready: dict[str, Any], told: dict[str, Told]
) -> None:
    """And every account is whole, also one whose answer got lost: its balance is the sum of its entries."""
    async with session.get("/sandbox/state") as response:
        accounts = (await response.json())["accounts"]
    for account_id, held in told.items():
        stored = accounts[account_id]
        assert {**stored["account"], **held.account} == stored["account"]
        assert all(entry in stored["ledgers"] for entry in held.entries)
        assert all(user in stored["users"] for user in held.users)
        assert {flow["id"] for flow in held.callflows} <= {flow["id"] for flow in stored["callflows"]}
        assert {**stored["limits"], **held.limits} == stored["limits"]
        assert {**stored["plans"], **held.plans} == stored["plans"]
    async with session.get(f"/v2/accounts/{ready['accountID']}/descendants?paginate=false") as response:
        listed = {row["id"] for row in (await response.json())["data"]}
    assert listed == set(accounts) - {ready["accountID"]}
    for account in accounts.values():
        assert account["balance"] == sum(entry["amount"] for entry in account["ledgers"])
        assert len(account["users"]) <= 1
    realms = [account["account"]["realm"] for account in accounts.values()]
    assert len(realms) == len(set(realms))


async def test_tokens_outlive_a_restart_on_the_same_file(tmp_path: Path) -> None:
    database = ("--database", str(tmp_path / "sandbox.db"))
    async with serving(*database) as (_, ready), aiohttp.ClientSession(ready["url"]) as session:
        await log_in(session, ready)
        token = session.headers["X-Auth-Token"]
    async with (
        serving(*database) as (_, ready),
        aiohttp.ClientSession(ready["url"]) as session,
        session.get("/v2/account", headers={"X-Auth-Token": token}) as response,
    ):
        assert response.status == 200


async def test_a_file_whose_master_was_deleted_still_opens_and_a_reset_heals_it(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    async with running_sandbox(path) as sandbox, aiohttp.ClientSession(sandbox.url) as session:
        master = await Client(session, sandbox).log_in(sandbox.identity.master.api_key)
        await master.put("/v2/account", {"id": master.master, "name": "The trap"})
    async with running_sandbox(path) as sandbox, aiohttp.ClientSession(sandbox.url) as session:
        login = {"api_key": sandbox.identity.master.api_key}
        client = Client(session, sandbox)
        assert (await client.put("/v2/api_auth", login)).status == 404
        assert (await client.post("/sandbox/reset")).status == 200
        assert (await client.put("/v2/api_auth", login)).status == 201


async def test_everything_that_an_account_holds_and_what_was_deleted_survives_a_kill(tmp_path: Path) -> None:
    database = ("--database", str(tmp_path / "sandbox.db"), "--compat", "4.3")
    async with serving(*database) as (process, ready), aiohttp.ClientSession(ready["url"]) as session:
        await log_in(session, ready)
        acme, bolt = [await created(session, ready, name) for name in ("Acme", "Bolt")]
        flow = {"data": {"numbers": ["no_match"]}}
        for request in (
            session.put(f"/v2/accounts/{acme}/callflows", json=flow),
            session.post(f"/v2/accounts/{acme}", json={"data": {"name": "Acme", "org": "x"}}),
            session.put(f"/v2/accounts/{acme}/reseller", json={"data": {}}),
            session.delete(f"/v2/accounts/{bolt}"),
        ):
            async with request as response:
                assert response.status in (200, 201)
        before = await accounts(session)
        process.kill()
    async with serving(*database) as (_, ready), aiohttp.ClientSession(ready["url"]) as session:
        after = await accounts(session)
    assert after == before
    assert bolt not in after
    assert after[acme]["account"]["is_reseller"] is True
    assert after[acme]["callflows"][0]["numbers"] == ["no_match"]


async def created(session: aiohttp.ClientSession, ready: dict[str, Any], name: str) -> str:
    async with session.put(f"/v2/accounts/{ready['accountID']}", json={"data": {"name": name}}) as response:
        return str((await response.json())["data"]["id"])


async def accounts(session: aiohttp.ClientSession) -> dict[str, Any]:
    async with session.get("/sandbox/state") as response:
        return dict((await response.json())["accounts"])

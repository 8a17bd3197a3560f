"""Faults: each kind, before and after the work is done, and what is stored then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from kazoo_operator.sandbox import Sandbox
from tests.sandbox.client import Client

NEW = {"name": "Acme", "realm": "acme.example.org"}


@pytest.fixture
async def nobody(sandbox: Sandbox) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(sandbox.url) as session:
        session._retry_connection = False  # aiohttp would send a PUT a second time where the first is reset
        yield Client(session, sandbox)


async def realms(client: Client) -> list[str]:
    """What is listed below the master."""
    answer = await client.get(f"/v2/accounts/{client.master}/descendants")
    return [row["realm"] for row in answer.data if row["id"] != client.reseller]


async def in_the_journal(client: Client, method: str, *, closed: bool = False) -> dict[str, Any]:
    """The last request of that method, as soon as it is there (and `closed`: done with)."""
    async with asyncio.timeout(60):
        while True:
            asked = [entry for entry in await client.journal() if entry["path"].startswith("/v2/accounts")]
            found = [entry for entry in asked if entry["method"] == method]
            if found and (not closed or found[-1]["milliseconds"]):
                return found[-1]
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (409, "datastore_conflict"), (429, "too_many_requests"), (500, "unspecified_fault"),
        (502, "bad_gateway"), (503, "datastore_unreachable"),
    ],
)  # fmt: skip
async def test_a_status_answers_in_kazoos_envelope_and_nothing_is_done(
    master: Client, code: int, message: str
) -> None:
    await master.fault({"status": code}, "PUT", "/v2/accounts")
    answer = await master.put(f"/v2/accounts/{master.master}", NEW)
    assert (answer.status, answer.body["error"], answer.body["message"]) == (code, str(code), message)
    assert answer.data == {"message": message.replace("_", " ")}
    assert answer.headers["Content-Type"] == "application/json"
    assert "Retry-After" not in answer.headers
    assert await realms(master) == []
    assert (await master.put(f"/v2/accounts/{master.master}", NEW)).status == 201


async def test_a_status_may_carry_a_message(master: Client) -> None:
    await master.fault({"status": 500, "message": "account_has_active_port"})
    answer = await master.get(f"/v2/accounts/{master.master}")
    assert (answer.body["message"], answer.data["message"]) == (
        "account_has_active_port",
        "Account has active port request",
    )


@pytest.mark.parametrize("stored", [False, True])
async def test_a_409_says_nothing_about_whether_it_was_stored(master: Client, stored: bool) -> None:
    acme = await master.create("Acme")
    await master.fault({"status": 409, "afterCommit": stored}, "PATCH")
    answer = await master.patch(f"/v2/accounts/{acme}", {"org": "Dental", "enabled": True})
    assert (answer.status, answer.body["message"]) == (409, "datastore_conflict")
    assert ("org" in await master.read(acme)) is stored


async def test_a_status_after_the_commit_leaves_the_work_done(master: Client) -> None:
    await master.fault({"status": 500, "afterCommit": True}, "PUT")
    assert (await master.put(f"/v2/accounts/{master.master}", NEW)).status == 500
    assert await realms(master) == ["acme.example.org"]


async def test_faults_queue_and_are_used_up(master: Client) -> None:
    await master.fault({"status": 503}, "GET", times=2)
    await master.fault({"status": 429}, "GET", "children$")
    path = f"/v2/accounts/{master.master}"
    seen = [(await master.get(f"{path}/children")).status for _ in range(4)]
    assert seen == [503, 503, 429, 200]


async def test_a_fault_strikes_only_what_it_matches_and_the_query_is_no_part_of_that(master: Client) -> None:
    await master.fault({"status": 503}, "^P", "^/v2/accounts/[0-9a-f]{32}$")
    path = f"/v2/accounts/{master.master}"
    assert (await master.get(path)).status == 200
    assert (await master.get(f"{path}/children?x=PATCH")).status == 200
    assert (await master.patch(f"{path}?a=b", {})).status == 503


async def test_faults_are_removed(master: Client) -> None:
    await master.fault({"status": 503}, times=5)
    assert (await master.delete("/sandbox/faults")).status == 200
    assert (await master.get("/v2/account")).status == 200


async def test_the_control_surface_itself_never_suffers(master: Client) -> None:
    await master.fault({"status": 503})
    assert (await master.get("/sandbox/state")).status == 200


@pytest.mark.parametrize("after", [False, True])
async def test_a_delay_comes_before_or_after_the_work(master: Client, after: bool) -> None:
    await master.fault({"delay": 0.5, "afterCommit": after}, "PUT")
    started = time.monotonic()
    create = asyncio.create_task(master.put(f"/v2/accounts/{master.master}", NEW))
    await in_the_journal(master, "PUT")
    assert await realms(master) == (["acme.example.org"] if after else [])
    assert (await create).status == 201
    assert time.monotonic() - started >= 0.5
    assert await realms(master) == ["acme.example.org"]


@pytest.mark.parametrize("after", [False, True])
async def test_a_delayed_create_is_dropped_with_its_client_but_not_once_it_is_done(
    master: Client, after: bool
) -> None:
    await master.fault({"delay": 60, "afterCommit": after}, "PUT")
    create = asyncio.create_task(master.put(f"/v2/accounts/{master.master}", NEW))
    await in_the_journal(master, "PUT")
    create.cancel()
    await in_the_journal(master, "PUT", closed=True)
    assert await realms(master) == (["acme.example.org"] if after else [])


async def test_any_other_delayed_write_is_done_without_its_client(master: Client) -> None:
    account = await master.create("Acme")
    await master.fault({"delay": 0.2}, "PATCH")
    patch = asyncio.create_task(master.patch(f"/v2/accounts/{account}", {"org": "x"}))
    await in_the_journal(master, "PATCH")
    patch.cancel()
    await in_the_journal(master, "PATCH", closed=True)
    assert (await master.read(account))["org"] == "x"


@pytest.mark.parametrize("after", [False, True])
async def test_a_hang_never_answers(master: Client, after: bool) -> None:
    await master.fault({"hang": True, "afterCommit": after}, "PUT")
    create = asyncio.create_task(master.put(f"/v2/accounts/{master.master}", NEW))
    assert (await in_the_journal(master, "PUT"))["status"] == 0
    assert await realms(master) == (["acme.example.org"] if after else [])
    create.cancel()
    assert (await in_the_journal(master, "PUT", closed=True))["status"] == 0


async def test_what_hangs_does_not_hold_up_the_end(master: Client) -> None:
    await master.fault({"hang": True}, "PUT")
    create = asyncio.create_task(master.put(f"/v2/accounts/{master.master}", NEW))
    await in_the_journal(master, "PUT")
    started = time.monotonic()
    await master.sandbox.stop()
    assert time.monotonic() - started < 3
    with pytest.raises(aiohttp.ClientError):
        await create


@pytest.mark.parametrize("after", [False, True])
async def test_a_reset_breaks_the_connection(master: Client, after: bool) -> None:
    await master.fault({"reset": True, "afterCommit": after}, "PUT")
    with pytest.raises((aiohttp.ClientOSError, ConnectionResetError)):
        await master.put(f"/v2/accounts/{master.master}", NEW)
    assert await realms(master) == (["acme.example.org"] if after else [])
    assert (await in_the_journal(master, "PUT"))["status"] == 0


@pytest.mark.parametrize("after", [False, True])
async def test_a_body_is_a_page_that_is_no_json(master: Client, after: bool) -> None:
    await master.fault({"body": "<html>", "contentType": "text/html", "afterCommit": after}, "PUT")
    answer = await master.put(f"/v2/accounts/{master.master}", NEW)
    assert (answer.status, answer.text, answer.headers["Content-Type"]) == (200, "<html>", "text/html")
    assert await realms(master) == (["acme.example.org"] if after else [])


async def cut(master: Client, when: str) -> str:
    """A create that is cut; the id of what is left."""
    before = set((await master.get("/sandbox/state")).body["accounts"])
    await master.fault({"cut": when}, "PUT")
    with pytest.raises((aiohttp.ClientOSError, ConnectionResetError)):
        await master.put(f"/v2/accounts/{master.master}", NEW)
    after = set((await master.get("/sandbox/state")).body["accounts"])
    (half_built,) = after - before
    return str(half_built)


async def test_a_create_cut_early_leaves_an_orphan_that_nobody_finds(master: Client) -> None:
    orphan = await cut(master, "early")
    assert (await master.read(orphan))["realm"] == "acme.example.org"
    assert await realms(master) == []
    for query in ("q=realm&v=acme", "q=name&v=acme", f"q=id&v={orphan}"):
        assert (await master.get(f"/v2/accounts/{master.master}/search?t=account&{query}")).data == []
    assert (await master.get(f"/v2/accounts/{master.master}/children?filter_name=Acme")).data == []
    assert (await master.get(f"/v2/accounts/{orphan}/ledgers/total")).status == 503
    assert await master.create("Acme") != orphan


async def test_a_create_cut_late_is_found_but_has_no_ledgers(master: Client) -> None:
    half = await cut(master, "late")
    assert await realms(master) == ["acme.example.org"]
    found = await master.get(f"/v2/accounts/{master.master}/search?t=account&q=realm&v=acme.example.org")
    assert found.row_ids == [half]
    total = await master.get(f"/v2/accounts/{half}/ledgers/total")
    assert (total.status, total.body["message"], total.data) == (503, "datastore missing view", {})
    again = await master.put(f"/v2/accounts/{master.master}", NEW)
    assert (again.status, set(again.data)) == (400, {"name", "realm"})


async def test_a_rolled_back_create_answers_201_and_is_gone(master: Client) -> None:
    await master.fault({"rollback": True}, "PUT")
    answer = await master.put(f"/v2/accounts/{master.master}", NEW)
    assert (answer.status, answer.data["realm"]) == (201, "acme.example.org")
    assert not {"created", "enabled", "reseller_id", "is_reseller", "billing_mode"} & set(answer.data)
    assert answer.body["revision"].startswith("1-")
    assert answer.headers["Location"].endswith(answer.data["id"])
    assert (await master.get(f"/v2/accounts/{answer.data['id']}")).status == 404
    assert await realms(master) == []


@pytest.mark.parametrize("do", [{"cut": "late"}, {"rollback": True}])
async def test_only_creates_use_up_a_cut_or_a_roll_back(master: Client, do: dict[str, Any]) -> None:
    await master.fault(do)
    assert (await master.get("/v2/account")).status == 200
    assert (await master.patch("/v2/account", {"org": "x"})).status == 200
    assert (await master.delete("/sandbox/faults")).status == 200
    assert (await master.put(f"/v2/accounts/{master.master}", NEW)).status == 201


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ([], "a fault must be an object"),
        ({"do": {"status": 503}, "time": 3}, "no member time"),
        ({"match": {"verb": "GET"}, "do": {"status": 503}}, "match has no member verb"),
        ({"match": {"path": "("}, "do": {"status": 503}}, "match.path is no regular expression"),
        ({"match": {"path": 5}, "do": {"status": 503}}, "path must be a text"),
        ({"times": 0, "do": {"status": 503}}, "times must be a whole number from 1"),
        ({"times": True, "do": {"status": 503}}, "times must be a whole number from 1"),
        ({}, "do must be an object"),
        ({"do": {}}, "exactly one of status"),
        ({"do": {"status": 503, "delay": 1}}, "exactly one of status"),
        ({"do": {"explode": True}}, "exactly one of status"),
        ({"do": {"status": 200}}, "status must be a code from 400 to 599"),
        ({"do": {"status": "503"}}, "status must be a code from 400 to 599"),
        ({"do": {"delay": -1}}, "delay must be seconds"),
        ({"do": {"hang": False}}, "hang must be true"),
        ({"do": {"body": 5}}, "body must be a text"),
        ({"do": {"cut": "middle"}}, 'cut must be "early" or "late"'),
        ({"do": {"cut": "late", "afterCommit": True}}, "afterCommit cannot stand beside cut"),
        ({"do": {"rollback": True, "afterCommit": True}}, "afterCommit cannot stand beside rollback"),
        ({"do": {"delay": 1, "message": "x"}}, "message cannot stand beside delay"),
        ({"do": {"reset": True, "afterCommit": "yes"}}, "afterCommit must be true or false"),
        ({"do": {"status": 503, "message": 5}}, "message must be a text"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_and_not_kept(
    master: Client, order: Any, reason: str
) -> None:
    answer = await master.post("/sandbox/faults", body=order)
    assert answer.status == 400
    assert reason in answer.body["error"]
    assert (await master.get("/v2/account")).status == 200


async def test_the_envelope_of_a_status_names_the_token_that_came_along(
    master: Client, nobody: Client
) -> None:
    await master.fault({"status": 503}, times=2)
    assert (await master.get("/v2/account")).body["auth_token"] == master.token
    assert "auth_token" not in (await nobody.get("/v2/account")).body

"""The control surface: journal, documents, state and reset."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from kazoo_operator.sandbox import running_sandbox
from tests.sandbox.client import Client


async def test_the_journal_tells_what_was_asked_oldest_first(master: Client) -> None:
    await master.delete("/sandbox/requests")
    account = await master.create("Acme")
    await master.get(f"/v2/accounts/{account}/children?page_size=2&x=ä")
    await master.patch(f"/v2/accounts/{account}?accept_charges=true", {"timezone": "UTC"})
    await master.patch("/v2/account", body={"data": {}, "accept_charges": True})
    await master.put("/v2/api_auth", raw=b"{bad")
    entries = await master.journal()
    assert all(entry.pop("milliseconds") > 0 for entry in entries)
    own = f"/v2/accounts/{master.master}"
    assert entries == [
        row("PUT", own, 201, master.master),
        row("GET", f"/v2/accounts/{account}/children", 200, account, query={"page_size": "2", "x": "ä"}),
        row(
            "PATCH", f"/v2/accounts/{account}", 400, account, query={"accept_charges": "true"}, accepted=True
        ),
        row("PATCH", "/v2/account", 200, master.master, accepted=True),
        row("PUT", "/v2/api_auth", 400, None),
    ]


def row(
    method: str, path: str, status: int, account: str | None, *, query: dict[str, str] | None = None,
    accepted: bool = False,
) -> dict[str, Any]:  # fmt: skip
    return {
        "method": method, "path": path, "query": query or {}, "status": status, "accountID": account,
        "acceptCharges": accepted,
    }  # fmt: skip


async def test_the_journal_leaves_the_control_surface_out_and_can_be_emptied(master: Client) -> None:
    assert [entry["path"] for entry in await master.journal()] == ["/v2/api_auth"]
    await master.delete("/sandbox/requests")
    assert await master.journal() == []


async def test_an_edit_behind_kazoos_back_knows_no_rules(master: Client) -> None:
    account = await master.create("Acme", contact={"billing": {"name": "Bo", "email": "bo@acme.example"}})
    await master.create("Rival")
    merge = {
        "name": "Rival", "realm": "RIVAL.example.org", "timezone": 5, "contact": {"billing": {"name": None}},
        "enabled": False, "call_restriction": {"emergency": {"action": "deny"}}, "org": None,
    }  # fmt: skip
    answer = await master.post("/sandbox/documents", body=edit(account, merge))
    assert answer.status == 200
    after = await master.get(f"/v2/accounts/{account}")
    assert after.data == {**answer.body["value"], "billing_mode": "limits_only"}
    assert (after.data["name"], after.data["realm"], after.data["timezone"]) == (
        "Rival",
        "RIVAL.example.org",
        5,
    )
    assert after.data["contact"] == {"billing": {"email": "bo@acme.example"}}
    assert after.data["enabled"] is False
    assert after.body["revision"].startswith("2-")
    search = f"/v2/accounts/{master.master}/search?t=account&q=realm&v=rival"
    assert len((await master.get(search)).data) == 2


def edit(account: str, merge: Any, document: str = "account") -> dict[str, Any]:
    return {"accountID": account, "document": document, "merge": merge}


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ([], "an edit is"),
        ({"accountID": "x"}, "an edit is"),
        (edit("0" * 32, {}), "there is no account"),
        (edit("0" * 32, {}, "nosuch"), "document must be one of account"),
        (edit("0" * 32, []), "merge must be an object"),
    ],
)
async def test_an_edit_that_makes_no_sense_is_refused(master: Client, order: Any, reason: str) -> None:
    answer = await master.post("/sandbox/documents", body=order)
    assert answer.status == 400
    assert reason in answer.body["error"]


@pytest.mark.parametrize("path", ["faults", "documents"])
async def test_a_control_body_that_is_no_json_is_refused(master: Client, path: str) -> None:
    answer = await master.post(f"/sandbox/{path}", raw=b"{bad")
    assert answer.status == 400
    assert "no JSON" in answer.body["error"]


async def test_the_state_tells_everything_of_every_account(master: Client) -> None:
    account = await master.create("Acme", master.reseller)
    state = (await master.get("/sandbox/state")).body
    assert set(state) == {"now", "accounts", "apps", "plans"}
    assert set(state["accounts"]) == {master.master, master.reseller, account}
    acme = state["accounts"][account]
    assert set(acme) == {
        "account", "tree", "limits", "blacklist", "ledgers", "balance", "users", "callflows", "plans",
        "apps", "whitelabel",
    }  # fmt: skip
    assert acme["tree"] == [master.master, master.reseller]
    assert acme["account"]["realm"] == "acme.example.org"
    assert acme["balance"] == 0
    assert [entry["id"] for entry in acme["ledgers"]] == ["202611-ledgers_monthly_rollover"]


async def test_a_reset_goes_back_to_the_seed_and_tokens_live_on(master: Client) -> None:
    before = (await master.get("/sandbox/state")).body
    await master.create("Acme", master.reseller)
    await master.patch(f"/v2/accounts/{master.reseller}", {"org": "x"})
    await master.fault({"status": 503})
    assert (await master.post("/sandbox/reset")).status == 200
    assert (await master.get("/sandbox/state")).body == before
    assert await master.journal() == []
    assert (await master.get(f"/v2/accounts/{master.reseller}/children")).data == []


async def test_a_reset_keeps_the_key_that_the_master_was_started_with() -> None:
    async with running_sandbox(api_key="k" * 64) as sandbox, aiohttp.ClientSession(sandbox.url) as session:
        client = await Client(session, sandbox).log_in("k" * 64)
        await client.post("/sandbox/reset")
        await Client(session, sandbox).log_in("k" * 64)


async def test_without_control_nothing_of_it_is_served() -> None:
    async with running_sandbox(control=False) as sandbox, aiohttp.ClientSession(sandbox.url) as session:
        client = Client(session, sandbox)
        for method, path in (("GET", "requests"), ("POST", "faults"), ("GET", "state"), ("POST", "reset")):
            answer = await client.request(method, f"/sandbox/{path}")
            assert (answer.status, answer.text) == (404, "")
        assert (await client.get("/v2/account")).status == 401

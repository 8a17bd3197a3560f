"""What KAZOO 4.3 does otherwise than 5.0, beyond how it stores accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kazoo_operator.sandbox import running_sandbox
from tests.sandbox.client import IN_4_3, IN_BOTH, Client
from tests.sandbox.conftest import SetClock

UNKNOWN = "0" * 32


@IN_BOTH
async def test_envelopes_of_4_3_count_no_tokens(master: Client, compat: str) -> None:
    good = await master.get("/v2/account")
    bad = await master.get(f"/v2/accounts/{UNKNOWN}")
    for answer in (good, bad):
        assert ("tokens" in answer.body) == (compat == "5.0")
        assert answer.body["auth_token"] == master.token
        assert answer.body["version"].startswith(compat)


@IN_BOTH
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"/v2/accounts/{UNKNOWN}", None, 404),
        ("GET", "/v2/phone_numbers/classifiers", None, 401),
        ("PUT", "/v2/accounts", b"{bad", 400),
        ("DELETE", "/v2/accounts", None, 405),
        ("PUT", "/v2/api_auth", b'{"data": {}}', 400),
    ],
)
async def test_a_refusal_without_a_token_says_undefined_in_4_3(
    nobody: Client, compat: str, method: str, path: str, body: bytes | None, status: int
) -> None:
    answer = await nobody.request(method, path, raw=body)
    assert answer.status == status
    said = ("undefined", True) if compat == "4.3" else (None, False)
    assert (answer.body.get("auth_token"), "version" in answer.body) == said


@IN_BOTH
async def test_early_refusals_of_4_3_name_their_content_type(nobody: Client, compat: str) -> None:
    answer = await nobody.get(f"/v2/accounts/{UNKNOWN}")
    assert answer.headers.get("Content-Type") == ("application/json" if compat == "4.3" else None)
    assert answer.data == {"cause": UNKNOWN, "message": "bad identifier"}


@IN_4_3
async def test_an_expired_token_of_4_3_is_a_token_that_is_not_there(
    master: Client, reseller: Client, clock: SetClock
) -> None:
    clock.now += 3601
    own = await master.get(f"/v2/accounts/{master.master}")
    assert (own.status, own.body["message"]) == (401, "invalid_credentials")
    assert own.body["auth_token"] == master.token
    assert (await master.get(f"/v2/accounts/{UNKNOWN}")).status == 404
    assert (await master.patch(f"/v2/accounts/{master.master}/children", {})).status == 405
    assert (await master.get("/v2/nosuchnoun")).status == 401


@IN_4_3
async def test_a_good_create_of_4_3_has_a_revision_and_a_location(master: Client, reseller: Client) -> None:
    for path in (f"/v2/accounts/{master.master}", "/v2/accounts", "/v2/account"):
        answer = await master.put(path, {"name": f"Acme {path}"})
        assert answer.headers["Location"] == f"{path}/{answer.data['id']}"
        assert answer.body["revision"].startswith("1-")
    tunnelled = await master.post(f"/v2/accounts/{master.reseller}?verb=put", {"name": "Bolt"})
    assert (tunnelled.status, "Location" in tunnelled.headers) == (201, True)


@IN_4_3
async def test_enabled_is_honoured_at_birth_in_4_3_and_a_disabled_parent_has_disabled_children(
    master: Client, reseller: Client
) -> None:
    own = f"/v2/accounts/{reseller.reseller}"
    one = await reseller.put(own, {"name": "One", "enabled": False})
    assert one.data["enabled"] is False
    assert (await reseller.put(own, {"name": "Two"})).data["enabled"] is True
    first_update = await reseller.patch(f"/v2/accounts/{one.data['id']}", {"org": "x"})
    assert first_update.data["enabled"] is True
    await master.patch(own, {"enabled": False})
    for number, who in enumerate((reseller, master)):
        answer = await who.put(own, {"name": f"Late {number}", "enabled": True})
        assert answer.data["enabled"] is False


@IN_4_3
async def test_a_rolled_back_create_of_4_3_lacks_the_same_five_members(master: Client) -> None:
    await master.fault({"rollback": True}, "PUT")
    answer = await master.put(f"/v2/accounts/{master.master}", {"name": "Acme"})
    assert answer.status == 201
    assert not {"created", "enabled", "reseller_id", "is_reseller", "billing_mode"} & set(answer.data)
    assert (await master.get(f"/v2/accounts/{answer.data['id']}")).status == 404


@IN_4_3
async def test_lists_of_4_3_ascend_whatever_is_asked_but_searches_do_not(master: Client) -> None:
    for name in "bca":
        await master.create(name, master.reseller)
    path = f"/v2/accounts/{master.reseller}"
    for query in ("", "?ascending=false", "?descending=true", "?ascending=true"):
        for view in ("children", "descendants"):
            assert names(await master.get(f"{path}/{view}{query}")) == "abc"
    first = await master.get(f"{path}/children?page_size=2")
    rest = await master.get(f"{path}/children?page_size=2&start_key={first.body['next_start_key']}")
    assert (names(first), names(rest)) == ("ab", "c")
    search = "/v2/search?t=account&q=realm&v="
    assert names(await (await master.as_account(master.reseller)).get(search)) == "cba"


def names(answer: Any) -> str:
    return "".join(row["name"] for row in answer.data)


@IN_4_3
@pytest.mark.parametrize("size", ["0", "-1", "abc"])
async def test_a_page_size_that_is_none_is_ignored_in_4_3(master: Client, size: str) -> None:
    await master.create("Acme")
    answer = await master.get(f"/v2/accounts/{master.master}/children?page_size={size}")
    assert (answer.status, answer.body["page_size"]) == (200, 2)


@IN_4_3
async def test_the_old_api_of_4_3_is_not_simulated_and_says_so(master: Client) -> None:
    answer = await master.get("/v1/accounts")
    assert (answer.status, answer.body["message"]) == (501, "not_implemented")


@IN_BOTH
async def test_browsers_may_ask_beforehand_and_nobody_else(master: Client, nobody: Client) -> None:
    headers = {"Origin": "https://ui.example.org", "Access-Control-Request-Method": "POST"}
    path = f"/v2/accounts/{master.master}"
    asked = await nobody.request("OPTIONS", path, headers=headers)
    assert (asked.status, asked.text) == (200, "")
    refused = await master.request("OPTIONS", f"{path}/children")
    assert (refused.status, refused.body["message"]) == (405, "invalid_method")
    assert [answer.headers["Access-Control-Allow-Methods"] for answer in (asked, refused)] == [
        "OPTIONS, PATCH, POST, PUT, GET, DELETE", "OPTIONS, GET",
    ]  # fmt: skip


@IN_BOTH
async def test_a_verb_that_the_web_server_does_not_know_is_501_and_empty(master: Client) -> None:
    answer = await master.request("PROPFIND", "/v2/account")
    assert (answer.status, answer.text) == (501, "")


async def test_a_file_may_be_served_by_either_release(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    async with running_sandbox(path, compat="4.3") as sandbox, aiohttp.ClientSession(sandbox.url) as session:
        client = await Client(session, sandbox).log_in(sandbox.identity.master.api_key)
        account = await client.create("Acme", org="Acme Inc")
        await client.put(f"/v2/accounts/{account}/callflows", {"numbers": ["no_match"]})
    async with running_sandbox(path) as sandbox, aiohttp.ClientSession(sandbox.url) as session:
        client = await Client(session, sandbox).log_in(sandbox.identity.master.api_key)
        assert (await client.post(f"/v2/accounts/{account}", {"name": "Acme"})).data["org"] == "Acme Inc"
        assert (await client.get(f"/v2/accounts/{account}/callflows")).data[0]["numbers"] == ["no_match"]

"""The order of checks, tokens, and what the envelope says of a refusal."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.sandbox.client import Client
from tests.sandbox.conftest import SetClock

UNKNOWN = "0" * 32
NO_JSON = {"json": {"invalid": {"message": "decoder_exit around 0", "target": "body"}}}


async def test_broken_json_beats_everything(nobody: Client) -> None:
    answer = await nobody.patch(f"/v2/accounts/{UNKNOWN}/children", raw=b"{bad")
    assert answer.status == 400
    assert answer.data == NO_JSON


async def test_a_wrong_verb_beats_the_unknown_account_and_that_beats_the_missing_token(
    nobody: Client,
) -> None:
    wrong = await nobody.patch(f"/v2/accounts/{UNKNOWN}/children", {})
    assert (wrong.status, wrong.body["message"]) == (405, "invalid_method")
    unknown = await nobody.get(f"/v2/accounts/{UNKNOWN}")
    assert (unknown.status, unknown.body["message"]) == (404, "bad_identifier")
    assert unknown.data == {"cause": UNKNOWN, "message": "bad identifier"}
    missing = await nobody.get(f"/v2/accounts/{nobody.master}")
    assert (missing.status, missing.body["message"]) == (401, "invalid_credentials")


async def test_a_foreign_account_is_403_before_accept_is_looked_at(master: Client, reseller: Client) -> None:
    foreign = await master.create("Elsewhere")
    answer = await reseller.get(f"/v2/accounts/{foreign}", headers={"Accept": "text/html"})
    assert (answer.status, answer.body["message"]) == (403, "forbidden")
    accepted = await master.get(f"/v2/accounts/{foreign}", headers={"Accept": "text/html"})
    assert (accepted.status, accepted.text) == (406, "")


@pytest.mark.parametrize("path", ["", "/children", "/descendants"])
async def test_nobody_reads_above_or_beside_themselves(master: Client, reseller: Client, path: str) -> None:
    acme = await reseller.create("Acme", reseller.reseller)
    beside = await reseller.create("Beside", reseller.reseller)
    itself = await master.as_account(acme)
    for account in (master.master, reseller.reseller, beside):
        assert (await itself.get(f"/v2/accounts/{account}{path}")).status == 403
    assert (await itself.get(f"/v2/accounts/{acme}{path}")).status == 200


async def test_an_early_refusal_has_no_content_type(nobody: Client, master: Client) -> None:
    early = await nobody.get(f"/v2/accounts/{UNKNOWN}")
    late = await master.get(f"/v2/accounts/{master.master}/children?page_size=abc")
    assert "Content-Type" not in early.headers
    assert (late.status, late.headers["Content-Type"]) == (404, "application/json")


async def test_a_token_lives_an_hour_however_much_it_is_used(master: Client, clock: SetClock) -> None:
    path = f"/v2/accounts/{master.master}"
    for _ in range(3):
        clock.now += 1199
        assert (await master.get(path)).status == 200
    clock.now += 3
    for late in (path, f"/v2/accounts/{UNKNOWN}", f"{path}/children?verb=patch", "/v2/nosuchnoun"):
        answer = await master.get(late)
        assert (answer.status, answer.body["message"], answer.data) == (401, "invalid credentials", {})
        assert "version" not in answer.body


@pytest.mark.parametrize("token", ["bogus", "a.b.c", "ü", "e30.e30."])
async def test_a_forged_token_is_401(nobody: Client, token: str) -> None:
    answer = await nobody.get(f"/v2/accounts/{nobody.master}?auth_token={token}")
    assert (answer.status, answer.body["message"]) == (401, "invalid_credentials")


async def test_a_bearer_token_is_refused(master: Client, nobody: Client) -> None:
    path = f"/v2/accounts/{master.master}"
    bearer = await nobody.get(path, headers={"Authorization": f"Bearer {master.token}"})
    assert bearer.status == 401
    assert (await nobody.get(f"{path}?auth_token={master.token}")).status == 200


async def test_an_unknown_key_is_404_and_a_short_one_400(nobody: Client) -> None:
    unknown = await nobody.put("/v2/api_auth", {"api_key": "f" * 64})
    assert (unknown.status, unknown.body["message"], unknown.data) == (404, "bad identifier", ["f" * 64])
    short = await nobody.put("/v2/api_auth", {"api_key": "abc"})
    assert short.data["api_key"]["minLength"]["target"] == 64
    extra = await nobody.put("/v2/api_auth", {"api_key": "f" * 64, "extra": 1})
    assert list(extra.data) == ["extra"]


async def test_the_key_of_a_disabled_account_still_works(master: Client) -> None:
    account = await master.create("Acme")
    await master.patch(f"/v2/accounts/{account}", {"enabled": False})
    assert (await (await master.as_account(account)).read(account))["enabled"] is False


async def test_account_is_an_alias_of_the_callers_own(reseller: Client, nobody: Client) -> None:
    assert (await reseller.get("/v2/account")).data["id"] == reseller.reseller
    assert (await reseller.get("/v2/account/children")).data == []
    refused = await nobody.get("/v2/account")
    assert (refused.status, refused.body["message"], refused.data) == (401, "invalid credentials", {})


async def test_an_unknown_noun_is_404_in_three_ways(nobody: Client, master: Client, reseller: Client) -> None:
    assert (await nobody.get("/v2/nosuchnoun")).status == 401
    empty = await master.get("/v2/nosuchnoun")
    assert (empty.status, empty.text) == (404, "")
    assert (await reseller.get("/v2/nosuchnoun")).body["message"] == "not_found"
    assert (await master.get(f"/v2/accounts/{master.master}/no/such/thing")).body["message"] == "not_found"


async def test_other_versions_of_the_api(master: Client) -> None:
    gone = await master.get(f"/v1/accounts/{master.master}")
    assert (gone.status, gone.body["message"]) == (410, "gone")
    assert (await master.get(f"/v3/accounts/{master.master}")).status == 200
    assert (await master.get("/")).status == 404


async def test_what_is_not_built_says_so(master: Client) -> None:
    for method, path in (
        ("GET", "/whitelabel/logo"),
        ("GET", "/devices/status"),
        ("PUT", "/phone_numbers/+14155550100/activate"),
    ):
        answer = await master.request(method, f"/v2/accounts/{master.master}{path}")
        assert (answer.status, answer.body["message"]) == (501, "not_implemented"), path
        assert "does not simulate" in answer.data["message"]


@pytest.mark.parametrize(
    ("raw", "errors"),
    [
        (b"  ", NO_JSON),
        (b'{"data":{"name":"\\ud800"}}', NO_JSON),
        (b'{"data":{"n":NaN}}', NO_JSON),
        (b"[" * 100_000, NO_JSON),
        (b"[1]", {"json": {"invalid": {"message": "All JSON must be valid", "target": "body"}}}),
        (b'{"foo":{},"bar":null}', {
            "data": {"required": {"message": "Field is required but missing", "value": {"foo": {}}}}
        }),
        (b'{"data":"x"}', {
            "data": {"type": {
                "message": "Value did not match type(s): object, array",
                "target": "object, array", "value": "x",
            }}
        }),
    ],
)  # fmt: skip
async def test_a_broken_body_is_400(master: Client, raw: bytes, errors: dict[str, Any]) -> None:
    answer = await master.patch(f"/v2/accounts/{master.master}", raw=raw)
    assert (answer.status, answer.data) == (400, errors)
    assert "auth_token" not in answer.body


async def test_a_list_as_data_crashes_the_handler(master: Client) -> None:
    answer = await master.patch(f"/v2/accounts/{master.master}", [1])
    assert (answer.status, answer.body["message"]) == (500, "init failed")
    assert "data" not in answer.body


async def test_a_body_over_the_limit_is_400(master: Client) -> None:
    answer = await master.patch(f"/v2/accounts/{master.master}", {"name": "x" * 8_000_000})
    assert (answer.status, answer.data["file"]["maxSize"]["target"]) == (400, 8_000_000)


async def test_the_envelope_is_read_whatever_the_case_of_its_keys(master: Client) -> None:
    account = await master.create("Acme")
    answer = await master.patch(f"/v2/accounts/{account}", body={"DATA": {"org": "x"}, "Some-Thing": 1})
    assert answer.data["org"] == "x"


@pytest.mark.parametrize("where", ["query", "envelope", "data"])
async def test_a_verb_is_tunnelled(master: Client, where: str) -> None:
    account = await master.create("Acme")
    body: dict[str, Any] = {"data": {"org": "Tunnelled"}}
    query = "?verb=patch" if where == "query" else ""
    body |= {"verb": "PATCH"} if where == "envelope" else {}
    body["data"] |= {"verb": "patch"} if where == "data" else {}
    answer = await master.post(f"/v2/accounts/{account}{query}", body=body)
    assert (answer.status, answer.data["org"]) == (200, "Tunnelled")
    assert ("verb" in answer.data) == (where == "data")


async def test_a_tunnelled_create_answers_200_and_an_unknown_verb_405(master: Client) -> None:
    path = f"/v2/accounts/{master.master}"
    assert (await master.post(f"{path}?verb=put", {"name": "Acme"})).status == 200
    assert (await master.post(f"{path}?verb=foo", {"name": "Bolt"})).status == 405
    below = await master.request("PUT", f"{path}/children?verb=get")
    assert (below.status, below.headers["Allow"], below.text) == (405, "GET", "")


async def test_head_is_not_allowed(master: Client) -> None:
    assert (await master.request("HEAD", f"/v2/accounts/{master.master}")).status == 405


async def test_a_request_id_is_echoed_and_answers_are_compressed_on_demand(master: Client) -> None:
    headers = {"X-Request-ID": "mine", "Accept-Encoding": "gzip"}
    answer = await master.get(f"/v2/accounts/{master.master}", headers=headers)
    assert (answer.body["request_id"], answer.headers["X-Request-ID"]) == ("mine", "mine")
    assert answer.headers["Content-Encoding"] == "gzip"
    plain = await master.get(f"/v2/accounts/{master.master}", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers


async def test_garbage_that_is_no_http_is_400_and_the_sandbox_lives(
    master: Client, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = master.sandbox.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x00nonsense\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    assert (await master.get("/v2/account")).status == 200
    assert not caplog.records

"""Logging in with a password, and what a token says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import IN_BOTH, Client
from tests.sandbox.conftest import SetClock
from tests.sandbox.credentials import hashed, logged_in

ADA = {"first_name": "Ada", "last_name": "Byron", "username": "ada", "password": "Passw0rd-1"}
NAMED = {"account_realm": "acme.example.org"}


@pytest.fixture
async def acme(master: Client) -> str:
    account = await master.create("Acme")
    answer = await master.put(f"/v2/accounts/{account}/users", {**ADA, "priv_level": "admin"})
    assert answer.status == 201
    return account


async def test_the_administrator_of_the_ready_line_can_log_in(nobody: Client) -> None:
    who = nobody.sandbox.identity
    admin = await logged_in(nobody, who.admin_name, who.admin_password, who.master.realm)
    token = (await admin.get("/v2/token_auth")).data
    assert (token["account_id"], token["method"]) == (who.master.account_id, "cb_user_auth")
    assert (await admin.get(f"/v2/accounts/{who.reseller.account_id}")).status == 200


@pytest.mark.parametrize(
    "named",
    [
        NAMED,
        {"account_realm": "ACME.example.org"},
        {"realm": "acme.example.org"},
        {"account_name": "A.C.M.E."},
        {**NAMED, "account_name": "nobody"},
    ],
)
@pytest.mark.parametrize("method", ["md5", "sha"])
async def test_a_realm_or_a_name_says_which_account(
    nobody: Client, acme: str, named: dict[str, str], method: str
) -> None:
    login = {"credentials": hashed("ada", "Passw0rd-1", method), "method": method, **named}
    answer = await nobody.put("/v2/user_auth", login)
    assert (answer.status, answer.data["account_id"]) == (201, acme)
    assert answer.headers["Location"] == f"/v2/user_auth/{answer.data['owner_id']}"


@IN_BOTH
@pytest.mark.parametrize(
    ("login", "counted"),
    [
        ({"credentials": hashed("ada", "wrong"), **NAMED}, True),
        ({"credentials": hashed("Ada", "Passw0rd-1"), **NAMED}, True),
        ({"credentials": hashed("ada", "Passw0rd-1"), "account_realm": "nobody.example.org"}, False),
        ({"credentials": hashed("ada", "Passw0rd-1"), "account_name": "nobody"}, False),
        ({"credentials": hashed("ada", "Passw0rd-1"), **NAMED, "phone_number": "+14085550100"}, False),
        ({"credentials": hashed("ada", "Passw0rd-1")}, False),
    ],
)
async def test_wrong_credentials_and_a_wrong_account_are_told_alike(
    nobody: Client, acme: str, login: dict[str, Any], counted: bool
) -> None:
    answer = await nobody.put("/v2/user_auth", login)
    assert (answer.status, answer.body["message"]) == (401, "invalid_credentials")
    assert ("page_size" in answer.body) == counted


@IN_BOTH
async def test_a_bad_body_is_400(nobody: Client, acme: str) -> None:
    assert list((await nobody.put("/v2/user_auth", {})).data) == ["credentials"]
    sha1 = await nobody.put("/v2/user_auth", {"credentials": "0" * 40, "method": "sha1", **NAMED})
    assert (sha1.status, sha1.data["method"]["enum"]["target"]) == (400, ["md5", "sha"])


@IN_BOTH
async def test_a_disabled_user_cannot_log_in_and_its_old_token_still_works(master: Client, acme: str) -> None:
    ada = await logged_in(master, "ada", "Passw0rd-1", "acme.example.org")
    user = (await ada.get(f"/v2/accounts/{acme}/users")).data[0]["id"]
    await master.patch(f"/v2/accounts/{acme}/users/{user}", {"enabled": False})
    login = {"credentials": hashed("ada", "Passw0rd-1"), **NAMED}
    assert (await master.put("/v2/user_auth", login)).status == 401
    assert (await ada.get(f"/v2/accounts/{acme}")).status == 200


@IN_BOTH
async def test_users_of_a_disabled_account_are_told_so(master: Client, acme: str) -> None:
    await master.patch(f"/v2/accounts/{acme}", {"enabled": False})
    answer = await master.put("/v2/user_auth", {"credentials": hashed("ada", "Passw0rd-1"), **NAMED})
    assert (answer.status, answer.data) == (400, {"account": {"disabled": {"message": "account disabled"}}})


@IN_BOTH
async def test_users_of_an_ended_trial_are_told_so(master: Client, nobody: Client, clock: SetClock) -> None:
    trial = {"name": "Trial", "realm": "trial.example.org", "is_trial_account": True}
    account = (await master.put(f"/v2/accounts/{master.master}", trial)).data["id"]
    await master.put(f"/v2/accounts/{account}/users", ADA)
    clock.now += 15 * 86_400
    login = {"credentials": hashed("ada", "Passw0rd-1"), "account_realm": "trial.example.org"}
    answer = await nobody.put("/v2/user_auth", login)
    assert (answer.status, answer.data) == (400, {"account": {"expired": {"message": "account expired"}}})


@IN_BOTH
async def test_a_token_says_whose_it_is_and_until_when(master: Client, acme: str, clock: SetClock) -> None:
    ada = await logged_in(master, "ada", "Passw0rd-1", "acme.example.org")
    token = (await ada.get("/v2/token_auth")).data
    assert token["exp"] == clock.now + 3600
    assert token["owner_id"] == (await ada.get(f"/v2/accounts/{acme}/users")).data[0]["id"]
    key = (await master.get("/v2/token_auth")).data
    assert (key["method"], "owner_id" in key) == ("cb_api_auth", False)


@IN_BOTH
async def test_a_token_that_is_deleted_lives_on(master: Client) -> None:
    answer = await master.delete("/v2/token_auth")
    assert (answer.status, "data" in answer.body) == (200, False)
    assert (await master.get("/v2/token_auth")).status == 200


async def test_a_token_is_needed_to_look_at_it(nobody: Client) -> None:
    answer = await nobody.get("/v2/token_auth")
    assert (answer.status, answer.body["message"]) == (401, "invalid_credentials")

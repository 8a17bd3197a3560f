"""Rotating an account's API key: who may, and why it does not last."""

from __future__ import annotations

import pytest

from tests.sandbox.client import IN_BOTH, Client
from tests.sandbox.credentials import logged_in

ADA = {"first_name": "Ada", "last_name": "Byron", "username": "ada", "password": "x"}


@pytest.fixture
async def acme(master: Client) -> str:
    account = await master.create("Acme")
    await master.put(f"/v2/accounts/{account}/users", {**ADA, "priv_level": "admin"})
    await master.put(f"/v2/accounts/{account}/users", {**ADA, "username": "bo"})
    return account


@IN_BOTH
async def test_only_an_administrator_who_logged_in_as_one_rotates_a_key(master: Client, acme: str) -> None:
    path = f"/v2/accounts/{acme}/api_key"
    plain = await logged_in(master, "bo", "x", "acme.example.org")
    for client in (master, await master.as_account(acme), plain):
        answer = await client.put(path)
        assert (answer.status, answer.body["message"]) == (403, "forbidden")
    admin = await logged_in(master, "ada", "x", "acme.example.org")
    answer = await admin.put(path)
    assert (answer.status, answer.headers["Location"]) == (201, f"{path}/{acme}")
    assert (await master.get(path)).data == answer.data


@IN_BOTH
async def test_the_next_write_of_the_account_brings_the_old_key_back(master: Client, acme: str) -> None:
    path = f"/v2/accounts/{acme}"
    old = (await master.get(f"{path}/api_key")).data["api_key"]
    admin = await logged_in(master, "ada", "x", "acme.example.org")
    new = (await admin.put(f"{path}/api_key")).data["api_key"]
    assert (await master.put("/v2/api_auth", {"api_key": old})).status == 404
    assert (await master.put("/v2/api_auth", {"api_key": new})).status == 201
    assert (await master.get(f"{path}?include_api_key=true")).data["api_key"] == old
    await master.patch(path, {"enabled": True})
    assert (await master.put("/v2/api_auth", {"api_key": old})).status == 201
    assert (await master.put("/v2/api_auth", {"api_key": new})).status == 404


@IN_BOTH
async def test_an_administrator_above_may_rotate_a_key_too(master: Client, acme: str) -> None:
    who = master.sandbox.identity
    admin = await logged_in(master, who.admin_name, who.admin_password, who.master.realm)
    assert (await admin.put(f"/v2/accounts/{acme}/api_key")).status == 201
    beside = await master.create("Beside")
    stranger = await logged_in(master, "ada", "x", "acme.example.org")
    assert (await stranger.put(f"/v2/accounts/{beside}/api_key")).status == 403


@IN_BOTH
async def test_no_calls_are_under_way(master: Client, acme: str) -> None:
    answer = await master.get(f"/v2/accounts/{acme}/channels")
    assert (answer.status, answer.data) == (200, [])
    assert "revision" not in answer.body

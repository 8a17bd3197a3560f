"""One suite for the client and the sandbox, in both releases: what the one sends, the other understands."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from kazoo_operator.backend.errors import (
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    ServerFailure,
    Unauthorized,
)
from kazoo_operator.backend.login import User
from kazoo_operator.core.documents import ACCOUNT, Document
from kazoo_operator.core.mark import Mark
from tests.backend.stage import USERS, Stage

MARK = Mark("cluster", "team", "acme")


# Accounts


async def test_an_account_is_made_read_changed_found_and_deleted(stage: Stage) -> None:
    client = stage.client
    me = await client.identity()
    assert (me.account_id, me.realm, me.is_reseller, me.is_master) == (
        stage.reseller,
        stage.sandbox.identity.reseller.realm,
        True,
        False,
    )
    made = await client.create_account(
        me.account_id, {"name": "Acme", "realm": "Acme.Example.com", "flags": [str(MARK)]}
    )
    assert await client.balance(made["id"]) == 0
    await client.write(made["id"], ACCOUNT, {"timezone": "Etc/UTC", "enabled": True})
    assert (await client.read(made["id"], ACCOUNT))["timezone"] == "Etc/UTC"
    assert [row.id for row in await client.find_by_realm("acme.example.com")] == [made["id"]]
    assert await client.find_by_realm("acme.example.co") == (), "a prefix is no match"
    assert [row.id for row in await client.find_by_name("ACME!")] == [made["id"]]
    assert await client.ancestors(made["id"]) == (me.account_id,)
    (row,) = await client.descendants(me.account_id)
    assert (row.flags, row.tree[-1]) == ((str(MARK),), me.account_id)
    await client.delete_account(made["id"])
    with pytest.raises(NotFound):
        await client.read(made["id"], ACCOUNT)


async def test_refusals_are_told_apart(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    with pytest.raises(Invalid) as refused:
        await client.create_account(stage.reseller, {"name": "ACME!", "realm": "acme.example.com"})
    assert {name: list(kinds) for name, kinds in refused.value.fields.items()} == {
        "name": ["unique"],
        "realm": ["unique"],
    }
    with pytest.raises(Invalid) as refused:
        long = {"external": {"number": "5" * 36}}
        await client.write(account_id, ACCOUNT, {"caller_id": long, "enabled": True})
    assert list(refused.value.fields) == ["caller_id.external.number"]
    with pytest.raises(NotFound):
        await client.read("0" * 32, ACCOUNT)
    with pytest.raises(NotFound):
        await client.read("short", ACCOUNT)
    with pytest.raises(Forbidden):
        await client.read(stage.master, ACCOUNT)
    with pytest.raises(Refused, match="answered 405: invalid method"):
        await client.write(account_id, Document("limits", "limits", "PATCH"), {"calls": 1})
    await client.create_account(account_id, {"name": "Child", "realm": "child.example.com"})
    with pytest.raises(ServerFailure, match="answered 500: account has descendants"):
        await client.delete_account(account_id)


async def test_a_listing_goes_through_all_pages(stage: Stage) -> None:
    names = [f"n{number:03}" for number in range(205)]
    await asyncio.gather(*map(stage.account, names))
    assert sorted(row.name for row in await stage.client.descendants(stage.reseller)) == names


# Logging in

NO_USER = "answered 401: it does not know this user"


async def test_a_user_logs_in_by_the_name_of_its_account(stage: Stage) -> None:
    seed = stage.sandbox.identity
    password = SecretStr(seed.admin_password)
    async with stage.as_one(User(seed.admin_name.upper(), "SANDBOX, master!", lambda: password)) as client:
        me = await client.identity()
    assert (me.account_id, me.realm, me.is_master) == (stage.master, seed.master.realm, True)


@pytest.mark.parametrize(
    ("credential", "text"),
    [
        (lambda: SecretStr("k" * 64), "answered 404: it does not know this API key"),
        (lambda: SecretStr("short"), "answered 400: this is no API key"),
        (
            User("admin", "Sandbox Master", lambda: SecretStr("wrong")),
            NO_USER,
        ),
        (
            User("nobody", "Sandbox Master", lambda: SecretStr("x")),
            NO_USER,
        ),
        (User("admin", "Nowhere", lambda: SecretStr("x")), NO_USER),
    ],
    ids=["unknown-key", "no-key", "password", "user", "account"],
)
async def test_a_credential_that_is_not_known_is_told(stage: Stage, credential: Any, text: str) -> None:
    async with stage.as_one(credential) as client:
        with pytest.raises(Unauthorized, match=text):
            await client.read(stage.master, ACCOUNT)
    assert stage.logins == 1


async def test_a_token_that_expires_is_renewed_once_for_all(stage: Stage) -> None:
    account_id = await stage.account()
    assert stage.logins == 1
    stage.clock.now += 3601
    names = await asyncio.gather(*(stage.client.read(account_id, ACCOUNT) for _ in range(20)))
    assert {document["name"] for document in names} == {"Acme"}
    assert stage.logins == 2


async def test_a_new_password_ends_the_tokens_of_the_old_one(stage: Stage) -> None:
    held = {"password": stage.sandbox.identity.admin_password}
    user = User("admin", "Sandbox Master", lambda: SecretStr(held["password"]))
    async with stage.as_one(user) as client, stage.as_one(user) as other:
        (row,) = await client.items(stage.master, USERS, {})
        await other.read(stage.master, ACCOUNT)
        await client.write(stage.master, USERS.of(row["id"]), {"password": "another"})
        with pytest.raises(Unauthorized):
            await other.read(stage.master, ACCOUNT)
        held["password"] = "another"
        assert (await other.read(stage.master, ACCOUNT))["realm"] == stage.sandbox.identity.master.realm

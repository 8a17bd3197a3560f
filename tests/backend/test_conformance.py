"""One suite for the client and the sandbox, in both releases: what the one sends, the other understands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.errors import (
    BackendError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    Refused,
    ServerFailure,
    Unauthorized,
)
from kazoo_operator.backend.ledgers import GREGORIAN
from kazoo_operator.backend.login import Credential, User
from kazoo_operator.core.documents import ACCOUNT, LIMITS, Document
from kazoo_operator.core.mark import Mark
from kazoo_operator.sandbox import Sandbox, running_sandbox

MARK = Mark("cluster", "team", "acme")
USERS = Document("users", "users", "PATCH")
MONTH, START = "202611", 1_795_586_400.0  # 2026-11-25T05:00:00Z


class Clock:
    """The sandbox's clock: it stands still until it is moved."""

    now = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Stage:
    """A sandbox in one of its releases, and clients of it."""

    sandbox: Sandbox
    clock: Clock
    compat: str
    client: Crossbar
    """With the API key of the built-in reseller."""

    @property
    def master(self) -> str:
        return self.sandbox.identity.master.account_id

    @property
    def reseller(self) -> str:
        return self.sandbox.identity.reseller.account_id

    @asynccontextmanager
    async def as_one(self, credential: Credential) -> AsyncIterator[Crossbar]:
        async with Crossbar(self.sandbox.url, credential, requests_per_second=10_000) as client:
            yield client

    async def account(self, name: str = "Acme") -> str:
        """A new account below the reseller."""
        realm = f"{name.lower()}.example.com"
        made = await self.client.create_account(self.reseller, {"name": name, "realm": realm})
        return str(made["id"])

    @property
    def logins(self) -> int:
        """How often anybody has logged in so far."""
        paths = [entry["path"] for entry in self.sandbox.journal.shown()]
        return sum(path in ("/v2/api_auth", "/v2/user_auth") for path in paths)


@pytest.fixture(params=["5.0", "4.3"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    clock = Clock()
    async with running_sandbox(clock=clock, compat=request.param) as sandbox:
        key = SecretStr(sandbox.identity.reseller.api_key)
        async with Crossbar(sandbox.url, lambda: key, requests_per_second=10_000) as client:
            yield Stage(sandbox, clock, request.param, client)


def entry(source_id: str, amount: str = "25.5", kind: str = "credit", **more: Any) -> dict[str, Any]:
    return {
        "amount": Decimal(amount),
        "source": {"service": "adjustments", "id": source_id},
        "usage": {"type": kind, "quantity": 0, "unit": "USD"},
        "period": {"start": int(START) + GREGORIAN, "end": int(START) + GREGORIAN},
        **more,
    }


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


# Limits


async def test_limits_are_changed_by_their_revision(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    fresh = await client.read_revised(account_id, LIMITS)
    assert (fresh.revision, fresh.content["allow_prepay"]) == (None, True)
    await client.write(account_id, LIMITS, {"calls": 4, "note": "kept by another tool"})
    first = await client.read_revised(account_id, LIMITS)
    assert first.revision is not None
    await client.write(account_id, LIMITS, {"calls": 5}, revision=first.revision)
    with pytest.raises(PreconditionFailed):
        await client.write(account_id, LIMITS, {"calls": 6}, revision=first.revision)
    last = await client.read_revised(account_id, LIMITS)
    assert (last.content["calls"], "note" in last.content) == (5, False)


async def test_acceptance_is_heard_and_not_stored(stage: Stage) -> None:
    account_id = await stage.account()
    await stage.client.write(account_id, LIMITS, {"twoway_trunks": 5}, accept_charges=True)
    assert "accept_charges" not in await stage.client.read(account_id, LIMITS)
    (last,) = [one for one in stage.sandbox.journal.shown() if one["method"] == "POST"]
    assert last["acceptCharges"] is True


# Ledgers


async def test_what_is_booked_is_the_balance_and_stands_in_the_month(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    credit = await client.book(account_id, "credit", entry("opening", description="opening credit"))
    debit = await client.book(account_id, "debit", entry("fee", "5.2501", "debit"))
    assert (credit.amount, debit.amount) == (255_000, -52_501)
    assert (credit.source_id, credit.account_id, credit.description, credit.start) == (
        "opening",
        account_id,
        "opening credit",
        int(START) + GREGORIAN,
    )
    assert await client.balance(account_id) == 202_499
    stage.clock.now += 2
    assert set(await client.ledger_entries(account_id, "adjustments", MONTH)) == {credit, debit}
    assert await client.ledger_entries(account_id, "adjustments", "202401") == ()
    (rollover,) = await client.ledger_entries(account_id, "rollovers", MONTH)
    assert (rollover.amount, rollover.usage_type) == (0, "")


async def test_a_booking_that_is_there_is_a_conflict_whatever_its_amount(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    await client.book(account_id, "credit", entry("opening"))
    for again in (entry("opening"), entry("opening", "99")):
        with pytest.raises(Conflict):
            await client.book(account_id, "credit", again)
    assert await client.balance(account_id) == 255_000


async def test_the_entries_of_a_month_go_through_all_pages(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    sources = {f"grant {number}" for number in range(203)}
    await asyncio.gather(*(client.book(account_id, "credit", entry(source, "1")) for source in sources))
    stage.clock.now += 2
    found = await client.ledger_entries(account_id, "adjustments", MONTH)
    assert len(found) == 203
    assert {one.source_id for one in found} == sources


async def test_a_booking_belongs_to_the_month_of_the_server(stage: Stage) -> None:
    client, account_id = stage.client, await stage.account()
    await client.book(account_id, "credit", entry("november"))
    stage.clock.now = datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC).timestamp()
    assert await client.balance(account_id) == 255_000
    assert (await client.now()).strftime("%Y%m") == "202612"
    booked = await client.book(account_id, "credit", entry("november"))
    stage.clock.now += 2
    assert await client.ledger_entries(account_id, "adjustments", "202612") == (booked,)
    (before,) = await client.ledger_entries(account_id, "adjustments", MONTH)
    assert before.id != booked.id
    assert await client.balance(account_id) == 510_000, "KAZOO takes it for another booking"


async def test_who_may_not_book_is_told(stage: Stage) -> None:
    with pytest.raises(Forbidden):
        await stage.client.book(stage.reseller, "credit", entry("own"))
    with pytest.raises(ServerFailure, match="answered 500"):
        await stage.client.balance(stage.master)
    with pytest.raises(BackendError):
        await stage.client.ledger_entries(stage.master, "adjustments", MONTH)


async def test_the_time_is_that_of_the_server(stage: Stage) -> None:
    told = await stage.client.now()
    assert 0 <= told.timestamp() - START < 5

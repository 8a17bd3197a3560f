"""The client against a KAZOO that keeps what it is told, and what is remembered of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.errors import Invalid, NotFound
from kazoo_operator.backend.index import LISTED_EVERY, AccountIndex
from kazoo_operator.backend.protocol import AccountRow
from kazoo_operator.core.documents import ACCOUNT
from kazoo_operator.core.mark import Mark
from kazoo_operator.sandbox import Sandbox, running_sandbox

MARK = Mark("cluster", "team", "acme")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[Crossbar]:
    key = SecretStr(sandbox.identity.reseller.api_key)
    async with Crossbar(sandbox.url, lambda: key, requests_per_second=10_000) as client:
        yield client


async def test_an_account_is_made_read_changed_and_found(sandbox: Sandbox, client: Crossbar) -> None:
    me = await client.identity()
    assert (me.account_id, me.realm) == (
        sandbox.identity.reseller.account_id,
        sandbox.identity.reseller.realm,
    )
    made = await client.create_account(
        me.account_id, {"name": "Acme", "realm": "Acme.Example.com", "flags": [str(MARK)]}
    )
    assert await client.balance(made["id"]) == 0
    await client.write(made["id"], ACCOUNT, {"timezone": "Etc/UTC", "enabled": True})
    assert (await client.read(made["id"], ACCOUNT))["timezone"] == "Etc/UTC"
    assert [row.id for row in await client.find_by_realm("acme.example.com")] == [made["id"]]
    assert await client.find_by_realm("acme.example.co") == (), "a prefix is no match"
    (row,) = await client.descendants(me.account_id)
    assert (row.flags, row.tree[-1]) == ((str(MARK),), me.account_id)


async def test_refusals_are_told_apart(client: Crossbar) -> None:
    me = await client.identity()
    await client.create_account(me.account_id, {"name": "Acme", "realm": "acme.example.com"})
    with pytest.raises(Invalid) as refused:
        await client.create_account(me.account_id, {"name": "ACME!", "realm": "acme.example.com"})
    assert {name: list(kinds) for name, kinds in refused.value.fields.items()} == {
        "name": ["unique"],
        "realm": ["unique"],
    }
    with pytest.raises(NotFound):
        await client.read("0" * 32, ACCOUNT)


async def test_a_listing_goes_through_all_pages(client: Crossbar) -> None:
    me = await client.identity()
    names = [f"n{number:03}" for number in range(205)]
    await asyncio.gather(
        *(client.create_account(me.account_id, {"name": n, "realm": f"{n}.example.com"}) for n in names)
    )
    assert sorted(row.name for row in await client.descendants(me.account_id)) == names


@dataclass
class Listings:
    """A backend that only lists, and counts how often."""

    rows: tuple[AccountRow, ...] = ()
    count: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def descendants(self, account_id: str) -> tuple[AccountRow, ...]:
        self.count += 1
        rows = self.rows
        await self.gate.wait()
        return rows


async def test_one_listing_serves_everybody_for_ten_minutes() -> None:
    now = 0.0
    backend = Listings((AccountRow("a" * 32, "Acme", "acme.example.com", (str(MARK), "vip")),))
    backend.gate.set()
    index = AccountIndex(backend, lambda: now)  # type: ignore[arg-type]
    found = await asyncio.gather(*(index.marked(MARK, "root") for _ in range(50)))
    assert {row.id for rows in found for row in rows} == {"a" * 32}
    assert backend.count == 1
    backend.rows = ()
    now = LISTED_EVERY - 1
    assert len(await index.marked(MARK, "root")) == 1
    now = LISTED_EVERY
    assert await index.marked(MARK, "root") == ()
    assert backend.count == 2


async def test_what_is_made_while_the_pages_come_in_is_not_forgotten() -> None:
    backend = Listings()
    index = AccountIndex(backend, lambda: 0.0)  # type: ignore[arg-type]
    looking = asyncio.create_task(index.marked(MARK, "root"))
    while not backend.count:
        await asyncio.sleep(0)
    index.remember(AccountRow("b" * 32, "Acme", "acme.example.com", (str(MARK),)))
    backend.gate.set()
    assert [row.id for row in await looking] == ["b" * 32]
    index.forget("b" * 32)
    assert await index.marked(MARK, "root") == ()


class Ticking:
    """A clock that only moves when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_who_needs_a_new_listing_shares_it_and_nobody_else_waits() -> None:
    clock, backend = Ticking(), Listings()
    backend.gate.set()
    index = AccountIndex(backend, clock)  # type: ignore[arg-type]
    await index.marked(MARK, "root")
    assert not await index.listed_after(0, "root"), "the last one is too young for another"
    clock.now = 30
    backend.gate.clear()
    asking = [asyncio.create_task(index.listed_after(5, "root")) for _ in range(20)]
    while backend.count < 2:
        await asyncio.sleep(0)
    assert await index.marked(MARK, "root") == (), "the last listing is good enough for others"
    backend.gate.set()
    assert await asyncio.gather(*asking) == [True] * 20
    assert backend.count == 2


async def test_our_own_account_outlives_listings_that_lag_and_not_for_ever() -> None:
    clock, backend = Ticking(), Listings()
    backend.gate.set()
    index = AccountIndex(backend, clock)  # type: ignore[arg-type]
    own = AccountRow("c" * 32, "Acme", "acme.example.com", (str(MARK),), ("root",))
    index.remember(own)
    assert await index.marked(MARK, "root") == (own,)
    clock.now = 60
    assert await index.listed_after(50, "root")
    assert await index.marked(MARK, "root") == (own,)
    clock.now = 180
    assert await index.listed_after(170, "root")
    assert await index.marked(MARK, "root") == ()


async def test_another_root_is_listed_anew() -> None:
    backend = Listings()
    backend.gate.set()
    index = AccountIndex(backend, Ticking())  # type: ignore[arg-type]
    await index.marked(MARK, "root")
    await index.marked(MARK, "other")
    assert backend.count == 2

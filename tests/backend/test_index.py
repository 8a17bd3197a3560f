"""What is remembered of a KAZOO's accounts: one listing for everybody, and what came since."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from kazoo_operator.backend.index import LISTED_EVERY, AccountIndex
from kazoo_operator.backend.protocol import AccountRow
from kazoo_operator.core.mark import Mark

MARK = Mark("cluster", "team", "acme")


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

"""Grants of one account, booked by operators that die, lose their answers, their memory and their status."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from kazoo_operator.core import money
from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.outcome import Pass
from kazoo_operator.engine import Engine
from tests.engine.attached import attached, ready_account
from tests.engine.conftest import Watching, World, after

Found = TypeVar("Found")

LOST_ANSWERS: tuple[dict[str, Any], ...] = (
    {"status": 500, "afterCommit": True},
    {"status": 503, "afterCommit": True},
    {"reset": True, "afterCommit": True},
    {"body": "<html>", "contentType": "text/html", "afterCommit": True},
    {"hang": True, "afterCommit": True},
    {"status": 500},
    {"status": 409},
    {"reset": True},
    {"hang": True},
    {"delay": 0.05},
)
DEADLINE = 0.25
"""Seconds after which an answer counts as lost."""


class Late:
    """A calendar, and a clock that waiting moves on: the sandbox's time goes with them."""

    def __init__(self, world: World) -> None:
        self._world, self.by = world, 0.0

    def now(self) -> float:
        return time.time() + self.by

    def monotonic(self) -> float:
        return time.monotonic() + self.by

    async def sleep(self, seconds: float) -> None:
        """Wait without losing time."""
        await asyncio.sleep(0)
        if seconds > 0:
            await self.pass_by(max(1, round(seconds + 0.5)))

    async def pass_by(self, seconds: int) -> None:
        """So much time is over, for KAZOO and for us."""
        self.by += seconds
        await self._world.control("POST", "clock", {"advance": f"{seconds}s"})

    @property
    def today(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).date().isoformat()

    def seconds_to_month_end(self) -> float:
        now = datetime.fromtimestamp(self.now(), UTC)
        year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
        return datetime(year, month, 1, tzinfo=UTC).timestamp() - self.now()


def without_waiting(monkeypatch: pytest.MonkeyPatch, late: Late) -> None:
    """What the booking waits for is over at once, in the sandbox too."""
    clock = SimpleNamespace(sleep=late.sleep)
    monkeypatch.setattr("kazoo_operator.booking.asyncio", clock)
    monkeypatch.setattr("kazoo_operator.booking.time", SimpleNamespace(monotonic=late.monotonic))


class Mortal(Coroutine[Any, Any, Found]):
    """Ends its task by cancellation at the so manieth time that it waits for something."""

    def __init__(self, inner: Coroutine[Any, Any, Found], at: int) -> None:
        self._inner, self._left = inner, at
        self.cut = False

    def send(self, value: Any) -> Any:
        return self._waited(self._inner.send(value))

    def throw(self, *thrown: Any) -> Any:
        return self._waited(self._inner.throw(*thrown))

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, None, Found]:
        raise NotImplementedError

    def _waited(self, awaited: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            self.cut = True
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        return awaited


async def cut_at(inner: Coroutine[Any, Any, Pass], at: int) -> Pass | None:
    """What came of a pass that is cancelled at the so manieth await; None where it was."""
    mortal = Mortal(inner, at)
    task: asyncio.Task[Pass] = asyncio.create_task(mortal)
    await asyncio.wait({task})
    if task.cancelled():
        await asyncio.sleep(0.01)  # what had left arrives
        return None
    return task.result()


def types_in(value: Any) -> Iterator[type]:
    """The types of all that a status is made of."""
    yield type(value)
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        yield from types_in(member)


@dataclass
class Bookings:
    """The account, its CreditPolicy as the API server holds it, and one operator after the other."""

    world: World
    late: Late
    account_id: str
    engine: Engine
    grants: list[dict[str, Any]] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    generation: int = 1
    lives: int = 1
    names: int = 0
    first_day: str = ""

    @classmethod
    async def of(cls, world: World, monkeypatch: pytest.MonkeyPatch) -> Bookings:
        """A new account without credit, in a KAZOO whose time is ours."""
        late = Late(world)
        without_waiting(monkeypatch, late)
        engine = world.engine(now=late.now)
        account_id = await ready_account(world, engine)
        world.open.remove(backend := world.open[-1])
        await backend.close()
        made = cls(world, late, account_id, engine, first_day=late.today)
        await made.live()
        return made

    async def live(self) -> None:
        """The next life; nothing is remembered."""
        for backend in self.world.open:
            await backend.close()
        self.world.open.clear()
        self.engine = self.another()
        self.lives += 1

    def another(self) -> Engine:
        """An operator beside the one that lives."""
        return self.world.engine(now=self.late.now, deadline=DEADLINE, just_begun=True)

    @property
    def resource(self) -> Resource:
        return attached(
            "CreditPolicy", generation=self.generation, status=self.status, grants=list(self.grants)
        )

    def grant(self, units: int, debit: bool = False, date: str = "", **more: Any) -> None:
        """One grant more, of so many units of 1/10000."""
        said = {"id": f"grant-{len(self.grants)}", "amount": money.to_text(units), **more}
        said |= {"type": "Debit" if debit else "Credit", "date": date or self.late.today}
        self.grants.append(said)
        self.generation += 1

    def shown(self, found: Pass | None) -> None:
        """The status that a pass wrote, if it came to that; there is no float in it."""
        if found is not None:
            assert float not in set(types_in(found.fields))
            self.status = dict(after(self.resource, found).status)

    async def rename(self) -> None:
        """The account gets another name: KAZOO would take its bookings for others."""
        self.names += 1
        await self.world.edit(self.account_id, {"name": f"Acme {self.names}"})

    async def entries(self) -> dict[str, list[int]]:
        """Grant -> the amounts booked for it, in units."""
        held = (await self.world.control("GET", "state"))["accounts"][self.account_id]["ledgers"]
        found: dict[str, list[int]] = {}
        for entry in held:
            if entry["source"]["service"] == "adjustments":
                name = entry["source"]["id"].rsplit("/", 1)[-1]
                found.setdefault(name, []).append(round(entry["amount"] * money.UNITS))
        return found

    def wanted(self) -> dict[str, int]:
        """Grant -> what it does to the balance, in units."""
        return {
            one["id"]: money.from_text(one["amount"]) * (-1 if one["type"] == "Debit" else 1)
            for one in self.grants
        }

    async def nothing_twice(self, when: str) -> None:
        """No grant is booked twice, or with another amount."""
        wanted = self.wanted()
        wrong = {
            name: amounts for name, amounts in (await self.entries()).items() if amounts != [wanted[name]]
        }
        assert not wrong, f"{when}: {wrong}"

    async def all_once(self, when: str) -> None:
        """Without faults, the pass ends well: every grant is booked once, and the balance is their sum."""
        await self.world.control("DELETE", "faults")
        for _ in range(4):
            found = await self.engine.reconcile(self.resource, Watching())
            self.shown(found)
            if found.outcome.reason == "Ready":
                break
        assert found.outcome.reason == "Ready", f"{when}: {found.outcome}"
        wanted = self.wanted()
        assert await self.entries() == {name: [amount] for name, amount in wanted.items()}, when
        total = sum(wanted.values())
        balance = await self.world.call("GET", f"accounts/{self.account_id}/ledgers/total")
        assert round(balance["amount"] * money.UNITS) == total, when
        assert (found.fields["balance"], found.fields["granted"]) == (money.to_text(total),) * 2, when
        shown = {one["id"]: money.from_text(one["amount"]) for one in found.fields["grants"]}
        assert shown == {name: wanted[name] for name in shown}, when
        assert len(shown) == min(100, len(wanted)), when


@dataclass
class Mischief:
    """Chance: what happens between and during passes. Counts what it did."""

    bookings: Bookings
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    kept: dict[str, Any] = field(default_factory=dict)
    _late_ones: bool = False
    _second_leader: bool = False

    async def round(self) -> None:
        """Something happens, then a pass is made in which something goes wrong."""
        await self._between()
        one, chance = self.bookings, self.chance
        if len(one.grants) < 450 and chance.random() < 0.4:
            self._more()
        if not one.grants:
            self._more()
        if chance.random() < 0.1:
            await self._two_at_once()
        else:
            await self._pass()

    def _more(self) -> None:
        one, chance = self.bookings, self.chance
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            debit, date = (
                chance.random() < 0.3,
                chance.choice((one.late.today, one.late.today, one.first_day)),
            )
            one.grant(chance.randrange(10_000, 100_0000), debit, date)

    async def _between(self) -> None:
        what: Callable[[], Any] = self.chance.choice(
            (
                *(self._nothing,) * 3,
                self._status_wiped,
                self._status_restored,
                self._memory_wiped,
                self._made_again,
                self._renamed,
                self._time_passes,
                self._month_ends,
            )
        )
        self.done[what.__name__.strip("_")] += 1
        await what()

    async def _nothing(self) -> None:
        self.kept = dict(self.bookings.status)

    async def _status_wiped(self) -> None:
        self.bookings.status = {}

    async def _status_restored(self) -> None:
        self.bookings.status = dict(self.kept)

    async def _memory_wiped(self) -> None:
        await self.bookings.live()

    async def _made_again(self) -> None:
        self.bookings.status, self.bookings.generation = {}, 1

    async def _renamed(self) -> None:
        await self._drain()
        if self._second_leader:  # what another books, we see a second later, and not by its name any more
            await self.bookings.late.pass_by(2)
            self._second_leader = False
        await self.bookings.rename()

    async def _time_passes(self) -> None:
        await self._drain()
        await self.bookings.late.pass_by(self.chance.randrange(1, 100_000))

    async def _month_ends(self) -> None:
        """The last second of a month is half over, or the next month has just begun."""
        await self._drain()
        left, late = self.bookings.late.seconds_to_month_end(), self.bookings.late
        await late.pass_by(max(1, int(left) + self.chance.choice((0, 1))))

    async def _drain(self) -> None:
        """What a dead life had sent has arrived: no client can undo a request that comes in a month late."""
        if self._late_ones:
            await asyncio.sleep(0.1)
            self._late_ones = False

    async def _pass(self) -> None:
        one, chance = self.bookings, self.chance
        await self._wrong()
        task = one.engine.reconcile(one.resource, Watching())
        if chance.random() < 0.5:
            self.done["cut"] += 1
            found = await cut_at(task, chance.randrange(1, 25))
            if found is None:
                self.done["cancelled"] += 1
                self._late_ones = True
                await one.live()
        else:
            found = await task
        if chance.random() < 0.8:
            one.shown(found)
        await one.world.control("DELETE", "faults")

    async def _two_at_once(self) -> None:
        """Two operators that both believe they lead."""
        self.done["two at once"] += 1
        self._second_leader = True
        one = self.bookings
        await self._drain()
        await self._wrong()
        other = one.another()
        ends = await asyncio.gather(
            *(each.reconcile(one.resource, Watching()) for each in (one.engine, other))
        )
        one.shown(self.chance.choice(ends))
        await one.world.control("DELETE", "faults")
        one.engine = self.chance.choice((one.engine, other))

    async def _wrong(self) -> None:
        if self.chance.random() < 0.6:
            do = self.chance.choice(LOST_ANSWERS)
            self.done[" ".join(map(str, do))] += 1
            self._late_ones |= "delay" in do
            where = {"method": "PUT", "path": "/ledgers/(credit|debit)$"}
            if self.chance.random() < 0.2:
                where = {"method": "GET", "path": "/ledgers/adjustments$"}
            with contextlib.suppress(ValueError):
                await self.bookings.world.fault(do, **where, times=self.chance.choice((1, 1, 2)))

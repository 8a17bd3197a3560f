"""Grants are booked exactly once, wherever the operator dies and whatever it loses."""

from __future__ import annotations

import random

import pytest

from tests.engine.bookings import Bookings, Mischief, cut_at
from tests.engine.conftest import Watching, World

ROUNDS = 50


@pytest.fixture
async def bookings(world: World, monkeypatch: pytest.MonkeyPatch) -> Bookings:
    return await Bookings.of(world, monkeypatch)


async def test_a_pass_that_is_cut_at_any_await_leaves_the_rest_to_the_next_life(bookings: Bookings) -> None:
    at, found = 0, None
    while found is None:
        at += 1
        bookings.grant(10_0000 + at)
        bookings.grant(5_0000 + at, debit=True)
        bookings.status = {}
        await bookings.live()
        found = await cut_at(bookings.engine.reconcile(bookings.resource, Watching()), at)
        await bookings.live()
        await bookings.all_once(f"cut at await {at}")
    assert at > 12
    assert found.outcome.reason == "Ready"


@pytest.mark.parametrize("seed", [14, 57])
async def test_chance_books_nothing_twice_and_forgets_nothing(bookings: Bookings, seed: int) -> None:
    mischief = Mischief(bookings, random.Random(seed))
    for number in range(ROUNDS):
        await mischief.round()
        await bookings.nothing_twice(f"seed {seed}, round {number}")
    await bookings.live()
    await bookings.all_once(f"seed {seed}")
    assert bookings.lives > 5
    assert mischief.done["cancelled"] and mischief.done["two at once"] and mischief.done["month_ends"]

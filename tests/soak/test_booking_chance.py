"""A thousand times something goes wrong while grants are booked, in one process."""

from __future__ import annotations

import os
import random

import pytest

from tests.engine.bookings import Bookings, Mischief
from tests.engine.conftest import World

pytestmark = pytest.mark.soak

KILLS = int(os.environ.get("KILLS") or 1000)


async def test_whatever_goes_wrong_the_balance_is_the_sum_of_the_grants_and_every_id_is_booked_once(
    world: World, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    bookings = await Bookings.of(world, monkeypatch)
    mischief = Mischief(bookings, chance)
    for number in range(1, KILLS + 1):
        await mischief.round()
        await bookings.nothing_twice(f"round {number}")
        if number % 100 == 0:
            await bookings.all_once(f"round {number}")
            print(
                f"  round {number} of {KILLS}, {len(bookings.grants)} grants, {dict(mischief.done)}",
                flush=True,
            )
    await bookings.live()
    await bookings.all_once("the end")

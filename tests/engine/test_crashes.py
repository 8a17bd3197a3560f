"""The operator dies at any call, before it leaves or after it was carried out: the next ends the work."""

from __future__ import annotations

import asyncio

import pytest

from tests.engine.conftest import World
from tests.faults.lives import Call, Cut, Hook, Life
from tests.faults.stories import (
    STORIES,
    End,
    Story,
    begin,
    creation,
    creation_below_a_disabled_parent,
    deletion,
    end_of,
    one_no_match_each,
    recreation,
    undisturbed,
)


def cutting(at: int, moment: str) -> Hook:
    """Cancels the pass at that call."""

    async def hook(call: Call) -> None:
        if (call.number, call.moment) == (at, moment):
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

    return hook


async def _cut_and_lived_again(world: World, story: Story, at: int, moment: str, shown: bool) -> End:
    scene = await begin(world, story, shown)
    first = Life(world, cutting(at, moment), **dict(scene.options))
    with pytest.raises(Cut):
        await scene.live(first)
    await first.end()
    second = Life(world, **dict(scene.options))
    await scene.live(second)
    await scene.rest(second)
    await second.end()
    return await end_of(scene)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_a_life_that_is_cut_at_any_call_leaves_the_rest_to_the_next_and_nothing_is_done_twice(
    world: World, story: Story, moment: str
) -> None:
    wanted, calls = await undisturbed(world, story)
    assert len(calls) > 3
    assert one_no_match_each(wanted)
    for at, name in enumerate(calls, 1):
        found = await _cut_and_lived_again(world, story, at, moment, shown=False)
        assert found == wanted, f"cut {moment} call {at}, {name}"


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "story", [creation, creation_below_a_disabled_parent, recreation], ids=lambda story: story.__name__
)
async def test_a_life_that_has_shown_its_creation_in_status_is_followed_by_one_that_makes_no_second_account(
    world: World, story: Story, moment: str
) -> None:
    wanted, calls = await undisturbed(world, story)
    assert "create_account" in calls
    for at in range(calls.index("create_account") + 1, len(calls) + 1):
        found = await _cut_and_lived_again(world, story, at, moment, shown=True)
        assert found == wanted, f"cut {moment} call {at}, {calls[at - 1]}"


async def test_the_stories_write_what_they_are_told_for(world: World) -> None:
    made, _ = await undisturbed(world, creation)
    assert made.writes["PUT /v2/accounts/ID"] == 1
    assert made.writes["PUT /v2/accounts/ID/callflows"] == 1
    gone, calls = await undisturbed(world, deletion)
    assert (gone.writes["DELETE /v2/accounts/ID"], gone.deletions) == (2, 2)
    assert calls.count("add") == 2

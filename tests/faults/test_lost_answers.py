"""Each write of each story goes wrong in each way, and the life goes on: nothing twice, nothing forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.conftest import World
from tests.faults.lives import WRITES, Call, Life
from tests.faults.stories import (
    STORIES,
    End,
    Story,
    begin,
    creation,
    creation_below_a_disabled_parent,
    end_of,
    one_no_match_each,
    recreation,
    undisturbed,
)

# How long the client waits for an answer that never comes.
DEADLINE = 0.6

STORED: list[dict[str, Any]] = [
    {"status": 500, "afterCommit": True},
    {"status": 504, "afterCommit": True},
    {"reset": True, "afterCommit": True},
    {"hang": True, "afterCommit": True},
    {"body": "<html>oops</html>", "afterCommit": True},
]
NOT_STORED: list[dict[str, Any]] = [{"status": 500}, {"reset": True}, {"hang": True}]


def _named(do: dict[str, Any]) -> str:
    return "-".join(f"{name}-{value}" for name, value in do.items() if name != "afterCommit")


class Failing:
    """Makes the so manieth write of those `names` go wrong, once; `met` says which it was."""

    def __init__(self, world: World, at: int, do: dict[str, Any], names: frozenset[str] = WRITES) -> None:
        self._world, self._at, self._do, self._names = world, at, do, names
        self._seen = 0
        self.met = ""

    async def __call__(self, call: Call) -> None:
        if call.name not in self._names:
            return
        session = call.backend._session
        if call.moment == "after":
            session._deadline, session._create_deadline = 30, 180
            return
        self._seen += 1
        if self._seen == self._at:
            self.met = call.name
            await self._world.fault(self._do, "^(PUT|POST|PATCH|DELETE)$", "/accounts")
            if "hang" in self._do:
                assert (session._deadline, session._create_deadline) == (30, 180)
                session._deadline = session._create_deadline = DEADLINE


async def _lived_through(world: World, story: Story, failing: Failing) -> End:
    scene = await begin(world, story)
    life = Life(world, failing, **dict(scene.options))
    await scene.live(life)
    await scene.rest(life)
    await life.end()
    return await end_of(scene)


def _without_the_failed(found: End, wanted: End) -> list[str]:
    """The writes that there were beyond those of the undisturbed story."""
    assert not wanted.writes - found.writes, "a write was forgotten"
    return sorted((found.writes - wanted.writes).elements())


def _same_end(found: End, wanted: End) -> bool:
    return (found.statuses, found.accounts, found.deletions) == (
        wanted.statuses,
        wanted.accounts,
        wanted.deletions,
    )


@pytest.mark.parametrize("do", STORED, ids=_named)
@pytest.mark.parametrize(
    "story", [*STORIES, creation_below_a_disabled_parent], ids=lambda story: story.__name__
)
async def test_a_write_whose_answer_is_lost_after_it_was_stored_is_not_written_again(
    world: World, story: Story, do: dict[str, Any]
) -> None:
    wanted, calls = await undisturbed(world, story)
    writes = [name for name in calls if name in WRITES]
    assert writes
    assert one_no_match_each(wanted)
    for at, name in enumerate(writes, 1):
        failing = Failing(world, at, do)
        assert await _lived_through(world, story, failing) == wanted, f"write {at}, {name}"
        assert failing.met == name


@pytest.mark.parametrize("do", NOT_STORED, ids=_named)
@pytest.mark.parametrize(
    "story", [*STORIES, creation_below_a_disabled_parent], ids=lambda story: story.__name__
)
async def test_a_write_that_was_not_stored_is_written_once_more(
    world: World, story: Story, do: dict[str, Any]
) -> None:
    wanted, calls = await undisturbed(world, story)
    for at, name in enumerate([name for name in calls if name in WRITES], 1):
        found = await _lived_through(world, story, Failing(world, at, do))
        assert _same_end(found, wanted), f"write {at}, {name}"
        assert len(_without_the_failed(found, wanted)) == 1, f"write {at}, {name}"


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "not-stored"])
@pytest.mark.parametrize(
    "story", [*STORIES, creation_below_a_disabled_parent], ids=lambda story: story.__name__
)
async def test_after_a_409_it_is_read_again_whether_the_change_was_stored(
    world: World, story: Story, stored: bool
) -> None:
    wanted, calls = await undisturbed(world, story)
    for at, name in enumerate([name for name in calls if name in WRITES], 1):
        do = {"status": 409, "afterCommit": True} if stored else {"status": 409}
        found = await _lived_through(world, story, Failing(world, at, do))
        assert _same_end(found, wanted), f"write {at}, {name}"
        assert len(_without_the_failed(found, wanted)) == (0 if stored else 1), f"write {at}, {name}"


CREATES = frozenset({"create_account"})


@pytest.mark.parametrize("story", [creation, recreation], ids=lambda story: story.__name__)
async def test_a_creation_that_kazoo_rolled_back_is_made_once_more(world: World, story: Story) -> None:
    wanted, _ = await undisturbed(world, story)
    found = await _lived_through(world, story, Failing(world, 1, {"rollback": True}, CREATES))
    assert _same_end(found, wanted)
    assert _without_the_failed(found, wanted) == ["PUT /v2/accounts/ID"]


@pytest.mark.parametrize("story", [creation, recreation], ids=lambda story: story.__name__)
async def test_a_creation_that_was_cut_late_is_replaced_when_a_person_says_so(
    world: World, story: Story
) -> None:
    wanted, _ = await undisturbed(world, story)
    found = await _lived_through(world, story, Failing(world, 1, {"cut": "late"}, CREATES))
    assert (found.statuses, found.accounts) == (wanted.statuses, wanted.accounts)
    assert _without_the_failed(found, wanted) == ["DELETE /v2/accounts/ID", "PUT /v2/accounts/ID"]
    assert found.deletions == 1


@pytest.mark.parametrize("story", [creation, recreation], ids=lambda story: story.__name__)
async def test_a_creation_that_was_cut_before_kazoo_listed_it_is_made_once_more(
    world: World, story: Story
) -> None:
    wanted, _ = await undisturbed(world, story)
    found = await _lived_through(world, story, Failing(world, 1, {"cut": "early"}, CREATES))
    assert found.statuses == wanted.statuses
    assert _without_the_failed(found, wanted) == ["PUT /v2/accounts/ID"]
    beyond = list(found.accounts)
    for one in wanted.accounts:
        beyond.remove(one)
    (unlisted,) = beyond
    assert unlisted[1] == [], "nobody can see it, and nothing was built on it"

"""Each call to the API server goes wrong in each way: what is there in the end is the same, made once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kazoo_operator.kube import discovery, feed, owner, supervisor, workqueue
from kazoo_operator.sandbox import running_sandbox
from tests.faults.rim import FAULTS, KILLS, Lives, running_faulty_api_server

MOST = 40

# A life that is cut within this process leaves connections behind, which a process takes with it.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <function Connection.__del__:pytest.PytestUnraisableExceptionWarning"
    ),
]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workqueue, "_BASE", 0.02)
    monkeypatch.setattr(workqueue, "_CAP", 0.1)
    monkeypatch.setattr(feed, "_EVERY", 0.5)
    monkeypatch.setattr(feed, "_TRY_AGAIN", 0.1)
    monkeypatch.setattr(discovery, "_PAUSE", 0.05)
    monkeypatch.setattr(owner, "_PAUSE", 0.05)
    monkeypatch.setattr(supervisor, "_BASE", 0.05)


@pytest.fixture
async def lives(tmp_path: Path) -> AsyncIterator[Lives]:
    async with running_sandbox() as sandbox, running_faulty_api_server() as api:
        made = Lives(api, sandbox, tmp_path / "config")
        yield made
        await made.end()


class Story:
    """One step of an object's life, and what it costs KAZOO."""

    def __init__(self, lives: Lives) -> None:
        self.lives = lives

    async def prepare(self, name: str) -> None:
        """What stands before the step."""

    def begin(self, name: str) -> None:
        raise NotImplementedError

    def done(self, name: str) -> bool:
        return self.lives.ready(name)

    def end(self, name: str) -> str:
        return self.lives.shown(name)


class Creation(Story):
    costs = ("PUT /v2/accounts/ID", "PUT /v2/accounts/ID/callflows")
    events = ("Ready", "Created")

    def begin(self, name: str) -> None:
        self.lives.create(name)


class Update(Story):
    costs = (*Creation.costs, "PATCH /v2/accounts/ID", "PATCH /v2/accounts/ID/callflows/ID")
    events = ("Updated",)

    async def prepare(self, name: str) -> None:
        self.lives.create(name)
        await self.lives.until(lambda: self.lives.ready(name))

    def begin(self, name: str) -> None:
        self.lives.api.change(name, timezone="Asia/Tokyo", outboundRouting="Own")


class Deletion(Story):
    costs = (*Creation.costs, "DELETE /v2/accounts/ID")
    events = ("Deleted",)
    prepare = Update.prepare

    def begin(self, name: str) -> None:
        self.lives.delete(name)

    def done(self, name: str) -> bool:
        return ("default", name) not in self.lives.api.objects

    def end(self, name: str) -> str:
        assert f"{name}.faults.example.com" not in self.lives.accounts()
        return "gone"


Kind = Callable[[Lives], Creation | Update | Deletion]
STORIES: list[Kind] = [Creation, Update, Deletion]


# Which calls are counted, and how many of them each step makes at least.
PARTS = {
    "/accounts/": {"Creation": 2, "Update": 1, "Deletion": 1},
    "/leases": {"Creation": 0, "Update": 0, "Deletion": 2},
    "/events": {"Creation": 2, "Update": 1, "Deletion": 1},
}


async def _undisturbed(story: Creation | Update | Deletion) -> str:
    await story.prepare("calm")
    story.begin("calm")
    await story.lives.until(lambda: story.done("calm"))
    return story.end("calm")


def _done_once(story: Creation | Update | Deletion, names: list[str]) -> None:
    """Each object has its one account, or none where it is gone; every write came to KAZOO once for each."""
    kept = [] if isinstance(story, Deletion) else [f"{name}.faults.example.com" for name in names]
    assert story.lives.accounts() == sorted(kept)
    assert story.lives.written() == dict.fromkeys(story.costs, len(names))
    if isinstance(story, Deletion):
        notes = (story.lives.api.lease or {})["metadata"]["annotations"]["kazoo-operator.io/deletions"]
        noted = [one["accountID"] for one in json.loads(notes)]
        assert len(noted) == len(set(noted)) == len(names)


async def _told(lives: Lives, name: str, *reasons: str) -> None:
    """Wait until these events about the object have been posted, or one of them was prevented."""

    def seen() -> bool:
        told = {one["reason"] for one in lives.api.events if one["regarding"]["name"] == name}
        return bool(lives.api.met) or told >= set(reasons)

    await lives.until(seen)


async def _step(story: Creation | Update | Deletion, name: str, at: int, what: str, part: str) -> str:
    """One object's step, with that call going wrong; which it was, an empty text when there was none."""
    lives = story.lives
    lives.api.met = ""
    await story.prepare(name)
    if not isinstance(story, Creation):
        await _told(lives, name, *Creation.events)
    lives.api.arm(at, what, part)
    story.begin(name)
    await lives.until(lambda: lives.api.deadly.is_set() or story.done(name))
    if part == "/events":
        await _told(lives, name, *story.events)
    met = lives.api.disarm()
    if met and what in KILLS:
        await lives.die()
        await lives.begin()
    await lives.until(lambda: story.done(name))
    return met


@pytest.mark.parametrize("what", [*FAULTS, *KILLS])
@pytest.mark.parametrize("kind", STORIES, ids=lambda kind: kind.__name__)
async def test_a_call_that_goes_wrong_or_is_the_lifes_last_changes_nothing_about_the_end(
    lives: Lives, kind: Kind, what: str
) -> None:
    await lives.begin()
    story = kind(lives)
    wanted, names = await _undisturbed(story), ["calm"]
    for number, (part, least) in enumerate(PARTS.items()):
        met = ["the first"]
        while met[-1] and len(met) < MOST:
            names.append(f"n{number}-{len(met)}")
            met.append(await _step(story, names[-1], len(met), what, part))
            assert story.end(names[-1]) == wanted, f"{what}: {met}"
        assert not met[-1]
        assert len(met) - 2 >= least[kind.__name__], f"{part}: {met}"
    _done_once(story, names)


@pytest.mark.parametrize("what", [*FAULTS, *KILLS])
async def test_a_start_in_which_a_call_goes_wrong_ends_with_one_account_for_each_object(
    lives: Lives, what: str
) -> None:
    met = ["the first"]
    while met[-1] and len(met) < MOST:
        name = f"n{len(met)}"
        lives.create(name)
        lives.api.arm(len(met), what)
        await lives.begin(ready=False)
        await lives.until(lambda name=name: lives.api.deadly.is_set() or lives.ready(name))
        met.append(lives.api.disarm())
        if met[-1] and what in KILLS:
            await lives.die()
            await lives.begin(ready=False)
        await lives.until(lambda name=name: lives.ready(name))
        await lives.end()
    calls = " ".join(met)
    assert all(part in calls for part in ("/namespaces/", "/leases", "/accounts")), met
    assert lives.accounts() == sorted(f"n{number}.faults.example.com" for number in range(1, len(met)))
    assert lives.written() == dict.fromkeys(Creation.costs, len(met) - 1)

"""Law 6 for apps: the apps that a plan allows and blocks are those that the operator then does.

Accounts are made up, some of which exist, with apps that somebody blocked; each may have AppRestrictions,
some with a rival, with an unknown app, or held back. The set is planned and carried out by the engine, and
the blacklists are compared before and after.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from kazoo_operator.core.custom_resource import JsonObject, Resource
from kazoo_operator.core.documents import Documents
from kazoo_operator.kinds.app_restrictions import KIND
from kazoo_operator.sandbox import running_sandbox
from tests.engine.apps import STOCK, block, ids
from tests.engine.attached import attached
from tests.engine.conftest import SPEC, Clock, World, account
from tests.laws.test_law_6_money import NAMES, carry_out, first_error, realm_of, stopped
from tests.planning.conftest import apply, mutations, planned
from tests.planning.money import NOW

OTHERS = [name for name in STOCK if name != "voip"]
some = st.lists(st.sampled_from(OTHERS), max_size=4, unique=True)
restricted = some.map(lambda names: {"mode": "Restricted", "allowedApps": ["voip", *names]})
specs = st.one_of(
    *[restricted] * 4,
    st.just({}),
    st.just({"mode": "Full"}),
    st.just({"mode": "Restricted", "allowedApps": ["voip", "viop"]}),
    st.just({"mode": "Restricted", "allowedApps": list(STOCK)}),
    restricted.map(lambda said: {**said, "driftIgnore": ["allowedApps"]}),
    restricted.map(lambda said: {**said, "driftPolicy": "Report"}),
)
whole_specs = st.one_of(
    *[st.builds(lambda said, stop: {**said, **stop}, specs, stopped)] * 6,
    st.just({"mode": "Restricted", "allowedApps": ["fax"]}),
)
blocks = st.lists(st.sampled_from(["voip", "nosuch"]), max_size=1)


@dataclass
class Story:
    """What stands in the files, which accounts are there, and what is blocked for them, by realm."""

    files: list[Resource] = field(default_factory=list)
    there: list[Resource] = field(default_factory=list)
    blocked: dict[str, list[str]] = field(default_factory=dict)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    story = Story()
    for name in NAMES[: draw(st.integers(1, 2))]:
        realm = f"{name}.pbx.example.com"
        whole = account(name, **{"name": f"{name} {SPEC['name']}", "realm": realm})
        story.files.append(whole)
        if draw(st.booleans()):
            story.there.append(whole)
            story.blocked[realm] = draw(some) + draw(
                st.lists(st.sampled_from(["voip", "nosuch"]), max_size=1)
            )
        for called in [name, f"{name}-too"][: draw(st.sampled_from([0, 1, 1, 1, 2]))]:
            reference = draw(st.sampled_from([{"name": name}, {"realm": realm}]))
            said = {"accountRef": reference, **draw(whole_specs)}
            created = f"2026-01-01T00:00:{len(story.files):02}Z"
            story.files.append(attached("AppRestrictions", called, created=created, **said))
    return story


async def state(world: World) -> dict[str, Documents]:
    """Realm -> the documents of its apps."""
    known = [{"id": app_id, "name": name} for name, app_id in (await ids(world)).items()]
    shown = (await world.control("GET", "state"))["accounts"]
    return {
        str(held["account"]["realm"]).lower(): {
            "blacklist": {"blacklist": held["blacklist"]},
            "catalogue": {"rows": known},
        }
        for held in shown.values()
    }


def compare(
    plan: list[JsonObject], story: Story, had: dict[str, Documents], has: dict[str, Documents]
) -> None:
    by_name = {one.key.name: one for one in story.files if one.key.kind == KIND.name}
    told: dict[str, JsonObject] = {}
    for one in plan:
        for change in one["changes"] if one["kind"] == KIND.name else ():
            told.setdefault(realm_of(by_name[one["name"]]), {})[change["path"]] = change
    nothing = {"blacklist": {"blacklist": []}}
    for realm, now in has.items():
        then = had.get(realm, {**now, **nothing})
        changes = told.get(realm, {})
        if not changes:
            assert now["blacklist"] == then["blacklist"]
            continue
        assert changes.keys() == {"allowedApps"}, "a first pass has nothing of its own to take back"
        change = changes["allowedApps"]
        assert KIND.parse(then).get("allowedApps", "all") == change["before"]
        assert KIND.parse(now).get("allowedApps", sorted(STOCK)) == change["after"]
        assert ("nosuch" in then["blacklist"]["blacklist"]) is ("nosuch" in now["blacklist"]["blacklist"])


async def printed(world: World, story: Story) -> list[JsonObject]:
    report = await planned(world, *story.files, day=NOW)
    told: list[JsonObject] = json.loads(json.dumps(report.as_json()))["objects"]
    return told


async def tell_and_do(world: World, story: Story) -> None:
    await apply(world, *story.there)
    world.objects.held.clear()
    for realm, names in story.blocked.items():
        (account_id,) = await world.accounts(realm)
        await block(world, account_id, *names)
    had, calls = await state(world), await mutations(world)
    plan = await printed(world, story)
    by_key = {(one.key.kind, one.key.name): one for one in story.files}
    reasons = await carry_out(world, [by_key[one["kind"], one["name"]] for one in plan])
    compare(plan, story, had, await state(world))
    for one, reason in zip(plan, reasons, strict=True):
        assert reason in ({first_error(one)} if one["action"] == "blocked" else {"Ready", "Suspended"}), one
    if all(one["action"] == "none" for one in plan):
        assert await mutations(world) == calls
    for one, now in zip(plan, await printed(world, story), strict=True):
        assert now["action"] == ("blocked" if one["action"] == "blocked" else "none"), now
        assert now["changes"] == []


async def judge(compat: str, story: Story) -> None:
    async with running_sandbox(compat=compat) as sandbox, aiohttp.ClientSession() as http:
        world = World(sandbox, http, Clock(), compat)
        try:
            await tell_and_do(world, story)
        finally:
            for backend in world.open:
                await backend.close()


@settings(max_examples=20)
@given(compat=st.sampled_from(["5.0", "4.3"]), story=stories())
def test_law_6_apps_are_blocked_as_they_were_planned(compat: str, story: Story) -> None:
    asyncio.run(judge(compat, story))

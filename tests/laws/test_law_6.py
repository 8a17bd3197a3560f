"""Law 6: what a plan prints is what the operator then writes, neither more nor less; then nothing is left.

Sets of one to three accounts are made up, of which some exist already, some were changed behind the
operator's back, and some cannot be. Each is planned, as JSON; then it is carried out by the engine, and KAZOO
is compared before and after. One combination is met more often than chance has it: emergency calls are
denied, and the object is blocked.
"""

from __future__ import annotations

import asyncio
import json
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from kazoo_operator.core.custom_resource import JsonObject, Resource
from kazoo_operator.core.documents import Documents, differences, get, merge, put
from kazoo_operator.core.mark import Mark
from kazoo_operator.kinds.account import KIND
from kazoo_operator.sandbox import running_sandbox
from tests.engine.conftest import SPEC, Clock, World, account
from tests.planning.conftest import apply, mutations, planned

NAMES = ("acme", "branch", "cafe")

switches = st.fixed_dictionaries(
    {},
    optional={
        "preset": st.sampled_from(["All", "SubAccount"]),
        "user": st.booleans(),
        "balance": st.sampled_from([{"show": True}, {"show": True, "minutes": False}, {"show": False}]),
    },
)
restrictions = st.dictionaries(
    st.sampled_from(["international", "did_us", "toll_us", "closed_groups"]),
    st.sampled_from(["Allow", "Deny"]),
)
callers = st.sampled_from(
    [{"external": {"name": "Acme"}}, {"internal": {"number": "100"}, "external": {"number": "+14085550100"}}]
)
said = st.fixed_dictionaries(
    {
        "timezone": st.sampled_from(["America/Los_Angeles", "Asia/Tokyo"]),
        "language": st.sampled_from(["en-US", "de", "es-419"]),
    },
    optional={
        "enabled": st.booleans(),
        "contacts": st.sampled_from(
            [{"technical": {"name": "Tess Ng"}}, {"billing": {"email": "b@a.example"}}]
        ),
        "callRestrictions": restrictions,
        "callerID": callers,
        "callerIDPrivacy": st.sampled_from(["None", "Full"]),
        "controlCenter": switches,
        "outboundRouting": st.sampled_from(["Platform", "Reseller", "Own", "Unmanaged"]),
        "driftPolicy": st.sampled_from(["Correct", "Report"]),
        "driftIgnore": st.sets(st.sampled_from(["timezone", "callerID", "callRestrictions", "name"])).map(
            sorted
        ),
        "adopt": st.booleans(),
    },
)
STOPPED: list[JsonObject] = [
    {"suspend": True},
    {"managementPolicy": "ObserveOnly"},
    {"timezone": "Mars/Phobos"},
    {"callRestrictions": {"internation": "Deny"}},
    {"callRestrictions": {"emergency": "Deny"}},
    {"name": "acme Acme Dental"},
    {"realm": "acme.pbx.example.com"},
    {"realm": "moved.pbx.example.com"},
    {"parentRef": {"name": "nobody"}},
    {"parentRef": {"name": "{name}"}},
    {"parentRef": {"realm": "{name}.pbx.example.com"}},
    {"parentRef": {"realm": "acme.pbx.example.com"}},
    {"parentRef": {"accountID": "0" * 32}},
    {"adopt": True, "accountID": "0" * 32},
]
"""What keeps an account from being written to, in some sets or in all."""

twists: st.SearchStrategy[JsonObject] = st.one_of(
    st.just({}),
    st.just({}),
    st.sampled_from(
        [
            *STOPPED,
            {"name": "Acme Dental!"},
            {"realm": None},
            {
                "allowRealmChange": "acme.pbx.example.com->moved.pbx.example.com",
                "realm": "moved.pbx.example.com",
            },
        ]
    ),
)
edits: st.SearchStrategy[JsonObject] = st.one_of(
    st.none(),
    st.sampled_from(
        [
            {"timezone": "Etc/UTC"},
            {"language": "EN-us"},
            {"enabled": False},
            {"name": "{name} Renamed"},
            {"realm": "{name}-elsewhere.pbx.example.com"},
            {"flags": []},
            {"flags": ["vip"]},
            {"flags": ["kazoo-operator/cluster/other/object"]},
            {"contact": {"billing": {"locality": "Oslo", "notes": "kept"}}},
            {"call_restriction": {"emergency": {"action": "deny"}, "did_us": {"action": "deny"}}},
            {"call_restriction": {"emergency": {"action": "deny", "kept": True}, "zzz": {"action": "deny"}}},
            {"caller_id": {"external": {"name": "Edited"}}},
            {"ui_restrictions": {"myaccount": {"user": {"show_tab": False}}}},
        ]
    ),
)


DENIED: JsonObject = {"call_restriction": {"emergency": {"action": "deny"}}}


@dataclass(frozen=True)
class Story:
    """What stood in the files, what stands there now, and what was edited in KAZOO in between.

    `remembered`: the cluster still knows which accounts its blocked objects have.
    """

    old: list[Resource]
    new: list[Resource]
    edited: dict[str, JsonObject]
    remembered: bool


@st.composite
def stories(draw: st.DrawFn) -> Story:
    names = NAMES[: draw(st.integers(1, 3))]
    above = {name: draw(st.sampled_from([None, *names[:number]])) for number, name in enumerate(names)}
    old, new, edited = [], [], {}
    for name in names:
        parent = {"parentRef": {"name": above[name]}} if above[name] else {}
        base = {"name": f"{name} {SPEC['name']}", "realm": f"{name}.pbx.example.com", **parent}
        edit, twist = None, draw(twists)
        if draw(st.booleans()):
            old.append(account(name, **{**draw(said), **base}))
            edit = draw(edits)
            if draw(st.booleans()):
                edit, twist = merge(edit or {}, DENIED), draw(st.sampled_from(STOPPED))
        if edit is not None:
            edited[name] = _for(name, edit)
        new.append(account(name, **{**draw(said), **base, **_for(name, twist)}))
    return Story(old, new, edited, draw(st.booleans()))


def _for(name: str, tree: JsonObject) -> JsonObject:
    found: JsonObject = json.loads(json.dumps(tree).replace("{name}", name))
    return found


Documented = dict[str, tuple[JsonObject, Documents]]


async def documents(world: World) -> Documented:
    """Account id -> its document and the documents that a spec speaks of."""
    state = (await world.control("GET", "state"))["accounts"]
    found = {}
    for account_id, held in state.items():
        flows = held["callflows"]
        listed = flows.values() if isinstance(flows, dict) else flows
        no_match = next((flow for flow in listed if "no_match" in (flow.get("numbers") or ())), {})
        # KAZOO counts what stands below an account: nobody's write.
        document = {name: value for name, value in held["account"].items() if name != "descendants_count"}
        whole = {"account": document, "no_match": no_match}
        found[account_id] = (deepcopy(whole), deepcopy(whole))
    return found


def its(one: JsonObject, held: Documented) -> str | None:
    """The id of the account that bears the object's mark."""
    for account_id, (whole, _) in held.items():
        marks = Mark.among(whole["account"].get("flags") or ())
        if any((mark.namespace, mark.name) == (one["namespace"], one["name"]) for mark in marks):
            return account_id
    return None


def same_as_planned(one: JsonObject, before: Documented, after: Documented) -> None:
    account_id = its(one, after)
    if account_id is None:
        assert one["action"] in ("none", "blocked") and one["changes"] == []
        return
    told: JsonObject = {}
    for change in one["changes"]:
        if change["path"] not in ("adopt", "parentRef"):
            put(told, change["path"], change["after"])
    if one["action"] == "create":
        assert account_id not in before and all(change["before"] is None for change in one["changes"])
        shown = KIND.parse(after[account_id][1])
        assert [(path, get(shown, path)) for path, wanted, found in differences(told, shown)] == []
        return
    had, has = before[account_id][0], after[account_id][0]
    assert has["account"] == merge(had["account"], rewritten(one, told, had))
    assert moved(before[account_id][1], after[account_id][1]) == {
        change["path"]: (change["before"], change["after"])
        for change in one["changes"]
        if change["path"] not in ("adopt", "parentRef") and change["before"] != change["after"]
    }


def rewritten(one: JsonObject, told: JsonObject, had: Documents) -> JsonObject:
    """What the plan says about the account's document, member by member; nothing else may move."""
    written = dict(KIND.render(told, had).get("account", {}))
    if one["action"] == "update":
        kept = [flag for flag in had["account"].get("flags") or () if not Mark.among((flag,))]
        written["flags"] = [*kept, str(Mark("cluster", one["namespace"], one["name"]))]
    return written


def moved(had: Documents, has: Documents) -> dict[str, tuple[Any, Any]]:
    """Path -> (before, after), in the words of the spec."""
    found = {}
    for path, now, then in differences(KIND.parse(has), KIND.parse(had)):
        found[path] = (KIND.absent(path) if then is None else then, now)
    return {path: pair for path, pair in found.items() if pair[0] != pair[1]}


def reason_of(one: JsonObject) -> str:
    """What the operator would say about an object that is blocked."""
    return "InvalidSpec" if by_rules(one) else first_error(one)


def by_rules(one: JsonObject) -> bool:
    """Whether it is blocked before KAZOO is asked which account it has."""
    return first_error(one) == "SCHEMA" or first_error(one).startswith("KZ")


def first_error(one: JsonObject) -> str:
    return str(next(found["rule"] for found in one["findings"] if found["severity"] == "error"))


def taken(reason: str) -> str:
    """Where both realm and name are taken, either may be told first."""
    return "RealmTaken" if reason == "Rejected" else reason


async def judge(compat: str, story: Story) -> None:
    clock = Clock()
    async with running_sandbox(compat=compat) as sandbox, aiohttp.ClientSession() as http:
        world = World(sandbox, http, clock, compat)
        try:
            await apply(world, *story.old)
            for account_id, (whole, _) in (await documents(world)).items():
                for mark in Mark.among(whole["account"].get("flags") or ()):
                    if mark.name in story.edited:
                        await world.edit(account_id, story.edited[mark.name])
            await compare(world, story)
        finally:
            for backend in world.open:
                await backend.close()


async def printed(world: World, story: Story) -> list[JsonObject]:
    """The objects of a plan as it is printed."""
    report = await planned(world, *story.new)
    told: list[JsonObject] = json.loads(json.dumps(report.as_json()))["objects"]
    return told


def before_the_engine(
    story: Story, plan: list[JsonObject], world: World, found: Documented
) -> list[Resource]:
    """The objects in the plan's order, with the status that the plan takes from marks."""
    by_name = {resource.key.name: resource for resource in story.new}
    order = []
    for one in plan:
        resource = by_name[one["name"]]
        held = world.objects.held.get(resource.key)
        # An object that was Ready stays so while it is suspended.
        suspended = resource.spec.get("suspend") is True
        blocked = story.remembered and one["action"] == "blocked" and by_rules(one)
        if held is not None and (suspended or blocked) and its(one, found) is not None:
            resource = replace(resource, status=held.status)
        order.append(resource)
    return order


async def compare(world: World, story: Story) -> None:
    before, calls = await documents(world), await mutations(world)
    plan = await printed(world, story)
    order = before_the_engine(story, plan, world, before)
    world.objects.held.clear()
    reasons = await apply(world, *order, listed=True)
    after = await documents(world)
    for one, reason in zip(plan, reasons, strict=True):
        same_as_planned(one, before, after)
        if one["action"] == "blocked":
            assert taken(reason) == taken(reason_of(one))
        else:
            assert reason in ("Ready", "Suspended")
    made = {its(one, after) for one in plan if one["action"] == "create"}
    assert after.keys() - before.keys() == made, "no account beside those that the plan shows"
    others = before.keys() - {its(one, after) for one in plan}
    assert {key: before[key] for key in others} == {key: after[key] for key in others}
    if all(one["action"] == "none" for one in plan):
        assert await mutations(world) == calls
    for one, now in zip(plan, await printed(world, story), strict=True):
        assert now["action"] == ("blocked" if one["action"] == "blocked" else "none")
        assert now["changes"] == []


@settings(max_examples=60)
@given(compat=st.sampled_from(["5.0", "4.3"]), story=stories())
def test_law_6_what_is_planned_is_what_is_written(compat: str, story: Story) -> None:
    asyncio.run(judge(compat, story))

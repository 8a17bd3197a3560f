"""Law 6: what a plan shows is what the operator then writes, neither more nor less; then nothing is left.

Sets of one to three accounts are made up, of which some exist already, some were changed behind the
operator's back, and some cannot be. Each is planned, then carried out by the engine, and KAZOO is compared
before and after.
"""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import replace
from typing import Any

import aiohttp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kazoo_operator.core.custom_resource import JsonObject, Resource
from kazoo_operator.core.documents import Documents, differences, get
from kazoo_operator.core.mark import Mark
from kazoo_operator.core.report import Action, PlannedObject
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
twists: st.SearchStrategy[JsonObject] = st.one_of(
    st.just({}),
    st.just({}),
    st.sampled_from(
        [
            {"suspend": True},
            {"managementPolicy": "ObserveOnly"},
            {"timezone": "Mars/Phobos"},
            {"callRestrictions": {"internation": "Deny"}},
            {"callRestrictions": {"emergency": "Deny"}},
            {"name": "Acme Dental!"},
            {"realm": "acme.pbx.example.com"},
            {"realm": "moved.pbx.example.com"},
            {"realm": None},
            {"parentRef": {"name": "nobody"}},
            {"parentRef": {"realm": "acme.pbx.example.com"}},
            {"parentRef": {"accountID": "0" * 32}},
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
            {"caller_id": {"external": {"name": "Edited"}}},
            {"ui_restrictions": {"myaccount": {"user": {"show_tab": False}}}},
        ]
    ),
)


@st.composite
def objects(draw: st.DrawFn) -> tuple[list[Resource], list[Resource], dict[str, JsonObject]]:
    """What stood in the files before, what stands there now, and what was edited in KAZOO in between."""
    names = NAMES[: draw(st.integers(1, 3))]
    above = {name: draw(st.sampled_from([None, *names[:number]])) for number, name in enumerate(names)}
    old, new, edited = [], [], {}
    for name in names:
        parent = {"parentRef": {"name": above[name]}} if above[name] else {}
        base = {"name": f"{name} {SPEC['name']}", "realm": f"{name}.pbx.example.com", **parent}
        if draw(st.booleans()):
            old.append(account(name, **{**draw(said), **base}))
            if (edit := draw(edits)) is not None:
                edited[name] = {
                    member: value.replace("{name}", name) if isinstance(value, str) else value
                    for member, value in edit.items()
                }
        new.append(account(name, **{**draw(said), **base, **draw(twists)}))
    return old, new, edited


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


def its(one: PlannedObject, held: Documented) -> str | None:
    """The id of the account that bears the object's mark."""
    for account_id, (whole, _) in held.items():
        marks = Mark.among(whole["account"].get("flags") or ())
        if any((mark.namespace, mark.name) == (one.key.namespace, one.key.name) for mark in marks):
            return account_id
    return None


def same_as_planned(one: PlannedObject, before: Documented, after: Documented) -> None:
    account_id = its(one, after)
    if one.action in (Action.NONE, Action.BLOCKED):
        assert account_id is None or before[account_id] == after[account_id]
        return
    assert account_id is not None
    wanted = {
        change.path: (change.before, change.after)
        for change in one.changes
        if change.path not in ("adopt", "parentRef")
    }
    shown = KIND.parse(after[account_id][1])
    if one.action is Action.CREATE:
        assert account_id not in before
        assert {path: (None, get(shown, path)) for path in wanted} == wanted
        return
    had = KIND.parse(before[account_id][1])
    moved = {}
    for path, now, then in differences(shown, had):
        moved[path] = (KIND.absent(path) if then is None else then, now)
    assert {path: pair for path, pair in moved.items() if pair[0] != pair[1]} == {
        path: pair for path, pair in wanted.items() if pair[0] != pair[1]
    }


def reason_of(one: PlannedObject) -> str:
    """What the operator would say about an object that is blocked."""
    rule = str(one.errors[0].rule)
    return "InvalidSpec" if rule == "SCHEMA" or rule.startswith("KZ") else rule


def taken(reason: str) -> str:
    """Where both realm and name are taken, either may be told first."""
    return "RealmTaken" if reason == "Rejected" else reason


async def judge(compat: str, old: list[Resource], new: list[Resource], edited: dict[str, JsonObject]) -> None:
    clock = Clock()
    async with running_sandbox(compat=compat) as sandbox, aiohttp.ClientSession() as http:
        world = World(sandbox, http, clock, compat)
        try:
            await apply(world, *old)
            for account_id, (whole, _) in (await documents(world)).items():
                for mark in Mark.among(whole["account"].get("flags") or ()):
                    if mark.name in edited:
                        await world.edit(account_id, edited[mark.name])
            await compare(world, new)
        finally:
            for backend in world.open:
                await backend.close()


async def compare(world: World, new: list[Resource]) -> None:
    before, calls = await documents(world), await mutations(world)
    report = await planned(world, *new)
    by_key = {resource.key: resource for resource in new}
    held = dict(world.objects.held)
    world.objects.held.clear()
    order = [by_key[one.key] for one in report.objects]
    for number, (one, resource) in enumerate(zip(report.objects, order, strict=True)):
        # An object that was Ready stays so while it is suspended: the plan takes that from the mark.
        if resource.spec.get("suspend") and resource.key in held and its(one, before) is not None:
            order[number] = replace(resource, status=held[resource.key].status)
    reasons = await apply(world, *order)
    after = await documents(world)
    for one, reason in zip(report.objects, reasons, strict=True):
        same_as_planned(one, before, after)
        if one.action is Action.BLOCKED:
            assert taken(reason) == taken(reason_of(one))
        else:
            assert reason in ("Ready", "Suspended")
    if all(one.action is Action.NONE for one in report.objects):
        assert await mutations(world) == calls
    again = await planned(world, *new)
    for one, now in zip(report.objects, again.objects, strict=True):
        assert now.action is (Action.BLOCKED if one.action is Action.BLOCKED else Action.NONE)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(compat=st.sampled_from(["5.0", "4.3"]), made=objects())
def test_law_6_what_is_planned_is_what_is_written(compat: str, made: Any) -> None:
    old, new, edited = made
    asyncio.run(judge(compat, old, new, edited))

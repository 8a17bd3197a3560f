"""Law 6 for the objects that belong to accounts: what a plan prints is written and booked, and nothing else.

Accounts are made up, some of which exist; each may have TrunkLimits and CreditPolicy, some with a rival,
without consent, with a grant that was booked before, as it is or otherwise. The set is planned and carried
out by the engine; limits, alerts, ledgers and the reseller's bill are compared before and after.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from kazoo_operator.core.custom_resource import JsonObject, Resource
from kazoo_operator.core.documents import Documents, differences, get
from kazoo_operator.core.ledger import Grant
from kazoo_operator.core.money import from_number, from_text, to_text
from kazoo_operator.kinds import credit_policy, trunk_limits
from kazoo_operator.sandbox import running_sandbox
from tests.engine.attached import attached
from tests.engine.conftest import SPEC, Clock, Watching, World, account, after
from tests.planning.conftest import apply, mutations, planned
from tests.planning.money import ENOUGH, NOW, TODAY, assign

KINDS = {"TrunkLimits": trunk_limits.KIND, "CreditPolicy": credit_policy.KIND}
NAMES = ("acme", "branch")

counts = st.integers(0, 6)
trunk_specs = st.fixed_dictionaries(
    {"allowPerMinute": st.booleans()},
    optional={
        "inbound": counts,
        "twoWay": counts,
        "burst": counts,
        "maxCalls": st.sampled_from([-1, 0, 5]),
        "charges": st.sampled_from([ENOUGH, {"accept": "Never"}]),
    },
)
grants = st.lists(
    st.sampled_from(
        [
            {"id": "initial", "amount": "25.00", "date": TODAY},
            {"id": "extra", "amount": "3", "date": TODAY, "description": "More"},
            {"id": "back", "type": "Debit", "amount": "1.25", "date": TODAY},
        ]
    ),
    unique_by=lambda one: one["id"],
    min_size=1,
)
credit_specs = st.fixed_dictionaries(
    {},
    optional={
        "grants": grants,
        "lowBalanceAlert": st.sampled_from([{"threshold": "25"}, {"enabled": False}]),
        "autoRecharge": st.sampled_from([{"threshold": "10", "amount": "50"}, {"enabled": False}]),
        "caps": st.sampled_from([{"maxBalance": "26"}, {"maxBalance": "500"}]),
    },
)
stopped = st.one_of(
    *[st.just({})] * 6,
    st.sampled_from(
        [
            {"suspend": True},
            {"managementPolicy": "ObserveOnly"},
            {"accountRef": {"name": "nobody"}},
            {"accountRef": {"realm": "nobody.example.com"}},
            {"nonsense": 1},
        ]
    ),
)
edits = st.sampled_from([{}, {"twoway_trunks": 3}, {"inbound_trunks": 2, "calls": 4, "theirs": 1}])
tariffs = st.sampled_from(
    [
        {},
        {"twoway_trunks": {"rate": 24.99, "cascade": True, "activation_charge": 2}},
        {"twoway_trunks": {"rate": 24.99}, "inbound_trunks": {"rate": 9.5, "cascade": True}},
        {"twoway_trunks": {"rate": 24.99, "cascade": True, "surprise": 1}},
    ]
)


@dataclass
class Story:
    """What stands in the files, and what was done in KAZOO before: accounts, limits, bookings, a tariff."""

    files: list[Resource]
    tariff: JsonObject
    there: list[Resource] = field(default_factory=list)
    edited: dict[str, JsonObject] = field(default_factory=dict)
    booked: dict[str, list[Grant]] = field(default_factory=dict)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    story = Story([], draw(tariffs))
    for name in NAMES[: draw(st.integers(1, 2))]:
        realm = f"{name}.pbx.example.com"
        whole = account(name, **{"name": f"{name} {SPEC['name']}", "realm": realm})
        references = [{"name": name}, {"realm": realm}]
        story.files.append(whole)
        if draw(st.booleans()):
            story.there.append(whole)
            story.edited[realm] = draw(edits)
            amounts = draw(st.lists(st.sampled_from(["25.00", "24"]), max_size=1))
            story.booked[realm] = [Grant("initial", from_text(one), TODAY) for one in amounts]
        for kind, specs in (("TrunkLimits", trunk_specs), ("CreditPolicy", credit_specs)):
            for called in [name, f"{name}-too"][: draw(st.sampled_from([0, 1, 1, 1, 2]))]:
                said = {"accountRef": draw(st.sampled_from(references)), **draw(specs), **draw(stopped)}
                created = f"2026-01-01T00:00:{len(story.files):02}Z"
                story.files.append(attached(kind, called, created=created, **said))
    return story


Held = dict[str, dict[str, Any]]


async def state(world: World) -> Held:
    """Realm -> what KAZOO holds of the account: documents, and the grants in its ledgers."""
    found = {}
    shown = (await world.control("GET", "state"))["accounts"]
    for held in json.loads(json.dumps(shown), parse_float=Decimal).values():
        entries = [one for one in held["ledgers"] if one["source"]["service"] == "adjustments"]
        found[str(held["account"]["realm"]).lower()] = {
            "documents": {"account": held["account"], "limits": held["limits"]},
            "grants": {
                one["source"]["id"].rpartition("/")[2]: to_text(from_number(one["amount"])) for one in entries
            },
        }
    return found


async def bill(world: World) -> int:
    """What the reseller owes a month, by KAZOO itself."""
    root = world.sandbox.identity.reseller.account_id
    summary = await world.call("GET", f"accounts/{root}/services/summary")
    return sum(from_number(Decimal(str(one["summary"]["recurring"]))) for one in summary["invoices"])


def moved(kind: str, had: Documents, has: Documents) -> dict[str, tuple[Any, Any]]:
    """Path -> (before, after) in the words of the spec, of what is not the same."""
    known = KINDS[kind]
    one, other = known.parse(had), known.parse(has)
    found = {}
    for path, now, then in differences(other, one):
        found[path] = (known.absent(path) if then is None else then, now)
    for path, then, now in differences(one, other):
        if now is None:
            found[path] = (then, known.absent(path))
    return {path: pair for path, pair in found.items() if pair[0] != pair[1]}


def compare(plan: list[JsonObject], story: Story, had: Held, has: Held) -> None:
    """The objects of each account together: of two rivals only one changes anything."""
    by_key = {(one.key.kind, one.key.name): one for one in story.files}
    told: dict[tuple[str, str], JsonObject] = {}
    booked: dict[str, dict[str, str]] = {}
    for one in plan:
        if one["kind"] not in KINDS:
            continue
        realm = realm_of(by_key[one["kind"], one["name"]])
        for change in one["changes"]:
            if change["path"].startswith("grants["):
                grant = change["after"]
                sign = -1 if grant.get("type") == "Debit" else 1
                booked.setdefault(realm, {})[grant["id"]] = to_text(sign * from_text(grant["amount"]))
            elif change["before"] != change["after"]:
                told.setdefault((one["kind"], realm), {})[change["path"]] = (
                    change["before"],
                    change["after"],
                )
    for realm, now in has.items():
        then = had.get(realm, {"documents": {}, "grants": {}})
        assert now["grants"] == {**then["grants"], **booked.get(realm, {})}
        for kind in KINDS:
            assert moved(kind, then["documents"], now["documents"]) == told.get((kind, realm), {})
        if theirs := get(then["documents"], "limits.theirs"):
            assert now["documents"]["limits"]["theirs"] == theirs


def realm_of(resource: Resource) -> str:
    said = resource.spec["accountRef"]
    return str(said.get("realm") or f"{said['name']}.pbx.example.com")


def first_error(one: JsonObject) -> str:
    rule = next(found["rule"] for found in one["findings"] if found["severity"] == "error")
    return "InvalidSpec" if rule == "SCHEMA" or rule.startswith("KZ") else str(rule)


async def carry_out(world: World, order: list[Resource]) -> list[str]:
    """The engine over the objects until nothing moves; the last reason of each."""
    engine, reasons = world.real_time_engine(), [""]
    world.objects.put(*order)
    for _ in range(4):
        before, reasons = reasons, []
        for one in order:
            found = await engine.reconcile(world.objects.held[one.key], Watching())
            world.objects.put(after(world.objects.held[one.key], found))
            reasons.append(str(found.outcome.reason))
        if reasons == before:
            break
    return reasons


async def judge(compat: str, story: Story) -> None:
    async with running_sandbox(compat=compat) as sandbox, aiohttp.ClientSession() as http:
        world = World(sandbox, http, Clock(), compat)
        try:
            await prepare(world, story)
            await tell_and_do(world, story)
        finally:
            for backend in world.open:
                await backend.close()


async def prepare(world: World, story: Story) -> None:
    await apply(world, *story.there)
    world.objects.held.clear()
    for realm, merge in story.edited.items():
        (account_id,) = await world.accounts(realm)
        edit = {"accountID": account_id, "document": "limits", "merge": merge}
        await world.control("POST", "documents", edit)
        for grant in story.booked[realm]:
            entry = grant.entry(account_id, "USD")
            data = {**entry, "amount": float(entry["amount"])}
            await world.as_master("PUT", f"accounts/{account_id}/ledgers/credit", data)
    if story.tariff:
        await assign(world, {"limits": story.tariff})
    # An edit behind KAZOO's back is on no bill yet.
    for realm in story.edited:
        (account_id,) = await world.accounts(realm)
        await world.connection.backend.reconcile_services(account_id)


async def printed(world: World, story: Story) -> JsonObject:
    told: JsonObject = json.loads(json.dumps((await planned(world, *story.files, day=NOW)).as_json()))
    return told


async def tell_and_do(world: World, story: Story) -> None:
    had, owed, calls = await state(world), await bill(world), await mutations(world)
    report = await printed(world, story)
    plan = report["objects"]
    by_key = {(one.key.kind, one.key.name): one for one in story.files}
    reasons = await carry_out(world, [by_key[one["kind"], one["name"]] for one in plan])
    compare(plan, story, had, await state(world))
    for one, reason in zip(plan, reasons, strict=True):
        expected = {first_error(one)} if one["action"] == "blocked" else {"Ready", "Suspended"}
        assert reason in expected, one
    costs = [one["charges"]["recurring"] for one in plan if one["action"] != "blocked"]
    rise, known = await bill(world) - owed, sum(from_text(cost) for cost in costs if cost is not None)
    if None in costs:  # fewer trunks need no consent, whether their price is known or not
        assert "surprise" in str(story.tariff)
        assert rise <= known
    else:
        assert rise == known
    if all(one["action"] == "none" for one in plan):
        assert await mutations(world) == calls
    for one, now in zip(plan, (await printed(world, story))["objects"], strict=True):
        assert now["action"] == ("blocked" if one["action"] == "blocked" else "none"), now
        assert now["changes"] == []


@settings(max_examples=25)
@given(compat=st.sampled_from(["5.0", "4.3"]), story=stories())
def test_law_6_limits_and_bookings_are_as_they_were_planned(compat: str, story: Story) -> None:
    asyncio.run(judge(compat, story))

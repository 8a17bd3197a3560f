"""Bills as they were observed on KAZOO, over HTTP: 226 changes and quotes, each with what it costs.

A case is set up in a tree of accounts as it was: quantities, plans, assignments. Then bills are read, the
change is sent without consent, and again with it where it was asked for; bills are read again. All that
KAZOO answered is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.sandbox.client import IN_4_3, Answer, Client
from tests.sandbox.pricing import cases, differences

TREE = {"R1": "master", "A1": "R1", "G1": "A1", "A2": "R1", "S1": "R1", "T1": "S1", "D1": "master"}
"""Account -> its parent; R1 and S1 are resellers."""
ADMINISTRATED = ("R1", "A1", "S1", "D1")
"""Accounts with an administrator, who is in all quantities."""
CALLERS = {"reseller": "R1", "subreseller": "S1", "master": "master"}
ISOLATING = [key for key in cases() if key.startswith("iso-")]
OTHERWISE_IN_4_3 = ("iso-072",)

Counts = dict[str, dict[str, int]]


class Tenants:
    """The accounts of a case in a running sandbox, their plans, and a client for whoever is needed."""

    def __init__(self, master: Client) -> None:
        self.master, self.ids, self.clients = master, {"master": master.master}, {"master": master}
        self.plans: dict[str, str] = {}
        self.added = 0

    async def build(self) -> None:
        """Make the tree; a reseller has an account below it before it is promoted, and no reseller."""
        for name, parent in TREE.items():
            self.ids[name] = await self.master.create(f"Case {name}", self.ids[parent])
        for name in ("R1", "S1"):
            await self.master.promote(self.ids[name])
        for name in ADMINISTRATED:
            await self.done("PUT", name, "users", self.user("admin"))

    async def sent(self, who: str, method: str, name: str, path: str, data: Any, **envelope: Any) -> Answer:
        """The answer to a request of somebody to a path below an account."""
        if who not in self.clients:
            self.clients[who] = await self.master.as_account(self.ids[who])
        full = f"/v2/accounts/{self.ids[name]}/{path}"
        return await self.clients[who].request(method, full, body={"data": data, **envelope})

    async def done(self, method: str, name: str, path: str, data: Any, **envelope: Any) -> Any:
        """What the master is answered, whom nobody asks for consent."""
        answer = await self.sent("master", method, name, path, data, **envelope)
        assert answer.status in (200, 201), answer
        return answer.data

    async def sell(self, plan: dict[str, Any]) -> None:
        """A plan of one of them."""
        merge = {"name": f"Plan {plan['id']}", **plan["document"]}
        order = {"accountID": self.ids[plan["vendor"]], "document": "plan", "merge": merge}
        answer = await self.master.post("/sandbox/documents", body=order)
        self.plans[plan["id"]] = answer.body["value"]["id"]

    async def assign(self, assignment: dict[str, Any]) -> None:
        """Assign plans; they stand in the order in which KAZOO had them."""
        envelope = {"merge": True} if assignment.get("merge") else {}
        data = self.filled(assignment["data"])
        assigned = await self.done("POST", assignment["account"], "services", data, **envelope)
        assert list(assigned) == [self.plans[plan] for plan in assignment["order"]]

    def filled(self, data: dict[str, Any]) -> dict[str, Any]:
        """The data of a request with the ids of plans put in."""
        result = deepcopy(data)
        for member in ("add", "plans"):
            for place, entry in enumerate(result.get(member, [])):
                if isinstance(entry, str):
                    result[member][place] = self.plans.get(entry, entry)
                else:
                    entry["id"] = self.plans.get(entry["id"], entry["id"])
        return result

    def user(self, level: str, **more: Any) -> dict[str, Any]:
        """A new user's document."""
        self.added += 1
        return {"first_name": "Case", "last_name": f"User {self.added}", "priv_level": level, **more}

    def device(self, kind: str) -> dict[str, Any]:
        """A new device's document."""
        self.added += 1
        return {"name": f"Device {self.added}", "device_type": kind}

    async def have(self, name: str, counts: Counts) -> None:
        """Give an account so many of everything that it can be given, but for administrators it has."""
        if trunks := counts.get("limits"):
            await self.done("POST", name, "limits", trunks)
        for level, number in counts.get("users", {}).items():
            for _ in range(number):
                await self.done("PUT", name, "users", self.user(level))
        for kind, number in counts.get("devices", {}).items():
            for _ in range(number):
                await self.done("PUT", name, "devices", self.device(kind))

    async def summary(self, name: str) -> dict[str, Any]:
        """What an account pays."""
        return dict(await self.done("GET", name, "services/summary", {}))


@pytest.fixture
async def tenants(master: Client) -> Tenants:
    found = Tenants(master)
    await found.build()
    return found


async def set_up(tenants: Tenants, case: dict[str, Any]) -> str | None:
    """Quantities of the payer and below it, then plans; the id of the user that is to change, if one is."""
    payer, change = case["payer"], case["change"]
    own, below = (deepcopy(case["quantities_before"][part]) for part in ("account", "cascade"))
    user = None
    if change["type"] in ("user_update", "user_delete"):
        level = change.get("from", change.get("priv_level"))
        user = (await tenants.done("PUT", change["account"], "users", tenants.user(level)))["id"]
        below = less(below, {"users": {level: 1}})
    if change["type"] == "limits" and change["account"] != payer:
        await tenants.have(change["account"], {"limits": change["before"]})
        below = less(below, {"limits": change["before"]})
    lower = [name for name in TREE if payer in above(name)]
    own = less(own, {"users": {"admin": 1}})
    below = less(below, {"users": {"admin": len(set(lower) & set(ADMINISTRATED))}})
    await tenants.have(payer, own)
    if any(set(below) - {"accounts"}):
        taken = change["account"] if change["type"] == "limits" else None
        await tenants.have(next(name for name in reversed(lower) if name != taken), below)
    await tenants.done("PATCH", payer, "services/manual", case["quantities_before"]["manual"])
    for name, seen in case.get("also", {}).items():
        manual = seen["summary_before"]["quantities"]["manual"]
        await tenants.done("PATCH", name, "services/manual", manual)
    for plan in case["plans"]:
        await tenants.sell(plan)
    for assignment in case["assigned"]:
        await tenants.assign(assignment)
    return user


def above(name: str) -> Iterator[str]:
    """The accounts above one."""
    while name in TREE:
        name = TREE[name]
        yield name


def less(counts: Counts, taken: Counts) -> Counts:
    """What is left of every item; what is nothing is left out."""
    left = {
        category: {item: number - taken.get(category, {}).get(item, 0) for item, number in items.items()}
        for category, items in counts.items()
    }
    assert all(number >= 0 for items in left.values() for number in items.values()), (counts, taken)
    whole = {category: {item: n for item, n in items.items() if n} for category, items in left.items()}
    return {category: items for category, items in whole.items() if items}


def request(tenants: Tenants, change: dict[str, Any], user: str | None) -> tuple[str, str, dict[str, Any]]:
    """A change as it is sent: method, path below the account, data."""
    kind, after = change["type"], change.get("after", {})
    if kind == "user_create":
        return "PUT", "users", tenants.user(change["priv_level"], **asked_of_user(tenants, change))
    if kind == "user_update":
        return "POST", f"users/{user}", tenants.user(change["to"])
    if kind == "device_create":
        return "PUT", "devices", tenants.device(change["device_type"])
    return {
        "limits": ("POST", "limits", after),
        "manual": ("PATCH", "services/manual", after),
        "assign": ("POST", "services", tenants.filled(change.get("data", {}))),
        "quote": ("POST", "services/quote", tenants.filled(change.get("data", {}))),
        "user_delete": ("DELETE", f"users/{user}", {}),
        "number_create": ("PUT", "phone_numbers/+14085550123", {}),
    }[kind]


def asked_of_user(tenants: Tenants, change: dict[str, Any]) -> dict[str, Any]:
    """What a new user's document has beyond its level: that it is disabled, a plan of its own."""
    more = {"enabled": change["enabled"]} if "enabled" in change else {}
    plans = {
        tenants.plans[plan]: {"vendor_id": tenants.ids[assigned["vendor_id"].lstrip("@")]}
        for plan, assigned in change.get("service_plans", {}).items()
    }
    return {**more, "service": {"plans": plans}} if plans else more


def told(case: dict[str, Any], compat: str) -> dict[str, Any]:
    """A case as the release has it: 4.3 does not count accounts."""
    if compat == "5.0":
        return case
    result = deepcopy(case)
    for quantities in found(result, "account", "cascade", "manual"):
        for part in ("account", "cascade"):
            quantities[part].pop("accounts", None)
    return result


def found(value: Any, *members: str) -> Iterator[dict[str, Any]]:
    """Every object below that has all these members."""
    if isinstance(value, dict) and all(isinstance(value.get(member), dict) for member in members):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from found(part, *members)


async def play(tenants: Tenants, case: dict[str, Any]) -> None:
    """The whole case; fails where an answer differs from what was seen."""
    change = case["change"]
    user = await set_up(tenants, case)
    payers = {case["payer"]: case, **case.get("also", {})}
    before = {name: await tenants.summary(name) for name in payers}
    assert before[case["payer"]]["quantities"] == case["quantities_before"]
    for name, seen in payers.items():
        assert not differences(seen["summary_before"]["invoices"], before[name]["invoices"])

    who = CALLERS.get(case["caller"], change["account"])
    method, path, data = request(tenants, change, user)
    answer = await tenants.sent(who, method, change["account"], path, data)
    assert answer.status == case["status"], answer
    if answer.status == 402:
        assert not differences(case["quote"], answer.data)
        assert {name: await tenants.summary(name) for name in payers} == before
        accepted = await tenants.sent(who, method, change["account"], path, data, accept_charges=True)
        assert accepted.status == case["status_accepted"], accepted
    elif "quote" in case:
        assert not differences(case["quote"], answer.data["invoices"])

    for name, seen in payers.items():
        after, expected = await tenants.summary(name), seen["summary_after"]
        if expected == "unchanged":
            assert after == before[name]
        else:
            assert not differences(expected["invoices"], after["invoices"])
            assert after["quantities"] == expected["quantities"]


@pytest.mark.parametrize("case_id", cases())
async def test_a_change_costs_what_it_cost_on_kazoo(tenants: Tenants, case_id: str, compat: str) -> None:
    await play(tenants, told(cases()[case_id], compat))


@IN_4_3
@pytest.mark.parametrize("case_id", [key for key in ISOLATING if key not in OTHERWISE_IN_4_3])
async def test_a_change_costs_the_same_in_4_3(tenants: Tenants, case_id: str, compat: str) -> None:
    await play(tenants, told(cases()[case_id], compat))


@IN_4_3
async def test_a_new_user_counts_no_account_in_4_3(tenants: Tenants) -> None:
    case = told(cases()["iso-072"], "4.3")
    await set_up(tenants, case)
    answer = await tenants.sent("R1", "PUT", "A1", "users", tenants.user("user"))
    (invoice,) = answer.data
    assert answer.status == 402
    assert {(item["category"], item["quantity"]) for item in invoice["items"]} == {
        ("accounts", 0),
        ("users", 1),
    }
    assert invoice["summary"] == {"today": 0.0, "recurring": 4.0}

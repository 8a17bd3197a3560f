"""The observed prices (tests/data) in the form in which KAZOO's answers carry them.

A summary of services holds the merged plan; where the observations leave it out it is merged here, by the
rules that were observed beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from kazoo_operator.core.pricing.figures import Unpriced
from kazoo_operator.core.pricing.summary import Delta, Summary
from kazoo_operator.core.pricing.terms import Terms

Json = dict[str, Any]

DATA = Path(__file__).parent.parent / "data" / "pricing-cases.json"
CASES: list[Json] = json.loads(DATA.read_text(), parse_float=Decimal)["cases"]
MIXED = ("rates", "flat_rates")
OF_THE_HIGHEST = ("rate", "flat_rate", "activation_charge", "step", "as", "name")


def ids(cases: Iterable[Json]) -> list[str]:
    return [case["id"] for case in cases]


def summary(case: Json, account: str, when: str = "before") -> Json:
    """`services/summary` of an account before or after the change."""
    seen = case if account == case["payer"] else case["also"][account]
    told = seen[f"summary_{when}"]
    if told == "unchanged":
        return summary(case, account)
    plans = merged_plans(case, account)
    change = case["change"]
    if when == "after" and change["type"] == "assign":
        assigned = [*case["assigned"], {"account": account, "data": change["data"]}]
        plans = merged_plans({**case, "assigned": assigned}, account)
    if when == "after" and "service_plans" in change:
        plans = with_plans_of_a_user(case, account)
    counts = case.get("quantities_before") if account == case["payer"] else told.get("quantities")
    if when == "after":
        counts = told["quantities"]
    return wire(told["invoices"], plans, counts)


def quoted(case: Json) -> Json:
    """The answer of `services/quote`: the bill as if only the plans of the body were assigned."""
    plans = merged_plans(case, case["payer"], as_quoted=True)
    return wire(case["quote"], plans, case["quantities_before"])


def seen_by_quote(case: Json) -> Json:
    """The bill that a quote compares with, which is not the present one where the body has overrides.

    KAZOO does not print it, so its lines are made of our own prices.
    """
    counts = {"cascade": {}, "manual": {}, **case["quantities_before"]}
    return _bill(present_as_quoted(case), counts)


def bill(plan: Json, account: Json, *, manual: Json | None = None, priced: bool = True) -> Json:
    """The summary of an account with this merged plan and these counts, at our own prices."""
    counts = {"account": account, "cascade": {}, "manual": manual or {}}
    return _bill({"default_bookkeeper": plan} if plan else {}, counts, priced=priced)


def _bill(plans: Mapping[str, Json], counts: Json, *, priced: bool = True) -> Json:
    empty = [
        {"plan": plan, "items": [], "summary": {"recurring": 0}, "bookkeeper": {"id": keeper}}
        for keeper, plan in plans.items()
    ]
    told: Json = {"plans": {}, "invoices": empty, "quantities": counts}
    read = Summary.of(told)
    for invoice, shown in zip(read.invoices, empty, strict=True):
        for (category, key), body in invoice.plan.items() if priced else ():
            shown["items"].extend(_lines(read, category, key, body))
        shown["summary"] = {"recurring": sum((line["total"] for line in shown["items"]), Decimal(0))}
    return told


def _lines(read: Summary, category: str, key: str, body: Any) -> Iterator[Json]:
    """KAZOO's line for an item; none where its terms are not understood."""
    try:
        terms = Terms.of(key, body)
        charge = terms.charge(read.quantity(category, key, terms))
    except Unpriced:
        return
    yield {
        "category": category,
        "item": terms.item(key),
        "quantity": charge.quantity,
        "billable": charge.billable,
        "rate": charge.rate,
        "total": charge.total,
    }


def the_402(case: Json) -> list[Json]:
    """The `data` of the 402."""
    plans = with_plans_of_a_user(case, case["payer"])
    invoices: list[Json] = wire(case["quote"], plans, {})["invoices"]
    return invoices


def wire(invoices: list[Json], plans: Mapping[str, Json], counts: Json) -> Json:
    """Invoices with their plans, and sums as KAZOO printed them."""
    return {
        "plans": {"a plan": {}} if plans else {},
        "invoices": [_invoice(invoice, plans) for invoice in invoices],
        "quantities": {"account": {}, "cascade": {}, "manual": {}, **counts},
    }


def _invoice(said: Json, plans: Mapping[str, Json]) -> Json:
    keeper = said.get("bookkeeper") or next(iter(plans), "default_bookkeeper")
    return {
        "items": [_line(line) for line in said["items"]],
        "activation_charges": [_unrounded(charge) for charge in said["activation_charges"]],
        "taxes": [],
        "summary": _unrounded(said["summary"]),
        "plan": said.get("merged_plan") or plans[keeper],
        "bookkeeper": {"id": keeper, "type": "default", "vendor_id": "0" * 32},
    }


def _line(line: Json) -> Json:
    return {**_unrounded(line), "prorate": {"additions": True, "removals": True}}


def _unrounded(said: Json) -> Json:
    """Sums as Decimals, in all places where KAZOO printed more than four."""
    found: Json = {}
    for key, value in said.items():
        if isinstance(value, dict) and key != "changes":
            found[key] = _unrounded(value)
        elif key in ("rate", "total", "today", "recurring"):
            found[key] = Decimal(said.get(f"{key}_raw", value))
        elif not key.endswith("_raw"):
            found[key] = value
    return found


def deltas(case: Json) -> list[Delta]:
    """The units that the change adds or takes away, where it changes what KAZOO counts by itself."""
    match case["change"]:
        case {"type": "limits", "before": before, "after": after}:
            names = ("inbound_trunks", "outbound_trunks", "twoway_trunks")
            return [Delta("limits", name, after.get(name, 0) - before.get(name, 0)) for name in names]
        case {"type": "user_create", "priv_level": level, **rest}:
            return [Delta("users", level, 1 if rest.get("enabled", True) else 0)]
        case {"type": "user_update", "from": old, "to": new}:
            return [Delta("users", old, -1), Delta("users", new, 1)]
        case {"type": "user_delete", "priv_level": level}:
            return [Delta("users", level, -1)]
        case {"type": "device_create", "device_type": kind}:
            return [Delta("devices", kind, 1)]
        case {"type": "number_create", "kind": kind}:
            return [Delta("phone_numbers", kind, 1), Delta("number_carriers", "knm_inventory", 1)]
    raise AssertionError(case["id"])


def merged_plans(case: Json, account: str, *, as_quoted: bool = False) -> dict[str, Json]:
    """The merged plan of each bookkeeper, of the plans assigned to an account or named in the quote."""
    assigned, everywhere = _assigned(case, account)
    if as_quoted:
        body = case["change"]["data"]
        assigned = {_id(one): _overrides(one) or {} for one in body.get("plans") or body.get("add") or []}
        everywhere = body.get("overrides", everywhere)
    return _merged(case, assigned, everywhere)


def present_as_quoted(case: Json) -> dict[str, Json]:
    """The plans of the bill that a quote takes for the present one: assigned ones, overrides of the body."""
    body = case["change"]["data"]
    assigned, everywhere = _assigned(case, case["payer"])
    said = {_id(one): _overrides(one) or {} for one in body.get("plans") or body.get("add") or []}
    return _merged(case, {one: said.get(one, {}) for one in assigned}, body.get("overrides", everywhere))


def with_plans_of_a_user(case: Json, account: str) -> dict[str, Json]:
    """As assigned, and the plans on the document of the new user."""
    assigned, everywhere = _assigned(case, account)
    assigned.update({one: {} for one in case["change"].get("service_plans", {})})
    return _merged(case, assigned, everywhere)


def _assigned(case: Json, account: str) -> tuple[dict[str, Json], Json]:
    """Plan -> overrides of its assignment, in the order assigned; and the account-wide overrides."""
    found: dict[str, Json] = {}
    everywhere: Json = {}
    order: list[str] = []
    for assignment in case["assigned"]:
        if assignment["account"] != account:
            continue
        body, merging = assignment["data"], assignment.get("merge", False)
        for one in body.get("add", []):
            given, former = _overrides(one), found.get(_id(one), {})
            found[_id(one)] = former if given is None else deep(former, given) if merging else given
        if "overrides" in body:
            everywhere = deep(everywhere, body["overrides"]) if merging else body["overrides"]
        order = assignment.get("order", order)
    return {one: found[one] for one in sorted(found, key=lambda one: _place(one, order))}, everywhere


def _place(plan: str, order: list[str]) -> int:
    return order.index(plan) if plan in order else len(order)


def _id(assignment: Any) -> str:
    return str(assignment["id"]) if isinstance(assignment, dict) else str(assignment)


def _overrides(assignment: Any) -> Json | None:
    return assignment.get("overrides") if isinstance(assignment, dict) else None


def _merged(case: Json, assigned: Mapping[str, Json], everywhere: Json) -> dict[str, Json]:
    documents = {plan["id"]: plan["document"] for plan in case["plans"]}
    found: dict[str, list[Json]] = {}
    for one, overrides in assigned.items():
        if one in documents:
            document = deep(deep(documents[one], everywhere), overrides)
            found.setdefault(document.get("bookkeeper", {}).get("id", "default_bookkeeper"), []).append(
                document
            )
    return {keeper: _one_plan(group) for keeper, group in found.items()}


def _one_plan(documents: list[Json]) -> Json:
    groups: dict[str, list[Json]] = {}
    for document in documents:
        groups.setdefault(document.get("merge", {}).get("strategy", "simple"), []).append(document)
    plan: Json = {}
    for strategy in ("simple", "recursive", "cumulative"):
        ranked = sorted(groups.get(strategy, []), key=_rank)
        if strategy == "cumulative":
            plan = deep(plan, _cumulated([document.get("plan", {}) for document in ranked]))
        else:
            for document in reversed(ranked):
                plan = deep(plan, document.get("plan", {}))
    return plan


def _rank(document: Json) -> tuple[bool, int]:
    """The highest first: no priority beats every number, and of equals the first assigned."""
    priority = document.get("merge", {}).get("priority")
    return priority is not None, -(priority or 0)


def _cumulated(plans: list[Json]) -> Json:
    found: Json = {}
    for category, key in dict.fromkeys((c, k) for plan in plans for c, items in plan.items() for k in items):
        items = [plan[category][key] for plan in plans if key in plan.get(category, {})]
        found.setdefault(category, {})[key] = _cumulated_item(items)
    return found


def _cumulated_item(items: list[Json]) -> Json:
    """One item from the same item of several plans, the highest first; every other member is lost."""
    found: Json = {
        **{name: _highest(name, items) for name in OF_THE_HIGHEST},
        **{name: _mixed(name, items) for name in MIXED},
        "minimum": sum(int(item.get("minimum") or 0) for item in items),
        "exceptions": list(dict.fromkeys(name for item in items for name in item.get("exceptions", []))),
        "cascade": any(item.get("cascade") in (True, "true") for item in items),
        "discounts": {},
    }
    for kind in ("single", "cumulative"):
        discounts = [item.get("discounts", {}).get(kind, {}) for item in items]
        most = sum(one.get("maximum", 0) for one in discounts)
        one = {"rate": _highest("rate", discounts), "rates": _mixed("rates", discounts), "maximum": most}
        found["discounts"][kind] = _filled(one)
    found["discounts"] = _filled(found["discounts"])
    return _filled(found)


def _filled(members: Json) -> Json:
    return {key: value for key, value in members.items() if value or (value == 0 and key in OF_THE_HIGHEST)}


def _highest(name: str, items: list[Json]) -> Any:
    return next((item[name] for item in items if item.get(name) is not None), None)


def _mixed(name: str, items: list[Json]) -> Json:
    """Tier by tier, the highest plan winning."""
    found: Json = {}
    for item in items:
        found = {**item.get(name, {}), **found}
    return found


def deep(lower: Json, higher: Json) -> Json:
    """A merge in which the higher wins; null and `{}` take nothing away, and arrays are replaced whole."""
    found = dict(lower)
    for key, value in higher.items():
        if value is None:
            continue
        found[key] = deep(found[key], value) if _are_objects(found.get(key), value) else value
    return {key: value for key, value in found.items() if value is not None}


def _are_objects(*values: Any) -> bool:
    return all(isinstance(value, dict) for value in values)

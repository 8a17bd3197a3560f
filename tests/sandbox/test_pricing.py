"""What a bill comes to: every case that was observed on KAZOO, without HTTP, and what strange plans do."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.sandbox import invoice
from kazoo_operator.sandbox.invoice import Bill, Quantities
from kazoo_operator.sandbox.plan import Plan, merged, overridden
from tests.sandbox.pricing import cases, differences

ASSIGNED_ALREADY = [key for key, case in cases().items() if case["change"]["type"] != "assign"]


def bill_of(case: dict[str, Any], quantities: dict[str, Any]) -> Bill:
    """The payer's bill with the plans that were assigned before the change."""
    documents = {plan["id"]: plan for plan in case["plans"]}
    own: dict[str, Any] = {}
    wide: dict[str, Any] = {}
    for assignment in case["assigned"]:
        if assignment["account"] != case["payer"]:
            continue
        data, merge = assignment["data"], assignment.get("merge", False)
        for entry in data.get("add", []):
            named = {"id": entry} if isinstance(entry, str) else entry
            old, given = own.get(named["id"], {}), named.get("overrides")
            own[named["id"]] = old if given is None else merged(old, given) if merge else given
        if "overrides" in data:
            wide = merged(wide, data["overrides"]) if merge else data["overrides"]
    plans = [
        Plan(documents[plan_id]["vendor"], overridden(documents[plan_id]["document"], wide, overrides))
        for plan_id, overrides in own.items()
    ]
    return invoice.bill(plans, Quantities(**quantities))


@pytest.mark.parametrize("case_id", cases())
def test_a_bill_before_a_change_is_what_kazoo_printed(case_id: str) -> None:
    case = cases()[case_id]
    bill = bill_of(case, case["quantities_before"])
    assert not differences(case["summary_before"]["invoices"], invoice.printed(bill))


@pytest.mark.parametrize("case_id", [key for key in ASSIGNED_ALREADY if key != "iso-136"])
def test_a_bill_after_a_change_is_what_kazoo_printed(case_id: str) -> None:
    case = cases()[case_id]
    after = case["summary_after"]
    if after == "unchanged":
        after = {**case["summary_before"], "quantities": case["quantities_before"]}
    bill = bill_of(case, after["quantities"])
    assert not differences(after["invoices"], invoice.printed(bill))


@pytest.mark.parametrize(
    "rules",
    [
        {"rate": "dear"},
        {"rate": False, "rates": [1, 2]},
        {"rate": float("inf"), "minimum": "many"},
        {"rate": 1, "discounts": 7, "prorate": "yes", "exceptions": "all"},
        {"rate": 1, "discounts": {"single": 3, "cumulative": [3]}},
        {"rate": 1, "step": -4, "maximum": None},
    ],
)
def test_rules_that_make_no_sense_count_as_absent(rules: dict[str, Any]) -> None:
    plan = Plan("vendor", {"plan": {"limits": {"twoway_trunks": rules, "inbound_trunks": 4}, "users": []}})
    bill = invoice.bill([plan], Quantities({"limits": {"twoway_trunks": 2}}))
    (printed,) = invoice.printed(bill)
    assert [item["billable"] for item in printed["items"]] == [2]
    assert printed["summary"]["recurring"] == (2.0 if rules["rate"] == 1 else 0.0)

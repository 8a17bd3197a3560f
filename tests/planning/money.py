"""Objects of the money kinds for plans, and the service plan that the reseller pays by."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.report import PlannedObject, Report
from tests.engine.attached import attached
from tests.engine.conftest import World

PLAN: dict[str, Any] = {"limits": {"twoway_trunks": {"rate": 24.99, "cascade": True, "activation_charge": 2}}}
ENOUGH = {"accept": "UpTo", "maxRecurringIncrease": "1000", "maxOneTime": "1000"}
NOW = datetime.now(UTC).date()
TODAY = NOW.isoformat()
"""Accounts are made today, and no grant may be older than its account."""


def trunks(called: str = "acme", /, **more: Any) -> Resource:
    return attached("TrunkLimits", called, **{"allowPerMinute": True, **more})


def credit(*grants: dict[str, Any], called: str = "acme", **more: Any) -> Resource:
    said = {"grants": list(grants)} if grants else {}
    return attached("CreditPolicy", called, **{**said, **more})


def grant(called: str = "initial", amount: str = "25.00", **more: Any) -> dict[str, Any]:
    return {"id": called, "amount": amount, "date": TODAY, **more}


async def assign(world: World, plan: dict[str, Any], realm: str = "") -> None:
    """Have an account pay by a plan of its reseller; by default the reseller that logs in."""
    known = world.sandbox.identity
    own = realm in ("", known.reseller.realm)
    vendor, plan_id = (known.master, "a" * 32) if own else (known.reseller, "b" * 32)
    edit = {"accountID": vendor.account_id, "document": "plan"}
    await world.control("POST", "documents", {**edit, "merge": {"id": plan_id, "name": "gold", "plan": plan}})
    (payer,) = await world.accounts(realm or known.reseller.realm)
    await world.as_master("POST", f"accounts/{payer}/services", {"add": [plan_id]})


def of_kind(report: Report, kind: str, name: str = "acme") -> PlannedObject:
    """The object of that kind and name."""
    (found,) = [one for one in report.objects if (one.key.kind, one.key.name) == (kind, name)]
    return found

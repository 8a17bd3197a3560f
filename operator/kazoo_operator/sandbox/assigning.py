"""How a request changes what is assigned: plans added and deleted, and the account-wide overrides."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from . import plan
from .services import Services


def ids(entries: Any) -> list[str]:
    """The plan ids of a list, whose entries are ids or objects with one."""
    return [entry["id"] for entry in _entries(entries)]


def _entries(value: Any) -> list[dict[str, Any]]:
    """A list of plans, each as an object; entries without an id are passed over."""
    entries = value if isinstance(value, list) else []
    objects = [{"id": entry} if isinstance(entry, str) else entry for entry in entries]
    return [entry for entry in objects if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def assigned(services: Services, data: Mapping[str, Any], vendor_id: str, *, merge: bool = False) -> Services:
    """What the body of a request makes of an account's services; `plans` is another name of `add`.

    A plan that is assigned already keeps its place, and its overrides where none are given; given ones
    replace them, or with `merge` are laid over them.
    """
    result = deepcopy(services)
    for plan_id in ids(data.get("delete")):
        result.plans.pop(plan_id, None)
    for entry in (*_entries(data.get("add")), *_entries(data.get("plans"))):
        old = result.plans.get(entry["id"], {})
        assignment: dict[str, Any] = {
            "vendor_id": entry.get("vendor_id") or vendor_id,
            "overrides": _overrides(old.get("overrides", {}), entry, merge),
        }
        contract = entry.get("contract", old.get("contract"))
        if contract is not None:
            assignment["contract"] = contract
        result.plans[entry["id"]] = assignment
    result.overrides = _overrides(result.overrides, data, merge)
    return result


def _overrides(old: dict[str, Any], data: Mapping[str, Any], merge: bool) -> dict[str, Any]:
    given = data.get("overrides")
    if not isinstance(given, dict):
        return old
    return plan.merged(old, given) if merge else given

"""Bills of accounts, and the 402 that asks for consent before a bill grows.

A billable write does two things, both with the account that it changes:

    billing.charge(call, account, {"limits": {"twoway_trunks": 3}})    before `call.before_execution`
    billing.settle(call, account)                                      after it has stored its document

Its action names `FAULTS`. Decreases are charged too: among other changes they count (Crossbar API, 402).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import invoice
from . import plan as service_plan
from .invoice import Bill, Quantities
from .plan import STRATEGIES, Plan, overridden, whole
from .quantity import Counts
from .refusal import Refusal

if TYPE_CHECKING:
    from .account import Account
    from .call import Call
    from .services import Services
    from .world import World

FAULTS = frozenset({"unbilled"})
"""The faults that a billable write carries out."""

Assignments = Mapping[str, Mapping[str, Any]]
"""Plan id -> `vendor_id`, and `overrides` if there are any."""
Changes = Mapping[str, Mapping[str, int]]
"""Category -> item -> how many more."""


def charge(call: Call, account: Account, changes: Changes, plans: Assignments | None = None) -> None:
    """Refuse with 402 a write that makes more units billable, unless the request accepts charges.

    The bill is that of the account whose token asks: the changes count as its own if it is the account that
    is changed, else among those below it. `plans` come with the document that is to be written.
    """
    payer, world = call.caller, call.world
    assigned = assignments(world, payer)
    own = payer.id == account.id
    new_plans = {**assigned, **plans} if plans and own else assigned
    if not new_plans or call.flag("accept_charges"):
        return
    before = quantities(world, payer)
    after = Quantities(
        account=_changed(before.account, changes) if own else before.account,
        cascade=before.cascade if own else _changed(before.cascade, changes),
        manual=before.manual,
    )
    wide = world.services.get(payer.id).overrides
    old = invoice.bill(_plans(world, assigned, wide), before)
    new = invoice.compared(old, invoice.bill(_plans(world, new_plans, wide), after))
    if any(each.added for each in new.values()):
        raise Refusal(402, "accept charges", invoice.printed(new))


def difference(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """How many more of each item there are after a change."""
    return {item: after.get(item, 0) - before.get(item, 0) for item in {*before, *after}}


def settle(call: Call, account: Account) -> None:
    """The account has changed: count it, and whatever was not billed under the same reseller.

    Nothing is counted for a request that would wait for it: KAZOO's own way of asking that is broken.
    """
    if (call.fault and call.fault.kind in FAULTS) or call.flag("wait_for_service_update"):
        call.world.quantities.leave_unbilled(account)
        return
    _recount(call.world, {account.id, *call.world.quantities.unbilled(account.reseller_id)})


def reconcile(world: World, account: Account) -> None:
    """Count the account, and whatever was not billed below it."""
    _recount(world, {account.id, *world.quantities.unbilled_from(account.id)})


def _recount(world: World, account_ids: Iterable[str]) -> None:
    for account_id in account_ids:
        account = world.accounts.get(account_id)
        if account:
            world.quantities.recount(account)


def current(world: World, account: Account) -> Bill:
    """What the account pays a month."""
    services = world.services.get(account.id)
    plans = _plans(world, assignments(world, account), services.overrides)
    return invoice.bill(plans, quantities(world, account))


def quoted(world: World, account: Account, wanted: Assignments, wide: Mapping[str, Any]) -> Bill:
    """What the account would pay with these plans alone, compared with what it pays.

    The present bill is made with the overrides that are asked for: KAZOO looks them up in what it is to
    become, and so forgets those that are assigned.
    """
    counts = quantities(world, account)
    present = {
        plan_id: {**assigned, "overrides": wanted.get(plan_id, {}).get("overrides", {})}
        for plan_id, assigned in assignments(world, account).items()
    }
    old = invoice.bill(_plans(world, present, wide), counts)
    return invoice.compared(old, invoice.bill(_plans(world, wanted, wide), counts))


def unmergeable(world: World, services: Services) -> dict[str, Any] | None:
    """The document of the first plan with a strategy that KAZOO does not know; None where there is none."""
    for plan_id, assigned in services.plans.items():
        for plan in _plans(world, {plan_id: assigned}, services.overrides):
            if plan.strategy not in STRATEGIES:
                return {**(world.service_plans.get(plan.vendor, plan_id) or {}), "id": plan_id}
    return None


def assignments(world: World, account: Account) -> Assignments:
    """The account's plans: its own, and those that hang on its users."""
    own = world.services.get(account.id).plans
    return {**own, **{key: plan for key, plan in world.users.plans(account.id).items() if key not in own}}


def applications(world: World, assigned: Assignments, wide: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What these plans say of apps: app id -> `enabled`, `vendor_id` and what else stands there."""
    return service_plan.applications(_plans(world, assigned, wide))


def quantities(world: World, account: Account) -> Quantities:
    """What the account and those below it have, as its bill knows it."""
    own, below = world.quantities.own(account.id), world.quantities.below(account.id)
    if world.release.counts_accounts:
        own["accounts"] = {"account": 1}
        if account.descendants:
            below["accounts"] = {"account": account.descendants}
    return Quantities(own, below, _numbers(world.services.get(account.id).manual))


def _numbers(manual: Mapping[str, Any]) -> Counts:
    """Quantities set by hand may hold anything; what is no number counts 0."""
    return {
        category: {item: whole(amount) for item, amount in items.items()}
        for category, items in manual.items()
        if isinstance(items, dict)
    }


def _changed(counts: Mapping[str, Mapping[str, int]], changes: Changes) -> Counts:
    result = {category: dict(items) for category, items in counts.items()}
    for category, items in changes.items():
        counted = result.setdefault(category, {})
        for item, change in items.items():
            counted[item] = counted.get(item, 0) + change
    return result


def _plans(world: World, assigned: Assignments, wide: Mapping[str, Any]) -> list[Plan]:
    """The documents of assigned plans under their overrides; those that do not exist are passed over."""
    plans: list[Plan] = []
    for plan_id, assignment in assigned.items():
        vendor = str(assignment.get("vendor_id"))
        document = world.service_plans.get(vendor, plan_id)
        if document is not None:
            own = assignment.get("overrides")
            plans.append(Plan(vendor, overridden(document, wide, own if isinstance(own, dict) else {})))
    return plans

"""`.../services`: assigned plans, what they cost, what may be changed about them (Crossbar API, services).

Reading is for whoever may act on the account; changing is for its reseller and superduper admins.
"""

from __future__ import annotations

import json
import secrets
from sqlite3 import Row
from typing import Any

from .. import assigning, authority, billing, booking, editable, merging, owner, services_view, topup
from ..account import Account
from ..call import Call, Reply
from ..ledger import MOST, UNITS
from ..listing import listing
from ..refusal import bad_identifier, system_error, validation
from ..routes import ANY, Action, Noun, Resource
from ..schema import Errors, Members, Number, fail, rounded
from ..services import Services
from ..world import World

TOP_UP = Members({"amount": Number()})


def read(call: Call) -> Reply:
    """The assigned plans."""
    return Reply(owner.services(call).plans)


def available(call: Call) -> Reply:
    """The plans that the account's reseller sells."""
    vendor, plans = owner.billed(call).reseller_id, call.world.service_plans
    item = _detailed if call.flag("details") else _listed
    return listing(
        call, f"plans {vendor}", lambda start, way: plans.rows(vendor, start, way), item, by_id=True
    )


def _listed(row: Row) -> dict[str, Any]:
    document = json.loads(row["document"])
    told = ("name", "description", "category")
    return {"id": row["id"], **{key: document[key] for key in told if key in document}}


def _detailed(row: Row) -> dict[str, Any]:
    return {**json.loads(row["document"]), "id": row["id"]}


def post(call: Call) -> Reply:
    """Add plans, delete plans, set the account-wide overrides, all in one."""
    account = owner.changed_by_reseller(call)
    for plan_id in assigning.ids(call.data.get("add")):
        _plan(call, account, plan_id)
    services = owner.services(call)
    changes = assigning.assigned(services, call.data, account.reseller_id, merge=call.flag("merge"))
    return _stored(call, account, changes)


def assign(call: Call) -> Reply:
    """Assign the plan in the path, with the overrides in the body."""
    account = owner.changed_by_reseller(call)
    plan_id = call.match.arguments[0]
    _plan(call, account, plan_id)
    data = {"add": [{**call.data, "id": plan_id}]}
    return _stored(
        call,
        account,
        assigning.assigned(owner.services(call), data, account.reseller_id, merge=call.flag("merge")),
    )


def unassign(call: Call) -> Reply:
    """Take the plan in the path away; it must exist, but need not be assigned."""
    account = owner.changed_by_reseller(call)
    plan_id = call.match.arguments[0]
    _plan(call, account, plan_id)
    return _stored(
        call, account, assigning.assigned(owner.services(call), {"delete": [plan_id]}, account.reseller_id)
    )


def _plan(call: Call, account: Account, plan_id: str) -> dict[str, Any]:
    document = call.world.service_plans.get(account.reseller_id, plan_id)
    if document is None:
        raise bad_identifier(plan_id)
    return document


def _stored(call: Call, account: Account, services: Services) -> Reply:
    """A plan with a strategy that KAZOO does not know is answered with itself, and nothing is stored."""
    world = call.world
    call.before_execution()
    strange = billing.unmergeable(world, services)
    if strange is not None:
        return Reply(strange)
    if services == world.services.get(account.id):
        return Reply(services.plans)
    world.services.save(services)
    return Reply(services.plans, revision=services.rev)


def overrides(call: Call) -> Reply:
    """The account-wide overrides."""
    return Reply(owner.services(call).overrides)


def set_overrides(call: Call) -> Reply:
    """The body is the whole map."""
    return _save_overrides(call, merging.public(call.data))


def patch_overrides(call: Call) -> Reply:
    """The body is merged into the map, nulls remove."""
    return _save_overrides(call, merging.patched(owner.services(call).overrides, merging.public(call.data)))


def _save_overrides(call: Call, wanted: dict[str, Any]) -> Reply:
    owner.changed_by_reseller(call)
    services = owner.services(call)
    call.before_execution()
    services.overrides = wanted
    call.world.services.save(services)
    return Reply(wanted)


def manual(call: Call) -> Reply:
    """The quantities set by hand, which the account itself does not see."""
    owner.changed_by_reseller(call)
    return Reply(owner.services(call).manual)


def set_manual(call: Call) -> Reply:
    """The body is the whole map, unless it is empty. In 5.0 a reseller's first one is lost."""
    account = owner.changed_by_reseller(call)
    wanted, services = merging.public(call.data), owner.services(call)
    call.before_execution()
    if account.is_reseller and not services.manual and call.world.release.loses_manual_of_resellers:
        return Reply(None)
    return _save_manual(call, services, wanted or services.manual)


def patch_manual(call: Call) -> Reply:
    """The body is merged into the map, nulls remove."""
    owner.changed_by_reseller(call)
    services = owner.services(call)
    call.before_execution()
    return _save_manual(call, services, merging.patched(services.manual, merging.public(call.data)))


def _save_manual(call: Call, services: Services, wanted: dict[str, Any]) -> Reply:
    services.manual = wanted
    call.world.services.save(services)
    return Reply(wanted)


def top_up(call: Call) -> Reply:
    """Book a credit, as a system without a payment processor does; whoever may act on the account may ask."""
    account = owner.billed(call)
    errors: Errors = {}
    checked = TOP_UP.check(call.data, (), errors)
    amount = checked.get("amount", 0)
    if not errors and amount <= 0:
        fail(errors, ("amount",), "required", "Field is required but missing")
    if errors:
        raise validation(errors)
    call.before_execution()
    units = rounded(min(amount * UNITS, MOST))
    entry = topup.book(call.world, account, units, "manual", booking.audit(call))
    return Reply({"ledger": entry.shown})


def reconcile(call: Call) -> Reply:
    """Count again what bills have missed."""
    account = owner.billed(call)
    call.before_execution()
    billing.reconcile(call.world, account)
    return Reply()


def synchronise(call: Call) -> Reply:
    """Push the bill to the bookkeeper; there is none."""
    owner.billed(call)
    call.before_execution()
    return Reply()


def editable_fields(call: Call) -> Reply:
    """What plans and overrides may say of each item."""
    owner.billed(call)
    return Reply(editable.fields(call.world.release))


def audits(call: Call) -> Reply:
    """The log of changes of services, summed up.

    The sandbox keeps none. An account whose services had changed had a row in 4.3, and none in 5.0.
    """
    account, services = owner.billed(call), call.world.services
    if not call.world.release.audits_have_own_path:
        return listing(call, "audits", lambda start, way: iter(()), _audited)
    return listing(call, "audits", lambda start, way: services.rows(account.id), _audited)


def _audited(row: Row) -> dict[str, Any]:
    return {"id": row["id"]}


def audit_entry(call: Call) -> Reply:
    """No entry is known; in 5.0 `summary` is none."""
    if call.match.arguments[1] == "summary" and not call.world.release.audits_have_own_path:
        return audits(call)
    owner.billed(call)
    raise bad_identifier(call.match.arguments[1])


def _edit_plan(world: World, account: Account, merge: dict[str, Any]) -> dict[str, Any]:
    """A plan that the account sells: known by its `id` or else its `name`, new where there is none such."""
    plans, given = world.service_plans, str(merge.get("id") or "")
    plan_id = given or plans.named(account.id, merge.get("name")) or secrets.token_hex(16)
    stored = plans.get(account.id, plan_id) or {}
    document = merging.merge_patched(stored, {key: value for key, value in merge.items() if key != "id"})
    plans.save(account.id, plan_id, document, world.clock.gregorian())
    return {**document, "id": plan_id}


def _state(world: World, account: Account) -> dict[str, Any]:
    return {"plans": world.services.get(account.id).plans}


_rule = authority.of_the_account_or_superduper


def _only_with_own_path(call: Call) -> None:
    """In 5.0 this path is that of a plan, which is not read."""
    _rule(call)
    if not call.world.release.audits_have_own_path:
        raise system_error(405, text="method not allowed")


NOUN = Noun(
    "services",
    (
        Resource((), {"GET": Action(read, _rule), "POST": Action(post, _rule)}),
        Resource(("available",), {"GET": Action(available, _rule)}),
        Resource(("summary",), {"GET": Action(services_view.summary, _rule)}),
        Resource(("quote",), {"POST": Action(services_view.quote, _rule)}),
        Resource(
            ("overrides",),
            {
                "GET": Action(overrides, _rule),
                "POST": Action(set_overrides, _rule),
                "PATCH": Action(patch_overrides, _rule),
            },
        ),
        Resource(
            ("manual",),
            {
                "GET": Action(manual, _rule),
                "POST": Action(set_manual, _rule),
                "PATCH": Action(patch_manual, _rule),
            },
        ),
        Resource(("reconciliation",), {"POST": Action(reconcile, _rule)}),
        Resource(("synchronization",), {"POST": Action(synchronise, _rule)}),
        Resource(("topup",), {"POST": Action(top_up, _rule)}),
        Resource(("editable",), {"GET": Action(editable_fields, _rule)}),
        Resource(("audit",), awaited=frozenset({"GET"})),
        Resource(("audit", ANY), {"GET": Action(audit_entry, _rule)}),
        Resource(("audit_summary",), {"GET": Action(audits, _only_with_own_path)}),
        Resource((ANY,), {"POST": Action(assign, _rule), "DELETE": Action(unassign, _rule)}),
    ),
    documents={"plan": _edit_plan},
    state=_state,
)

"""`.../limits`: trunks, caps of calls, and whether calls may spend credit (Crossbar API, limits)."""

from __future__ import annotations

from typing import Any

from .. import authority, billing, merging
from ..account import Account
from ..call import Call, Reply
from ..limits import PRIVATE, AccountLimits, counted, schema
from ..refusal import Refusal, init_failed, validation
from ..routes import Action, Noun, Resource
from ..schema import Errors
from ..world import World


def read(call: Call) -> Reply:
    """What is stored; without a document, what would be stored by default, and no revision."""
    limits = call.world.limits.get(_account(call).id)
    if limits is None:
        return Reply({**schema(call.world.release).check({}, (), {}), "id": "limits"})
    return Reply(limits.shown, revision=limits.rev)


def post(call: Call) -> Reply:
    """The body replaces the whole public document, other tools' members too."""
    account, world = _account(call), call.world
    if not _may_change(call, account):
        raise authority.forbidden()
    body = {
        key: value
        for key, value in merging.public(call.data).items()
        if key != "id" and key not in PRIVATE
    }  # fmt: skip
    errors: Errors = {}
    document = schema(world.release).check(body, (), errors)
    if errors:
        raise validation(errors, prints_nulls=True)
    limits = world.limits.get(account.id) or AccountLimits(account.id)
    billing.charge(call, account, {"limits": billing.difference(counted(limits.document), counted(document))})
    call.before_execution(limits.rev)
    limits.document = document
    limits.revision += 1
    world.limits.save(limits)
    billing.settle(call, account)
    return Reply(limits.public, revision=limits.rev)


def _account(call: Call) -> Account:
    """The account in the path; one whose creation was cut cannot tell its reseller yet."""
    account = call.account
    if account is None:
        raise init_failed()
    if account.stage != "whole":
        raise Refusal(503, "datastore missing view", {})
    return account


def _may_change(call: Call, account: Account) -> bool:
    """The reseller may, and superduper admins; where the master is the reseller, whoever may act there."""
    caller, reseller = call.caller, call.world.accounts.get(account.reseller_id)
    return caller.superduper or caller.id == account.reseller_id or bool(reseller and reseller.superduper)


def _edit(world: World, account: Account, merge: dict[str, Any]) -> dict[str, Any]:
    """An edit behind KAZOO's back: no rules, but billed. The private members are set like public ones."""
    limits = world.limits.get(account.id) or AccountLimits(account.id)
    private = {"allow_postpay": limits.allow_postpay, "max_postpay_amount": limits.max_postpay_amount}
    document = merging.merge_patched({**limits.document, **private}, merge)
    limits.allow_postpay = document.pop("allow_postpay", False) is True
    amount = document.pop("max_postpay_amount", 0)
    limits.max_postpay_amount = amount if isinstance(amount, (int, float)) else 0
    limits.document = document
    limits.revision += 1
    world.limits.save(limits)
    world.quantities.recount(account)
    return limits.shown


def _state(world: World, account: Account) -> dict[str, Any]:
    limits = world.limits.get(account.id)
    return {"limits": limits.shown if limits else {}}


NOUN = Noun(
    "limits",
    (Resource((), {"GET": Action(read), "POST": Action(post, faults=billing.FAULTS)}),),
    documents={"limits": _edit},
    state=_state,
)

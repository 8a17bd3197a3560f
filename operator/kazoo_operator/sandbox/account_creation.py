"""`PUT /accounts`: how an account comes into being, or only seems to.

A create that fails is undone by a delete, whose success is answered 201; and one with the id of another
account deletes that account so (Crossbar API, create).
"""

from __future__ import annotations

import secrets
from typing import Any

from . import account_rules, merging
from .account import Account
from .account_rules import Validated
from .account_view import shown
from .call import Call, Reply
from .refusal import ConnectionCut, system_error, validation

TRIAL = 14 * 24 * 3600


def create(call: Call) -> Reply:
    """A child of the account in the path, or of the caller."""
    parent, world = call.account or call.caller, call.world
    body = merging.public(call.data)
    trial = body.pop("is_trial_account", None) in (True, "true")
    judged = account_rules.validated(body, world.accounts, world.release)
    if judged.errors:
        raise validation(judged.errors)
    call.before_execution()
    account = Account(
        id=_new_id(call.data),
        tree=(*parent.tree, parent.id),
        document=judged.document,
        created=world.clock.gregorian(),
        reseller_id=parent.id if parent.is_reseller else parent.reseller_id,
        api_key=secrets.token_hex(32),
        enabled=_born_enabled(call, parent, judged),
        trial_ends=world.clock.gregorian() + TRIAL if trial else None,
    )
    if world.release.stores_enabled_at_birth:
        account.document["enabled"] = account.enabled
    existing = world.accounts.get(account.id)
    if existing:
        world.remove(existing)
        return _rolled_back(existing, parent)
    return _built(call, account, parent)


def _new_id(data: dict[str, Any]) -> str:
    """An id in the body is honoured, whoever has it."""
    given = data.get("_id", data.get("id"))
    if given is None:
        return secrets.token_hex(16)
    if not isinstance(given, str) or len(given) != 32:
        raise system_error(500)
    return given


def _born_enabled(call: Call, parent: Account, judged: Validated) -> bool:
    if call.world.release.parent_disables_at_birth:
        return parent.enabled and judged.enabled
    if call.account and call.caller.id == parent.id:
        return parent.enabled  # the parent's own token cannot say it: the account is born as its parent is
    return judged.enabled


def _built(call: Call, account: Account, parent: Account) -> Reply:
    world, fault = call.world, call.fault
    if fault and fault.kind == "cut":
        account.stage = "early" if fault.value == "early" else "late"
        world.accounts.insert(account)
        raise ConnectionCut
    no_cascade = world.release.first_child_is_rolled_back and world.resellers.lacks_cascade(parent.id)
    if no_cascade or (fault and fault.kind == "rollback"):
        return _rolled_back(account, parent)
    world.accounts.insert(account)
    world.ledgers.total(account)  # the first look opens the month
    reply = Reply(shown(account, call, reseller_known=call.account is not None))
    if world.release.create_says_revision:
        reply.revision, reply.location = account.rev, f"{call.path.rstrip('/')}/{account.id}"
    return reply


def _rolled_back(account: Account, parent: Account) -> Reply:
    """A create that failed is undone by a delete, and that one's success is the 201."""
    document = {**account.document, "id": account.id, "superduper_admin": False, "wnm_allow_additions": False}
    document.pop("enabled", None)
    return Reply(document, revision=account.rev, location=f"/v2/accounts/{parent.id}/{account.id}")

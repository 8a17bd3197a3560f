"""`POST /accounts/{id}/move`: an account, and all below it, under another parent.

Only a superduper admin may. The new parent is not looked for: one that does not exist is taken all the same,
and then nobody stands above the account (Crossbar API, other account calls).
"""

from __future__ import annotations

from . import authority
from .account import Account
from .account_view import shown
from .call import Call, Reply
from .refusal import validation


def move(call: Call) -> Reply:
    """Also to where it stands already; an empty `to` moves nothing."""
    account, accounts = call.subject, call.world.accounts
    target = call.data.get("to")
    if target is None:
        raise validation({"to": {"required": {"message": "Field 'to' is required"}}})
    parent = accounts.get(str(target))
    tree = (*parent.tree, parent.id) if parent else (str(target),)
    if not call.caller.superduper or account.id in tree:
        raise authority.forbidden()
    call.before_execution(account.rev)
    if target != "":
        _move(call, account, tree)
    return Reply(shown(account, call), revision=account.rev)


def _move(call: Call, account: Account, tree: tuple[str, ...]) -> None:
    """Whoever comes to stand below another reseller gets that one, unless one stands between."""
    world, old_tree = call.world, account.tree
    world.accounts.move(account, tree)
    world.quantities.move(account, old_tree)
    for each in (account, *world.accounts.subtree(account.id)):
        each.reseller_id = _nearest_reseller(call, each)
        world.accounts.save(each)


def _nearest_reseller(call: Call, account: Account) -> str:
    above = (call.world.accounts.get(account_id) for account_id in reversed(account.tree))
    return next((each.id for each in above if each and each.is_reseller), account.reseller_id)

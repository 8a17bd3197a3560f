"""`PUT` and `DELETE .../reseller`: making an account a reseller, and an account again.

Only a superduper admin may. Whoever stands below gets the new reseller; where another one stands there, both
are refused (Crossbar API, other account calls).
"""

from __future__ import annotations

from . import authority
from .account import Account
from .account_view import shown
from .call import Call, Reply
from .refusal import system_error


def promote(call: Call) -> Reply:
    """Promoting twice changes nothing the second time."""
    account = _checked(call)
    if not account.is_reseller:
        account.is_reseller = True
        account.revision += 1
        call.world.accounts.save(account)
        call.world.resellers.hand_over(account.id, account.id)
        if not call.world.accounts.has_descendants(account.id):
            call.world.resellers.note_missing_cascade(account.id)
    location = f"/v2/accounts/{account.id}/reseller/{account.id}"
    return Reply(shown(account, call), revision=account.rev, location=location)


def demote(call: Call) -> Reply:
    """The answer looks like that of a deletion, and nothing is deleted."""
    account = _checked(call)
    if account.is_reseller:
        account.is_reseller = False
        account.revision += 1
        call.world.accounts.save(account)
        call.world.resellers.hand_over(account.id, account.reseller_id)
        call.world.resellers.forget_missing_cascade(account.id)
    return Reply({**shown(account, call), "_read_only": {"deleted": True}}, revision=account.rev)


def _checked(call: Call) -> Account:
    account = call.subject
    if not call.caller.superduper or account.superduper:
        raise authority.forbidden()
    if call.world.resellers.any_below(account.id):
        raise system_error(500, "account_has_descendants")
    call.before_execution(account.rev)
    return account

"""Who may act on what (Crossbar API, authority).

An account may act on itself and on everything below it; an account with the private flag "superduper
admin", which only the master has here, on everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .refusal import Refusal, empty, system_error

if TYPE_CHECKING:
    from .account import Account
    from .call import Call


def may_act_on(caller: Account, account: Account) -> bool:
    """Whether the caller is the account, above it, or superduper."""
    return caller.superduper or caller.id == account.id or caller.id in account.tree


def of_the_account(call: Call) -> None:
    """The usual rule for `/accounts/{id}/...`."""
    if call.account is not None and not may_act_on(call.caller, call.account):
        raise forbidden()


def of_the_account_or_superduper(call: Call) -> None:
    """The same, and without an account in the path for superduper admins only."""
    of_the_account(call)
    if call.account is None and not call.caller.superduper:
        raise forbidden()


def of_the_reseller(call: Call) -> None:
    """The account's reseller, and superduper admins: a reseller is not its own."""
    reseller = call.account.reseller_id if call.account is not None else None
    if call.caller.id != reseller and not call.caller.superduper:
        raise forbidden()


def of_anyone(call: Call) -> None:
    """Any valid token will do."""


def or_a_crash(call: Call) -> None:
    """Some reads of ledgers crash for a caller without rights: 500 and no body."""
    if call.account is not None and not may_act_on(call.caller, call.account):
        raise empty(500)


def forbidden() -> Refusal:
    """The caller has no business there."""
    return system_error(403)

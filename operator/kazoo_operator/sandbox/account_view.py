"""Accounts as they are answered: what KAZOO adds to the public document, and what depends on who asks."""

from __future__ import annotations

from typing import Any

from .account import Account
from .call import Call


def shown(account: Account, call: Call | None = None, *, reseller_known: bool = True) -> dict[str, Any]:
    """An account as it is answered: read-only members win over what is stored under their names.

    `billing_mode` depends on who asks; without a call it is left out.
    """
    result = public(account)
    result |= {
        "created": account.created,
        "enabled": account.enabled,
        "is_reseller": account.is_reseller,
        "superduper_admin": account.superduper,
        "wnm_allow_additions": account.superduper,
    }
    if reseller_known:
        result["reseller_id"] = account.reseller_id
    result.pop("trial_time_left", None)
    if call is None:
        return result
    if account.trial_ends is not None:
        result["trial_time_left"] = account.trial_ends - call.world.clock.gregorian()
    if call.flag("include_api_key"):
        result["api_key"] = account.api_key
    result["billing_mode"] = _billing_mode(account, call, reseller_known)
    return result


def public(account: Account) -> dict[str, Any]:
    """The stored document alone, with its id and the number that a background job writes into it."""
    result = {**account.document, "id": account.id}
    if account.descendants:
        result["descendants_count"] = account.descendants
    return result


def _billing_mode(account: Account, call: Call, reseller_known: bool) -> str:
    if not reseller_known:
        return "manual"
    if call.caller.id == account.reseller_id:
        return "limits_only"
    reseller = call.world.accounts.get(account.reseller_id)
    return "normal" if reseller and reseller.superduper else "manual"

"""Calls that cost money by the minute: whether the account may have one, and what is booked for it.

A call that no flat-rate trunk takes needs credit: `allow_prepay` and a balance above 0, or `allow_postpay`
and a balance above what it may fall to. Once it is allowed it is not cut, and is booked whole (Crossbar API,
limits: fields).
"""

from __future__ import annotations

import secrets
from typing import Any

from .account import Account
from .ledger import MOST, UNITS, named
from .limits import AccountLimits
from .schema import rounded
from .world import World

HARD_LIMITS = ("calls", "resource_consuming_calls")


def billing(limits: AccountLimits, balance: int) -> str:
    """How a call is billed with a balance in units, or why there is none.

    `per_minute`, or `limits_disabled` which is free, and where there is none `hard_limit` or `no_credit`.
    """
    document = limits.document
    if document.get("enabled") is False:
        return "limits_disabled"
    if any(document.get(limit) == 0 for limit in HARD_LIMITS):
        return "hard_limit"
    prepaid = document.get("allow_prepay", True) is True and balance > 0
    postpaid = limits.allow_postpay and balance > -abs(limits.max_postpay_amount) * UNITS
    return "per_minute" if prepaid or postpaid else "no_credit"


def call(world: World, account: Account, seconds: int, rate: float) -> dict[str, Any]:
    """Have a call of so many seconds at a rate in the currency for each minute begun."""
    before = world.ledgers.total(account)
    how = billing(world.limits.made(account.id), before)
    units = min(rounded(-(-seconds // 60) * rate * UNITS), MOST) if how == "per_minute" else 0
    if units:
        world.ledgers.book(account, _document(world, account, seconds, rate), -units)
    return {
        "accountID": account.id,
        "allowed": how in ("per_minute", "limits_disabled"),
        "billing": how,
        "amount": units / UNITS,
        "balance": world.ledgers.total(account) / UNITS,
    }


def _document(world: World, account: Account, seconds: int, rate: float) -> dict[str, Any]:
    now = world.clock.gregorian()
    return {
        "source": {"service": "per-minute-voip", "id": secrets.token_hex(16)},
        "account": named(account),
        "usage": {"type": "voice", "quantity": seconds, "unit": "sec"},
        "period": {"start": now - seconds, "end": now},
        "metadata": {"rate": rate},
        "executor": {"trigger": "automatic", "module": "j5_per_minute"},
    }

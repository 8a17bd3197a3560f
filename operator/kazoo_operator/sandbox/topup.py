"""Top-ups as a system without a payment processor makes them: nothing is charged, a credit is booked.

Automatic ones are switched on here, which KAZOO's own default is not (Crossbar API, low balance and top-up).
"""

from __future__ import annotations

import secrets
from math import isfinite
from typing import Any

from .account import Account
from .ledger import MOST, UNITS, Entry, named, read
from .schema import rounded
from .world import World

DAY = 86_400
MODULE = "kz_services_topup"


def automatic(world: World, account: Account, units: int) -> bool:
    """Top up where the balance (in units) is below the account's threshold, once in 24 hours at most.

    Returns whether it has.
    """
    settings = account.document.get("topup")
    if not isinstance(settings, dict):
        return False
    threshold, amount = (number(settings.get(name)) or 0 for name in ("threshold", "amount"))
    if threshold <= 0 or amount <= 0:
        return False
    if units >= threshold * UNITS or _was_topped_up_today(world, account):
        return False
    book(world, account, rounded(min(amount * UNITS, MOST)), "automatic", {})
    return True


def _was_topped_up_today(world: World, account: Account) -> bool:
    now = world.clock.gregorian()
    rows = world.ledgers.of_source(account.id, "payments", (now - DAY + 1, now + 1), None, False)
    executors = [read(row).document.get("executor", {}) for row in rows]
    return {"trigger": "automatic", "module": MODULE} in executors


def book(world: World, account: Account, units: int, trigger: str, audit: dict[str, Any]) -> Entry:
    """Book a top-up that was `automatic` or `manual`; `audit` says who asked for it."""
    document = {
        "source": {"service": "payments", "id": secrets.token_hex(16)},
        "account": named(account),
        "usage": {"quantity": 0},
        "period": {"start": world.clock.gregorian()},
        "description": f"{trigger.capitalize()} top-up",
        "metadata": {"automatic_description": True},
        "executor": {"trigger": trigger, "module": MODULE},
        "audit": audit,
    }
    return world.ledgers.book(account, document, units)


def number(value: Any) -> float | None:
    """A document's value if it is a number; what was edited behind KAZOO's back may be anything."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    return value if good else None

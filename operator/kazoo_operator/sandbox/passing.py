"""Time that passes at a word: what KAZOO's background jobs have done by then.

Months begin, and every account is looked at in its first second. A crawler walks all accounts: it tops up,
and else compares balances with thresholds and marks what it told in the account's document. In KAZOO a round
takes 10 seconds an account; here it looks once a day at every account, and at the end of each leap at those
that name a threshold (Crossbar API, low balance and top-up).
"""

from __future__ import annotations

import re
from typing import Any

from . import topup
from .account import Account
from .ledger import UNITS
from .world import World

DAY = 86_400
LONGEST = 366 * DAY
CRAWLED = "crawled"
"""Under which name the store keeps when the crawler was last at every account, in seconds since 1970."""
DEFAULT_THRESHOLD = 5
"""In the currency, of an account that names none."""

_duration = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?")


def seconds_of(duration: str) -> int | None:
    """`1d12h`, `24h`, `1h30m` or `90s` as seconds; None for what is no duration, or more than 366 days."""
    found = _duration.fullmatch(duration) if duration else None
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = days * DAY + hours * 3600 + minutes * 60 + seconds
    return total if total <= LONGEST else None


def advance(world: World, seconds: int) -> None:
    """Let so many seconds pass. To be called within a transaction."""
    clock = world.clock
    target, start = clock.unix() + seconds, int(clock.unix())
    accounts = [account for account in world.accounts.all() if account.stage == "whole"]
    round_due = max(float(world.store.meta(CRAWLED) or start) + DAY, start)
    while (moment := min(month_end := clock.month_ends(), round_due)) <= target:
        clock.move_to(moment)
        if moment == month_end:
            for account in accounts:
                world.ledgers.total(account)
        if moment == round_due:
            _crawl(world, accounts)
            round_due = moment + DAY
    clock.move_to(max(target, clock.unix()))
    _crawl(world, [account for account in accounts if _names_a_threshold(account)])
    world.store.keep(CRAWLED, repr(round_due - DAY))
    world.store.keep("offset", repr(clock.offset))


def _names_a_threshold(account: Account) -> bool:
    return any("threshold" in settings for settings in _settings(account))


def _crawl(world: World, accounts: list[Account]) -> None:
    balances = world.ledgers.balances()
    for account in accounts:
        units = balances[account.id] if account.id in balances else world.ledgers.total(account)
        if not topup.automatic(world, account, units):
            _compare(world, account, units)


def _settings(account: Account) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the document says of alerts, and of top-ups."""
    alert = _object(_object(account.document.get("notifications")).get("low_balance"))
    return alert, _object(account.document.get("topup"))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _compare(world: World, account: Account, units: int) -> None:
    """Alert, or forget the last alert where the balance is above its threshold again."""
    alert, recharge = _settings(account)
    sent, told = alert.get("sent_low_balance") is True, topup.number(alert.get("last_notification"))
    if units > _threshold(alert, recharge) * UNITS:
        if sent or told is not None:
            _mark(world, account, {"sent_low_balance": False})
        return
    now = world.clock.gregorian()
    if "enabled" not in alert:  # the old rule: one alert until the balance recovers
        due = not sent
    else:
        due = alert["enabled"] is True and (told is None or now - told >= DAY)
    if due:
        _mark(world, account, {"sent_low_balance": True, "last_notification": now})


def _threshold(alert: dict[str, Any], recharge: dict[str, Any]) -> float:
    named = (topup.number(settings.get("threshold")) for settings in (alert, recharge))
    return next((threshold for threshold in named if threshold is not None), DEFAULT_THRESHOLD)


def _mark(world: World, account: Account, marks: dict[str, Any]) -> None:
    """Write into the public document, as KAZOO does, one revision on."""
    alert, _ = _settings(account)
    kept = {
        key: value for key, value in alert.items() if key not in ("sent_low_balance", "last_notification")
    }
    notifications = _object(account.document.get("notifications"))
    account.document["notifications"] = {**notifications, "low_balance": {**kept, **marks}}
    account.revision += 1
    world.accounts.save(account)

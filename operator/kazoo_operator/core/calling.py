"""Can this account call? From trunks, credit and restrictions, as KAZOO decides about each call.

Emergency and outbound toll-free calls always pass. Others take a trunk, which covers the US and Canada only,
and where none is free or none covers them they are paid by the minute: that needs `allow_prepay` and a
balance above 0. Inbound toll-free and international calls are always paid by the minute (Account manager
guide; KAZOO's call authorisation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from kazoo_operator.core import money
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import get
from kazoo_operator.core.money import Amount
from kazoo_operator.core.outcome import Reason
from kazoo_operator.core.schema import Model

Said = tuple[str, str, str]
"""Status, reason and message of a condition."""


class Capacity(Model):
    """How many calls fit, by direction; the two-way pool counts on both sides."""

    inbound: int = Field(description="The most inbound calls at once: inbound and two-way trunks.")
    outbound: int = Field(description="The most outbound calls at once: outbound and two-way trunks.")
    total: int = Field(description="The most calls at once: all trunks.")


@dataclass(frozen=True)
class Means:
    """What an account can call with: trunks, whether credit may pay, how much there is, and its caps.

    A cap is None where there is none, 0 where no call is allowed.
    """

    inbound: int
    outbound: int
    two_way: int
    per_minute: bool
    balance: Amount
    international: bool = True
    calls: int | None = None
    carrier_calls: int | None = None

    @classmethod
    def of(cls, limits: Mapping[str, Any], account: Mapping[str, Any], balance: Amount) -> Means:
        """The means by KAZOO's documents; what they leave out is what KAZOO takes for granted."""
        inbound, outbound, two_way = (
            _count(limits.get(f"{name}_trunks")) or 0 for name in ("inbound", "outbound", "twoway")
        )
        return cls(
            inbound,
            outbound,
            two_way,
            per_minute=limits.get("allow_prepay") is not False,
            balance=balance,
            international=get(account, "call_restriction.international.action") != "deny",
            calls=_count(limits.get("calls")),
            carrier_calls=_count(limits.get("resource_consuming_calls")),
        )

    @property
    def capacity(self) -> dict[str, int]:
        """As status shows it."""
        inbound, outbound = self.inbound + self.two_way, self.outbound + self.two_way
        return {"inbound": inbound, "outbound": outbound, "total": self.inbound + outbound}

    @property
    def credit(self) -> bool:
        """Whether a call can be paid by the minute."""
        return self.per_minute and self.balance > 0


def conditions(
    means: Means, threshold: Amount | None, currency: str, payer: str | None = None
) -> dict[str, Said]:
    """The conditions of an account; `threshold` is that of its alert, None where it has none.

    `payer` is whom what is used of an allotted balance is billed to; None where the balance is real money.
    """
    whose = "real money" if payer is None else f"an allotment of which {payer} is billed what is used"
    return {
        "BalanceHealthy": _healthy(means.balance, threshold, f"{currency}, {whose}"),
        "CallCapacity": _capacity(means),
        "InternationalCalling": _international(means),
    }


def threshold_of(account: Mapping[str, Any]) -> Amount | None:
    """The balance at which the account's alert is sent, if it is on."""
    alert = get(account, "notifications.low_balance")
    held = alert.get("threshold") if isinstance(alert, dict) and alert.get("enabled") is not False else None
    return None if held is None or isinstance(held, bool | str) else money.from_number(held)


def _healthy(balance: Amount, threshold: Amount | None, unit: str) -> Said:
    has = f"the balance is {money.to_text(balance)} {unit}"
    if balance <= 0:
        text = f"{has}: calls that are paid by the minute fail; add a grant to the account's CreditPolicy"
        return ("False", Reason.NO_CREDIT, f"{_sentence(text)} (KZ042).")
    if threshold is not None and balance <= threshold:
        text = f"{has}: at or below the alert's {money.to_text(threshold)}; add credit"
        return ("False", Reason.LOW_BALANCE, f"{_sentence(text)} (KZ042).")
    return ("True", Reason.READY, f"{_sentence(has)}.")


def _capacity(means: Means) -> Said:
    total = means.capacity["total"]
    if (refused := _refused(means)) is not None:
        return refused
    if total == 0 and not means.credit:
        why = "paying by the minute is off" if not means.per_minute else "there is no credit"
        text = (
            f"There are no trunks and {why}: all calls fail but emergency and outbound toll-free; add "
            "trunks, or allowPerMinute and credit (KZ043)."
        )
        return ("False", Reason.NO_TRUNKS_NO_CREDIT, text)
    if total == 0:
        return ("True", Reason.READY, "All calls are paid by the minute.")
    if means.credit:
        return ("True", Reason.READY, f"{total} calls fit the trunks, more are paid by the minute.")
    why = "allowPerMinute is false" if not means.per_minute else "there is no credit"
    text = f"{total} calls fit the trunks; more, and inbound toll-free, fail, for {why} (KZ100)."
    return ("True", Reason.OVERFLOW_BLOCKED, text)


def _refused(means: Means) -> Said | None:
    """What is said where a cap lets no call through."""
    if 0 not in (means.calls, means.carrier_calls):
        return None
    name = "maxCalls" if means.calls == 0 else "maxResourceConsumingCalls"
    return ("False", Reason.NO_CALLS_ALLOWED, f"{name} is 0: no call is allowed at all; raise it.")


def _international(means: Means) -> Said:
    """Restricted first: credit would not help (the guides' own question of questions)."""
    if not means.international:
        text = "callRestrictions denies international calls; write international: Allow (KZ072)."
        return ("False", Reason.RESTRICTED, text)
    if not means.per_minute:
        text = "No trunk covers international calls, and allowPerMinute is false; write true there (KZ072)."
        return ("False", Reason.PER_MINUTE_OFF, text)
    if means.balance <= 0:
        text = "International calls are paid by the minute, and there is no credit; add a grant (KZ072)."
        return ("False", Reason.NO_CREDIT, text)
    if (refused := _refused(means)) is not None:
        return refused
    text = (
        "The account may call abroad, paid by the minute; users and carriers may still say no: their "
        "restrictions and rate caps are not visible here (KZ072)."
    )
    return ("True", Reason.READY, text)


def _count(value: Any) -> int | None:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else None


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def report(means: Means) -> JsonObject:
    """What Account.status says of it."""
    return {**means.capacity, "perMinute": means.credit}

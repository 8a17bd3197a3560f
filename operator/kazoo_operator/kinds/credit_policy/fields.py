"""Where each field of a CreditPolicy stands in KAZOO, what it books, and what status says of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kazoo_operator.core import mapping, money, spending
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import ACCOUNT, BALANCE, Document, Documents, get, put
from kazoo_operator.core.kind import Seen
from kazoo_operator.core.ledger import Booked, Grant
from kazoo_operator.core.mapping import Row
from kazoo_operator.core.outcome import Event
from kazoo_operator.core.pricing.estimate import Day
from kazoo_operator.core.schema import Spec
from kazoo_operator.kinds.credit_policy.status import SHOWN


def _text(value: Any) -> Any:
    """KAZOO's number as an amount in the spec's form; what is no number reads as it is."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return value
    return money.to_text(money.from_number(value))


def _number(text: Any) -> Any:
    return Decimal(money.from_text(text)) / money.UNITS if isinstance(text, str) else text


_ALERT, _RECHARGE = "notifications.low_balance", "topup"
TABLE = (
    Row("lowBalanceAlert.enabled", ACCOUNT, f"{_ALERT}.enabled"),
    Row("lowBalanceAlert.threshold", ACCOUNT, f"{_ALERT}.threshold", read=_text, write=_number),
    Row("autoRecharge.threshold", ACCOUNT, f"{_RECHARGE}.threshold", read=_text, write=_number),
    Row("autoRecharge.amount", ACCOUNT, f"{_RECHARGE}.amount", read=_text, write=_number),
)
_AMOUNTS = ("lowBalanceAlert.threshold", "autoRecharge.threshold", "autoRecharge.amount")


def normal(spec: Spec) -> JsonObject:
    """The fields of the spec that stand in KAZOO's account document, amounts in one form."""
    said = spec.model_dump(by_alias=True, exclude_none=True)
    fields: JsonObject = {
        name: dict(said[name]) for name in ("lowBalanceAlert", "autoRecharge") if name in said
    }
    for path in _AMOUNTS:
        if (amount := get(fields, path)) is not None:
            put(fields, path, money.to_text(money.from_text(amount)))
    if "autoRecharge" in fields and not fields["autoRecharge"]["enabled"]:
        fields["autoRecharge"] = {"enabled": False}
    return fields


def render(fields: JsonObject, _observed: Documents) -> Documents:
    """The account document that the fields ask for; a recharge that is off is an empty one."""
    documents = dict(mapping.render(TABLE, fields))
    if get(fields, "autoRecharge.enabled") is False:
        documents[ACCOUNT.name] = {**documents.get(ACCOUNT.name, {}), _RECHARGE: {}}
    return documents


def parse(documents: Documents) -> JsonObject:
    """The fields that the account document amounts to."""
    fields = mapping.parse(TABLE, documents)
    if isinstance(get(documents.get(ACCOUNT.name) or {}, _RECHARGE), dict):
        put(fields, "autoRecharge.enabled", "autoRecharge" in fields)
    return fields


def absent(path: str) -> Any:
    """KAZOO recharges nothing where it is told nothing."""
    return False if path == "autoRecharge.enabled" else None


def reset(fields: JsonObject) -> JsonObject:
    """Alert and recharge off, of what the spec set; grants are never undone."""
    return {name: {"enabled": False} for name in ("lowBalanceAlert", "autoRecharge") if name in fields}


def grants(spec: JsonObject) -> tuple[Grant, ...]:
    """The grants of a spec, in its order."""
    return tuple(
        Grant(
            one["id"],
            money.from_text(one["amount"]),
            one["date"],
            one.get("type") == "Debit",
            one.get("description", ""),
        )
        for one in spec.get("grants") or ()
    )


def report(seen: Seen) -> JsonObject:
    """Status: balance, what was booked, and what the spending of two months comes to."""
    balance = money.from_number(get(seen.documents.get(BALANCE.name) or {}, "amount") or 0)
    spent = spending.of(seen.documents, seen.day)
    newest = sorted(seen.booked, key=lambda one: (one.grant.date, one.grant.id))[-SHOWN:]
    return {
        "balance": money.to_text(balance),
        "currency": seen.currency,
        "moneyKind": "Real" if seen.real else "Allotted",
        "granted": money.to_text(sum(one.amount for one in seen.booked)),
        "grants": [_shown(one) for one in newest] or None,
        "usage": spent.usage,
        "averageDailySpend": money.to_text(spent.daily),
        "runwayDays": spent.runway(balance),
        "recommended": spent.recommended(),
    }


def notices(fields: JsonObject, status: JsonObject) -> tuple[Event, ...]:
    """A recharge that does not last for a day of what is spent, and one that was not made (KZ052).

    KAZOO makes one a day at most, if it makes any: that is a switch of the system.
    """
    added, balance = get(fields, "autoRecharge.amount"), status.get("balance")
    if added is None or balance is None:
        return ()
    found, daily = [], str(status["averageDailySpend"])
    if money.from_text(added) < money.from_text(daily):
        text = (
            f"A day costs {daily} on average, and the recharge of {added} is made once a day at most: the "
            "balance runs out; raise autoRecharge.amount (KZ052)."
        )
        found.append(Event("RechargeBelowDailySpend", text, warning=True))
    if money.from_text(balance) < 0:
        text = (
            f"The balance is {balance} though there is a recharge: it is not made, or too small; look at the "
            "payment method, and whether KAZOO recharges at all."
        )
        found.append(Event("RechargeNotMade", text, warning=True))
    return tuple(found)


def _shown(one: Booked) -> JsonObject:
    known = {"appliedAt": one.applied_at} if one.applied_at else {}
    return {"id": one.grant.id, "ledgerID": one.ledger_id, "amount": money.to_text(one.amount), **known}


def reads(day: Day) -> tuple[Document, ...]:
    """The balance, and the summaries of this month and the last."""
    return (BALANCE, *spending.reads(day))

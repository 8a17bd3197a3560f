"""`PUT .../ledgers/credit` and `.../debit`: what a booking must say, and where it is booked too.

Neither is asked for consent, and no balance is too small for a debit (Crossbar API, ledgers).
"""

from __future__ import annotations

from typing import Any

from .account import Account
from .call import Call, Reply
from .ledger import MOST, UNITS, Duplicate, Entry, named
from .refusal import Refusal, init_failed, system_error, validation
from .schema import Errors, Members, Number, Text, rounded
from .store import rev

_whole = Number(whole=True)
_source = Members({"id": Text(), "service": Text()}, required=("id", "service"))
_usage = Members(
    {"quantity": _whole, "type": Text(), "unit": Text()}, required=("quantity", "type", "unit")
)  # fmt: skip


def _entry(amount: Number) -> Members:
    return Members(
        {
            "account": Members({"id": Text(), "name": Text()}),
            "amount": amount,
            "description": Text(),
            "metadata": Members(),
            "period": Members({"end": _whole, "start": _whole}),
            "source": _source,
            "usage": _usage,
        },
        required=("source", "usage"),
    )


ENTRY = _entry(Number(least=1))
ENTRY_WITHOUT_TEXTS = _entry(Number(least=1, texts=False))


def credit(call: Call) -> Reply:
    """The amount is added to the balance."""
    return _booked(call, "credit", 1)


def debit(call: Call) -> Reply:
    """The amount is taken from the balance, however little is there."""
    return _booked(call, "debit", -1)


def _booked(call: Call, kind: str, sign: int) -> Reply:
    account = call.subject
    document, units = _judged(call, account)
    call.before_execution()
    entry = _added(call, account, document, sign * units)
    reseller = call.world.accounts.get(account.reseller_id)
    path = call.path.rstrip("/")
    wanted = call.envelope.get("impact_reseller") in (True, "true")
    if not wanted or not reseller or reseller.id == account.id:
        return Reply(entry.shown, location=f"{path}/{entry.id}")
    return Reply(
        {
            account.id: _told(call, account, entry),
            reseller.id: _told(call, reseller, _copied(call, account, reseller, entry, kind)),
        },
        location=path,
    )


def _judged(call: Call, account: Account) -> tuple[dict[str, Any], int]:
    """The entry as it is stored, and its amount in units: a missing amount books nothing."""
    release = call.world.release
    errors: Errors = {}
    sent = (ENTRY if release.books_texts else ENTRY_WITHOUT_TEXTS).check(call.data, (), errors)
    if errors:
        plain = release.plain_dots
        raise validation({path.replace("%2E", ".") if plain else path: kind for path, kind in errors.items()})
    units = rounded(sent.get("amount", 0) * UNITS)
    if units > MOST:
        raise init_failed()
    period = {"start": call.world.clock.gregorian()} | _parts(sent.get("period", {}), ("start", "end"))
    document = {
        "source": _parts(sent["source"], ("service", "id")),
        "account": named(account),
        "usage": _parts(sent["usage"], ("type", "quantity", "unit")),
        "period": period,
        "metadata": sent.get("metadata", {}),
        "executor": {"trigger": "crossbar", "module": "cb_ledgers"},
        "audit": audit(call),
    }
    return document | _parts(sent, ("description",)), units


def _parts(given: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The members with these names; an empty text counts as missing."""
    return {name: given[name] for name in names if given.get(name, "") != ""}


def audit(call: Call) -> dict[str, Any]:
    """Who asked for a booking, and how."""
    caller = call.caller
    return {
        "request": {
            "path": call.path, "method": call.method, "id": call.request_id, "client_ip": call.client,
        },
        "crossbar_request": True,
        "authentication": {
            "type": "x-auth-token", "account_name": caller.document.get("name"), "account_id": caller.id,
        },
    }  # fmt: skip


def _added(call: Call, account: Account, document: dict[str, Any], units: int) -> Entry:
    try:
        return call.world.ledgers.book(account, document, units)
    except Duplicate:
        raise system_error(409, text="conflicting documents") from None


def _copied(call: Call, account: Account, reseller: Account, entry: Entry, kind: str) -> Entry:
    """The same entry at the reseller; where it cannot be booked, the first one stays."""
    origin = {
        "type": "ledger",
        "rev": rev(entry.id, 1),
        "modified": entry.created,
        "ledger_type": kind,
        "id": entry.id,
        "created": entry.created,
        "account_id": account.id,
    }
    document = {**entry.document, "metadata": {**entry.document["metadata"], "origin_ledger": origin}}
    try:
        return call.world.ledgers.book(reseller, document, entry.units)
    except Duplicate:
        failed = {**_told(call, account, entry), "error": {"message": "conflicting documents"}}
        del failed["ledger"]
        told = {account.id: _told(call, account, entry), reseller.id: failed}
        raise Refusal(500, "unspecified_fault", told) from None


def _told(call: Call, account: Account, entry: Entry) -> dict[str, Any]:
    return {
        "ledger": entry.shown,
        "available_dollars": call.world.ledgers.total(account) / UNITS,
        "is_reseller": account.is_reseller,
    }

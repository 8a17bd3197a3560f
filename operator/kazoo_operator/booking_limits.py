"""What stands against booking a grant: its date, the caps of the spec, another amount that is booked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from kazoo_operator.anchoring import Place
from kazoo_operator.core import money
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import ACCOUNT, Documents
from kazoo_operator.core.ledger import Booked, Grant, day_of, month_of
from kazoo_operator.core.money import Amount
from kazoo_operator.core.month import GREGORIAN
from kazoo_operator.core.outcome import Reason, State
from kazoo_operator.subject import Halt, Subject


def refuse_mismatch(place: Place, grant: Grant, booked: Booked) -> None:
    """Raises Halt when the ledger has the grant with another amount than the spec says."""
    if booked.amount != grant.signed:
        text = (
            f"The grant {grant.id} is booked with {money.to_text(booked.amount)} ({booked.ledger_id}), and "
            f"the spec says {money.to_text(grant.signed)}; it is not booked again: write what was booked, "
            "and the difference under another id."
        )
        raise Halt(Reason.GRANT_MISMATCH, text, place.known)


def born(documents: Documents) -> str:
    """The day on which the account was made; empty where KAZOO does not say."""
    created = (documents.get(ACCOUNT.name) or {}).get("created")
    if not isinstance(created, int):
        return ""
    return day_of(datetime.fromtimestamp(created - GREGORIAN, UTC).date())


def refuse_early(grants: Iterable[Grant], documents: Documents, place: Place) -> None:
    """Raises Halt for a grant of a month in which the account was not there yet."""
    made = born(documents)
    if not made:
        return
    for number, grant in enumerate(grants):
        if month_of(grant.date) < month_of(made):
            text = (
                f"spec.grants[{number}].date: {grant.date} lies before {made}, when the account was made; "
                "write a date from then on (KZ079)."
            )
            raise Halt(Reason.INVALID_SPEC, text, place.known, State.STALLED)


def refuse_beyond_month(
    subject: Subject, place: Place, grants: Iterable[Grant], missing: Iterable[Grant]
) -> None:
    """Raises Halt when what is to be booked goes beyond the spec's cap of its month, past months too."""
    caps: JsonObject = subject.said.get("caps") or {}
    if "maxGrantPerMonth" not in caps:
        return
    most, granted = money.from_text(caps["maxGrantPerMonth"]), Counter[str]()
    for grant in grants:
        granted[month_of(grant.date)] += 0 if grant.debit else grant.amount
    for grant in missing:
        if not grant.debit and granted[month_of(grant.date)] > most:
            text = (
                f"The grant {grant.id} would lead the grants of its month to "
                f"{money.to_text(granted[month_of(grant.date)])}, beyond caps.maxGrantPerMonth "
                f"{money.to_text(most)}; none is booked (KZ041)."
            )
            raise Halt(Reason.CAP_EXCEEDED, text, place.known)


def refuse_too_much(subject: Subject, place: Place, grants: Iterable[Grant], balance: Amount) -> None:
    """Raises Halt when the grants would lead the balance beyond the spec's cap."""
    caps: JsonObject = subject.said.get("caps") or {}
    if "maxBalance" not in caps:
        return
    most = money.from_text(caps["maxBalance"])
    for grant in grants:
        balance += grant.signed
        if balance > most and not grant.debit:
            text = (
                f"The grant {grant.id} of {money.to_text(grant.amount)} would lead the balance to "
                f"{money.to_text(balance)}, beyond caps.maxBalance {money.to_text(most)}; none is booked "
                "(KZ041)."
            )
            raise Halt(Reason.CAP_EXCEEDED, text, place.known)

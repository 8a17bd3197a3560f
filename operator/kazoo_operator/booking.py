"""Grants are booked exactly once: looked for in every month since their date, then booked, then read back.

KAZOO refuses a second booking of the same source only within a month and as long as the account keeps its
name; so each grant is looked for before, whatever status says or has lost. A booking whose answer was lost
is looked for no sooner than in the next second: KAZOO lists hide the running one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate

from kazoo_operator.anchoring import Place
from kazoo_operator.backend.errors import BackendError, Conflict, Forbidden
from kazoo_operator.backend.protocol import LedgerEntry
from kazoo_operator.booking_limits import (
    born,
    refuse_beyond_month,
    refuse_early,
    refuse_mismatch,
    refuse_too_much,
)
from kazoo_operator.budget import Budget
from kazoo_operator.core import money
from kazoo_operator.core.documents import Documents
from kazoo_operator.core.ledger import (
    SERVICE,
    Booked,
    Grant,
    day_of,
    months_since,
)
from kazoo_operator.core.money import Amount
from kazoo_operator.core.outcome import Event, Reason
from kazoo_operator.identity import fenced
from kazoo_operator.subject import Halt, Subject

HIDDEN_FOR = 1.1
"""Seconds for which a list may hide what was booked."""


@dataclass(frozen=True)
class Outstanding:
    """The grants of a spec that are booked, and those that are not and may be; what to tell about those.

    `balance` is that before they are booked, where any is missing.
    """

    booked: tuple[Booked, ...]
    missing: tuple[Grant, ...] = ()
    balance: Amount = 0
    told: tuple[Event, ...] = ()


class Booking:
    """Books grants, and remembers for this life what is booked. `now` is Unix time in seconds."""

    def __init__(self, now: Callable[[], float], budget: Budget) -> None:
        self._now = now
        self._budget = budget
        self._known: dict[tuple[str, str], Booked] = {}
        self._tried: dict[str, float] = {}
        self._begun = time.monotonic()

    async def known(self, subject: Subject, place: Place, since: str = "") -> tuple[Booked, ...]:
        """Which grants of the spec are booked, looked for `since` a date too. Raises Halt, BackendError."""
        grants = _grants(subject)
        held = self._remembered(subject, place, grants)
        missing = [grant for grant in grants if grant.id not in held]
        held |= await self._looked_up(subject, place, missing, since)
        return tuple(held[grant.id] for grant in grants if grant.id in held)

    async def book(
        self, subject: Subject, place: Place, documents: Documents, tell: Callable[[Event], None]
    ) -> tuple[Booked, ...]:
        """All grants of the spec, those booked now that were not. Raises Halt, BackendError.

        What it means is told as it happens: what was booked before a failure is booked for ever.
        """
        found = await self._sorted(subject, place, documents)
        if not found.missing:
            return found.booked
        held = {one.grant.id: one for one in found.booked}
        async with self._budget.turn(subject, place):
            found = await self._judged(subject, place, found)
            balance = found.balance
            for event in found.told:
                tell(event)
            await fenced(subject, place.account_id)
            for grant in found.missing:
                booked = await self._booked(subject, place, grant)
                held[grant.id] = self._known[_which(subject, place), grant.id] = booked
                tell(_granted(subject, place, booked))
                before, balance = balance, balance + booked.amount
                await self._budget.note(subject, place, before, balance)
        return tuple(held[grant.id] for grant in _grants(subject))

    async def outstanding(self, subject: Subject, place: Place, documents: Documents) -> Outstanding:
        """What is booked, and what is to be booked now: a plan's question. Raises Halt, BackendError."""
        found = await self._sorted(subject, place, documents)
        return await self._judged(subject, place, found) if found.missing else found

    async def _sorted(self, subject: Subject, place: Place, documents: Documents) -> Outstanding:
        """The grants of the spec by whether they are booked. Raises Halt, BackendError."""
        grants = _grants(subject)
        refuse_early(grants, documents, place)
        booked = () if place.new else await self.known(subject, place, _since(subject, place, documents))
        held = {one.grant.id for one in booked}
        return Outstanding(booked, tuple(grant for grant in grants if grant.id not in held))

    async def _judged(self, subject: Subject, place: Place, found: Outstanding) -> Outstanding:
        """What is missing, if caps and budget let all of it pass. Raises Halt, BackendError."""
        balance = 0 if place.new else await subject.connection.backend.balance(place.account_id)
        refuse_beyond_month(subject, place, _grants(subject), found.missing)
        refuse_too_much(subject, place, found.missing, balance)
        told = await self._budget.admit(subject, place, _rise(found.missing, balance))
        return replace(found, balance=balance, told=told)

    def _remembered(self, subject: Subject, place: Place, grants: Iterable[Grant]) -> dict[str, Booked]:
        """What status and this life know to be booked on this very account."""
        status = subject.resource.status
        same = status.get("accountID") == place.account_id
        shown = {one["id"]: one for one in status.get("grants") or ()} if same else {}
        held = {}
        for grant in grants:
            known = self._known.get((_which(subject, place), grant.id))
            one = shown.get(grant.id)
            if known is None and one is not None:
                amount = money.from_text(one["amount"])
                known = Booked(grant, one["ledgerID"], amount, one.get("appliedAt", ""))
            if known is not None:
                refuse_mismatch(place, grant, known)
                held[grant.id] = known
        return held

    async def _looked_up(
        self, subject: Subject, place: Place, grants: Iterable[Grant], since: str = ""
    ) -> dict[str, Booked]:
        """Those of the grants that KAZOO holds, in whatever month from their dates on, or `since` a date."""
        missing = {grant.source_id(place.account_id): grant for grant in grants}
        if not missing:
            return {}
        first = min(grant.date for grant in missing.values())
        first = min(first, since) if since else first
        # What a life before this one booked may be hidden as well.
        tried = self._tried.get(_which(subject, place), self._begun)
        await asyncio.sleep(max(0, tried + HIDDEN_FOR - time.monotonic()))
        backend, held = subject.connection.backend, {}
        today = day_of((await backend.now()).astimezone(UTC).date())
        for month in months_since(first, max(today, self._today())):
            for entry in await backend.ledger_entries(place.account_id, SERVICE, month):
                if (grant := missing.get(entry.source_id)) is not None:
                    held[grant.id] = _found(place, grant, entry)
                    self._known[_which(subject, place), grant.id] = held[grant.id]
            if len(held) == len(missing):
                break
        self._tried.pop(_which(subject, place), None)
        return held

    async def _booked(self, subject: Subject, place: Place, grant: Grant) -> Booked:
        """The grant, booked now. Raises Halt; after an answer that was lost it is looked for next time."""
        backend, currency = subject.connection.backend, subject.connection.policy.currency
        try:
            entry: LedgerEntry | None = await backend.book(
                place.account_id,
                "debit" if grant.debit else "credit",
                grant.entry(place.account_id, currency),
            )
        except Conflict:
            entry = None
        except Forbidden:
            text = (
                "KAZOO lets only the account's reseller book credit; use a credential of the reseller, or "
                "ask it to make the booking."
            )
            raise Halt(Reason.NOT_RESELLER, text, place.known) from None
        except BackendError as error:
            raise Halt.of(error, subject.kind, place.known) from None
        finally:  # booked or not, in this second
            self._tried[_which(subject, place)] = time.monotonic()
        if entry is None:
            return await self._collided(subject, place, grant)
        self._tried.pop(_which(subject, place))
        at = datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return _found(place, grant, entry, at)

    async def _collided(self, subject: Subject, place: Place, grant: Grant) -> Booked:
        """KAZOO has such a booking already: it is read back, once it can be seen."""
        held = await self._looked_up(subject, place, [grant])
        if grant.id not in held:
            text = f"KAZOO says that the grant {grant.id} is booked and does not show it; looked for again."
            raise Halt(Reason.WRITE_CONFLICT, text, place.known)
        return held[grant.id]

    def _today(self) -> str:
        return day_of(datetime.fromtimestamp(self._now(), UTC).date())


def _which(subject: Subject, place: Place) -> str:
    return subject.connection.among_all(place.account_id)


def _grants(subject: Subject) -> tuple[Grant, ...]:
    attachment = subject.kind.attachment
    return attachment.grants(subject.said) if attachment is not None else ()


def _rise(grants: Iterable[Grant], balance: Amount) -> Amount:
    """By how much the account holds more, at most, while the grants are booked; debts are paid off first."""
    balances = accumulate((grant.signed for grant in grants), initial=balance)
    return max(0, *balances) - max(0, balance)


def _found(place: Place, grant: Grant, entry: LedgerEntry, at: str = "") -> Booked:
    booked = Booked(grant, entry.id, entry.amount, at)
    refuse_mismatch(place, grant, booked)
    return booked


def _since(subject: Subject, place: Place, documents: Documents) -> str:
    """From when on an object's grants are looked for, whatever their dates: as long as its account is there.

    An object without status may follow another that granted the same on other days. Once one has seen its
    grants booked, they never change.
    """
    status = subject.resource.status
    seen = status.get("accountID") == place.account_id and "granted" in status
    return "" if seen else born(documents)


def _granted(subject: Subject, place: Place, booked: Booked) -> Event:
    """What the booking means, in the honest words: somebody is billed, or it is an allotment."""
    currency = subject.connection.policy.currency
    word = "Debited" if booked.grant.debit else "Granted"
    amount = f"{money.to_text(booked.amount)} {currency}"
    text = f"Booked {amount} as {booked.ledger_id} for the grant {booked.grant.id}"
    if place.account_id != subject.root.account_id:
        text += f": an allotment to {place.realm}, of which the account above is billed what is used"
    return Event(word, f"{text}.")

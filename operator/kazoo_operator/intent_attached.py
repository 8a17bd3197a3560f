"""What would be done about an object that belongs to an account, as far as GET tells.

The questions are those of the engine's own pass over such an object (attached.py), in its order: who else
keeps the account, what differs, what that costs and who consented, and which grants are not booked yet.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from kazoo_operator.anchoring import Place, rival
from kazoo_operator.billing import billed_units
from kazoo_operator.booking import Booking
from kazoo_operator.budget import Budget
from kazoo_operator.charge_gate import appraised, appraised_below
from kazoo_operator.charge_report import Priced
from kazoo_operator.core import money
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import ACCOUNT, Documents
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.ledger import Grant
from kazoo_operator.core.month import GREGORIAN
from kazoo_operator.core.outcome import Event, Outcome, Reason
from kazoo_operator.core.plan import Plan
from kazoo_operator.core.report import Action, PlannedObject
from kazoo_operator.core.wizard import PlannedChange, changes, in_order
from kazoo_operator.drift import judge
from kazoo_operator.intent import Found, noted, observation_note, ready_status, report_note, told, with_price
from kazoo_operator.subject import Halt, Subject, is_real
from kazoo_operator.survey import beside, survey


@dataclass(frozen=True)
class Site:
    """The account of an object: where it is, and the lowest account that is there above a new one."""

    place: Place
    above: str = ""


class Attaching:
    """Plans the objects of accounts, one after the other where they share a budget. `day` is today in UTC."""

    def __init__(self, day: date) -> None:
        self._day = day
        self._midnight = calendar.timegm(day.timetuple())
        self._budget = Budget(time.monotonic)
        self._booking = Booking(lambda: self._midnight, self._budget)

    async def plan(self, subject: Subject, planned: PlannedObject, site: Site) -> Found:
        """The plan for an object of the account at `site`. Raises Halt, BackendError."""
        place = site.place
        if not subject.observe_only and (found := _rivalled(subject, place)) is not None:
            return Found(planned.blocked(found), _status(place))
        documents = await self._observed(subject, place)
        planned = noted(planned, *subject.kind.findings(subject.fields, documents))
        if planned.errors:
            return Found(planned.blocked(), _status(place))
        if subject.observe_only:
            if not place.new:
                await self._booking.known(subject, place)
            return Found(observation_note(subject, planned, documents), _status(place))
        plan = judge(subject, subject.fields, documents, applied=False).plan
        made = changes((change.path, change.before, change.after) for change in plan.changes)
        planned = report_note(subject, planned, [change.path for change in made])
        if made and (found := await _other_reseller(subject, site)) is not None:
            return Found(planned.blocked(found, withheld=made), _status(place))
        priced = await self._priced(subject, site, plan)
        planned, refused = await with_price(subject, planned, priced, unnamed=place.new)
        if refused is not None:
            return Found(planned.blocked(refused, withheld=made), _status(place), priced=priced)
        return replace(await self._booked(subject, planned, site, documents, made), priced=priced)

    async def _observed(self, subject: Subject, place: Place) -> Documents:
        """The documents that the kind speaks of; of a new account, as it will be."""
        if place.new:
            new = {ACCOUNT.name: {"created": self._midnight + GREGORIAN}}
            return await beside(subject, place, subject.fields, new)
        return (await survey(subject, place, subject.fields)).documents

    async def _priced(self, subject: Subject, site: Site, plan: Plan) -> Priced:
        assert subject.kind.attachment is not None
        deltas, place = billed_units(subject.kind.attachment, plan), site.place
        if place.new:
            found = await appraised_below(subject, site.above, place.realm, deltas, self._day)
        else:
            found = await appraised(subject, place.account_id, deltas, self._day)
        return Priced(found, deltas)

    async def _booked(
        self,
        subject: Subject,
        planned: PlannedObject,
        site: Site,
        documents: Documents,
        made: tuple[PlannedChange, ...],
    ) -> Found:
        """The plan with the grants that are to be booked; the documents are written before, in any case."""
        place = site.place
        try:
            due = await self._booking.outstanding(subject, place, documents)
        except Halt as halt:
            return Found(planned.blocked(_why(halt.found.outcome), written=made), _status(place))
        grants = [_granted(subject, place, documents, grant) for grant in due.missing]
        if grants and (found := await _other_reseller(subject, site, books=True)) is not None:
            return Found(planned.blocked(found, written=made, withheld=in_order(grants)), _status(place))
        given = sum(grant.signed for grant in due.missing)
        await self._budget.note(subject, place, due.balance, due.balance + given)
        self._budget.expect(place, given)
        made = in_order((*made, *grants))
        planned = replace(planned, action=Action.UPDATE if made else Action.NONE, changes=made)
        return Found(noted(planned, *_notes(due.told)), _status(place))


def _status(place: Place) -> JsonObject:
    return {} if place.new else ready_status(place.account_id, place.realm)


def _rivalled(subject: Subject, place: Place) -> Finding | None:
    """What stands against an object whose account another of its kind keeps, which comes before it."""
    first = rival(subject, place)
    if first is None:
        return None
    key = first.key
    text = (
        f"the {key.kind} {key.called} keeps the account {place.realm} too and comes first; "
        "in a cluster the older of the two keeps it"
    )
    return Finding(Reason.CONFLICT, Severity.ERROR, "spec.accountRef", text, "delete one of the two")


async def _other_reseller(subject: Subject, site: Site, *, books: bool = False) -> Finding | None:
    """What stands against a write that KAZOO leaves to the account's reseller, where that is another.

    Limits of customers of the master are open to all above them; bookings (`books`) to the reseller alone.
    """
    backend, above_id = subject.connection.backend, site.above or site.place.account_id
    login = await backend.identity()
    attachment = subject.kind.attachment
    if login.is_master or not (books or (attachment and attachment.priced)):
        return None
    account = await backend.read(above_id, ACCOUNT)
    reseller = account.get("reseller_id")
    if site.place.new and account.get("is_reseller") is True:
        reseller = above_id
    below_us = (*(await backend.ancestors(above_id))[1:], above_id)
    if reseller in (None, login.account_id) or not (books or reseller in below_us):
        return None
    what = "book credit for it" if books else "change its limits"
    text = f"KAZOO lets only the account's reseller ({reseller}) {what}"
    hint = "use a credential of the reseller, or ask it to make the change"
    return Finding(Reason.NOT_RESELLER, Severity.ERROR, "spec.accountRef", text, hint)


def _granted(subject: Subject, place: Place, documents: Documents, grant: Grant) -> PlannedChange:
    """The booking of a grant: its entry of the spec, and in words what it does, for whom, for ever."""
    (said,) = [one for one in subject.said["grants"] if one["id"] == grant.id]
    sign = "" if grant.debit else "+"
    amount = f"{sign}{money.to_text(grant.signed)} {subject.connection.policy.currency} on {grant.date}"
    kind = "an allotment, of which the account above is billed what is used"
    if not place.new and is_real(subject, place.account_id, documents.get(ACCOUNT.name) or {}):
        kind = "real money, which somebody is billed"
    words = f"{amount}: {kind}" + (f" ({grant.description})" if grant.description else "")
    return PlannedChange(f"grants[{grant.id}]", None, said, irreversible=True, words=words)


def _why(outcome: Outcome) -> Finding:
    found = told(outcome)
    return found if found.path else replace(found, path="spec.grants")


def _notes(events: Iterable[Event]) -> Iterable[Finding]:
    return (Finding(one.reason, Severity.WARNING, "spec.grants", one.message, "") for one in events)

"""The pass over an object that belongs to an account: it sets documents of it, and makes none.

account_of    which account is it, is it Ready, and is it inside        references.py
refuse_rival  at most one object of a kind keeps an account
survey        the documents that the kind speaks of                     survey.py
fit           whether what was seen allows what the spec says
judge         what differs, and whether KAZOO has moved                 drift.py
admitted      what would cost more is written only with consent         charge_gate.py
converge      write, read back, judge again
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from kazoo_operator.anchoring import Place, held, place_of, refuse_rival, rival
from kazoo_operator.backend.errors import BackendError, Forbidden, NotFound, ServerFailure
from kazoo_operator.billing import billed_units, one_at_a_time, recount, settle, units_of
from kazoo_operator.booking import Booking
from kazoo_operator.budget import Budget
from kazoo_operator.charge_gate import Appraisal, appraised, paid
from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.documents import ACCOUNT, Document, Documents, get
from kazoo_operator.core.kind import Attachment, Seen
from kazoo_operator.core.ledger import Booked
from kazoo_operator.core.outcome import Event, Outcome, Pass, Reason, State
from kazoo_operator.core.plan import Change, Plan, Write, make_plan
from kazoo_operator.drift import Verdict, corrected, judge, told
from kazoo_operator.failure import lacks_databases
from kazoo_operator.identity import fenced
from kazoo_operator.subject import Halt, Subject, is_real
from kazoo_operator.survey import Survey, survey
from kazoo_operator.validity import refuse

Conditions = Mapping[str, tuple[str, str, str]]
"""Type -> (status, reason, message)."""


@dataclass
class Work:
    """What one pass over an object has come to: what is to be done, what was told, what status will say."""

    verdict: Verdict
    events: tuple[Event, ...] = ()
    fields: JsonObject = field(default_factory=lambda: {"pendingQuote": None})
    charged: bool = False

    def tell(self, event: Event) -> None:
        """Something has happened, whatever the pass comes to."""
        self.events += (event,)


class Attached:
    """Keeps the objects of every kind that has an `attachment`.

    `clock` is monotonic, in seconds; `now` is Unix time in seconds.
    """

    def __init__(self, clock: Callable[[], float], now: Callable[[], float]) -> None:
        self._now = now
        self._budget = Budget(clock)
        self._booking = Booking(now, self._budget)
        self._applied: dict[tuple[Key, str], tuple[int, str]] = {}

    async def keep(self, subject: Subject) -> Pass:
        """The pass over an object that is there. Raises Halt, BackendError."""
        place = await place_of(subject)
        if subject.observe_only:
            documents = (await _fit(subject, place)).documents
            found = told(subject, judge(subject, subject.fields, documents, applied=True).reported)
            booked = await self._booking.known(subject, place)
            fields, also = await self._status(subject, place, documents, booked)
            return replace(found, fields={**fields, **found.fields}, also={**also, **found.also})
        refuse_rival(subject, place)
        async with held(subject, place):
            return await self._converge(subject, place)

    async def end(self, subject: Subject) -> Pass:
        """The pass over an object that is being deleted with what it set. Raises Halt, BackendError."""
        released = Pass(Outcome.of(Reason.DELETING, "What the object set is taken back."), released=True)
        account_id, attachment = subject.known_id, _attachment(subject)
        if account_id is None or subject.observe_only or not _was_kept(subject, attachment):
            return released
        place = Place(account_id, str(subject.resource.status.get("realm") or ""))
        if rival(subject, place) is not None:
            return released
        wanted = attachment.reset(subject.fields)
        try:
            async with held(subject, place):
                seen = await survey(subject, place, wanted)
                plan = make_plan(subject.kind, wanted, seen.documents)
                await self._write(subject, place, seen, Work(Verdict(plan)))
        except NotFound:
            return released  # the account is gone, and all that was set with it
        self._applied.pop((subject.resource.key, subject.resource.uid), None)
        return released

    async def _converge(self, subject: Subject, place: Place) -> Pass:
        seen = await _fit(subject, place)
        applied = self._is_applied(subject.resource, place)
        work = Work(judge(subject, subject.fields, seen.documents, applied))
        try:
            return await self._carried_out(subject, place, seen, work, applied)
        except Halt as halt:
            ended = halt
        except BackendError as error:
            ended = Halt.of(error, subject.kind, place.known)
        ended.found = replace(ended.found, events=(*work.events, *ended.found.events))
        raise ended

    async def _carried_out(
        self, subject: Subject, place: Place, seen: Survey, work: Work, applied: bool
    ) -> Pass:
        """What the verdict and the grants ask for, done. Raises Halt, BackendError."""
        resource = subject.resource
        if work.verdict.plan.empty:
            await _recounted(subject, place, seen.documents, work, even_none=not applied)
        else:
            await self._write(subject, place, seen, work)
            seen = await survey(subject, place, subject.fields, seen)
            _refuse_left(subject, place, _remaining(subject, seen.documents, work.verdict.reported))
        self._applied[resource.key, resource.uid] = (resource.generation, place.account_id)
        booked = await self._booking.book(subject, place, seen.documents, work.tell)
        found = told(subject, work.verdict.reported)
        fields, conditions = await self._status(subject, place, seen.documents, booked)
        fields = {**fields, **work.fields, **found.fields}
        also = {**conditions, **found.also}
        if work.fields["pendingQuote"] is None and (work.charged or resource.condition("ChargesAccepted")):
            also["ChargesAccepted"] = ("True", Reason.READY, "Nothing that costs more waits for consent.")
        events = (*work.events, *_notices(subject, fields, applied), *found.events)
        # What was booked by a pass whose answer was lost is news to the account too.
        moved = fields.get("granted") != resource.status.get("granted")
        wakes = _accounts(subject, place) if work.events or moved else ()
        return replace(found, fields=fields, events=events, also=also, wakes=wakes)

    async def _write(self, subject: Subject, place: Place, seen: Survey, work: Work) -> None:
        """Carry out what the verdict says, if what it costs is consented to. Raises Halt."""
        deltas = billed_units(_attachment(subject), work.verdict.plan)
        async with one_at_a_time(subject, billed=bool(deltas)):
            if deltas:  # what a change adds is told from what the bill counts now
                await _recounted(subject, place, seen.documents, work, even_none=True)
            found = await appraised(subject, place.account_id, deltas, self._today())
            for also_less in (False, True):
                if work.verdict.drifted and found.asking:
                    _leave_alone(subject, seen.documents, work, found, also_less=also_less)
                    deltas = billed_units(_attachment(subject), work.verdict.plan)
                    found = await appraised(subject, place.account_id, deltas, self._today())
            work.charged = bool(found.asking)
            if work.verdict.plan.empty:
                return
            await fenced(subject, place.account_id)
            for write in work.verdict.plan.writes:
                revision = seen.revisions[write.document.name] if write.document.revised else None

                async def send(accept: bool, write: Write = write, revision: str | None = revision) -> None:
                    await subject.connection.write(
                        place.account_id, write.document, write.data, revision=revision, accept_charges=accept
                    )

                await _sent(subject, place, write.document, paid(subject, found, place.known, send))
            if not await settle(subject, place.account_id, found.chain, deltas):
                work.tell(_UNBILLED)
        plan, drifted = work.verdict.plan, work.verdict.drifted
        if plan.changes:
            work.tell(corrected(plan.changes) if drifted else _updated(plan))

    def _today(self) -> date:
        return datetime.fromtimestamp(self._now(), UTC).date()

    async def _status(
        self, subject: Subject, place: Place, documents: Documents, booked: tuple[Booked, ...]
    ) -> tuple[JsonObject, Conditions]:
        """What status and its conditions say of the account, with what is read for that alone."""
        attachment, backend, more = _attachment(subject), subject.connection.backend, dict(documents)
        for document in attachment.reads(self._today()):
            try:
                more[document.name] = await backend.read(place.account_id, document)
            except (NotFound, ServerFailure) as error:
                # A month that nobody used has no summary.
                if not (isinstance(error, NotFound) or lacks_databases(error)):
                    raise
        held, currency = documents.get(ACCOUNT.name) or {}, subject.connection.policy.currency
        real = is_real(subject, place.account_id, held)
        managed = not subject.observe_only
        seen = Seen(more, booked, self._today(), currency, real, subject.fields, managed)
        told = {**place.known, **attachment.report(seen)}
        if attachment.budgeted and (share := await self._budget.share(subject, place)) is not None:
            told["budget"] = share.shown()
        return told, attachment.conditions(seen)

    def _is_applied(self, resource: Resource, place: Place) -> bool:
        """Whether the account equalled this very spec before, by status or by what this life saw."""
        same = resource.status.get("accountID") == place.account_id
        held = self._applied.get((resource.key, resource.uid))
        return (resource.ready and same) or held == (resource.generation, place.account_id)


async def _fit(subject: Subject, place: Place) -> Survey:
    """What is seen of the account, if it allows what the spec says. Raises Halt, BackendError."""
    seen = await survey(subject, place, subject.fields)
    refuse(subject.kind.findings(subject.fields, seen.documents), State.STALLED, place.known)
    return seen


async def _sent(subject: Subject, place: Place, document: Document, writing: Awaitable[None]) -> None:
    """Wait for a write; its failure ends the pass. Raises Halt."""
    try:
        await writing
    except Forbidden:
        text = (
            f"KAZOO lets only the account's reseller change its {document.name}; use a credential of the "
            "reseller, or ask it to make the change."
        )
        raise Halt(Reason.NOT_RESELLER, text, place.known) from None
    except BackendError as error:
        raise Halt.of(error, subject.kind, place.known) from None


def _leave_alone(
    subject: Subject, documents: Documents, work: Work, found: Appraisal, *, also_less: bool
) -> None:
    """Drift is never put back at a higher price by itself: it is told, with what it would cost.

    `also_less`: where fewer units are dearer too.
    """
    priced = _attachment(subject).priced
    dearer = tuple(
        change
        for change in work.verdict.plan.changes
        if change.path in priced and (also_less or units_of(change.after) > units_of(change.before))
    )
    reported = (*work.verdict.reported, *dearer)
    work.verdict = Verdict(_remaining(subject, documents, reported), reported, drifted=True)
    if found.price is not None and work.fields["pendingQuote"] is None:
        work.fields["pendingQuote"] = found.price.pending(subject.connection.policy.currency)


def _remaining(subject: Subject, documents: Documents, reported: tuple[Change, ...]) -> Plan:
    """What differs, but for what is told only."""
    ignored = (*(subject.said.get("driftIgnore") or ()), *(change.path for change in reported))
    return make_plan(subject.kind, subject.fields, documents, None, ignored)


def _notices(subject: Subject, fields: JsonObject, applied: bool) -> Iterable[Event]:
    """What is to be told of what status says now, and did not say of this very spec before."""
    notices = _attachment(subject).notices
    before = notices(subject.fields, subject.resource.status) if applied else ()
    known = {event.reason for event in before}
    return [event for event in notices(subject.fields, fields) if event.reason not in known]


def _accounts(subject: Subject, place: Place) -> tuple[Key, ...]:
    """The Accounts that stand for the account: whether it can call is theirs to show."""
    return tuple(one.key for one in subject.objects.attached("Account", place.account_id, place.realm))


def _refuse_left(subject: Subject, place: Place, left: Plan) -> None:
    if not left.empty:
        paths = ", ".join(f"spec.{change.path}" for change in left.changes)
        text = f"KAZOO took the change and shows other values at {paths}; look what else sets them."
        raise Halt(Reason.NOT_CONVERGING, text, place.known)


_UNBILLED = Event(
    "BillWrong", "KAZOO stored the change and does not count it on the bill, reconciled or not.", warning=True
)
_RECOUNTED = Event(
    "BillRepaired", "KAZOO's bill did not count what the account has; it was reconciled.", warning=True
)


async def _recounted(
    subject: Subject, place: Place, documents: Documents, work: Work, *, even_none: bool
) -> None:
    """Have KAZOO count anew where its bill does not count what the account holds.

    `even_none`: also of an account that holds nothing, which it may have lost in a life that did not see it.
    """
    fields, priced = subject.kind.parse(documents), _attachment(subject).priced
    units = {item: units_of(get(fields, path)) for path, item in priced.items()}
    wanted = any(units.values()) or (even_none and bool(units))
    if wanted and await recount(subject, place.account_id, units):
        work.tell(_RECOUNTED)


def _updated(plan: Plan) -> Event:
    return Event("Updated", f"Written to KAZOO: {', '.join(change.path for change in plan.changes)}.")


def _attachment(subject: Subject) -> Attachment:
    if subject.kind.attachment is None:
        raise ValueError(f"kind {subject.kind.name} belongs to no account")
    return subject.kind.attachment


def _was_kept(subject: Subject, attachment: Attachment) -> bool:
    """Whether a pass ever brought the account to this object's spec."""
    return attachment.proof in subject.resource.status

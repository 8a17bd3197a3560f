"""The engine: observe, plan, apply, verify. The only orchestration; it knows KAZOO, and no Kubernetes.

One pass over one object runs through `Engine.reconcile`:

    validated     the spec, or InvalidSpec                                   validity.py
    of            the connection to its KAZOO, or BackendNotReady            backends.py
    identify      which account is it, and may it be touched                 identity.py
    parent_of     which account is it to stand below                         hierarchy.py
    create        only when a search just before finds no such realm         creation.py
    rescued       emergency calls are allowed, whatever else is wrong        rescue.py
    accepted      is it as the spec needs it to be                           examination.py
    compare       the documents that the spec speaks of, beside it           observation.py, drift.py
    converge      write what differs, read back, judge again
    end           for an object that is being deleted with its account       deletion.py
    Attached      for the kinds whose objects belong to an account           attached.py
    keep          for the kind that says where KAZOO is                      backends.py, reach.py
    report        the status fields

What happens next follows from the spec and from KAZOO alone, so a pass may end anywhere and start anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from kazoo_operator.attached import Attached
from kazoo_operator.backend.errors import BackendError, Invalid
from kazoo_operator.backend.registry import NoRoot, Registry
from kazoo_operator.backends import Backends, NotConnected
from kazoo_operator.conventions import refuse_misnamed
from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.documents import Documents
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.mark import Mark
from kazoo_operator.core.outcome import Event, Outcome, Pass, Reason, Return, State
from kazoo_operator.creation import Creation
from kazoo_operator.deletion import Deletion
from kazoo_operator.drift import Verdict, judge, told
from kazoo_operator.examination import accepted, compare, half_built
from kazoo_operator.failure import lacks_databases, outcome_of
from kazoo_operator.hierarchy import refuse_cycle
from kazoo_operator.identity import fenced, identify, observed, placed, refuse_taken
from kazoo_operator.observation import consult, empty_lists, observe, read_back
from kazoo_operator.refusals import Refusals
from kazoo_operator.report import done_events, steps, suspended, unfinished, with_steps
from kazoo_operator.rescue import known_account, rescued
from kazoo_operator.standing import standing
from kazoo_operator.subject import (
    Account,
    Halt,
    Progress,
    Subject,
    made_by_us,
    read,
    status_fields,
    wanted_fields,
)
from kazoo_operator.surroundings import Surroundings
from kazoo_operator.validity import refuse, validated
from kazoo_operator.writing import carry_out

HALF_BUILT_AFTER = 120.0


class Engine:
    """Reconciles objects of every kind. `clock` is monotonic, in seconds; `now` is Unix time in seconds."""

    def __init__(
        self,
        kinds: Iterable[Kind],
        registry: Registry,
        surroundings: Surroundings,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._registry = registry
        self._surroundings = surroundings
        self._clock = clock
        self._backends = Backends(self._kinds["TelephonyBackend"], registry, surroundings, clock, now)
        self._creation = Creation(clock, now)
        self._deletion = Deletion(surroundings, self._creation, now)
        self._half_built: dict[str, float] = {}
        self._now = now
        self._attached = Attached(clock, now)
        self._refusals = Refusals(clock)
        self._applied: dict[tuple[Key, str], int] = {}

    async def reconcile(self, resource: Resource, progress: Progress) -> Pass:
        """One pass over `resource`; every failure is an outcome."""
        kind = self._kinds[resource.key.kind]
        if not kind.managed:
            return self._deletion.woken(resource, await self._backends.keep(resource))
        try:
            found = await self._pass(kind, resource, progress)
        except Halt as halt:
            found = with_steps(kind, resource, halt.found)
        except NotConnected as missing:
            return missing.found
        except NoRoot as error:
            found = self._backends.rootless(resource, error)
        except BackendError as error:
            found = Pass(outcome_of(error, kind))
        finally:
            progress.outcome = None
        return await self._backends.told(resource, found)

    async def finish(self) -> None:
        """Wait until no creation and no deletion is in flight."""
        await self._registry.finish_creates()

    async def close(self) -> None:
        """Give up what is being looked at."""
        await self._backends.close()

    async def _pass(self, kind: Kind, resource: Resource, progress: Progress) -> Pass:
        if resource.spec.get("suspend") is True:
            return suspended(resource)
        if resource.deleting:
            return await self._end(await self._subject(kind, resource, dict(resource.spec)))
        if kind.attachment is not None:
            return await self._attached.keep(await self._valid(kind, resource))
        try:
            subject = await self._valid(kind, resource)
            refuse_misnamed(subject)
            refuse_cycle(subject)
            refuse(kind.findings(subject.fields, await consult(subject, {})), State.STALLED)
        except Halt as halt:
            raise await self._rescued_at(halt, kind, resource) from None
        if subject.observe_only:
            return await self._only_observed(subject)
        return await self._managed(subject, progress)

    async def _managed(self, subject: Subject, progress: Progress) -> Pass:
        """The pass over an object that keeps an account, made by this very pass or known before."""
        wanted, made = wanted_fields(subject), False
        try:
            account = await identify(subject)
        except Halt as halt:
            raise await self._rescued_at(halt, subject.kind, subject.resource) from None
        if account is None:
            try:
                account, wanted, made = await self._creation.create(subject, progress)
            except Halt as halt:
                raise unfinished(halt, subject.kind) if "path" not in halt.found.fields else halt from None
        events: tuple[Event, ...] = ()
        try:
            account, events = await rescued(subject, account)
            found = await self._keep(subject, account, wanted, made)
            return replace(found, events=(*events, *found.events))
        except Halt as halt:
            ended = halt
        except BackendError as error:
            ended = await self._failed(subject, account, error)
        ended.found = replace(ended.found, events=(*events, *ended.found.events))
        raise unfinished(ended, subject.kind) if made or subject.unfinished else ended

    async def _failed(self, subject: Subject, account: Account, error: BackendError) -> Halt:
        """The end of a pass that knows its account, and that KAZOO kept from going on."""
        status = subject.resource.status
        known: JsonObject = {"accountID": account.id, "realm": status.get("realm") or account.realm}
        if another := account.id != subject.known_id:
            known["balance"] = None  # it was that of an account which is gone
        incomplete = another or not status.get("balance")
        if lacks_databases(error) and incomplete and made_by_us(subject, account):
            return await self._half(subject, account, known)
        return Halt.of(error, subject.kind, known)

    async def _rescued_at(self, halt: Halt, kind: Kind, resource: Resource) -> Halt:
        """The same end, once emergency calls are allowed: whatever stands against the rest of the spec.

        What has an account comes back for them at each resync, and sooner where they could not be looked at.
        """
        comes_back = Return.AT_RESYNC
        try:
            index = (await self._backends.of(resource)).index
            known = resource.status.get("accountID") or index.known(self._mark(resource))
            if resource.observe_only or not known:
                return halt
            subject = await self._subject(kind, resource, dict(resource.spec))
            account = await known_account(subject)
            if account is not None:
                _, events = await rescued(subject, account)
                halt.found = replace(halt.found, events=(*events, *halt.found.events))
        except BackendError as error:
            comes_back = outcome_of(error, kind).comes_back
        except NotConnected:
            return halt  # woken with its TelephonyBackend
        except (NoRoot, Halt):
            pass  # looked for again at resync; what the pass tells is the first thing to mend
        halt.found = replace(halt.found, outcome=halt.found.outcome.no_later_than(comes_back))
        return halt

    async def _valid(self, kind: Kind, resource: Resource) -> Subject:
        """The object, if its spec breaks no rule today. Raises Halt."""
        today = datetime.fromtimestamp(self._now(), UTC).date()
        return await self._subject(kind, resource, kind.normal(validated(kind, resource, today)))

    async def _subject(self, kind: Kind, resource: Resource, fields: JsonObject) -> Subject:
        """The object with what is decided before KAZOO is asked; `fields`: what its spec is taken to say."""
        connection = await self._backends.of(resource)
        root, near = await connection.root(), self._backends.neighbours(resource)
        return Subject(resource, kind, fields, connection, root, self._mark(resource), near, near.is_here)

    def _mark(self, resource: Resource) -> Mark:
        return Mark(self._surroundings.owner, resource.key.namespace, resource.key.name)

    async def _end(self, subject: Subject) -> Pass:
        if subject.kind.attachment is not None:
            return await self._attached.end(subject)
        if subject.observe_only:
            text = "Under ObserveOnly the account is kept."
            return Pass(Outcome.of(Reason.DELETING, text), released=True)
        found = await self._deletion.end(subject)
        self._applied.pop((subject.resource.key, subject.resource.uid), None)
        return found

    async def _only_observed(self, subject: Subject) -> Pass:
        """The pass over an object that writes nothing."""
        account = await placed(subject, await observed(subject))
        documents = await observe(subject, account, subject.fields)
        found = told(subject, judge(subject, subject.fields, documents, applied=True).reported)
        fields = {**status_fields(subject, account), **found.fields, "realm": account.realm, "steps": None}
        held, also = await standing(subject, account)
        return replace(found, fields={**fields, **held}, also={**found.also, **also})

    async def _keep(self, subject: Subject, account: Account, wanted: JsonObject, made: bool) -> Pass:
        """The pass from where it is known which account the object has; `made`: by this very pass."""
        account = await accepted(subject, account)
        await self._refusals.stop(subject, account)
        known, applied = empty_lists(subject) if made else {}, self._is_applied(subject.resource)
        compared = await compare(subject, account, wanted, applied, known)
        wanted, documents, verdict = compared.wanted, compared.documents, compared.verdict
        events = done_events(subject, account, verdict, made)
        account = await self._converge(subject, account, wanted, documents, verdict)
        found = told(subject, verdict.reported)
        everything = {document.name for _, document in subject.lifecycle.steps}
        fields = {
            **status_fields(subject, account),
            **found.fields,
            "realm": subject.decided_realm or account.realm,
            "steps": steps(subject.lifecycle, everything),
            "pendingQuote": None,
        }
        held, also = await standing(subject, account)
        self._half_built.pop(account.id, None)
        self._applied[subject.resource.key, subject.resource.uid] = subject.resource.generation
        also = {**found.also, **also}
        return replace(found, fields={**fields, **held}, events=(*events, *found.events), also=also)

    def _is_applied(self, resource: Resource) -> bool:
        """Whether KAZOO equalled this very spec before, by status or by what this life saw."""
        return resource.ready or self._applied.get((resource.key, resource.uid)) == resource.generation

    async def _half(self, subject: Subject, account: Account, fields: JsonObject) -> Halt:
        """What to do about an account without its databases: wait, and make it anew when a person says so."""
        since = self._half_built.setdefault(account.id, self._clock())
        stalled = subject.resource.condition("Stalled").get("reason") == Reason.HALF_BUILT
        waited = stalled or self._clock() - since >= HALF_BUILT_AFTER
        if waited and subject.annotation("recreate") == account.id:
            await self._deletion.replace_half_built(subject, account)
            text = f"The half-built account {account.id} was deleted; another is made in its place."
            return Halt(Reason.DELETING, text, fields)
        return Halt(Reason.HALF_BUILT, half_built(account), fields, State.STALLED if waited else None)

    async def _converge(
        self, subject: Subject, account: Account, wanted: JsonObject, documents: Documents, verdict: Verdict
    ) -> Account:
        """Write what differs and read it back. Raises Halt, with what is known in status, when that fails."""
        plan = verdict.plan
        if plan.empty:
            return account
        await fenced(subject, account.id)
        await refuse_taken(subject, account, plan)
        known = status_fields(subject, account)
        written: dict[str, str | None] = {}
        try:
            for write in plan.writes:
                written[write.document.name] = await carry_out(subject, account, write, documents)
        except BackendError as error:
            left_open = {write.document.name for write in plan.writes} - written.keys()
            done = {document.name for document in subject.kind.documents} - left_open
            outcome = outcome_of(error, subject.kind)
            halt = Halt.of(error, subject.kind, {**known, "steps": steps(subject.lifecycle, done, outcome)})
            if isinstance(error, Invalid):
                await self._refusals.note(subject, account, error, halt.found)
            raise halt from None
        again = await read(subject, account.id) if subject.lifecycle.document.name in written else account
        if again is None:
            raise Halt(Reason.WRITE_CONFLICT, "The account vanished while it was changed; looked for again.")
        after = await observe(subject, again, wanted, await read_back(subject, account, documents, written))
        left = judge(subject, wanted, after, self._is_applied(subject.resource)).plan
        if not left.empty:
            paths = ", ".join(f"spec.{change.path}" for change in left.changes) or subject.lifecycle.marks
            text = f"KAZOO took the change and still shows other values at {paths}; look what else sets them."
            raise Halt(Reason.NOT_CONVERGING, text, known)
        return replace(account, document=again.document)

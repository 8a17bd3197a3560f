"""The engine: observe, plan, apply, verify. The only orchestration; it knows KAZOO, and no Kubernetes.

One pass over one object runs through `Engine.reconcile`:

    validated     the spec, or InvalidSpec                                   subject.py
    identify      which account is it, and may it be touched                 identity.py
    create        only when a search just before finds no such realm         creation.py
    converge      plan, write what differs, read back, plan again
    report        the status fields

What happens next follows from the spec and from KAZOO alone, so a pass may end anywhere and start anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from kazoo_operator.backend.errors import BackendError, Invalid, ServerFailure
from kazoo_operator.backend.registry import NoRoot, Registry
from kazoo_operator.core import money
from kazoo_operator.core.custom_resource import JsonObject, Resource
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.mark import Mark
from kazoo_operator.core.outcome import Outcome, Pass, Reason, State
from kazoo_operator.core.plan import make_plan
from kazoo_operator.creation import Creation
from kazoo_operator.failure import outcome_of
from kazoo_operator.identity import fenced, identify, placed, refuse_taken, refuse_twin
from kazoo_operator.subject import (
    Account,
    Halt,
    Progress,
    Subject,
    read,
    refuse_other_realm,
    status_fields,
    validated,
    wanted_fields,
)

HALF_BUILT_AFTER = 120.0
REFUSED_FOR = 3600.0


@dataclass(frozen=True)
class Refusal:
    """A change that KAZOO refused as not unique: of which spec, what stood there before, and what to say."""

    uid: str
    generation: int
    old: JsonObject
    until: float
    found: Pass


class Engine:
    """Reconciles objects of every kind. `owner` stands in our marks; `clock` is monotonic, in seconds."""

    def __init__(
        self,
        kinds: Iterable[Kind],
        registry: Registry,
        owner: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._registry = registry
        self._owner = owner
        self._clock = clock
        self._creation = Creation(clock)
        self._half_built: dict[str, float] = {}
        self._refusals: dict[str, Refusal] = {}

    async def reconcile(self, resource: Resource, progress: Progress) -> Pass:
        """One pass over `resource`; every failure is an outcome."""
        kind = self._kinds[resource.key.kind]
        try:
            return await self._pass(kind, resource, progress)
        except Halt as halt:
            return halt.found
        except NoRoot as error:
            text = f"The root account is not there: {error}; check KAZOO_OPERATOR_ROOT_ACCOUNT."
            return Pass(Outcome.of(Reason.FORBIDDEN, text))
        except BackendError as error:
            return Pass(outcome_of(error, kind))
        finally:
            progress.outcome = None

    async def finish(self) -> None:
        """Wait until no creation is in flight."""
        await self._registry.finish_creates()

    async def _pass(self, kind: Kind, resource: Resource, progress: Progress) -> Pass:
        subject = await self._subject(kind, resource)
        account, wanted = await identify(subject), wanted_fields(subject)
        if account is None:
            account, wanted = await self._creation.create(subject, progress)
        try:
            return await self._keep(subject, account, wanted)
        except BackendError as error:
            known = {"accountID": account.id, "realm": subject.decided_realm or account.realm}
            raise Halt.of(error, kind, known) from None

    async def _keep(self, subject: Subject, account: Account, wanted: JsonObject) -> Pass:
        """The pass from where it is known which account the object has."""
        account = await placed(subject, account)
        refuse_other_realm(subject, account)
        await refuse_twin(subject, account)
        await self._refused_before(subject, account)
        account = await self._converge(subject, account, wanted)
        fields = status_fields(subject, account)
        fields["balance"] = money.to_text(await self._balance(subject, account, fields))
        return Pass(Outcome.of(Reason.READY, "The account in KAZOO equals the spec."), fields)

    async def _subject(self, kind: Kind, resource: Resource) -> Subject:
        spec = validated(kind, resource)
        if kind.lifecycle is None:
            raise ValueError(f"kind {kind.name} has no lifecycle")
        connection = self._registry.of(resource)
        root = await connection.root()
        mark = Mark(self._owner, resource.key.namespace, resource.key.name)
        return Subject(resource, kind, kind.lifecycle, spec, kind.normal(spec), connection, root, mark)

    async def _balance(self, subject: Subject, account: Account, fields: JsonObject) -> money.Amount:
        try:
            balance = await subject.connection.backend.balance(account.id)
        except ServerFailure as error:
            if not error.message.startswith("datastore missing") or "balance" in subject.resource.status:
                raise
            since = self._half_built.setdefault(account.id, self._clock())
            text = (
                f"The account {account.id} lacks its databases, as after an interrupted creation; "
                "if it stays so, delete it in KAZOO, then delete this object and apply it again."
            )
            state = State.STALLED if self._clock() - since >= HALF_BUILT_AFTER else None
            raise Halt(Reason.HALF_BUILT, text, fields, state) from None
        self._half_built.pop(account.id, None)
        return balance

    async def _converge(self, subject: Subject, account: Account, wanted: JsonObject) -> Account:
        """Write what differs and read it back. Raises Halt, with what is known in status, when that fails."""
        document, mark = subject.lifecycle.document, str(subject.mark)
        plan = make_plan(subject.kind, wanted, {document.name: account.document}, mark)
        if plan.empty:
            return account
        await fenced(subject, account)
        await refuse_taken(subject, account, plan)
        known = status_fields(subject, account)
        try:
            for write in plan.writes:
                await subject.connection.backend.write(account.id, write.document, write.data)
        except Invalid as error:
            halt = Halt.of(error, subject.kind, known)
            await self._note_refusal(subject, account, error, halt.found)
            raise halt from None
        except BackendError as error:
            raise Halt.of(error, subject.kind, known) from None
        again = await read(subject, account.id)
        if again is None:
            raise Halt(Reason.WRITE_CONFLICT, "The account vanished while it was changed; looked for again.")
        left = make_plan(subject.kind, wanted, {document.name: again.document}, mark)
        if not left.empty:
            paths = ", ".join(f"spec.{change.path}" for change in left.changes) or subject.lifecycle.marks
            text = f"KAZOO took the change and still shows other values at {paths}; look what else sets them."
            raise Halt(Reason.NOT_CONVERGING, text, known)
        return replace(account, document=again.document)

    async def _note_refusal(self, subject: Subject, account: Account, error: Invalid, found: Pass) -> None:
        """KAZOO 5.0 stores what it refuses as not unique: remember what stood there, and put it back."""
        unique = {name for name, kinds in error.fields.items() if "unique" in kinds}
        before = subject.kind.parse({subject.lifecycle.document.name: account.document})
        old = {name: value for name, value in before.items() if name in unique}
        if old:
            resource, until = subject.resource, self._clock() + REFUSED_FOR
            self._refusals[account.id] = Refusal(resource.uid, resource.generation, old, until, found)
            again = await read(subject, account.id)
            if again is not None:
                await _put_back(subject, again, old)

    async def _refused_before(self, subject: Subject, account: Account) -> None:
        """Raises Halt while the same spec was refused within the hour; what was stored is put back first."""
        refusal = self._refusals.get(account.id)
        if refusal is None:
            return
        await _put_back(subject, account, refusal.old)
        resource = subject.resource
        same = (refusal.uid, refusal.generation) == (resource.uid, resource.generation)
        if same and self._clock() < refusal.until:
            raise Halt.again(refusal.found)
        del self._refusals[account.id]


async def _put_back(subject: Subject, account: Account, old: JsonObject) -> None:
    plan = make_plan(subject.kind, old, {subject.lifecycle.document.name: account.document})
    for write in plan.writes:
        await subject.connection.backend.write(account.id, write.document, write.data)

"""The engine: observe, plan, apply, verify. The only orchestration; it knows KAZOO, and no Kubernetes.

One pass over one object runs through `Engine.reconcile`:

    validated     the spec, or InvalidSpec
    identify      which account is it: by status, by the mark, by the realm; or none
    create        only when a search just before it finds no account with the realm
    converge      plan, write what differs, read back, plan again
    report        the status fields

What happens next follows from the spec and from KAZOO alone, so a pass may end anywhere and start anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from kazoo_operator.backend.errors import UNCERTAIN, BackendError, Invalid, ServerFailure, TimedOut
from kazoo_operator.backend.protocol import AccountRow
from kazoo_operator.backend.registry import NoRoot, Registry
from kazoo_operator.core import money
from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.mark import Mark
from kazoo_operator.core.outcome import Outcome, Pass, Reason, State
from kazoo_operator.core.plan import make_plan, plan_creation
from kazoo_operator.core.realm import normalised_name
from kazoo_operator.failure import outcome_of
from kazoo_operator.subject import (
    Account,
    Halt,
    Subject,
    decided_realm,
    marks_on,
    oldest,
    ours,
    read,
    refuse_other_realm,
    start_fields,
    status_fields,
    twin_found,
    validated,
)

HALF_BUILT_AFTER = 120.0
GATEWAY_PATIENCE = 20.0
ROLLED_BACK_LIMIT = 3


class Progress(Protocol):
    """Where a pass says what it is waiting for; shown while the pass goes on."""

    outcome: Outcome | None


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
        self._rolled_back: dict[Key, int] = {}
        self._half_built: dict[Key, float] = {}
        self._unsure: dict[str, float] = {}

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
        account = await self._identify(subject)
        if account is None:
            account = await self._create(subject, progress)
        refuse_other_realm(subject, account)
        await self._refuse_twin(subject, account)
        fields = status_fields(subject, account)
        account = await self._converge(subject, account, subject.fields, fields)
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

    # Which account is it?

    async def _identify(self, subject: Subject) -> Account | None:
        """The object's account, or None when it was never made. Raises Halt when it may not be touched."""
        known = subject.known_id
        if known is not None:
            account = await read(subject, known)
            if account is not None:
                return ours(subject, account)
        rows = await subject.connection.marks.find(subject.mark, subject.root.account_id)
        found = await self._read_all(subject, rows)
        if found:
            return ours(subject, oldest(found))
        if known is None:
            return None
        account = await self._by_realm(subject, str(subject.resource.status.get("realm") or ""))
        if account is None:
            text = (
                f"The account {known} is gone from KAZOO and is not made anew by itself; "
                "delete this object and apply it again for a new account."
            )
            raise Halt(Reason.EXTERNALLY_DELETED, text)
        return account

    async def _read_all(self, subject: Subject, rows: Iterable[AccountRow]) -> list[Account]:
        found = []
        for row in rows:
            account = await read(subject, row.id)
            if account is not None and subject.mark in marks_on(subject, account):
                found.append(account)
            else:
                subject.connection.marks.forget(subject.mark, row.id)
        return found

    async def _by_realm(self, subject: Subject, realm: str) -> Account | None:
        """The account that holds `realm`, if it is visible. Raises Halt when it is not ours."""
        if not realm:
            return None
        rows = await subject.connection.backend.find_by_realm(realm)
        accounts = [account for row in rows if (account := await read(subject, row.id)) is not None]
        marked = [account for account in accounts if subject.mark in marks_on(subject, account)]
        if marked:
            account = oldest(marked)
            self._note_found(subject, account)
            return account
        return ours(subject, accounts[0]) if accounts else None

    async def _refuse_twin(self, subject: Subject, account: Account) -> None:
        """Raises Halt as long as our mark stands on another account too: it is reported, never deleted."""
        rows = await subject.connection.marks.find(subject.mark, subject.root.account_id)
        others = await self._read_all(subject, [row for row in rows if row.id != account.id])
        if others:
            raise twin_found(subject, account, oldest(others).id)

    def _note_found(self, subject: Subject, account: Account) -> None:
        row = AccountRow(account.id, str(account.document.get("name", "")), account.realm)
        subject.connection.marks.remember(subject.mark, row)

    # Making it

    async def _create(self, subject: Subject, progress: Progress) -> Account:
        """Make the account, or attach to the one that an earlier life made. Raises Halt."""
        realm = decided_realm(subject)
        connection, name = subject.connection, normalised_name(str(subject.fields["name"]))
        async with connection.alone(f"realm {realm}"), connection.alone(f"name {name}"):
            account = await self._by_realm(subject, realm)
            if account is not None:
                return account
            self._wait_for_gateway(subject, realm)
            text = f"KAZOO is making the account {realm}; that can take a minute."
            progress.outcome = Outcome.of(Reason.CREATING, text)
            account = await self._put(subject, realm)
            progress.outcome = None
            await self._report_twin(subject, account, realm)
        self._rolled_back.pop(subject.resource.key, None)
        return account

    async def _put(self, subject: Subject, realm: str) -> Account:
        fields = start_fields(subject, realm)
        plan = plan_creation(subject.kind, fields, str(subject.mark))
        assert plan.create is not None
        backend = subject.connection.backend
        try:
            answer = await backend.create_account(subject.root.account_id, plan.create.data)
        except Invalid as error:
            return await self._not_unique(subject, realm, error)
        except UNCERTAIN as error:
            # A gateway gave up, not KAZOO: the work may go on, and be in no listing until it is done.
            if isinstance(error, TimedOut) or getattr(error, "status", 0) in (502, 504):
                self._unsure[realm] = self._clock()
            # The realm stays decided, and what may have been made is looked for by its mark.
            subject.connection.marks.expire()
            raise Halt.of(error, subject.kind, {"realm": realm}) from None
        account_id = answer.get("id")
        account = await read(subject, account_id) if isinstance(account_id, str) and account_id else None
        if account is None or "created" not in answer:
            raise self._rolled_back_again(subject)
        self._note_found(subject, account)
        return await self._converge(subject, account, fields, status_fields(subject, account))

    async def _not_unique(self, subject: Subject, realm: str, error: Invalid) -> Account:
        """KAZOO knows the realm: an earlier try that ended late made it, or it is another's."""
        if "unique" not in error.fields.get("realm", {}):
            raise error
        account = await self._by_realm(subject, realm)
        if account is not None:
            return account
        text = (
            f"The realm {realm} belongs to an account that is not below {subject.root.realm}; "
            "choose another realm."
        )
        raise Halt(Reason.REALM_TAKEN, text)

    def _wait_for_gateway(self, subject: Subject, realm: str) -> None:
        since = self._unsure.get(realm)
        if since is None:
            return
        if self._clock() - since < GATEWAY_PATIENCE:
            text = "The last creation ended without KAZOO's own answer; it is looked for before the next."
            raise Halt(Reason.BACKEND_UNAVAILABLE, text)
        del self._unsure[realm]

    def _rolled_back_again(self, subject: Subject) -> Halt:
        key = subject.resource.key
        self._rolled_back[key] = times = self._rolled_back.get(key, 0) + 1
        text = (
            f"KAZOO undid the creation below {subject.root.realm} and yet answered 201, as it does for the "
            "first child of a new reseller; make one child before the account is promoted to reseller."
        )
        return Halt(Reason.ROLLED_BACK, text, state=State.STALLED if times >= ROLLED_BACK_LIMIT else None)

    async def _report_twin(self, subject: Subject, account: Account, realm: str) -> None:
        rows = await subject.connection.backend.find_by_realm(realm)
        twins = sorted(row.id for row in rows if row.id != account.id)
        if twins:
            raise twin_found(subject, account, twins[0])

    # Keeping it as the spec says

    async def _converge(
        self, subject: Subject, account: Account, fields: JsonObject, known: JsonObject
    ) -> Account:
        """Write what differs and read it back. Raises Halt, with `known` in status, when that fails."""
        document, mark = subject.lifecycle.document, str(subject.mark)
        plan = make_plan(subject.kind, fields, {document.name: account.document}, mark)
        if plan.empty:
            return account
        try:
            for write in plan.writes:
                await subject.connection.backend.write(account.id, write.document, write.data)
        except BackendError as error:
            raise Halt.of(error, subject.kind, known) from None
        again = await read(subject, account.id)
        if again is None:
            raise Halt(Reason.WRITE_CONFLICT, "The account vanished while it was changed; looked for again.")
        left = make_plan(subject.kind, fields, {document.name: again.document}, mark)
        if not left.empty:
            paths = ", ".join(f"spec.{change.path}" for change in left.changes) or subject.lifecycle.marks
            text = f"KAZOO took the change and still shows other values at {paths}; look what else sets them."
            raise Halt(Reason.NOT_CONVERGING, text, known)
        return again

    async def _balance(self, subject: Subject, account: Account, fields: JsonObject) -> money.Amount:
        key = subject.resource.key
        try:
            balance = await subject.connection.backend.balance(account.id)
        except ServerFailure as error:
            if error.status != 503 or "balance" in subject.resource.status:
                raise
            since = self._half_built.setdefault(key, self._clock())
            text = (
                f"The account {account.id} lacks its databases, as after an interrupted creation; "
                "if it stays so, delete it in KAZOO, then delete this object and apply it again."
            )
            state = State.STALLED if self._clock() - since >= HALF_BUILT_AFTER else None
            raise Halt(Reason.HALF_BUILT, text, fields, state) from None
        self._half_built.pop(key, None)
        return balance

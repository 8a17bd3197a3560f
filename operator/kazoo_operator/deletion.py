"""The end of an account: confirmed by name, children first, a few an hour, and never silently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kazoo_operator.allowance import Allowance, approval
from kazoo_operator.backend.errors import (
    UNCERTAIN,
    BackendError,
    Conflict,
    Forbidden,
    NotFound,
    ServerFailure,
)
from kazoo_operator.backend.protocol import AccountRow
from kazoo_operator.core.custom_resource import GROUP, Key, Resource
from kazoo_operator.core.outcome import Event, Outcome, Pass, Reason
from kazoo_operator.creation import Creation
from kazoo_operator.identity import fenced, identify, placed
from kazoo_operator.subject import Account, Halt, Subject, marks_on, read
from kazoo_operator.surroundings import Surroundings

_NAMED = 5


@dataclass
class Deletion:
    """Deletes accounts whose objects are being deleted; `now` is Unix time in seconds."""

    surroundings: Surroundings
    creation: Creation
    now: Callable[[], float]
    _allowances: dict[Key | None, Allowance] = field(default_factory=dict)

    async def end(self, subject: Subject) -> Pass:
        """One pass over an object that is being deleted with its account. Raises Halt, BackendError."""
        account = await self._account(subject)
        if account is None:
            self._allowance(subject.connection.key).settled(subject.resource.key)
            return Pass(Outcome.of(Reason.DELETING, "The account is gone."), released=True)
        account = await placed(subject, account)
        _refuse_root(subject, account)
        _ask_for_confirmation(subject, account)
        await _refuse_descendants(subject, account)
        await self._delete(subject, account)
        event = Event("Deleted", f"The account {account.id} ({account.realm}) was deleted from KAZOO.")
        return Pass(Outcome.of(Reason.DELETING, "The account is gone."), events=(event,), released=True)

    async def _delete(self, subject: Subject, account: Account) -> None:
        """DELETE the account and see it gone. Raises Halt with what keeps it."""
        await fenced(subject, account.id)
        allowance = self._allowance(subject.connection.key)
        await allowance.admit(subject, account)
        backend, index = subject.connection.backend, subject.connection.index
        try:
            await backend.delete_account(account.id)
        except NotFound:
            pass
        except (*UNCERTAIN, Conflict, Forbidden) as error:
            if await read(subject, account.id) is not None:
                raise await _kept(subject, account, error) from None
        else:
            if await read(subject, account.id) is not None:
                text = f"KAZOO is deleting the account {account.id}; its end is waited for."
                raise Halt(Reason.DELETING, text)
        index.forget(account.id)
        allowance.settled(subject.resource.key)

    def woken(self, backend: Resource, found: Pass) -> Pass:
        """The pass over a TelephonyBackend: once it approves deletions, those who wait for that are woken."""
        held = self._allowances.get(backend.key)
        waiting = () if held is None or approval(backend) is None else held.waiting
        return replace(found, wakes=tuple(dict.fromkeys((*found.wakes, *waiting))))

    def _allowance(self, backend: Key | None) -> Allowance:
        """The deletions at the KAZOO of a TelephonyBackend; None: of the settings."""
        if backend not in self._allowances:
            given = self.surroundings
            noted = given.deletions if backend is None else given.deletions_of(backend)
            self._allowances[backend] = Allowance(noted, backend, self.now)
        return self._allowances[backend]

    async def replace_half_built(self, subject: Subject, account: Account) -> None:
        """Delete an account that lacks its databases, as a person has asked for. Raises Halt."""
        _refuse_root(subject, account)
        await _refuse_descendants(subject, account)
        await self._delete(subject, account)

    async def _account(self, subject: Subject) -> Account | None:
        """The account that goes with the object: it bears our mark alone, or none and status knows its id."""
        try:
            account = await identify(subject)
            if account is None and subject.known_id is None:
                account = await self.creation.found(subject)
        except Halt as halt:
            # It is gone, or never was this object's: there is nothing of ours to delete.
            if halt.found.outcome.reason in _NOT_OURS:
                return None
            raise
        if account is None:
            return None
        marks = set(marks_on(subject, account))
        unmarked = not marks and account.id == subject.known_id and subject.was_managed
        return account if marks == {subject.mark} or unmarked else None


_NOT_OURS = frozenset(
    {Reason.EXTERNALLY_DELETED, Reason.NOT_ADOPTED, Reason.REALM_TAKEN, Reason.ACCOUNT_NOT_FOUND}
)


def _refuse_root(subject: Subject, account: Account) -> None:
    if account.id == subject.root.account_id:
        text = "The root account is never deleted; set deletionPolicy: Retain to let this object go."
        raise Halt(Reason.FORBIDDEN, text)


def _ask_for_confirmation(subject: Subject, account: Account) -> None:
    name = str(account.document.get("name"))
    said = subject.annotation("confirm-delete")
    if said == name:
        return
    wrong = "" if said is None else f" (it says {said!r} now)"
    text = (
        f"Deleting the account {account.id} drops its numbers, users, voicemail and money for ever; to "
        f"confirm, annotate this object with {GROUP}/confirm-delete: {name}{wrong}; to keep the account, set "
        "deletionPolicy: Retain."
    )
    raise Halt(Reason.DELETION_NOT_CONFIRMED, text)


async def _refuse_descendants(subject: Subject, account: Account) -> None:
    """Raises Halt while accounts stand below, or are being made there."""
    rows = await subject.connection.backend.descendants(account.id)
    if rows or subject.connection.creating[account.id]:
        raise _descended(subject, account, rows)


def _descended(subject: Subject, account: Account, rows: tuple[AccountRow, ...]) -> Halt:
    names = sorted(row.name for row in rows)
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    text = f"Accounts stand below {account.id}: {shown or 'one is being made'}; they are to be deleted first."
    children = [child.key for child in subject.objects.referring_to(subject.resource.key)]
    return Halt(Reason.HAS_DESCENDANTS, text, awaits=children)


async def _kept(subject: Subject, account: Account, error: BackendError) -> Halt:
    """Why the account is still there: KAZOO's permanent refusals come as 500."""
    said = error.message if isinstance(error, ServerFailure) else ""
    if "descendants" in said:
        return _descended(subject, account, await subject.connection.backend.descendants(account.id))
    if "active port" in said:
        text = f"A number of the account {account.id} is being ported; KAZOO deletes it when that is done."
        return Halt(Reason.ACTIVE_PORT, text)
    return Halt.of(error, subject.kind, {})

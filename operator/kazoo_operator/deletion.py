"""The end of an account: confirmed by name, children first, a few an hour, and never silently."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kazoo_operator.backend.errors import (
    UNCERTAIN,
    BackendError,
    Conflict,
    Forbidden,
    NotFound,
    ServerFailure,
)
from kazoo_operator.backend.protocol import AccountRow
from kazoo_operator.core.custom_resource import GROUP, Key
from kazoo_operator.core.outcome import Event, Outcome, Pass, Reason
from kazoo_operator.creation import Creation
from kazoo_operator.identity import fenced, identify, placed
from kazoo_operator.subject import Account, Halt, Subject, marks_on, read
from kazoo_operator.surroundings import Deletions, Objects

HOUR = 3600.0
_NAMED = 5


@dataclass
class Deletion:
    """Deletes accounts whose objects are being deleted; `now` is Unix time in seconds."""

    deletions: Deletions
    creation: Creation
    now: Callable[[], float] = time.time
    _waiting: dict[Key, str] = field(default_factory=dict)
    _approved: set[str] = field(default_factory=set)
    _admitting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def end(self, subject: Subject) -> Pass:
        """One pass over an object that is being deleted with its account. Raises Halt, BackendError."""
        account = await self._account(subject)
        if account is None:
            self._waiting.pop(subject.resource.key, None)
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
        async with self._admitting:
            await self._admit(subject, account)
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
        self._waiting.pop(subject.resource.key, None)

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

    async def _admit(self, subject: Subject, account: Account) -> None:
        """Note the deletion before it is done; one at a time, so that two do not count as one.

        Raises Halt when the hour's deletions are used up, and nobody approved more.
        """
        since = self.now() - HOUR
        try:
            noted = [done for done in await self.deletions.read() if done.at > since]
            recent = [done.account_id for done in sorted(noted, key=lambda done: done.at)]
            self._refuse_more(subject, account, recent)
            if account.id not in recent:
                await self.deletions.add(account.id)
        except OSError as error:
            raise _unnoted(error) from None

    def _refuse_more(self, subject: Subject, account: Account, recent: list[str]) -> None:
        """`recent`: the ids of the accounts deleted within the hour, oldest first."""
        limit = subject.connection.policy.max_deletions_per_hour
        self._waiting = {key: held for key, held in self._waiting.items() if _still_waits(subject, key)}
        self._waiting[subject.resource.key] = account.id
        if account.id in recent or len(recent) < limit:
            return
        url, waiting = subject.connection.backend.url, set(self._waiting.values())
        # Of those that one approval names, some may be deleted by now: the last ones.
        digests = {digest(url, waiting.union(recent[left:])) for left in range(len(recent) + 1)}
        if _approved(subject.objects, self._waiting, digests):
            self._approved |= waiting
        if account.id in self._approved:
            return
        text = (
            f"{len(recent)} of {limit} deletions an hour are used up, and {len(waiting)} wait; for all of "
            f"them at once annotate this object with {GROUP}/approve-deletions: {digest(url, waiting)}."
        )
        raise Halt(Reason.DELETION_LIMIT, text)


_NOT_OURS = frozenset(
    {Reason.EXTERNALLY_DELETED, Reason.NOT_ADOPTED, Reason.REALM_TAKEN, Reason.ACCOUNT_NOT_FOUND}
)


def _still_waits(subject: Subject, key: Key) -> bool:
    """Whether an object that waited for its deletion still does: its policy may be Retain by now."""
    found = subject.objects.get(key)
    return found is not None and found.deleting and found.spec.get("deletionPolicy") == "Delete"


def digest(url: str, account_ids: set[str]) -> str:
    """`sha256:` and 64 hex digits over the backend's URL and the sorted ids, as canonical JSON."""
    content = {"accounts": sorted(account_ids), "backend": url}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _approved(objects: Objects, waiting: dict[Key, str], digests: set[str]) -> bool:
    """Whether an annotation on any of the waiting objects approves all of them."""
    found = (objects.get(key) for key in waiting)
    return any(
        resource is not None and resource.annotations.get(f"{GROUP}/approve-deletions") in digests
        for resource in found
    )


def _unnoted(error: OSError) -> Halt:
    text = f"The deletion cannot be noted in the Lease ({error}), and is not done without; retried."
    return Halt(Reason.BACKEND_UNAVAILABLE, text)


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

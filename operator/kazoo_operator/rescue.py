"""Emergency calls come first: a live deny is lifted before anything else can end the pass (KZ107)."""

from __future__ import annotations

from dataclasses import replace

from kazoo_operator.backend.errors import BackendError, Invalid
from kazoo_operator.core.documents import Documents
from kazoo_operator.core.outcome import Event
from kazoo_operator.core.plan import make_plan
from kazoo_operator.drift import corrected
from kazoo_operator.identity import fenced
from kazoo_operator.subject import Account, Subject, marks_on, read


async def rescued(subject: Subject, account: Account) -> tuple[Account, tuple[Event, ...]]:
    """The account with what is vital put right, and what to tell of it. Raises Halt, BackendError.

    Only what bears our mark alone is touched; the rest of the spec is left for the pass.
    """
    if set(marks_on(subject, account)) != {subject.mark}:
        return account, ()
    plan = make_plan(subject.kind, {}, await _documents(subject, account))
    if plan.empty:
        return account, ()
    await fenced(subject, account.id)
    for write in plan.writes:
        try:
            await subject.connection.backend.write(account.id, write.document, write.data)
        except Invalid:
            return account, ()  # something else in the document is refused; the pass says what
    again = await read(subject, account.id)
    document = account.document if again is None else again.document
    return replace(account, document=document), (corrected(plan.changes),)


async def _documents(subject: Subject, account: Account) -> Documents:
    """The account's own document, and what tells which of its members are vital, as far as KAZOO gives it."""
    documents = {subject.lifecycle.document.name: account.document}
    found = dict(documents)
    for document in subject.kind.consults({}, documents):
        try:
            found[document.name] = await subject.connection.consult(document)
        except BackendError:
            continue
    return found

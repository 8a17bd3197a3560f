"""Emergency calls come first: a live deny is lifted before anything else can end the pass (KZ107)."""

from __future__ import annotations

from dataclasses import replace

from kazoo_operator.backend.errors import BackendError, Invalid
from kazoo_operator.core.documents import Documents
from kazoo_operator.core.outcome import Event
from kazoo_operator.core.plan import Plan, make_plan
from kazoo_operator.drift import corrected
from kazoo_operator.identity import fenced, still_marked
from kazoo_operator.subject import Account, Subject, marks_on, oldest, read


async def known_account(subject: Subject) -> Account | None:
    """The account of an object that is not asked for its spec: by its id in status, else by its mark.

    The mark is looked for in what was listed so far: an object that never had an account costs no call.
    Raises BackendError.
    """
    if subject.known_id is not None and (account := await read(subject, subject.known_id)) is not None:
        return account
    marked = await still_marked(subject, subject.connection.index.known(subject.mark))
    return oldest(marked) if marked else None


async def rescue(subject: Subject, account: Account) -> Plan:
    """What is vital and not so in KAZOO. Raises BackendError.

    Only what bears our mark alone is ours to touch.
    """
    if set(marks_on(subject, account)) != {subject.mark}:
        return Plan()
    return make_plan(subject.kind, {}, await _documents(subject, account))


async def rescued(subject: Subject, account: Account) -> tuple[Account, tuple[Event, ...]]:
    """The account with what is vital put right, and what to tell of it. Raises Halt, BackendError.

    The rest of the spec is left for the pass.
    """
    plan = await rescue(subject, account)
    if plan.empty:
        return account, ()
    await fenced(subject, account.id)
    for write in plan.writes:
        try:
            await subject.connection.write(account.id, write.document, write.data)
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

"""Which account is it? By the id in status, else by the mark, else by the realm; and may it be touched?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from kazoo_operator.backend.errors import Forbidden
from kazoo_operator.backend.protocol import AccountRow
from kazoo_operator.core.custom_resource import GROUP
from kazoo_operator.core.mark import Mark
from kazoo_operator.core.outcome import Reason, State
from kazoo_operator.core.plan import Plan
from kazoo_operator.subject import (
    Account,
    Halt,
    Subject,
    marks_on,
    oldest,
    ours,
    read,
    status_fields,
    twin_found,
)


async def identify(subject: Subject) -> Account | None:
    """The object's account, or None when it is to be made. Raises Halt when it may not be touched."""
    known, named = subject.known_id, subject.said.get("accountID")
    if known is not None:
        account = await _known(subject, known)
        if account is not None:
            if not subject.resource.deleting:
                _refuse_other_id(subject, known)
            return ours(subject, account)
    rows = await subject.connection.index.marked(subject.mark, subject.root.account_id)
    found = await still_marked(subject, rows)
    if found:
        account = ours(subject, oldest(found))
        if not subject.resource.deleting:
            _refuse_other_id(subject, account.id)
        return account
    if known is not None:
        return await _lost(subject, known)
    return ours(subject, await named_account(subject, named)) if named else None


async def _known(subject: Subject, known: str) -> Account | None:
    try:
        return await read(subject, known)
    except Forbidden:
        way_out = "; set deletionPolicy: Retain to let this object go" if subject.resource.deleting else ""
        text = (
            f"The account {known} is not below {subject.root.realm} any more, and nothing outside is "
            f"touched{way_out}."
        )
        raise Halt(Reason.OUTSIDE_SUBTREE, text) from None


def _refuse_other_id(subject: Subject, known: str) -> None:
    """Raises Halt where the spec names another account to take over than the object has already."""
    named = subject.said.get("accountID")
    if named and named != known:
        text = f"spec.accountID: this object manages the account {known}; write that, or use another object."
        raise Halt(Reason.INVALID_SPEC, text, state=State.STALLED)


async def _lost(subject: Subject, known: str) -> Account | None:
    """The account that holds the realm of one that is gone; None when a person has asked for a new one."""
    account = await by_realm(subject, str(subject.resource.status.get("realm") or ""))
    if account is not None or subject.annotation("recreate") == known:
        return account
    text = (
        f"The account {known} is gone from KAZOO and is not made anew by itself; for a new one annotate this "
        f"object with {GROUP}/recreate: {known}."
    )
    raise Halt(Reason.EXTERNALLY_DELETED, text)


async def named_account(subject: Subject, account_id: str) -> Account:
    """The account that the spec names. Raises Halt when it is not there, or not the credential's to touch."""
    try:
        account = await read(subject, account_id)
    except Forbidden:
        text = (
            f"spec.accountID: the account {account_id} is not below {subject.root.realm}, and nothing "
            "outside is touched; name another."
        )
        raise Halt(Reason.OUTSIDE_SUBTREE, text) from None
    if account is None:
        text = f"spec.accountID: there is no account {account_id} to take over; correct it, or leave it out."
        raise Halt(Reason.ACCOUNT_NOT_FOUND, text)
    return account


async def observed(subject: Subject) -> Account:
    """The account of an object that only observes: by id, mark or realm, whoever manages it. Raises Halt."""
    known, named = subject.known_id, subject.said.get("accountID")
    if known is not None and (account := await read(subject, known)) is not None:
        return account
    if named:
        return await named_account(subject, str(named))
    rows = await subject.connection.index.marked(subject.mark, subject.root.account_id)
    if found := await still_marked(subject, rows):
        return oldest(found)
    realm = subject.decided_realm
    for row in await subject.connection.backend.find_by_realm(realm) if realm else ():
        if (account := await read(subject, row.id)) is not None:
            return account
    text = f"No account with the realm {realm} is there, and under ObserveOnly none is made."
    raise Halt(Reason.EXTERNALLY_DELETED if known else Reason.ACCOUNT_NOT_FOUND, text)


async def by_realm(subject: Subject, realm: str) -> Account | None:
    """The account that holds `realm`, if it is visible. Raises Halt when it is not ours."""
    if not realm:
        return None
    rows = await subject.connection.backend.find_by_realm(realm)
    # A search may lag behind what we made ourselves.
    ids = dict.fromkeys(row.id for row in (*rows, *subject.connection.index.holding(realm)))
    if realm.lower() == subject.root.realm.lower():
        ids[subject.root.account_id] = None
    read_ones = [account for key in ids if (account := await read(subject, key)) is not None]
    accounts = [account for account in read_ones if account.realm == realm.lower()]
    marked = [account for account in accounts if subject.mark in marks_on(subject, account)]
    if marked:
        return ours(subject, oldest(marked))
    for account in accounts:
        if not marks_on(subject, account) and not await _visible(subject, account):
            raise realm_outside(subject, realm)
        return ours(subject, account)
    return None


def realm_outside(subject: Subject, realm: str) -> Halt:
    """The end of a pass whose realm an account outside our tree holds."""
    text = (
        f"The realm {realm} belongs to an account that is not below {subject.root.realm}; "
        "choose another realm."
    )
    return Halt(Reason.REALM_TAKEN, text)


async def placed(subject: Subject, account: Account) -> Account:
    """The account with what is above it, by a listing of at most ten minutes.

    Raises Halt when it is not below the root account, nor the root account itself. Where the root is the
    credential's own account nothing else can be reached, and of an account that a listing does not show yet
    KAZOO is asked where it stands.
    """
    root = subject.root
    if account.id == root.account_id:
        return account
    row = await _row(subject, account)
    if row is None:
        text = (
            f"The account {account.id} is not below {root.realm}, and nothing outside is touched; "
            f"check {subject.connection.root_is_named_by}."
        )
        known = {"accountID": account.id} if subject.mark in marks_on(subject, account) else {}
        raise Halt(Reason.OUTSIDE_SUBTREE, text, known)
    below = row.tree[row.tree.index(root.account_id) + 1 :] if root.account_id in row.tree else ()
    above = [await subject.connection.index.row(ancestor, root.account_id) for ancestor in below]
    known_ones = [ancestor for ancestor in above if ancestor is not None]
    parent_id = below[-1] if below else root.account_id
    return replace(
        account,
        parent_id=parent_id,
        parent=_called(subject, parent_id, known_ones[-1] if known_ones else None),
        above=(root.name, *(ancestor.name for ancestor in known_ones)),
    )


def _called(subject: Subject, parent_id: str, row: AccountRow | None) -> str:
    """The parent's object name, by the spec or its mark, else its realm; `row` None: the root account."""
    name = (subject.said.get("parentRef") or {}).get("name")
    key = subject.resource.key
    above = subject.objects.get(replace(key, name=str(name))) if name else None
    if above is not None and above.status.get("accountID") == parent_id:
        return str(name)
    if row is None:
        return subject.root.realm
    mine = [mark for mark in Mark.among(row.flags) if mark.owner == subject.mark.owner]
    fits = len(mine) == 1 and re.fullmatch(_OBJECT_NAME, mine[0].name)
    return mine[0].name if fits else row.realm.lower()


# A mark may have been edited by hand to be anything.
_OBJECT_NAME = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"


async def _row(subject: Subject, account: Account) -> AccountRow | None:
    root = subject.root.account_id
    row = await subject.connection.index.row(account.id, root)
    return await _row_of(subject, account) if row is None and await _reaches_all(subject) else row


async def _visible(subject: Subject, account: Account) -> bool:
    """Whether the account is the root account or stands below it, as far as a listing tells."""
    root = subject.root.account_id
    if account.id == root or await _reaches_all(subject):
        return True
    return await subject.connection.index.row(account.id, root) is not None


async def _reaches_all(subject: Subject) -> bool:
    """Whether the root is the credential's own account."""
    return (await subject.connection.backend.identity()).account_id == subject.root.account_id


async def fenced(subject: Subject, account_id: str) -> None:
    """Before a write: KAZOO is asked where the account stands now. Raises Halt when that is outside.

    Where the root is the credential's own account, nothing outside can be reached.
    """
    root = subject.root.account_id
    if account_id == root or await _reaches_all(subject):
        return
    try:
        above = await subject.connection.backend.ancestors(account_id)
    except Forbidden:
        above = ()
    if root not in above:
        text = f"The account {account_id} is not below {subject.root.realm}, and nothing outside is touched."
        raise Halt(Reason.OUTSIDE_SUBTREE, text)


async def refuse_twin(subject: Subject, account: Account) -> None:
    """Raises Halt as long as a second account bears our mark or holds the realm: reported, never deleted.

    One that another object of this operator manages is no twin: its own pass puts its realm right.
    """
    index, realm = subject.connection.index, subject.decided_realm or account.realm
    marked = await index.marked(subject.mark, subject.root.account_id)
    rows = {row.id: row for row in (*marked, *index.holding(realm)) if row.id != account.id}
    for row in rows.values():
        twin = await read(subject, row.id)
        if twin is None:
            index.forget(row.id)
            continue
        marks = marks_on(subject, twin)
        if subject.mark in marks:
            raise twin_found(subject, account, twin.id)
        if twin.realm == realm and not any(mark.owner == subject.mark.owner for mark in marks):
            text = (
                f"The realm {realm} stands on two accounts, {account.id} of this object and {twin.id} of "
                "somebody else, and KAZOO refuses every change of both; give one another realm."
            )
            raise Halt(Reason.REALM_TAKEN, text, status_fields(subject, account))


async def refuse_taken(subject: Subject, account: Account, plan: Plan) -> None:
    """Raises Halt when another account has the realm or the name that `plan` would write.

    KAZOO 5.0 refuses it and stores it all the same, and from then on refuses every write to both accounts.
    What lies outside the credential's tree cannot be seen here.
    """
    backend, wanted = subject.connection.backend, {change.path: change.after for change in plan.changes}
    if "realm" in wanted:
        for row in await backend.find_by_realm(wanted["realm"]):
            if row.id != account.id:
                text = f"The realm {wanted['realm']} is the account {row.id}'s now; change it there first."
                raise Halt(Reason.REALM_TAKEN, text, status_fields(subject, account))
    if "name" in wanted:
        for row in await backend.find_by_name(wanted["name"]):
            if row.id != account.id:
                text = (
                    f"spec.name: to KAZOO, which looks at a-z and 0-9 only, it is the name of the account "
                    f"{row.id}, {row.name}; choose another name."
                )
                raise Halt(Reason.REJECTED, text, status_fields(subject, account))


async def still_marked(subject: Subject, rows: Iterable[AccountRow]) -> list[Account]:
    """The accounts behind the rows that bear our mark in KAZOO too. Raises BackendError."""
    found = []
    for row in rows:
        account = await read(subject, row.id)
        if account is None:
            subject.connection.index.forget(row.id)
        elif subject.mark in marks_on(subject, account):
            found.append(account)
    return found


async def _row_of(subject: Subject, account: Account) -> AccountRow:
    """The row of an account that no listing shows yet: a creation that ended late, or a twin's."""
    name, above = (
        str(account.document.get("name", "")),
        await subject.connection.backend.ancestors(account.id),
    )
    return AccountRow(account.id, name, account.realm, (str(subject.mark),), above)

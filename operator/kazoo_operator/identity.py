"""Which account is it? By the id in status, else by the mark, else by the realm; and may it be touched?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kazoo_operator.backend.protocol import AccountRow
from kazoo_operator.core.outcome import Reason
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
    """The object's account, or None when it was never made. Raises Halt when it may not be touched."""
    known = subject.known_id
    if known is not None:
        account = await read(subject, known)
        if account is not None:
            return ours(subject, account)
    rows = await subject.connection.index.marked(subject.mark, subject.root.account_id)
    found = await _still_marked(subject, rows)
    if found:
        return ours(subject, oldest(found))
    if known is None:
        return None
    account = await by_realm(subject, str(subject.resource.status.get("realm") or ""))
    if account is None:
        text = (
            f"The account {known} is gone from KAZOO and is not made anew by itself; "
            "delete this object and apply it again for a new account."
        )
        raise Halt(Reason.EXTERNALLY_DELETED, text)
    return account


async def by_realm(subject: Subject, realm: str) -> Account | None:
    """The account that holds `realm`, if it is visible. Raises Halt when it is not ours."""
    if not realm:
        return None
    rows = await subject.connection.backend.find_by_realm(realm)
    accounts = [account for row in rows if (account := await read(subject, row.id)) is not None]
    marked = [account for account in accounts if subject.mark in marks_on(subject, account)]
    if marked:
        return ours(subject, oldest(marked))
    for account in accounts:
        if await _row(subject, account) is None and not marks_on(subject, account):
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
    """The account with what is above it. Raises Halt when it is not below the root account.

    Where the root is the credential's own account nothing else can be reached, so an account that a listing
    does not show yet is its child.
    """
    row, root = await _row(subject, account), subject.root
    if row is None:
        text = (
            f"The account {account.id} is not below {root.realm}, and nothing outside is touched; "
            "check KAZOO_OPERATOR_ROOT_ACCOUNT."
        )
        raise Halt(Reason.OUTSIDE_SUBTREE, text)
    below = row.tree[row.tree.index(root.account_id) + 1 :] if root.account_id in row.tree else ()
    above = [await subject.connection.index.row(ancestor, root.account_id) for ancestor in below]
    known = [ancestor for ancestor in above if ancestor is not None]
    return replace(
        account,
        parent=known[-1].realm.lower() if known else root.realm,
        above=(root.name, *(ancestor.name for ancestor in known)),
    )


async def _row(subject: Subject, account: Account) -> AccountRow | None:
    root = subject.root.account_id
    row = await subject.connection.index.row(account.id, root)
    own = (await subject.connection.backend.identity()).account_id
    return row_of(subject, account) if row is None and root == own else row


async def refuse_twin(subject: Subject, account: Account) -> None:
    """Raises Halt as long as a second account bears our mark or holds the realm: reported, never deleted."""
    index = subject.connection.index
    marked = await index.marked(subject.mark, subject.root.account_id)
    rows = {row.id: row for row in (*marked, *index.holding(account.realm)) if row.id != account.id}
    for row in rows.values():
        twin = await read(subject, row.id)
        if twin is not None and (subject.mark in marks_on(subject, twin) or twin.realm == account.realm):
            raise twin_found(subject, account, twin.id)
        index.forget(row.id)


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


async def _still_marked(subject: Subject, rows: Iterable[AccountRow]) -> list[Account]:
    found = []
    for row in rows:
        account = await read(subject, row.id)
        if account is not None and subject.mark in marks_on(subject, account):
            found.append(account)
        else:
            subject.connection.index.forget(row.id)
    return found


def row_of(subject: Subject, account: Account) -> AccountRow:
    """The row of an account that stands directly below the root."""
    name, root = str(account.document.get("name", "")), subject.root.account_id
    return AccountRow(account.id, name, account.realm, (str(subject.mark),), (root,))

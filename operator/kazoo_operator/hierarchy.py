"""Whom an account stands below: the parent that the spec names, and what keeps it from being one."""

from __future__ import annotations

from collections.abc import Callable

from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.lineage import reference
from kazoo_operator.core.outcome import Reason, State
from kazoo_operator.references import Referred, Referring
from kazoo_operator.subject import Account, Halt, Subject


async def parent_of(subject: Subject) -> Referred:
    """The parent that the spec asks for, fit for a new child. Raises Halt, BackendError.

    `HierarchyCycle` names the members; `ParentNotReady` comes back when the parent's object changes, or at
    resync where an id or a realm is named.
    """
    said = subject.said.get("parentRef") or {}
    if not said:
        return Referred(subject.root.account_id, subject.root.realm)
    try:
        return await Referring(subject, "spec.parentRef", said, Reason.PARENT_NOT_READY).account()
    except Halt as halt:
        if halt.found.outcome.reason is Reason.PARENT_NOT_READY:
            _refuse_unmade_cycle(subject)
        raise


def refuse_cycle(subject: Subject) -> None:
    """Raises Halt when the chain of parents' names leads back to the object."""
    _refuse_cycle(subject, _named)


def _refuse_cycle(subject: Subject, above: Callable[[Resource], Key | None]) -> None:
    """Raises Halt when the chain upwards leads back to the object; `above`: whom an object stands below."""
    held = subject.objects.get
    chain, key = [subject.resource.key], above(subject.resource)
    while key is not None and key not in chain:
        chain.append(key)
        key = above(found) if (found := held(key)) is not None else None
    if key == subject.resource.key:
        several = len({member.namespace for member in chain}) > 1
        named = [f"{one.namespace}/{one.name}" if several else one.name for one in (*chain, key)]
        text = (
            f"spec.parentRef: the accounts {' -> '.join(named)} stand below one another; one of them needs "
            "another parent."
        )
        raise Halt(Reason.HIERARCHY_CYCLE, text, awaits=chain[1:])


def _refuse_unmade_cycle(subject: Subject) -> None:
    """Raises Halt when accounts that are not in KAZOO wait for one another, by name or by realm."""

    def above(resource: Resource) -> Key | None:
        if (named := _named(resource)) is not None:
            return named
        realm = str(reference(resource).get("realm") or "")
        # What KAZOO has under this realm is another account than one that is still to be made.
        if not realm or subject.connection.index.holding(realm):
            return None
        if subject.said.get("realm") == realm:
            return subject.resource.key
        return min((one.key for one in subject.objects.with_realm(realm)), default=None)

    _refuse_cycle(subject, above)


async def refuse_other_parent(subject: Subject, account: Account) -> None:
    """Raises Halt when the account stands below another parent than the spec names: it is not moved yet.

    `HierarchyCycle` where the parent that it names is the account itself, or stands below it. Raises
    BackendError.
    """
    wanted, actual = _wanted_id(subject), account.parent_id
    # Without a reference, where it was found first is where it belongs, whatever the root account is now.
    unnamed = not subject.said.get("parentRef")
    kept = unnamed and (not actual or actual == subject.resource.status.get("parentAccountID"))
    if kept or wanted in (None, actual):
        return
    known = {"accountID": account.id, "realm": subject.resource.status.get("realm") or account.realm}
    await _refuse_own_tree(subject, account, wanted, known)
    where = f"below {account.parent} ({actual})" if actual else "nowhere: it is the root account"
    text = (
        f"spec.parentRef: the account {account.id} stands {where} in KAZOO, and not below {wanted}; move "
        "it there, or write the parent that it has."
    )
    raise Halt(Reason.INVALID_SPEC, text, known, State.STALLED)


async def _refuse_own_tree(subject: Subject, account: Account, wanted: str, known: JsonObject) -> None:
    """Raises Halt when the parent is the account itself or, in KAZOO, below it."""
    text = f"spec.parentRef: names the account {account.id} itself; write the parent that it has."
    if wanted != account.id:
        row = await subject.connection.index.row(wanted, subject.root.account_id)
        if row is None or account.id not in row.tree:
            return
        text = (
            f"spec.parentRef: the account {wanted}, {row.name}, stands below {account.id}, and so this one "
            "cannot stand below it; write the parent that it has."
        )
    raise Halt(Reason.HIERARCHY_CYCLE, text, known, State.STALLED)


def _wanted_id(subject: Subject) -> str | None:
    """The id of the account that the spec names as parent; None as long as it is not known."""
    said = subject.said.get("parentRef") or {}
    if not said:
        return subject.root.account_id
    if "name" in said:
        above = subject.objects.get(_key(subject.resource, str(said["name"])))
        found = above.status.get("accountID") if above is not None else None
        return str(found) if found else None
    if "accountID" in said:
        return str(said["accountID"])
    if said["realm"] == subject.root.realm.lower():
        return subject.root.account_id
    rows = subject.connection.index.holding(str(said["realm"]))
    return rows[0].id if len(rows) == 1 else None


def _named(resource: Resource) -> Key | None:
    """The Account that the object names as its parent."""
    name = reference(resource).get("name")
    return _key(resource, str(name)) if name else None


def _key(resource: Resource, name: str) -> Key:
    return Key(resource.key.kind, resource.key.namespace, name)

"""The object of a pass: what is decided about it before KAZOO is asked, and what an account means for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from kazoo_operator.backend.errors import BackendError, NotFound
from kazoo_operator.backend.protocol import Identity
from kazoo_operator.backend.registry import Connection
from kazoo_operator.core.custom_resource import GROUP, JsonObject, Key, Resource
from kazoo_operator.core.documents import put
from kazoo_operator.core.kind import Kind, Lifecycle
from kazoo_operator.core.mark import Mark
from kazoo_operator.core.outcome import Outcome, Pass, Reason, State
from kazoo_operator.core.realm import from_template
from kazoo_operator.core.schema import without_nulls
from kazoo_operator.failure import outcome_of
from kazoo_operator.rules.account import NEW_ACCOUNT_HAS_A_REALM
from kazoo_operator.surroundings import Objects


class Progress(Protocol):
    """Where a pass says what it is waiting for; shown while the pass goes on."""

    outcome: Outcome | None
    fields: JsonObject


class Halt(Exception):
    """Ends a pass with an outcome, and the status fields known by then."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        fields: JsonObject | None = None,
        state: State | None = None,
        awaits: Iterable[Key] = (),
    ):
        super().__init__(message)
        self.found = Pass(Outcome.of(reason, message, state, awaits), fields or {})

    @classmethod
    def again(cls, found: Pass) -> Halt:
        """The same end as before, or one that was made elsewhere."""
        halt = cls(found.outcome.reason, found.outcome.message)
        halt.found = found
        return halt

    @classmethod
    def of(cls, error: BackendError, kind: Kind, fields: JsonObject) -> Halt:
        """The end of a pass whose write failed; what was known before stays in status."""
        outcome = outcome_of(error, kind)
        return cls(outcome.reason, outcome.message, fields)


def _always(_other: Resource) -> bool:
    return True


@dataclass(frozen=True)
class Subject:
    """The object of a pass, with everything that was decided about it before KAZOO is asked.

    `is_here` tells whether another object is about the same KAZOO.
    """

    resource: Resource
    kind: Kind
    fields: JsonObject
    connection: Connection
    root: Identity
    mark: Mark
    objects: Objects
    is_here: Callable[[Resource], bool] = _always

    @property
    def lifecycle(self) -> Lifecycle:
        """How the account is made and found. Raises ValueError for a kind whose objects are no accounts."""
        if self.kind.lifecycle is None:
            raise ValueError(f"kind {self.kind.name} has no lifecycle")
        return self.kind.lifecycle

    @property
    def said(self) -> JsonObject:
        """The spec as it was written, without nulls."""
        said: JsonObject = without_nulls(self.resource.spec)
        return said

    @property
    def observe_only(self) -> bool:
        """Whether nothing may be written to KAZOO for this object."""
        return self.resource.observe_only

    def annotation(self, name: str) -> str | None:
        """The value of an annotation with our prefix."""
        return self.resource.annotations.get(f"{GROUP}/{name}")

    @property
    def was_managed(self) -> bool:
        """Whether a pass of ours ever wrote the account, mark included; observing leaves no steps."""
        steps = self.resource.status.get("steps") or ()
        name = self.lifecycle.steps[0][0]
        return any(step.get("name") == name and step.get("state") == "Done" for step in steps)

    @property
    def unfinished(self) -> bool:
        """Whether status tells of an account that we made and never saw through: its id, and little else."""
        status = self.resource.status
        begun = bool(status.get("steps")) and not self.was_managed and "path" not in status
        return self.known_id is not None and begun and self.said.get("adopt") is not True

    @property
    def decided_realm(self) -> str | None:
        """The spec's realm, or the one that status keeps for a known account: an edit in KAZOO is drift."""
        kept = self.resource.status.get("realm") if self.known_id else None
        return self.fields.get("realm") or kept

    @property
    def known_id(self) -> str | None:
        """The account's id by status, if an earlier pass found it."""
        found = self.resource.status.get("accountID")
        return found if isinstance(found, str) and re.fullmatch("[0-9a-f]{32}", found) else None


@dataclass(frozen=True)
class Account:
    """An account as KAZOO shows it.

    `parent_id` and `parent` are the account above and what a person calls it, `above` the names from the root
    down; empty as long as nobody looked.
    """

    id: str
    document: JsonObject
    parent_id: str = ""
    parent: str = ""
    above: tuple[str, ...] = ()

    @property
    def realm(self) -> str:
        """The realm in lower case: KAZOO keeps the case and compares without it."""
        return str(self.document.get("realm", "")).lower()


async def read(subject: Subject, account_id: str) -> Account | None:
    """GET an account; None when there is none. Raises BackendError."""
    try:
        return Account(
            account_id, await subject.connection.backend.read(account_id, subject.lifecycle.document)
        )
    except NotFound:
        return None


def marks_on(subject: Subject, account: Account) -> tuple[Mark, ...]:
    """Every mark that the account bears, ours or another's."""
    flags = account.document.get(subject.lifecycle.marks)
    return Mark.among(flags if isinstance(flags, list) else ())


def ours(subject: Subject, account: Account) -> Account:
    """The account, if we may touch it. Raises Halt.

    It bears our mark alone, or none any more and status knows that we managed it; or the spec adopts it,
    which takes a foreign mark only where the spec names the account's id, and only once: what another has
    taken over since is another's.
    """
    marks = marks_on(subject, account)
    if set(marks) == {subject.mark}:
        return account
    known = account.id == subject.known_id and account.realm == subject.resource.status.get("realm")
    if known and not marks and account.id != subject.root.account_id and subject.was_managed:
        return account
    named = subject.said.get("accountID") == account.id and not subject.was_managed
    if subject.said.get("adopt") is True and (not marks or named):
        return account
    if not marks:
        text = (
            f"The account {account.id} with the realm {account.realm} exists and no object manages it; "
            "add adopt: true to take it over, or choose another realm."
        )
        raise Halt(Reason.NOT_ADOPTED, text)
    mine = subject.mark
    other = next(mark for mark in marks if mark != mine)
    what_to_do = "choose another realm"
    if (other.namespace, other.name) == (mine.namespace, mine.name):
        what_to_do = f"if that operator is gone, run this one with KAZOO_OPERATOR_OWNER={other.owner}"
    text = (
        f"The account {account.id} with the realm {account.realm} carries the mark {other}; {what_to_do}, or "
        f"take it over with adopt: true and accountID: {account.id}."
    )
    raise Halt(Reason.REALM_TAKEN, text)


def twin_found(subject: Subject, account: Account, twin: str) -> Halt:
    """Two accounts for one object, as two leaders may make them; a person decides which one stays."""
    text = (
        f"Two accounts stand for this object with the realm {account.realm}: {account.id}, which it uses, "
        f"and {twin}; delete the one that is not wanted."
    )
    return Halt(Reason.REALM_TAKEN, text, status_fields(subject, account))


def made_by_us(subject: Subject, account: Account) -> bool:
    """Whether the account came out of a creation of ours: it has our mark, and was not adopted."""
    return set(marks_on(subject, account)) == {subject.mark} and subject.said.get("adopt") is not True


def oldest(accounts: list[Account]) -> Account:
    """Of several accounts with our mark, always the same one."""

    def age(account: Account) -> tuple[int, str]:
        created = account.document.get("created")
        return (created if isinstance(created, int) else 0, account.id)

    return min(accounts, key=age)


def decided_realm(subject: Subject) -> str:
    """The realm for a new account: the spec's, the one decided before, or the template's. Raises Halt."""
    said = subject.fields.get("realm") or subject.resource.status.get("realm")
    if said:
        return str(said)
    template = subject.connection.policy.realm_template
    made = from_template(template, str(subject.fields["name"])) if template else None
    if made is None:
        found = NEW_ACCOUNT_HAS_A_REALM.finding()
        if template:
            found = replace(found, message="is absent and no realm can be made from the name")
        raise Halt(Reason.INVALID_SPEC, f"{found}.")
    return made


def tried(subject: Subject) -> bool:
    """Whether status tells of a creation that nobody saw end: a realm without account, or Creating."""
    status = subject.resource.status
    shown = {condition.get("reason") for condition in status.get("conditions") or ()}
    return Reason.CREATING in shown or (subject.known_id is None and bool(status.get("realm")))


def wanted_fields(subject: Subject) -> JsonObject:
    """The fields of an account that was found: the spec's, and the realm that was decided for it.

    Start values count only where status tells of a creation of ours that was not seen through.
    """
    status, start = subject.resource.status, subject.lifecycle.start
    if subject.known_id is None or not status.get("realm"):
        ours_to_make = tried(subject) and subject.said.get("adopt") is not True
        return {**start, **subject.fields} if ours_to_make else subject.fields
    fields = {**subject.fields, subject.lifecycle.key: subject.decided_realm}
    return {**start, **fields} if subject.unfinished else fields


def start_fields(subject: Subject, realm: str) -> JsonObject:
    """The fields of a new account: the spec's, and the start values where the spec says nothing."""
    fields = {**subject.lifecycle.start, **subject.fields}
    put(fields, subject.lifecycle.key, realm)
    return fields


def is_real(subject: Subject, account_id: str, document: JsonObject) -> bool:
    """Whether the account's balance is what somebody is billed, and no share of the parent's."""
    return account_id == subject.root.account_id or sells(document)


def sells(document: JsonObject) -> bool:
    """Whether the account is a reseller or the master: those below it are its customers."""
    return any(document.get(flag) is True for flag in ("is_reseller", "superduper_admin"))


def status_fields(subject: Subject, account: Account) -> JsonObject:
    """What status says about an account, money and steps aside; of a new realm, once KAZOO has it."""
    document = account.document
    reseller = document.get("reseller_id")
    return {
        "accountID": account.id,
        "realm": subject.resource.status.get("realm") or account.realm,
        "parent": account.parent or None,
        "parentAccountID": account.parent_id or None,
        "path": " / ".join((*account.above, str(document.get("name")))),
        "isReseller": document.get("is_reseller") is True,
        "resellerID": reseller if isinstance(reseller, str) else None,
        "enabled": document.get("enabled") is not False,
        "descendants": subject.connection.index.below(account.id),
        "currency": subject.connection.policy.currency,
        "moneyKind": "Real" if is_real(subject, account.id, document) else "Allotted",
    }

"""Making an account exactly once: searched for just before, its mark inside, looked at again afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from kazoo_operator.backend.errors import (
    UNCERTAIN,
    BackendError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TimedOut,
)
from kazoo_operator.backend.protocol import AccountRow
from kazoo_operator.backend.registry import NoRoot
from kazoo_operator.billing import one_at_a_time, settle
from kazoo_operator.charge_gate import ONE_ACCOUNT, Appraisal, appraised_child, consented
from kazoo_operator.conventions import refuse_unbranded
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.outcome import Outcome, Reason, State
from kazoo_operator.core.plan import plan_creation
from kazoo_operator.core.realm import normalised_name
from kazoo_operator.hierarchy import parent_of
from kazoo_operator.identity import by_realm, fenced, identify, realm_outside
from kazoo_operator.references import Referred
from kazoo_operator.subject import (
    Account,
    Halt,
    Progress,
    Subject,
    decided_realm,
    read,
    start_fields,
    tried,
    twin_found,
    wanted_fields,
)

PATIENCE = 5.0
GATEWAY_PATIENCE = 20.0
ROLLED_BACK_LIMIT = 3


@dataclass(frozen=True)
class Unsure:
    """A try that may have made an account: its realm, when it ended, how long KAZOO may be at work on it."""

    realm: str
    ended: float
    until: float


class Creation:
    """Makes accounts, and remembers for a while how tries ended.

    `clock` is monotonic, in seconds; `now` is Unix time in seconds.
    """

    def __init__(self, clock: Callable[[], float], now: Callable[[], float]) -> None:
        self._clock = clock
        self._now = now
        self._rolled_back: dict[tuple[str, int], int] = {}
        self._unsure: dict[str, Unsure | None] = {}

    async def create(self, subject: Subject, progress: Progress) -> tuple[Account, JsonObject, bool]:
        """The account, the fields it is to have, and whether it was made now and not found.

        Raises Halt, BackendError.
        """
        parent, realm = await parent_of(subject), decided_realm(subject)
        connection, name = subject.connection, normalised_name(str(subject.fields["name"]))
        async with connection.alone(f"realm {realm}"), connection.alone(f"name {name}"):
            account = await self._after_the_last_try(subject, realm) or await by_realm(subject, realm)
            if account is not None:
                self._settle(subject)
                return account, wanted_fields(subject), False
            text = f"KAZOO is making the account {realm}; that can take a minute."
            progress.fields = {"realm": realm}
            progress.outcome = Outcome.of(Reason.CREATING, text)
            account, made = await self._put(subject, parent, realm)
            progress.outcome = None
            await _report_twin(subject, account, realm)
        self._rolled_back.pop((subject.resource.uid, subject.resource.generation), None)
        return account, start_fields(subject, realm), made

    async def found(self, subject: Subject) -> Account | None:
        """The account of an object that knows none, by its realm, as the last try to make it left it.

        Raises Halt as long as such a try may still make one, or when the realm is another's.
        """
        realm = str(subject.fields.get("realm") or subject.resource.status.get("realm") or "")
        return await self._after_the_last_try(subject, realm) or await by_realm(subject, realm)

    async def _put(self, subject: Subject, parent: Referred, realm: str) -> tuple[Account, bool]:
        """The account, and whether it is made now; one that is billed is made alone with other bills."""
        found = await self._appraised(subject, parent, realm)
        async with one_at_a_time(subject, billed=found.billed):
            if found.billed:  # others may have changed the bill meanwhile
                found = await self._appraised(subject, parent, realm)
            await fenced(subject, parent.account_id)
            await refuse_unbranded(subject, parent.account_id)
            consented(subject, found, {})
            account, made = await self._sent(subject, parent, realm)
            if made and found.billed:
                with suppress(BackendError):  # it is made; its bill is for the next change to put right
                    await settle(subject, account.id, found.chain[1:], ONE_ACCOUNT)
            return account, made

    async def _appraised(self, subject: Subject, parent: Referred, realm: str) -> Appraisal:
        today = datetime.fromtimestamp(self._now(), UTC).date()
        return await appraised_child(subject, parent.account_id, realm, today)

    async def _sent(self, subject: Subject, parent: Referred, realm: str) -> tuple[Account, bool]:
        plan = plan_creation(subject.kind, start_fields(subject, realm), str(subject.mark))
        assert plan.create is not None
        connection = subject.connection
        try:
            with connection.creation_below(parent.account_id):
                answer = await connection.backend.create_account(parent.account_id, plan.create.data)
        except (Invalid, NotFound, Forbidden) as error:
            self._settle(subject)
            if isinstance(error, NotFound):
                raise _no_parent(subject, parent) from None
            if isinstance(error, Invalid):
                return await _not_unique(subject, realm, error), False
            raise
        except (*UNCERTAIN, Conflict) as error:
            raise self._maybe_made(subject, realm, error) from None
        self._settle(subject)
        return await self._made(subject, parent, realm, answer), True

    async def _made(self, subject: Subject, parent: Referred, realm: str, answer: JsonObject) -> Account:
        """The account behind a 201, which KAZOO also answers when it has undone the creation."""
        account_id = str(answer.get("id"))
        if "created" not in answer or not re.fullmatch("[0-9a-f]{32}", account_id):
            raise self._undone(subject, parent)
        name, index = str(subject.fields["name"]), subject.connection.index
        tree = (*await _above(subject, parent), parent.account_id)
        # Before it is read: a search may not show it yet, and nothing must make it twice.
        index.remember(AccountRow(account_id, name, realm, (str(subject.mark),), tree))
        try:
            account = await read(subject, account_id)
        except BackendError as error:
            known = {"accountID": account_id, "realm": realm}
            raise Halt.of(error, subject.kind, known) from None
        if account is None:
            index.forget(account_id)
            raise self._undone(subject, parent)
        return account

    def _maybe_made(self, subject: Subject, realm: str, error: BackendError) -> Halt:
        """An uncertain end: the realm stays decided, and what may be there is looked for by its mark.

        Where a gateway gave up and not KAZOO, the work may go on, and be in no listing until it is done.
        """
        gateway = isinstance(error, TimedOut) or getattr(error, "status", 0) in (502, 504)
        now = self._clock()
        self._unsure[str(subject.mark)] = Unsure(
            realm, now, now + (GATEWAY_PATIENCE if gateway else PATIENCE)
        )
        return Halt.of(error, subject.kind, {"realm": realm})

    def _settle(self, subject: Subject) -> None:
        """It is certain what became of the last try; its trace in status tells nothing more."""
        if str(subject.mark) in self._unsure:
            self._unsure[str(subject.mark)] = None

    async def _after_the_last_try(self, subject: Subject, realm: str) -> Account | None:
        """What a try that ended uncertainly may have made. Raises Halt while it may be at work.

        It is looked for by realm, and by the mark in a listing that began after the try, and again in one
        that began after the patience.
        """
        mark, now = str(subject.mark), self._clock()
        if tried(subject):
            self._unsure.setdefault(mark, Unsure(realm, now, now + GATEWAY_PATIENCE))
        unsure = self._unsure.get(mark)
        if unsure is None:
            return None
        account = await by_realm(subject, realm)
        moment = unsure.ended if now < unsure.until else unsure.until
        listed = await subject.connection.index.listed_after(moment, subject.root.account_id)
        if account is None and listed:
            account = await identify(subject)
        if account is None and (now < unsure.until or not listed):
            text = "The last creation ended without KAZOO's own answer; it is looked for before the next."
            raise Halt(Reason.BACKEND_UNAVAILABLE, text, {"realm": unsure.realm})
        return account

    def _undone(self, subject: Subject, parent: Referred) -> Halt:
        key = (subject.resource.uid, subject.resource.generation)
        self._rolled_back[key] = times = self._rolled_back.get(key, 0) + 1
        text = (
            f"KAZOO undid the creation below {parent.called} and yet answered 201, as it does for the "
            "first child of a new reseller; make one child before the account is promoted to reseller."
        )
        return Halt(Reason.ROLLED_BACK, text, state=State.STALLED if times >= ROLLED_BACK_LIMIT else None)


async def _above(subject: Subject, parent: Referred) -> tuple[str, ...]:
    """The ids above the parent, by the last listing, or as KAZOO says where that does not show it yet."""
    root, connection = subject.root.account_id, subject.connection
    try:
        row = await connection.index.row(parent.account_id, root)
        if row is not None or parent.account_id == root:
            return row.tree if row is not None else ()
        return await connection.backend.ancestors(parent.account_id)
    except BackendError:
        return (root,)


def _no_parent(subject: Subject, parent: Referred) -> Exception:
    if parent.account_id == subject.root.account_id:
        return NoRoot(f"the account {parent.account_id} is gone")
    subject.connection.index.forget(parent.account_id)
    text = f"spec.parentRef: {parent.called} is gone from KAZOO; looked for again at each resync."
    return Halt(Reason.PARENT_NOT_READY, text, state=State.RECONCILING)


async def _not_unique(subject: Subject, realm: str, error: Invalid) -> Account:
    """KAZOO knows the realm: an earlier try that ended late made it, or it is another's."""
    if "unique" not in error.fields.get("realm", {}):
        raise error
    account = await by_realm(subject, realm)
    if account is None:
        raise realm_outside(subject, realm)
    return account


async def _report_twin(subject: Subject, account: Account, realm: str) -> None:
    rows = await subject.connection.backend.find_by_realm(realm)
    twins = sorted(row.id for row in rows if row.id != account.id)
    if twins:
        raise twin_found(subject, account, twins[0])

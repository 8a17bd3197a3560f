"""Making an account exactly once: searched for just before, its mark inside, looked at again afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable

from kazoo_operator.backend.errors import UNCERTAIN, BackendError, Invalid, NotFound, TimedOut
from kazoo_operator.backend.protocol import AccountRow
from kazoo_operator.backend.registry import NoRoot
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.outcome import Outcome, Reason, State
from kazoo_operator.core.plan import plan_creation
from kazoo_operator.core.realm import normalised_name
from kazoo_operator.identity import by_realm, identify, realm_outside
from kazoo_operator.subject import (
    Account,
    Halt,
    Progress,
    Subject,
    decided_realm,
    read,
    start_fields,
    twin_found,
)

PATIENCE = 5.0
GATEWAY_PATIENCE = 20.0
ROLLED_BACK_LIMIT = 3


class Creation:
    """Makes accounts, and remembers for a while how tries ended. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rolled_back: dict[tuple[str, int], int] = {}
        self._unsure_until: dict[str, float] = {}

    async def create(self, subject: Subject, progress: Progress) -> tuple[Account, JsonObject]:
        """The account, made or found, and the fields it is to have. Raises Halt, BackendError."""
        realm = decided_realm(subject)
        connection, name = subject.connection, normalised_name(str(subject.fields["name"]))
        async with connection.alone(f"realm {realm}"), connection.alone(f"name {name}"):
            account = await self._after_the_last_try(subject, realm) or await by_realm(subject, realm)
            if account is not None:
                return account, subject.fields
            text = f"KAZOO is making the account {realm}; that can take a minute."
            progress.outcome = Outcome.of(Reason.CREATING, text)
            account = await self._put(subject, realm)
            progress.outcome = None
            await _report_twin(subject, account, realm)
        self._rolled_back.pop((subject.resource.uid, subject.resource.generation), None)
        self._unsure_until.pop(str(subject.mark), None)
        return account, start_fields(subject, realm)

    async def _put(self, subject: Subject, realm: str) -> Account:
        plan = plan_creation(subject.kind, start_fields(subject, realm), str(subject.mark))
        assert plan.create is not None
        try:
            answer = await subject.connection.backend.create_account(
                subject.root.account_id, plan.create.data
            )
        except Invalid as error:
            return await _not_unique(subject, realm, error)
        except NotFound:
            raise NoRoot(f"the account {subject.root.account_id} is gone") from None
        except UNCERTAIN as error:
            raise self._maybe_made(subject, realm, error) from None
        return await self._made(subject, realm, answer)

    async def _made(self, subject: Subject, realm: str, answer: JsonObject) -> Account:
        """The account behind a 201, which KAZOO also answers when it has undone the creation."""
        account_id = str(answer.get("id"))
        if "created" not in answer or not re.fullmatch("[0-9a-f]{32}", account_id):
            raise self._undone(subject)
        root = subject.root.account_id
        name, index = str(subject.fields["name"]), subject.connection.index
        # Before it is read: a search may not show it yet, and nothing must make it twice.
        index.remember(AccountRow(account_id, name, realm, (str(subject.mark),), (root,)))
        try:
            account = await read(subject, account_id)
        except BackendError as error:
            known = {"accountID": account_id, "realm": realm}
            raise Halt.of(error, subject.kind, known) from None
        if account is None:
            index.forget(account_id)
            raise self._undone(subject)
        return account

    def _maybe_made(self, subject: Subject, realm: str, error: BackendError) -> Halt:
        """An uncertain end: the realm stays decided, and what may be there is looked for by its mark.

        Where a gateway gave up and not KAZOO, the work may go on, and be in no listing until it is done.
        """
        gateway = isinstance(error, TimedOut) or getattr(error, "status", 0) in (502, 504)
        self._unsure_until[str(subject.mark)] = self._clock() + (GATEWAY_PATIENCE if gateway else PATIENCE)
        subject.connection.index.expire()
        return Halt.of(error, subject.kind, {"realm": realm})

    async def _after_the_last_try(self, subject: Subject, realm: str) -> Account | None:
        """What a try that ended uncertainly may have made, by its mark. Raises Halt while it may be at work.

        A realm in status without an account is such a try's trace: an earlier life may have left it.
        """
        mark = str(subject.mark)
        if subject.resource.status.get("realm") and subject.known_id is None:
            self._unsure_until.setdefault(mark, self._clock() + GATEWAY_PATIENCE)
        until = self._unsure_until.get(mark)
        if until is None:
            return None
        account = await by_realm(subject, realm)
        if account is None and self._clock() < until:
            text = "The last creation ended without KAZOO's own answer; it is looked for before the next."
            raise Halt(Reason.BACKEND_UNAVAILABLE, text, {"realm": realm})
        if account is None:
            subject.connection.index.expire()
            account = await identify(subject)
        return account

    def _undone(self, subject: Subject) -> Halt:
        key = (subject.resource.uid, subject.resource.generation)
        self._rolled_back[key] = times = self._rolled_back.get(key, 0) + 1
        text = (
            f"KAZOO undid the creation below {subject.root.realm} and yet answered 201, as it does for the "
            "first child of a new reseller; make one child before the account is promoted to reseller."
        )
        return Halt(Reason.ROLLED_BACK, text, state=State.STALLED if times >= ROLLED_BACK_LIMIT else None)


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

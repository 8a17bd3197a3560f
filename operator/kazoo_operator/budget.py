"""Value flows from the parent to its children: what they hold together, against what the parent has.

A child's allotment is its balance, as far as it is above 0: that is what it may still spend, and what its
parent is billed for. A balance carries over from month to month, so it is this month's by itself. Of children
that an Account manages the balance of its status counts, of others KAZOO's, at most ten minutes old. What the
parent has is asked for whenever something is to be granted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from kazoo_operator.anchoring import Place
from kazoo_operator.backend.errors import Forbidden, NotFound
from kazoo_operator.core import money
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.money import Amount
from kazoo_operator.core.outcome import Event, Reason
from kazoo_operator.subject import Halt, Subject

KEPT_FOR = 600.0


@dataclass(frozen=True)
class Share:
    """What a parent has (None where that is not to be known), and what its children hold together."""

    available: Amount | None
    allotted: Amount

    def shown(self) -> JsonObject:
        """As status shows it."""
        told = {} if self.available is None else {"parentAvailable": money.to_text(self.available)}
        return {**told, "childrenAllotted": money.to_text(self.allotted)}


@dataclass(frozen=True)
class Noted:
    """The balance of an account right after a booking, and when that was, in seconds of the clock."""

    balance: Amount
    at: float


class Budget:
    """Adds up the tree, one parent at a time. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._shares: dict[str, tuple[float, Share]] = {}
        self._noted: dict[str, Noted] = {}
        self._expected: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, subject: Subject, place: Place) -> AsyncIterator[None]:
        """Alone with what the children of one parent get: judged at the same time, each alone would fit.

        Raises BackendError.
        """
        parent_id = await self._judged(subject, place)
        if parent_id is None:
            yield
            return
        async with subject.connection.alone(f"budget below {parent_id}"):
            yield

    async def share(self, subject: Subject, place: Place) -> Share | None:
        """The share of the account's parent; None for the root account. Raises BackendError."""
        parent_id = await self._judged(subject, place)
        if parent_id is None:
            return None
        held = self._shares.get(_which(subject, parent_id))
        if held is None or self._clock() - held[0] >= KEPT_FOR:
            available, balances = await _available(subject, parent_id), await _balances(subject, parent_id)
            # What was booked of late is in no status yet, or was booked while others were asked for.
            noted = self._recent()
            known = {one: noted.get(_which(subject, one)) for one in balances}
            late = {one: booked.balance for one, booked in known.items() if booked is not None}
            allotted = sum(max(0, balance) for balance in {**balances, **late}.values())
            self._shares[_which(subject, parent_id)] = held = (self._clock(), Share(available, allotted))
        return held[1]

    async def admit(self, subject: Subject, place: Place, rise: Amount) -> tuple[Event, ...]:
        """Whether the account may hold so much more. Raises Halt under Deny, BackendError."""
        share = await self.share(subject, place) if rise > 0 else None
        parent_id = await self._parent(subject, place)
        if share is None or parent_id is None:
            return ()
        available = await _available(subject, parent_id)
        if available is None:
            text = "The balance of the account above is not to be known, so its budget is not judged (KZ077)."
            return (Event("BudgetUnknown", text, warning=True),)
        since, share = self._shares[_which(subject, parent_id)]
        share = replace(share, available=available)
        self._shares[_which(subject, parent_id)] = (since, share)
        available += self._expected[parent_id]
        if share.allotted + rise <= available:
            return ()
        text = (
            f"The accounts below one parent hold {money.to_text(share.allotted)} together; with "
            f"{money.to_text(rise)} more that is beyond the {money.to_text(available)} which it has: "
            "give the parent credit first, or grant less (KZ077)."
        )
        if subject.connection.policy.budget_policy == "Deny":
            raise Halt(Reason.BUDGET_EXCEEDED, text, {**place.known, "budget": share.shown()})
        return (Event(Reason.BUDGET_EXCEEDED, text, warning=True),)

    async def note(self, subject: Subject, place: Place, before: Amount, after: Amount) -> None:
        """The account's balance goes from `before` to `after`, so its parent's children hold more or less."""
        self._noted[_which(subject, place.account_id)] = Noted(after, self._clock())
        parent_id = await self._parent(subject, place)
        held = self._shares.get(_which(subject, parent_id or ""))
        if parent_id is not None and held is not None:
            allotted = held[1].allotted + max(0, after) - max(0, before)
            self._shares[_which(subject, parent_id)] = (held[0], replace(held[1], allotted=allotted))

    def expect(self, place: Place, amount: Amount) -> None:
        """A plan gives the account so much, which those below it may have."""
        self._expected[place.account_id] += amount

    def _recent(self) -> dict[str, Noted]:
        """The balances that were noted within the time for which a share is kept."""
        since = self._clock() - KEPT_FOR
        self._noted = {one: noted for one, noted in self._noted.items() if noted.at > since}
        return self._noted

    async def _judged(self, subject: Subject, place: Place) -> str | None:
        """The parent whose budget counts; None for the root account, and under Off."""
        off = subject.connection.policy.budget_policy == "Off"
        return None if off else await self._parent(subject, place)

    async def _parent(self, subject: Subject, place: Place) -> str | None:
        if place.new:
            return place.above or None
        root = subject.root.account_id
        row = await subject.connection.index.row(place.account_id, root)
        return row.tree[-1] if row is not None and row.tree else None


def _which(subject: Subject, account_id: str) -> str:
    return subject.connection.among_all(account_id)


async def _balances(subject: Subject, parent_id: str) -> dict[str, Amount]:
    """What each child of the account holds."""
    found = {}
    for row in subject.connection.index.children(parent_id):
        balance = _managed(subject, row.id, row.realm.lower())
        if balance is None:
            try:
                balance = await subject.connection.backend.balance(row.id)
            except NotFound:
                continue
        found[row.id] = balance
    return found


async def _available(subject: Subject, account_id: str) -> Amount | None:
    """What the account has; None where the credential may not know."""
    try:
        return await subject.connection.backend.balance(account_id)
    except Forbidden:
        return None


def _managed(subject: Subject, account_id: str, realm: str) -> Amount | None:
    """The balance that an Account shows in its status, if one stands for it and is not suspended."""
    for one in subject.objects.attached("Account", account_id, realm):
        told = None if one.spec.get("suspend") is True else one.status.get("balance")
        if isinstance(told, str):
            return money.from_text(told)
    return None

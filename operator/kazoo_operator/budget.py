"""Value flows from the parent to its children: what they hold together, against what the parent has.

A child's allotment is its balance, as far as it is above 0: that is what it may still spend, and what its
parent is billed for. A balance carries over from month to month, so it is this month's by itself. Of children
that an Account manages the balance of its status counts, of others KAZOO's, at most ten minutes old.
"""

from __future__ import annotations

from collections.abc import Callable
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


class Budget:
    """Adds up the tree, one parent at a time. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._shares: dict[str, tuple[float, Share]] = {}

    async def share(self, subject: Subject, place: Place) -> Share | None:
        """The share of the account's parent; None for the root account. Raises BackendError."""
        parent_id = await self._parent(subject, place)
        if parent_id is None or subject.connection.policy.budget_policy == "Off":
            return None
        held = self._shares.get(parent_id)
        if held is None or self._clock() - held[0] >= KEPT_FOR:
            self._shares[parent_id] = held = (self._clock(), await _added_up(subject, parent_id))
        return held[1]

    async def admit(self, subject: Subject, place: Place, credit: Amount) -> tuple[Event, ...]:
        """Whether so much more credit fits what the parent has. Raises Halt under Deny, BackendError."""
        share = await self.share(subject, place)
        policy = subject.connection.policy.budget_policy
        if share is None or credit <= 0:
            return ()
        if share.available is None:
            text = "The balance of the account above is not to be known, so its budget is not judged (KZ077)."
            return (Event("BudgetUnknown", text, warning=True),)
        if share.allotted + credit <= share.available:
            return ()
        text = (
            f"The accounts below one parent hold {money.to_text(share.allotted)} together; with "
            f"{money.to_text(credit)} more that is beyond the {money.to_text(share.available)} which it has: "
            "give the parent credit first, or grant less (KZ077)."
        )
        if policy == "Deny":
            raise Halt(Reason.BUDGET_EXCEEDED, text, {**place.known, "budget": share.shown()})
        return (Event(Reason.BUDGET_EXCEEDED, text, warning=True),)

    async def note(self, subject: Subject, place: Place, amount: Amount) -> None:
        """What the account holds has changed by so much, and with it what its parent's children hold."""
        parent_id = await self._parent(subject, place)
        held = self._shares.get(parent_id or "")
        if parent_id is not None and held is not None:
            share = replace(held[1], allotted=held[1].allotted + amount)
            self._shares[parent_id] = (held[0], share)

    async def _parent(self, subject: Subject, place: Place) -> str | None:
        if place.new:
            return place.above or None
        root = subject.root.account_id
        row = await subject.connection.index.row(place.account_id, root)
        return row.tree[-1] if row is not None and row.tree else None


async def _added_up(subject: Subject, parent_id: str) -> Share:
    backend, allotted = subject.connection.backend, 0
    for row in subject.connection.index.children(parent_id):
        balance = _managed(subject, row.id, row.realm.lower())
        if balance is None:
            try:
                balance = await backend.balance(row.id)
            except NotFound:
                continue
        allotted += max(0, balance)
    try:
        return Share(await backend.balance(parent_id), allotted)
    except Forbidden:
        return Share(None, allotted)


def _managed(subject: Subject, account_id: str, realm: str) -> Amount | None:
    """The balance that an Account shows in its status, if one stands for it."""
    for one in subject.objects.attached("Account", account_id, realm):
        if isinstance(told := one.status.get("balance"), str):
            return money.from_text(told)
    return None

"""Whether KAZOO's bill counts what an account holds: it is made after the answer, and can be lost.

A write that meets another below the same reseller is stored and never billed; a reconciliation, or the next
change, repairs it (Crossbar services API, as observed).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from kazoo_operator.charge_gate import summary_of
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.kind import Attachment
from kazoo_operator.core.plan import Plan
from kazoo_operator.core.pricing.figures import Unpriced
from kazoo_operator.core.pricing.summary import Delta, Summary
from kazoo_operator.subject import Subject

_PAUSES = (0.0, 0.25, 0.5, 1.0)


@asynccontextmanager
async def one_at_a_time(subject: Subject, *, billed: bool) -> AsyncIterator[None]:
    """Alone with what changes a bill, if the change is `billed`."""
    if not billed:
        yield
        return
    async with subject.connection.alone("bills"):
        yield


def billed_units(attachment: Attachment, plan: Plan) -> tuple[Delta, ...]:
    """How many units of what is billed the plan adds or takes away."""
    return tuple(
        Delta(*attachment.priced[change.path], units_of(change.after) - units_of(change.before))
        for change in plan.changes
        if change.path in attachment.priced
    )


def units_of(value: object) -> int:
    """The units that a field of a spec, or KAZOO, says; what is less than none is none."""
    return max(0, value) if isinstance(value, int) else 0


async def settle(
    subject: Subject,
    account_id: str,
    chain: Iterable[tuple[str, JsonObject | None]],
    deltas: Sequence[Delta],
) -> bool:
    """Wait until the bills of an account and of those above it count a change. Raises BackendError.

    `chain` has the summaries from before. One that does not come by itself is reconciled, once; False when
    that did not help either.
    """
    before = [(one, summary) for one, summary in chain if summary is not None]
    for pause in _PAUSES:
        await asyncio.sleep(pause)
        if await _all_count(subject, account_id, before, deltas):
            return True
    await subject.connection.backend.reconcile_services(account_id)
    return await _all_count(subject, account_id, before, deltas)


async def recount(subject: Subject, account_id: str, units: Mapping[tuple[str, str], int]) -> bool:
    """Reconcile the account if its bill counts other units than it has; whether that was so."""
    summary = await summary_of(subject, account_id)
    if summary is None:
        return False
    counted = (summary.get("quantities") or {}).get("account") or {}
    if all((counted.get(category) or {}).get(item, 0) == held for (category, item), held in units.items()):
        return False
    await subject.connection.backend.reconcile_services(account_id)
    return True


async def _all_count(
    subject: Subject, account_id: str, before: Iterable[tuple[str, JsonObject]], deltas: Sequence[Delta]
) -> bool:
    for one, summary in before:
        now = await summary_of(subject, one)
        try:
            wanted = Summary.of(summary).changed(deltas, below=one != account_id)
            held = Summary.of(now)
        except Unpriced:
            continue  # a bill that is not understood is nobody's to judge
        if any(_counts(wanted, delta) != _counts(held, delta) for delta in deltas):
            return False
    return True


def _counts(summary: Summary, delta: Delta) -> tuple[object, object]:
    own, below = (
        (counts.get(delta.category) or {}).get(delta.item, 0) for counts in (summary.account, summary.cascade)
    )
    return own, below

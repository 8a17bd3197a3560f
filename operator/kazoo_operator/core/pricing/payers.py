"""Who pays for a change: the account, and every account above it, each by its own plans.

KAZOO asks only the account that logged in, about its own bill; the others are billed all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kazoo_operator.core.pricing.estimate import Day, Estimate, estimate
from kazoo_operator.core.pricing.summary import Delta


@dataclass(frozen=True)
class Payer:
    """An account of the line from the changed one upwards, and what the change costs it."""

    account: str
    estimate: Estimate

    @property
    def pays(self) -> bool:
        """Whether the change is on its bill at all, as far as one knows."""
        return bool(self.estimate.lines or self.estimate.unknown)


def who_pays(chain: Iterable[tuple[str, Any]], deltas: Iterable[Delta], day: Day) -> tuple[Payer, ...]:
    """Each account with its estimate, in the order given: the changed account first, then upwards.

    `chain` has the id of each account with its `services/summary`, None where that could not be read: its
    price is then unknown. Without a plan anywhere up the chain, each estimate is 0 and authoritative.
    """
    wanted = tuple(deltas)
    return tuple(
        Payer(account, _unread(day) if summary is None else estimate(summary, wanted, day, below=level > 0))
        for level, (account, summary) in enumerate(chain)
    )


def _unread(day: Day) -> Estimate:
    return Estimate(day, unknown=("the account's plans could not be read",))

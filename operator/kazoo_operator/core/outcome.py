"""What a pass came to, and the one table that turns it into conditions and a time to come back.

Conditions follow kstatus: `Ready` is always there; `Reconciling` and `Stalled` only while true, and never
both. Nothing else in the project writes a condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject, Key
from kazoo_operator.core.reason import MEANINGS, Meaning, Reason, Return, State

__all__ = [
    "MEANINGS",
    "OWNED_CONDITIONS",
    "Event",
    "Meaning",
    "Outcome",
    "Pass",
    "Reason",
    "Return",
    "State",
    "conditions",
    "merge_conditions",
]


@dataclass(frozen=True)
class Outcome:
    """The only thing a pass returns about success or failure; made by `Outcome.of`.

    `message` is one sentence: what, why, what to do; no times, no request ids, no secrets. A change of one of
    the objects that it `awaits` brings the object back too.
    """

    reason: Reason
    message: str
    state: State
    comes_back: Return
    awaits: tuple[Key, ...] = ()

    @classmethod
    def of(
        cls, reason: Reason, message: str, state: State | None = None, awaits: Iterable[Key] = ()
    ) -> Outcome:
        """The outcome a reason stands for; with `state` given, it is looked at again at resync."""
        meaning = MEANINGS[reason]
        if state is None:
            return cls(reason, message, meaning.state, meaning.comes_back, tuple(awaits))
        return cls(reason, message, state, Return.AT_RESYNC, tuple(awaits))

    def no_later_than(self, comes_back: Return) -> Outcome:
        """The same outcome, for an object that is looked at again at `comes_back` at the latest."""
        sooner = tuple(Return)
        return replace(self, comes_back=max(self.comes_back, comes_back, key=sooner.index))


@dataclass(frozen=True)
class Event:
    """Something to be told once about an object: a word for machines, a sentence, and how grave it is."""

    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True)
class Pass:
    """One pass over one object: its outcome, the status fields that were observed, and what to tell.

    `fields` holds only what this pass knows; `None` removes a field, an absent one stays as it was. `also`
    are conditions beside those of the outcome: type -> (status, reason, message). With `released`, nothing is
    left to do for an object that is being deleted: our finalizer may go. Objects that it `wakes` are looked
    at next, for what was done changes what they show.
    """

    outcome: Outcome
    fields: JsonObject = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    released: bool = False
    also: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    wakes: tuple[Key, ...] = ()


OWNED_CONDITIONS = ("Ready", "Reconciling", "Stalled", "Synced")


def conditions(outcome: Outcome) -> dict[str, tuple[str, str, str]]:
    """The conditions of `outcome`: type -> (status, reason, message); one not named is absent."""
    ready = outcome.state is State.READY
    said = (outcome.reason.value, outcome.message)
    found = {
        "Ready": ("True" if ready else "False", *said),
        "Synced": ("True" if ready else "False", *said),
    }
    if not ready:
        found[outcome.state.value] = ("True", *said)
    return found


def merge_conditions(
    previous: Iterable[Mapping[str, Any]], found: Pass, generation: int, now: str
) -> list[JsonObject]:
    """The condition list for status: ours as the pass found, those of others untouched.

    `lastTransitionTime` (RFC 3339, `now`) moves only when a condition's status changes.
    """
    before = {condition["type"]: dict(condition) for condition in previous}
    merged = [condition for kind, condition in before.items() if kind not in OWNED_CONDITIONS]
    said = {**conditions(found.outcome), **found.also}
    merged = [condition for condition in merged if condition["type"] not in said]
    for kind, (status, reason, message) in said.items():
        old = before.get(kind, {})
        since = old.get("lastTransitionTime") if old.get("status") == status else None
        merged.append(
            {
                "type": kind,
                "status": status,
                "reason": reason,
                "message": message,
                "observedGeneration": generation,
                "lastTransitionTime": since or now,
            }
        )
    return sorted(merged, key=lambda condition: str(condition["type"]))

"""What a pass came to, and the one table that turns it into conditions and a time to come back.

Conditions follow kstatus: `Ready` is always there; `Reconciling` and `Stalled` only while true, and never
both. Nothing else in the project writes a condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject, Key


class State(Enum):
    """Where an object stands after a pass."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class Return(Enum):
    """When an object is looked at again, changes of itself aside; the latest first."""

    ON_CHANGE = "on change"
    AT_RESYNC = "at resync"
    BACK_OFF = "with back-off"


class Reason(StrEnum):
    """Every reason a condition can carry; a closed list."""

    READY = "Ready"
    CREATING = "Creating"
    INVALID_SPEC = "InvalidSpec"
    REALM_TAKEN = "RealmTaken"
    NOT_ADOPTED = "NotAdopted"
    OUTSIDE_SUBTREE = "OutsideSubtree"
    REJECTED = "Rejected"
    UNAUTHORIZED = "Unauthorized"
    FORBIDDEN = "Forbidden"
    EXTERNALLY_DELETED = "ExternallyDeleted"
    ROLLED_BACK = "RolledBack"
    HALF_BUILT = "HalfBuilt"
    WRITE_CONFLICT = "WriteConflict"
    RATE_LIMITED = "RateLimited"
    BACKEND_UNAVAILABLE = "BackendUnavailable"
    BACKEND_NONSENSE = "BackendNonsense"
    NOT_CONVERGING = "NotConverging"
    DRIFT_DETECTED = "DriftDetected"
    PARENT_NOT_READY = "ParentNotReady"
    HIERARCHY_CYCLE = "HierarchyCycle"
    ACCOUNT_NOT_FOUND = "AccountNotFound"
    SUSPENDED = "Suspended"
    DELETING = "Deleting"
    DELETION_NOT_CONFIRMED = "DeletionNotConfirmed"
    HAS_DESCENDANTS = "HasDescendants"
    ACTIVE_PORT = "ActivePort"
    DELETION_LIMIT = "DeletionLimit"
    NOT_LEADING = "NotLeading"
    INTERNAL_ERROR = "InternalError"


@dataclass(frozen=True)
class Meaning:
    """What a reason stands for: the usual state, the time to come back, and a sentence for `explain`."""

    state: State
    comes_back: Return
    text: str


MEANINGS: Mapping[Reason, Meaning] = {
    Reason.READY: Meaning(
        State.READY, Return.AT_RESYNC, "KAZOO was read back and equals the spec at this generation."
    ),
    Reason.CREATING: Meaning(
        State.RECONCILING, Return.BACK_OFF, "KAZOO is making the account; that can take a minute."
    ),
    Reason.INVALID_SPEC: Meaning(State.STALLED, Return.ON_CHANGE, "The spec breaks a rule; change it."),
    Reason.REALM_TAKEN: Meaning(
        State.STALLED, Return.AT_RESYNC, "Another object, or an account outside our tree, holds the realm."
    ),
    Reason.NOT_ADOPTED: Meaning(
        State.STALLED, Return.AT_RESYNC, "An account with this realm exists and no object manages it."
    ),
    Reason.OUTSIDE_SUBTREE: Meaning(
        State.STALLED, Return.AT_RESYNC, "The account is not below the root account; nothing is touched."
    ),
    Reason.REJECTED: Meaning(State.STALLED, Return.AT_RESYNC, "KAZOO refused the values; see the message."),
    Reason.UNAUTHORIZED: Meaning(
        State.STALLED, Return.AT_RESYNC, "KAZOO does not accept the API key or the password; check it."
    ),
    Reason.FORBIDDEN: Meaning(
        State.STALLED, Return.AT_RESYNC, "The credential may not do this on that account."
    ),
    Reason.EXTERNALLY_DELETED: Meaning(
        State.STALLED, Return.AT_RESYNC, "The account is gone from KAZOO; it is never made anew silently."
    ),
    Reason.ROLLED_BACK: Meaning(
        State.RECONCILING, Return.BACK_OFF, "KAZOO undid the creation and yet answered 201."
    ),
    Reason.HALF_BUILT: Meaning(
        State.RECONCILING, Return.BACK_OFF, "An interrupted creation left an account without its databases."
    ),
    Reason.WRITE_CONFLICT: Meaning(
        State.RECONCILING, Return.BACK_OFF, "Somebody else wrote at the same moment; it is read again."
    ),
    Reason.RATE_LIMITED: Meaning(
        State.RECONCILING, Return.BACK_OFF, "KAZOO asks for fewer requests; they are spaced out."
    ),
    Reason.BACKEND_UNAVAILABLE: Meaning(
        State.RECONCILING, Return.BACK_OFF, "KAZOO cannot be reached or answers 5xx; it is tried again."
    ),
    Reason.BACKEND_NONSENSE: Meaning(
        State.RECONCILING, Return.BACK_OFF, "What answers at the URL does not speak Crossbar; check the URL."
    ),
    Reason.NOT_CONVERGING: Meaning(
        State.STALLED, Return.AT_RESYNC, "KAZOO took the write and still shows another value."
    ),
    Reason.DRIFT_DETECTED: Meaning(
        State.READY, Return.AT_RESYNC, "KAZOO shows other values than the spec; status.drift names them."
    ),
    Reason.PARENT_NOT_READY: Meaning(
        State.RECONCILING, Return.ON_CHANGE, "The account above is not there yet; this one waits for it."
    ),
    Reason.HIERARCHY_CYCLE: Meaning(
        State.STALLED, Return.ON_CHANGE, "The accounts name one another as parents; change one of them."
    ),
    Reason.ACCOUNT_NOT_FOUND: Meaning(
        State.STALLED, Return.AT_RESYNC, "There is no such account, and it is not this object's to make."
    ),
    Reason.SUSPENDED: Meaning(
        State.STALLED, Return.ON_CHANGE, "spec.suspend is true: nothing is written to KAZOO."
    ),
    Reason.DELETING: Meaning(
        State.RECONCILING, Return.BACK_OFF, "KAZOO is deleting the account; its end is waited for."
    ),
    Reason.DELETION_NOT_CONFIRMED: Meaning(
        State.RECONCILING, Return.ON_CHANGE, "An account is deleted only once an annotation names it."
    ),
    Reason.HAS_DESCENDANTS: Meaning(
        State.RECONCILING, Return.AT_RESYNC, "Accounts stand below this one; they are deleted first."
    ),
    Reason.ACTIVE_PORT: Meaning(
        State.RECONCILING, Return.AT_RESYNC, "A number is being ported, and KAZOO keeps the account for it."
    ),
    Reason.DELETION_LIMIT: Meaning(
        State.RECONCILING, Return.BACK_OFF, "As many accounts as allowed were deleted within the hour."
    ),
    Reason.NOT_LEADING: Meaning(
        State.RECONCILING, Return.BACK_OFF, "Another replica is the leader now; this one writes nothing."
    ),
    Reason.INTERNAL_ERROR: Meaning(
        State.RECONCILING, Return.BACK_OFF, "A fault of the operator; its log has the details."
    ),
}


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
    left to do for an object that is being deleted: our finalizer may go.
    """

    outcome: Outcome
    fields: JsonObject = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    released: bool = False
    also: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)


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

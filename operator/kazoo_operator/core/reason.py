"""Every reason that a condition can carry: a closed list, with the state and the time to come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum


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
    NOT_RESELLER = "NotReseller"
    CONFLICT = "Conflict"
    CHARGES_NOT_ACCEPTED = "ChargesNotAccepted"
    BILLING_ISSUE = "BillingIssue"
    GRANT_MISMATCH = "GrantMismatch"
    CAP_EXCEEDED = "CapExceeded"
    BUDGET_EXCEEDED = "BudgetExceeded"
    NO_CREDIT = "NoCredit"
    LOW_BALANCE = "LowBalance"
    NO_TRUNKS_NO_CREDIT = "NoTrunksNoCredit"
    NO_CALLS_ALLOWED = "NoCallsAllowed"
    OVERFLOW_BLOCKED = "OverflowBlocked"
    RESTRICTED = "Restricted"
    PER_MINUTE_OFF = "PerMinuteOff"
    APPS_NOT_USABLE = "AppsNotUsable"
    EXTERNALLY_DELETED = "ExternallyDeleted"
    ROLLED_BACK = "RolledBack"
    HALF_BUILT = "HalfBuilt"
    WRITE_CONFLICT = "WriteConflict"
    RATE_LIMITED = "RateLimited"
    BACKEND_UNAVAILABLE = "BackendUnavailable"
    BACKEND_NONSENSE = "BackendNonsense"
    NOT_CONVERGING = "NotConverging"
    DRIFT_DETECTED = "DriftDetected"
    ACCOUNT_NOT_READY = "AccountNotReady"
    PARENT_NOT_READY = "ParentNotReady"
    BACKEND_NOT_READY = "BackendNotReady"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - the word for it, and none
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
    Reason.NOT_RESELLER: Meaning(
        State.STALLED, Return.AT_RESYNC, "Only the account's reseller may do this; use its credential."
    ),
    Reason.CONFLICT: Meaning(
        State.STALLED, Return.AT_RESYNC, "An older object of this kind keeps the same account; delete one."
    ),
    Reason.CHARGES_NOT_ACCEPTED: Meaning(
        State.STALLED, Return.AT_RESYNC, "The change costs more than the spec accepts; see the pending quote."
    ),
    Reason.BILLING_ISSUE: Meaning(
        State.STALLED, Return.AT_RESYNC, "The payer's billing is in bad standing; consent cannot help."
    ),
    Reason.GRANT_MISMATCH: Meaning(
        State.STALLED, Return.AT_RESYNC, "A grant is booked with another amount; it is never booked again."
    ),
    Reason.CAP_EXCEEDED: Meaning(
        State.STALLED, Return.AT_RESYNC, "A grant would lead beyond the cap of the spec; it is not booked."
    ),
    Reason.BUDGET_EXCEEDED: Meaning(
        State.STALLED, Return.AT_RESYNC, "The accounts below one parent would hold more than it has."
    ),
    Reason.NO_CREDIT: Meaning(
        State.READY, Return.AT_RESYNC, "There is no credit, and such calls are paid by the minute."
    ),
    Reason.LOW_BALANCE: Meaning(State.READY, Return.AT_RESYNC, "The balance is at or below the alert's."),
    Reason.NO_TRUNKS_NO_CREDIT: Meaning(
        State.READY, Return.AT_RESYNC, "No trunk and no credit: only emergency and toll-free calls go out."
    ),
    Reason.NO_CALLS_ALLOWED: Meaning(
        State.READY, Return.AT_RESYNC, "A limit of calls is 0: no call is allowed at all."
    ),
    Reason.OVERFLOW_BLOCKED: Meaning(
        State.READY, Return.AT_RESYNC, "Calls beyond the trunks fail: they cannot be paid by the minute."
    ),
    Reason.RESTRICTED: Meaning(
        State.READY, Return.AT_RESYNC, "The account's callRestrictions deny international calls."
    ),
    Reason.PER_MINUTE_OFF: Meaning(
        State.READY, Return.AT_RESYNC, "Paying by the minute is off, and no trunk covers such calls."
    ),
    Reason.APPS_NOT_USABLE: Meaning(
        State.READY, Return.AT_RESYNC, "An app that is allowed is not offered, not installed or for nobody."
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
    Reason.ACCOUNT_NOT_READY: Meaning(
        State.RECONCILING, Return.ON_CHANGE, "The account that this is about is not Ready yet; waited for."
    ),
    Reason.PARENT_NOT_READY: Meaning(
        State.RECONCILING, Return.ON_CHANGE, "The account above is not there yet; this one waits for it."
    ),
    Reason.BACKEND_NOT_READY: Meaning(
        State.RECONCILING, Return.ON_CHANGE, "The TelephonyBackend is not there or not Ready; waited for."
    ),
    Reason.SECRET_NOT_FOUND: Meaning(
        State.STALLED, Return.AT_RESYNC, "A Secret that the spec names, or its entry, cannot be read."
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

"""What a failure of KAZOO means for an object: the outcome, in the words of the spec."""

from __future__ import annotations

from kazoo_operator.backend.errors import (
    AddressRefused,
    BackendError,
    BillingIssue,
    ChargesNotAccepted,
    Conflict,
    CredentialUnreadable,
    Forbidden,
    Invalid,
    Nonsense,
    NotFound,
    NotLeading,
    PaymentFailed,
    RateLimited,
    Refused,
    ServerFailure,
    Unauthorized,
    Unreachable,
)
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import put
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.outcome import Outcome, Reason

_LONGEST = 2000
_KEY = "check the API key or the password that the operator was given"


def outcome_of(error: BackendError, kind: Kind) -> Outcome:
    """The outcome for an error that ended a pass. Texts hold no secret: those of `BackendError` hold none."""
    if type(error) is Refused and error.status in (404, 405, 410):
        return Outcome.of(Reason.BACKEND_NONSENSE, f"{error}; check the URL of the backend.")
    for cause, reason, text in _TABLE:
        if isinstance(error, cause):
            return Outcome.of(reason, text.format(error=error, fields=rejected_fields(error, kind)))
    return Outcome.of(Reason.BACKEND_NONSENSE, f"{error}; check the URL of the backend.")


_TABLE: tuple[tuple[type[BackendError], Reason, str], ...] = (
    (NotLeading, Reason.NOT_LEADING, "Another replica is the leader now; it goes on with this."),
    (AddressRefused, Reason.FORBIDDEN, "Nothing was sent: {error}; give KAZOO's own URL."),
    (CredentialUnreadable, Reason.UNAUTHORIZED, f"Cannot log in to KAZOO: {{error}}; {_KEY}."),
    (Unauthorized, Reason.UNAUTHORIZED, f"KAZOO does not accept the credential ({{error}}); {_KEY}."),
    (
        Forbidden,
        Reason.FORBIDDEN,
        "KAZOO forbids this to the credential; use one of the account's reseller or of an account above it.",
    ),
    (
        BillingIssue,
        Reason.BILLING_ISSUE,
        "KAZOO finds the payer's billing in bad standing ({error.reason}); settle that first, consent cannot "
        "help.",
    ),
    (
        PaymentFailed,
        Reason.BILLING_ISSUE,
        "KAZOO finds nothing to pay with ({error}); give the payer a payment method or credit.",
    ),
    (
        ChargesNotAccepted,
        Reason.CHARGES_NOT_ACCEPTED,
        "KAZOO asks for consent to a charge, and this object cannot give it; make the change by hand.",
    ),
    (Invalid, Reason.REJECTED, "KAZOO rejected the values: {fields}; correct the spec."),
    (NotFound, Reason.WRITE_CONFLICT, "The account vanished while it was worked on; it is looked for again."),
    (Conflict, Reason.WRITE_CONFLICT, "Somebody else wrote to the account; it is read again and retried."),
    (RateLimited, Reason.RATE_LIMITED, "KAZOO asks for fewer requests; retried more slowly."),
    (ServerFailure, Reason.BACKEND_UNAVAILABLE, "KAZOO cannot do it now ({error}); retried with back-off."),
    (Unreachable, Reason.BACKEND_UNAVAILABLE, "KAZOO cannot be reached ({error}); retried with back-off."),
    (Nonsense, Reason.BACKEND_NONSENSE, "{error}; check the URL of the backend."),
    (Refused, Reason.REJECTED, "KAZOO refused the request ({error}); correct the spec."),
)


def rejected_fields(error: BackendError, kind: Kind) -> str:
    """`spec.address.city: String must be at least ...`, the fields by the names that the user knows."""
    if not isinstance(error, Invalid):
        return ""
    texts = []
    for path, kinds in sorted(error.fields.items()):
        messages = [detail.get("message") for detail in kinds.values() if isinstance(detail, dict)]
        said = ", ".join(sorted(text for text in messages if isinstance(text, str))) or "not accepted"
        texts.append(f"{_spec_path(path, kind)}: {said}")
    return "; ".join(texts)[:_LONGEST] or error.message


def _spec_path(path: str, kind: Kind) -> str:
    """The spec field behind a path in KAZOO's document; the path itself where none stands behind it."""
    for document in kind.documents:
        probe: JsonObject = {}
        put(probe, path, "x" * 8)
        fields = _leaves(kind.parse({document.name: probe}))
        named = [field for field, value in fields.items() if str(value).lower() == "x" * 8]
        if named:
            return f"spec.{named[0]}"
    return path


def _leaves(fields: JsonObject, prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            found.update(_leaves(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = value
    return found


def lacks_databases(error: BackendError) -> bool:
    """Whether KAZOO says that it has no databases for the account."""
    return isinstance(error, ServerFailure) and error.lacks_databases

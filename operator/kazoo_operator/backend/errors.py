"""What can go wrong with KAZOO, as a small tree:

    BackendError
    ├── CredentialUnreadable the credential could not be read; nothing was sent
    ├── AddressRefused       the URL leads to an address where KAZOO is never looked for; nothing was sent
    ├── NotLeading           another replica is the leader; nothing was sent
    ├── Unreachable          no answer: refused, DNS, TLS, reset; a write may have happened
    │   └── TimedOut         no answer within the deadline
    ├── Nonsense             an answer that is no Crossbar envelope (HTML, cut JSON, too large, redirect)
    └── Refused              an envelope that says error; `status`, `message`, `fields`
        ├── Invalid          400, with the faulty fields
        ├── Unauthorized     401 after one new login, or a refused login
        ├── PaymentRequired  402: money keeps the change from being made; nothing was stored
        │   ├── ChargesNotAccepted   accept charges: with the quote
        │   ├── BillingIssue         billing issue: with the reason of the bad standing
        │   └── PaymentFailed        no payment token, no credit
        ├── Forbidden        403
        ├── NotFound         404 bad identifier
        ├── Conflict         409: says nothing about whether the change was stored
        │   └── PreconditionFailed   412: another revision stands there; nothing was stored
        ├── RateLimited      429
        └── ServerFailure    5xx, in an envelope or not; a write may have happened

No text of an error ever holds a token, a key, a quote or a request body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class BackendError(Exception):
    """Anything that keeps a call to KAZOO from answering; its text is one line for a person."""


class Unreachable(BackendError):
    """No whole answer came. If the call was a write, it may have been carried out."""


class TimedOut(Unreachable):
    """The deadline of a call passed."""


class CredentialUnreadable(BackendError):
    """The credential could not be read, so that nothing was sent."""


class AddressRefused(BackendError):
    """The URL leads to a link-local, multicast or metadata address, so that nothing was sent."""


class NotLeading(BackendError):
    """Another replica is the leader, so that nothing was sent."""


class Nonsense(BackendError):
    """Something answered that does not speak Crossbar."""


class Refused(BackendError):
    """KAZOO said no.

    `status` is the HTTP status, `message` the envelope's message with `_` as blanks, `fields` the faulty
    fields of a validation error: dotted path (escapes undone) -> kind -> detail.
    """

    def __init__(
        self, status: int, message: str, fields: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        super().__init__(f"KAZOO answered {status}: {message}")
        self.status = status
        self.message = message
        self.fields: Mapping[str, Mapping[str, Any]] = fields or {}


class Invalid(Refused):
    """400: the values break KAZOO's schema or a uniqueness rule."""


class Unauthorized(Refused):
    """401 also after logging in anew, or the login itself was refused."""


class PaymentRequired(Refused):
    """402: money keeps the change from being made; nothing was stored."""


class ChargesNotAccepted(PaymentRequired):
    """402 `accept charges`: the change raises a bill, and the request accepted no charges.

    `quote` is the answer's `data` as it came, numbers with a point as Decimal: a list of invoices, on older
    servers a map of categories; whatever else, and None, has to be taken for an unknown price.
    """

    def __init__(self, status: int, message: str, quote: object) -> None:
        super().__init__(status, message)
        self.quote = quote


class BillingIssue(PaymentRequired):
    """402 `billing issue`: charges were accepted, and the account that pays is in no good standing.

    `reason` is KAZOO's word for it with `_` as blanks, such as `no payment token`; `bookkeeper fault` passes
    by itself.
    """

    def __init__(self, status: int, message: str, reason: str) -> None:
        super().__init__(status, message)
        self.reason = reason


class PaymentFailed(PaymentRequired):
    """402 `no payment token` or `no credit`: there is nothing to pay with."""


class Forbidden(Refused):
    """403: the credential may not do this there."""


class NotFound(Refused):
    """404 `bad identifier`: no such account (this answer comes before any check of the token)."""


class Conflict(Refused):
    """409: another writer was there; read again before concluding anything."""


class PreconditionFailed(Conflict):
    """412: the document is no longer at the revision that the write was meant for; nothing was stored."""


class RateLimited(Refused):
    """429: the bucket of this account and client address is empty."""


class ServerFailure(Refused):
    """5xx, from KAZOO or a proxy before it; if the call was a write, it may have been carried out.

    Also 404 `not found`: a noun that is not loaded, as while a node starts.
    """

    @property
    def lacks_databases(self) -> bool:
        """Whether KAZOO says that what it was asked for has no database: an answer, and no outage."""
        return self.message.startswith("datastore missing")


UNCERTAIN = (Unreachable, Nonsense, ServerFailure)
"""After these a write may have been carried out."""

"""What can go wrong with KAZOO, as a small tree:

    BackendError
    ├── CredentialUnreadable the credential could not be read; nothing was sent
    ├── NotLeading           another replica is the leader; nothing was sent
    ├── Unreachable          no answer: refused, DNS, TLS, reset; a write may have happened
    │   └── TimedOut         no answer within the deadline
    ├── Nonsense             an answer that is no Crossbar envelope (HTML, cut JSON, too large, redirect)
    └── Refused              an envelope that says error; `status`, `message`, `fields`
        ├── Invalid          400, with the faulty fields
        ├── Unauthorized     401 after one new login, or a refused login
        ├── Forbidden        403
        ├── NotFound         404 bad identifier
        ├── Conflict         409: says nothing about whether the change was stored
        ├── RateLimited      429
        └── ServerFailure    5xx, in an envelope or not; a write may have happened

No text of an error ever holds a token, a key or a request body.
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


class Forbidden(Refused):
    """403: the credential may not do this there."""


class NotFound(Refused):
    """404 `bad identifier`: no such account (this answer comes before any check of the token)."""


class Conflict(Refused):
    """409: another writer was there; read again before concluding anything."""


class RateLimited(Refused):
    """429: the bucket of this account and client address is empty."""


class ServerFailure(Refused):
    """5xx, from KAZOO or a proxy before it; if the call was a write, it may have been carried out.

    Also 404 `not found`: a noun that is not loaded, as while a node starts.
    """


UNCERTAIN = (Unreachable, Nonsense, ServerFailure)
"""After these a write may have been carried out."""

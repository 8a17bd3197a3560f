"""How Crossbar says no: one exception, and a constructor for each wording that was seen.

    Refusal                 an answer that is not the one asked for, with or without an envelope
    ConnectionCut           no answer at all: the connection is reset where the work stands

The HTTP status is the fact; `message` is spelled with underscores where Crossbar builds it itself, and freely
where a module does (Crossbar API, error envelope).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOTHING: Any = object()
"""Marks an envelope without the member `data`; `None` would be printed as null."""

MESSAGES = {
    400: "bad_request",
    401: "invalid_credentials",
    402: "accept charges",
    403: "forbidden",
    404: "not_found",
    405: "invalid_method",
    406: "not_acceptable",
    409: "datastore_conflict",
    410: "gone",
    412: "precondition_failed",
    415: "invalid_content_type",
    416: "range not satisfiable",
    429: "too_many_requests",
    500: "unspecified_fault",
    501: "not_implemented",
    502: "bad_gateway",
    503: "datastore_unreachable",
    504: "gateway_timeout",
}
"""What Crossbar calls each status when nothing more particular is known."""

TEXTS = {"account_has_active_port": "Account has active port request"}
"""The texts that are not just the message in words."""


class Refusal(Exception):
    """An error answer. `empty` leaves the body out, `anonymous` the token and the version.

    What is refused with `prints_nulls` repeats a value that is null in every release.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        data: Any = NOTHING,
        *,
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        empty: bool = False,
        anonymous: bool = False,
        prints_nulls: bool = False,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.message, self.data = status, message, data
        self.members: Mapping[str, Any] = members or {}
        self.headers: Mapping[str, str] = headers or {}
        self.empty, self.anonymous, self.prints_nulls = empty, anonymous, prints_nulls


class ConnectionCut(Exception):
    """The fault `cut` has struck: what is written stays, and nobody is told."""


def system_error(status: int, message: str = "", text: str = "", **details: Any) -> Refusal:
    """A refusal in Crossbar's own words: the message as a code, and in `data.message` as a text."""
    message = message or MESSAGES.get(status, "unspecified_fault")
    return Refusal(
        status, message, {**details, "message": text or TEXTS.get(message, message.replace("_", " "))}
    )


def validation(
    errors: Mapping[str, Mapping[str, Any]], *, anonymous: bool = False, prints_nulls: bool = False
) -> Refusal:
    """Faults of the data: dotted path -> kind of fault -> details."""
    return Refusal(400, "validation error", errors, anonymous=anonymous, prints_nulls=prints_nulls)


def empty(status: int, **headers: str) -> Refusal:
    """An answer of the web server below Crossbar: a status and no body."""
    return Refusal(status, headers=headers, empty=True)


def bad_identifier(identifier: str) -> Refusal:
    """No document has this id."""
    return system_error(404, "bad_identifier", cause=identifier)


def init_failed() -> Refusal:
    """A handler crashed before it had anything to say: the one envelope without `data`."""
    return Refusal(500, "init failed")


def not_built(what: str) -> Refusal:
    """The real server does this and the sandbox does not yet: said plainly, and never by a real server."""
    return system_error(501, "not_implemented", f"the sandbox does not simulate {what} yet")

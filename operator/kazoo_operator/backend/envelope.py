"""Crossbar's envelope: what an answer's status and body amount to, and which error that is.

Crossbar API: every answer is a JSON object whose `status` is `success` or `error`, with `data` beside it (a
crashed handler leaves `data` out). Newer servers put fields of the account that they own into `metadata`. A
proxy in between answers in HTML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any, TypeGuard

from pydantic import SecretStr

from kazoo_operator.backend.errors import (
    BackendError,
    BillingIssue,
    ChargesNotAccepted,
    Conflict,
    Forbidden,
    Invalid,
    Nonsense,
    NotFound,
    PaymentFailed,
    PaymentRequired,
    PreconditionFailed,
    RateLimited,
    Refused,
    ServerFailure,
    Unauthorized,
)
from kazoo_operator.core.custom_resource import JsonObject

MAX_DEPTH = 64

_LONGEST_MESSAGE = 200


@dataclass(frozen=True)
class Reply:
    """One answer: the HTTP status and the envelope, which is `{}` when `flaw` says why there is none."""

    status: int
    envelope: JsonObject = field(repr=False)
    flaw: str = ""

    @classmethod
    def of(cls, status: int, body: bytes) -> Reply:
        """Read an answer; never fails, and keeps nothing of a body that is no envelope."""
        value, flaw = _read_json(body)
        if not flaw and not (isinstance(value, dict) and value.get("status") in ("success", "error")):
            flaw = "JSON that is no envelope"
        return cls(status, {} if flaw else value, flaw)

    @property
    def remaining(self) -> int | None:
        """What the envelope says is left in the rate bucket."""
        tokens = self.envelope.get("tokens")
        left = tokens.get("remaining") if isinstance(tokens, dict) else None
        return int(left) if is_number(left) and -(10**9) < left < 10**9 else None

    @property
    def next_start_key(self) -> str | None:
        """Where a listing goes on; None on its last page."""
        key = self.envelope.get("next_start_key")
        if key is None or isinstance(key, str):
            return key
        raise Nonsense("KAZOO answered with a next_start_key that is no text")

    @property
    def token(self) -> SecretStr | None:
        """The token of a login; None for what could not stand in a header."""
        token = self.envelope.get("auth_token")
        return SecretStr(token) if isinstance(token, str) and re.fullmatch("[!-~]+", token) else None

    @property
    def revision(self) -> str | None:
        """The revision of the document, as If-Match wants it; None where there is no document yet."""
        revision = self.envelope.get("revision")
        if revision is None or (isinstance(revision, str) and re.fullmatch("[!#-~]{1,128}", revision)):
            return revision
        raise Nonsense("KAZOO answered with a revision that is none")

    @property
    def timestamp(self) -> datetime | None:
        """When the server answered, by its own clock."""
        text = self.envelope.get("timestamp")
        try:
            moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        except ValueError:
            return None
        usable = moment is not None and moment.tzinfo is not None and 2000 <= moment.year < 9000
        return moment if usable else None

    @property
    def document(self) -> JsonObject:
        """`data` over `metadata`. Raises Nonsense when `data` is no object."""
        data, metadata = self._data(), self.envelope.get("metadata")
        if not isinstance(data, dict):
            raise Nonsense(f"KAZOO answered {self.status} with data that is no object")
        return {**metadata, **data} if isinstance(metadata, dict) else data

    @property
    def rows(self) -> list[JsonObject]:
        """`data` as the rows of a listing. Raises Nonsense when it is none."""
        data = self._data()
        if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
            raise Nonsense(f"KAZOO answered {self.status} with data that is no list of objects")
        return data

    def _data(self) -> Any:
        if "data" not in self.envelope:
            raise Nonsense(f"KAZOO answered {self.status} with an envelope without data")
        return self.envelope["data"]

    @property
    def message(self) -> str:
        """The envelope's message on one line; KAZOO spells the same one with `_` or blanks."""
        text = self.envelope.get("message")
        if not isinstance(text, str) or not text.strip():
            return f"{_phrase(self.status)} ({self.flaw or 'no message'})"
        return _one_line(text)


def _one_line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST_MESSAGE])
    return printable.replace("_", " ").strip()


def error_of(reply: Reply) -> BackendError | None:
    """The error that an answer stands for; None for a success. The only place that decides it.

    The status decides first, the message second, `_` and blanks alike. A 404 says "no such account" only as
    `bad identifier`: `not found` is a noun that is not loaded, as while a node starts, and must not pass for
    an account that is gone. 412 comes from the web server, without an envelope; 406 and 415 do too, but 415
    may follow a write that was done, so that they are as uncertain as any other answer without an envelope.
    """
    status, message = reply.status, reply.message
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(status, message)
    if status >= 500:
        return ServerFailure(status, message)
    if 300 <= status < 400:
        return Nonsense(
            f"KAZOO answered {status}, a redirect, which is not followed: give the URL it leads to"
        )
    if status == HTTPStatus.PRECONDITION_FAILED:
        return PreconditionFailed(status, message)
    if reply.flaw:
        return Nonsense(f"KAZOO answered {status} with {reply.flaw}, where Crossbar's envelope was expected")
    if status < 400:
        says_success = reply.envelope["status"] == "success"
        return None if says_success else Nonsense(f"KAZOO answered {status} with an envelope that says error")
    return _refusal(status, message, reply.envelope.get("data"))


def _refusal(status: int, message: str, data: object) -> Refused:
    known = message.lower()
    match status:
        case HTTPStatus.BAD_REQUEST:
            return Invalid(status, message, _fields(data))
        case HTTPStatus.PAYMENT_REQUIRED if known == "accept charges":
            return ChargesNotAccepted(status, message, data)
        case HTTPStatus.PAYMENT_REQUIRED if known == "billing issue":
            reason = data.get("reason") if isinstance(data, dict) else None
            return BillingIssue(status, message, _one_line(reason) if isinstance(reason, str) else "")
        case HTTPStatus.PAYMENT_REQUIRED if known in ("no payment token", "no credit"):
            return PaymentFailed(status, message)
        case HTTPStatus.NOT_FOUND if known == "not found":
            return ServerFailure(status, message)
        case HTTPStatus.NOT_FOUND if known != "bad identifier":
            return Refused(status, message)
    return _BY_STATUS.get(status, Refused)(status, message)


_BY_STATUS: Mapping[int, type[Refused]] = {
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}


def is_number(value: object) -> TypeGuard[int | Decimal]:
    """Whether a JSON value is a number (true and false are none)."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def write_json(data: JsonObject, accept_charges: bool = False) -> bytes:
    """The body of a request: `data` in its envelope.

    A Decimal is printed as the double nearest to it, exact for up to 15 digits. Secrets are unwrapped here
    and nowhere earlier. Acceptance stands beside `data`: within it, KAZOO would store it.
    """
    flags = {"accept_charges": True} if accept_charges else {}
    return json.dumps({"data": data, **flags}, default=_as_json, allow_nan=False).encode()


def _as_json(value: object) -> float | str:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    raise TypeError(f"{type(value).__name__} is no JSON")


def _read_json(body: bytes) -> tuple[Any, str]:
    if not body.strip():
        return None, "an empty body"
    try:
        value = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except RecursionError:
        return None, "JSON that is nested too deeply"
    except (ValueError, ArithmeticError):
        return None, "HTML" if body.lstrip().startswith(b"<") else "a body that is no JSON"
    return (None, "JSON that is nested too deeply") if _deeper_than(MAX_DEPTH, value) else (value, "")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _deeper_than(depth: int, value: object) -> bool:
    level = [value]
    for _ in range(depth):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: object) -> Any:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _fields(data: object) -> Mapping[str, Mapping[str, Any]]:
    """The faulty fields; some servers write the dots of their paths as `%2E`."""
    if not isinstance(data, dict):
        return {}
    return {path.replace("%2E", "."): kinds for path, kinds in data.items() if isinstance(kinds, dict)}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP {status}"

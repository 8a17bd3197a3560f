"""Crossbar's envelope: what an answer's status and body amount to, and which error that is.

Crossbar API: every answer is a JSON object whose `status` is `success` or `error`, with `data` beside it (a
crashed handler leaves `data` out). Newer servers put fields of the account that they own into `metadata`. A
proxy in between answers in HTML.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any, TypeGuard

from kazoo_operator.backend.errors import (
    BackendError,
    Conflict,
    Forbidden,
    Invalid,
    Nonsense,
    NotFound,
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
    def token(self) -> str | None:
        """The token of a login."""
        token = self.envelope.get("auth_token")
        return token if isinstance(token, str) and token else None

    @property
    def document(self) -> JsonObject:
        """`data` over `metadata`. Raises Nonsense when `data` is no object."""
        data, metadata = self.envelope.get("data"), self.envelope.get("metadata")
        if not isinstance(data, dict):
            raise Nonsense(f"KAZOO answered {self.status} with data that is no object")
        return {**metadata, **data} if isinstance(metadata, dict) else data

    @property
    def rows(self) -> list[JsonObject]:
        """`data` as the rows of a listing. Raises Nonsense when it is none."""
        data = self.envelope.get("data")
        if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
            raise Nonsense(f"KAZOO answered {self.status} with data that is no list of objects")
        return data

    @property
    def message(self) -> str:
        """The envelope's message on one line; KAZOO spells the same one with `_` or blanks."""
        text = self.envelope.get("message")
        if not isinstance(text, str) or not text.strip():
            return f"{_phrase(self.status)} ({self.flaw or 'no message'})"
        printable = "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST_MESSAGE])
        return printable.replace("_", " ").strip()


def error_of(reply: Reply) -> BackendError | None:
    """The error that an answer stands for; None for a success. The only place that decides it.

    A 404 says "no such account" only as `bad identifier`: `not found` is a noun that is not loaded, as while
    a node starts, and must not pass for an account that is gone.
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
    if reply.flaw:
        return Nonsense(f"KAZOO answered {status} with {reply.flaw}, where Crossbar's envelope was expected")
    if status < 400:
        return _flaw_of_success(reply)
    if status == HTTPStatus.NOT_FOUND and message.lower() == "not found":
        return ServerFailure(status, message)
    if status == HTTPStatus.NOT_FOUND and message.lower() != "bad identifier":
        return Refused(status, message)
    if status == HTTPStatus.BAD_REQUEST:
        return Invalid(status, message, _fields(reply.envelope.get("data")))
    return _REFUSALS.get(status, Refused)(status, message)


_REFUSALS: Mapping[int, type[Refused]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}


def is_number(value: object) -> TypeGuard[int | Decimal]:
    """Whether a JSON value is a number (true and false are none)."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def write_json(data: JsonObject) -> bytes:
    """The body of a request: `data` in its envelope. The Decimals of what was read go back as doubles."""
    return json.dumps({"data": data}, default=_double, allow_nan=False).encode()


def _double(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
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


def _flaw_of_success(reply: Reply) -> Nonsense | None:
    if reply.envelope["status"] != "success":
        return Nonsense(f"KAZOO answered {reply.status} with an envelope that says error")
    if "data" not in reply.envelope:
        return Nonsense(f"KAZOO answered {reply.status} with an envelope without data")
    return None


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

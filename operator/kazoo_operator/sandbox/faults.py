"""Faults on order: what goes wrong, how often, and with which requests.

    status          KAZOO's error envelope of that code, with `message` if given
    delay           the answer comes so many seconds late
    hang            no answer, until the client gives up
    reset           the connection is reset
    body            a page that is no JSON, with status 200 and `contentType`
    cut             a create stops half-built, early or late, and the connection is reset
    rollback        a create is undone and answers 201
    unbilled        a billable write is stored and answered, and no bill knows of it

With `afterCommit` the request is carried out first, and only its answer suffers; the last three have no use
for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

BY_THE_ACTION = frozenset({"cut", "rollback", "unbilled"})
"""Faults that the action itself carries out; only requests whose action knows them use one up."""


class BadFault(Exception):
    """The order makes no sense; the text says why."""


@dataclass
class Fault:
    """One order, and how many times it still applies."""

    kind: str
    value: Any
    times: int
    method: re.Pattern[str]
    path: re.Pattern[str]
    message: str = ""
    content_type: str = "text/html"
    after_commit: bool = False

    def fits(self, method: str, path: str, by_the_action: frozenset[str]) -> bool:
        """Whether this request is meant."""
        if self.kind in BY_THE_ACTION and self.kind not in by_the_action:
            return False
        return self.method.search(method) is not None and self.path.search(path) is not None


class Faults:
    """The queue: the oldest order that fits a request is used up by it."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, order: object) -> None:
        """Put an order at the end; raises `BadFault`."""
        self._queue.append(parsed(order))

    def clear(self) -> None:
        """Forget all."""
        self._queue.clear()

    def take(self, method: str, path: str, by_the_action: frozenset[str]) -> Fault | None:
        """The fault that this request meets, one time less in the queue."""
        for fault in self._queue:
            if fault.fits(method, path, by_the_action):
                fault.times -= 1
                if not fault.times:
                    self._queue.remove(fault)
                return fault
        return None


def _is_code(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599


def _is_seconds(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 86_400


KINDS: dict[str, tuple[Callable[[object], bool], str, frozenset[str]]] = {
    "status": (_is_code, "a code from 400 to 599", frozenset({"message", "afterCommit"})),
    "delay": (_is_seconds, "seconds, from 0 to 86400", frozenset({"afterCommit"})),
    "hang": (lambda value: value is True, "true", frozenset({"afterCommit"})),
    "reset": (lambda value: value is True, "true", frozenset({"afterCommit"})),
    "body": (lambda value: isinstance(value, str), "a text", frozenset({"contentType", "afterCommit"})),
    "cut": (lambda value: value in ("early", "late"), '"early" or "late"', frozenset()),
    "rollback": (lambda value: value is True, "true", frozenset()),
    "unbilled": (lambda value: value is True, "true", frozenset()),
}
"""Each kind: what its value must be, in code and in words, and what may stand beside it."""


def parsed(order: object) -> Fault:
    """Read `{"match": {"method", "path"}, "times": n, "do": {...}}`."""
    members = _object(order, "a fault", {"match", "times", "do"})
    match = _object(members.get("match", {}), "match", {"method", "path"})
    times = members.get("times", 1)
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        raise BadFault(f"times must be a whole number from 1, not {times!r}")
    do = _object(members.get("do"), "do", None)
    kinds = [key for key in do if key in KINDS]
    if len(kinds) != 1:
        raise BadFault(f"do must hold exactly one of {', '.join(KINDS)}")
    kind = kinds[0]
    good, words, beside = KINDS[kind]
    if unknown := set(do) - {kind} - beside:
        raise BadFault(f"{', '.join(sorted(unknown))} cannot stand beside {kind}")
    if not good(do[kind]):
        raise BadFault(f"{kind} must be {words}, not {do[kind]!r}")
    return Fault(
        kind, do[kind], times, _pattern(match, "method"), _pattern(match, "path"),
        message=_text(do, "message", ""), content_type=_text(do, "contentType", "text/html"),
        after_commit=_boolean(do, "afterCommit"),
    )  # fmt: skip


def _object(value: object, what: str, members: set[str] | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadFault(f"{what} must be an object, not {value!r}")
    if members is not None and (unknown := set(value) - members):
        raise BadFault(
            f"{what} has no member {', '.join(sorted(unknown))}; it knows {', '.join(sorted(members))}"
        )
    return cast("dict[str, Any]", value)


def _pattern(match: dict[str, Any], member: str) -> re.Pattern[str]:
    text = _text(match, member, "")
    try:
        return re.compile(text)
    except re.error as error:
        raise BadFault(f"match.{member} is no regular expression: {error}") from error


def _text(members: dict[str, Any], member: str, absent: str) -> str:
    value = members.get(member, absent)
    if not isinstance(value, str):
        raise BadFault(f"{member} must be a text, not {value!r}")
    return value


def _boolean(members: dict[str, Any], member: str) -> bool:
    value = members.get(member, False)
    if not isinstance(value, bool):
        raise BadFault(f"{member} must be true or false, not {value!r}")
    return value

"""Passwords and keys that somebody wrote into a manifest: shown neither in an excerpt nor in a message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.form import shown
from kazoo_operator.core.printable import quoted

WITHHELD = "***"

_WORD = (
    r"(?:passw(?:or)?d|passphrase|secret|token|credential|credit[-_]?card|card[-_]?number"
    r"|(?:api|private|access|auth|signing|encryption)[-_]?key"
    r"|(?<![A-Za-z])(?:pass|pwd|pin|cvv|cvc)(?![a-z]))"
)
_NAME = re.compile(rf"{_WORD}(?P<rest>[\w.-]*)\Z", re.IGNORECASE)
# Text in quotes may hold JSON, with its own quotes behind backslashes.
_MEMBER = re.compile(rf"{_WORD}(?P<rest>[\w.-]{{0,60}})\\{{0,3}}[\"']?\s{{0,60}}[:=]\s*", re.IGNORECASE)
_ELSEWHERE = ("name", "file", "path")
_REFERENCE = ("ref", "refs")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\'')
_END_IN_FLOW = re.compile(r"[,}\]](?=[\s,}\]\"'\\]|\Z)")
_BLOCK = re.compile(r"[|>][-+0-9]*\s*(#.*)?\Z")
# User and password, of which the last @ before the path is the end.
_IN_A_URL = re.compile(r"(?<=://)[^\s/]{1,500}(?=@)")
_KEY = re.compile(r"\s*(?:- +)*[\w./\"'-]+\s*:(?:\s+|\Z)")
_START = re.compile(r"\s*(?:- +)*")
# The lines of a private key in PEM, and then some.
_FARTHEST = 500
_MOST = 1000
_LEAST = 4


def secrets_of(body: JsonObject) -> tuple[str, ...]:
    """The values in a manifest whose names say that nobody may see them, the longest first."""
    return tuple(sorted(set(islice(_secrets(body), _MOST)), key=len, reverse=True))


def _secrets(body: Any) -> Iterator[str]:
    waiting: list[tuple[Any, bool]] = [(body, False)]
    while waiting:
        value, secret = waiting.pop()
        if isinstance(value, dict):
            for name, member in value.items():
                found = _NAME.search(name)
                named = found is not None and _tells(found["rest"], isinstance(member, dict | list))
                waiting.append((member, secret or named))
        elif isinstance(value, list):
            waiting += [(member, secret) for member in value]
        elif secret and value is not None and not isinstance(value, bool):
            yield str(value)
        elif isinstance(value, str):
            yield from _IN_A_URL.findall(value)


def _tells(rest: str, holds_more: bool) -> bool:
    """Whether the value is the secret itself: what refers to a Secret is none, unless it is plain text."""
    rest = rest.lower()
    return not rest.endswith(_ELSEWHERE) and not (holds_more and rest.endswith(_REFERENCE))


def without(text: str, secrets: Sequence[str]) -> str:
    """The sentence with stars where it quotes one of the secrets, whole or cut short."""
    for secret in secrets:
        for said in _said(secret):
            text = text.replace(said, WITHHELD)
        if len(secret) >= _LEAST:
            text = text.replace(secret, WITHHELD)
    return text


@lru_cache(_MOST)
def _said(secret: str) -> tuple[str, ...]:
    return shown(secret), quoted(secret), repr(secret)


def secrets_in(line: str, mask: str) -> tuple[str, ...]:
    """What the stars of a masked line stand for, and its words: YAML may take one for a tag or an anchor."""
    hidden = [line[span.start() : span.end()] for span in re.finditer(r"\*+", mask)]
    words = (word.strip("*&!\"',") for one in hidden for word in (one, *one.split()))
    return tuple(filter(None, words))


def masked(lines: Sequence[str], number: int) -> str:
    """A line of a file, counted from 1, with as many stars as there are characters of a secret in it."""
    return _IN_A_URL.sub(lambda found: "*" * len(found[0]), _masked(lines, number))


def _masked(lines: Sequence[str], number: int) -> str:
    """The same, but for what stands in a URL."""
    line = lines[number - 1]
    within = _within(lines, number)
    if within is None:
        return _stars(line, _spans(line))
    start = _START.match(line)
    assert start is not None
    at, is_text, is_reference = start.end(), *within
    key = None if is_text else _KEY.match(line)
    if is_reference and (key is not None or (line[at - 1 : at] == " " and "-" in line[:at])):
        return _stars(line, _spans(line))
    at = key.end() if key is not None else at
    return _stars(line, [(at, len(line.rstrip()))])


def _stars(line: str, spans: Sequence[tuple[int, int]]) -> str:
    parts, last = [], 0
    for start, end in spans:
        parts += [line[last:start], "*" * (end - start)]
        last = end
    return "".join((*parts, line[last:]))


def _spans(line: str) -> list[tuple[int, int]]:
    """Where in the line the values of confidential members stand."""
    spans: list[tuple[int, int]] = []
    at, depth = 0, 0
    while found := _MEMBER.search(line, at):
        before = line[at : found.start()]
        depth += sum(before.count(char) for char in "{[") - sum(before.count(char) for char in "}]")
        start = at = found.end()
        opens = line[start : start + 1] in ("{", "[") and start < len(line)
        if not _tells(found["rest"], opens) or _BLOCK.match(line, start) or line[start : start + 1] == "#":
            continue
        at = _end(line, start, depth > 0 and not opens)
        if at > start:
            spans.append((start, at))
    return spans


def _end(line: str, start: int, in_flow: bool) -> int:
    whole = _QUOTED.match(line, start)
    if whole is not None:
        return whole.end()
    stop = _END_IN_FLOW.search(line, start) if in_flow else None
    return stop.start() if stop is not None else len(line.rstrip())


def _within(lines: Sequence[str], number: int) -> tuple[bool, bool] | None:
    """Whether a line belongs to a confidential member above it: (as text, by a name of a reference)."""
    limit = _limit(lines[number - 1])
    for above in range(number - 2, max(-1, number - 2 - _FARTHEST), -1):
        line = lines[above]
        if limit == 0 or not line.strip() or len(line) - len(line.lstrip()) >= limit:
            continue
        start = _START.match(line)
        # Behind a dash may stand a neighbour, not what holds this line.
        found = _opened(line[-_FARTHEST:]) if start is not None and start.end() < limit else None
        if found is not None:
            return found
        limit = _limit(line)
    return None


def _opened(line: str) -> tuple[bool, bool] | None:
    """The same for the confidential member with which a line ends, if its value goes on below."""
    members = list(_MEMBER.finditer(line))
    if not members:
        return None
    left, rest = line[members[-1].end() :].strip(), members[-1]["rest"].lower()
    if rest.endswith(_ELSEWHERE) or _QUOTED.match(left):
        return None
    if not left or left[0] in "#{[":
        return False, rest.endswith(_REFERENCE)
    return True, False


def _limit(line: str) -> int:
    """The indentation below which what holds this line stands; an item may stand right below its list."""
    stripped = line.lstrip()
    return len(line) - len(stripped) + stripped.startswith("- ")

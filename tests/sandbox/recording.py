"""Recorded scenarios: reading them, sending their requests, and comparing answers by the strict rules.

The rules are those of `tests/recordings/README.md`; no lenient one is used.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

FOLDER = Path(__file__).parents[1] / "recordings"
GREGORIAN_EPOCH = 62_167_219_200
COMPARED_HEADERS = ("content-type", "location", "etag", "retry-after", "allow")
ACCESS_CONTROL = ("access-control-allow-origin", "access-control-allow-methods")

PLACEHOLDER = re.compile(
    r"<(hex(?:6|16|32|64)|rev:\d+|list_tag|request_id|node|timestamp|version|key|ledger|token"
    r"|(?:id|token):[^>]+|gregorian|unix|integer|number|boolean|string|list|object|any)>"
)
IN_TEXTS = {
    "hex6": "[0-9a-f]{6}",
    "hex16": "[0-9a-f]{16}",
    "hex32": "[0-9a-f]{32}",
    "hex64": "[0-9a-f]{64}",
    "list_tag": "[0-9a-f]{32}",
    "request_id": r"[\w-]+",
    "node": r"\S+",
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "version": r"\S+",
    "key": "[A-Za-z0-9_-]+=*",
    "ledger": "[0-9]{6}-[0-9a-f]{32}",
    "token": r"[\w-]+\.[\w-]+\.[\w-]+",
}
ABSENT = object()


def releases() -> list[str]:
    """The releases that were recorded."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def scenarios(release: str) -> list[str]:
    """The names of all scenarios that were recorded with a release."""
    return sorted(path.stem for path in (FOLDER / release).glob("*.json"))


def load(release: str, name: str) -> dict[str, Any]:
    """A scenario as it was recorded."""
    found: dict[str, Any] = json.loads((FOLDER / release / f"{name}.json").read_text())
    return found


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Replay:
    """Sends the steps of a scenario to a server, keeping the variables that they capture.

    `clock` is the server's, in seconds since 1970.
    """

    session: aiohttp.ClientSession
    variables: dict[str, str]
    clock: Callable[[], float]
    differences: list[str] = field(default_factory=list)

    def filled(self, value: Any) -> Any:
        """A value with its `${variables}` put in, also in keys."""
        if isinstance(value, str):
            return re.sub(r"\$\{([^}]+)\}", lambda found: self.variables[found[1]], value)
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if isinstance(value, dict):
            return {self.filled(key): self.filled(item) for key, item in value.items()}
        return value

    async def send(self, request: dict[str, Any]) -> Answer:
        """Make one recorded request."""
        headers = {"Accept": "application/json"}
        data = None
        if "raw" in request:
            parts = request["raw"] if isinstance(request["raw"], list) else [request["raw"]]
            data = self.filled("".join(p if isinstance(p, str) else p[0] * p[1] for p in parts)).encode()
        elif "body" in request:
            data = json.dumps(self.filled(request["body"])).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        if "as" in request:
            headers["X-Auth-Token"] = self.variables[f"token.{request['as']}"]
        for name, value in request.get("headers", {}).items():
            headers.pop(name, None)
            if value is not None:
                headers[name] = self._header(value)
        url = self.filled(request["path"] + (f"?{request['query']}" if request.get("query") else ""))
        async with self.session.request(
            request["method"], url, data=None if data is None else io.BytesIO(data), headers=headers,
            skip_auto_headers=["Accept", "Accept-Encoding", "Content-Type", "User-Agent"],
        ) as response:  # fmt: skip
            text = await response.text()
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, found, _parsed(text))

    def _header(self, value: Any) -> str:
        if isinstance(value, dict):
            encoded = base64.b64encode(self.filled(value["base64"]).encode()).decode()
            return f"{value.get('prefix', '')}{encoded}"
        return str(self.filled(value))

    def capture(self, step: dict[str, Any], answer: Answer) -> None:
        """Keep what the step takes out of its answer."""
        for name, how in step.get("capture", {}).items():
            if isinstance(how, str):
                self.variables[name] = pointed(answer.body, how)
                continue
            where = self.filled(how["where"])
            rows = pointed(answer.body, how["in"])
            row = next(row for row in rows if all(row.get(key) == value for key, value in where.items()))
            self.variables[name] = pointed(row, how["take"])

    def compare(self, step: dict[str, Any], answer: Answer) -> list[str]:
        """Every difference between an answer and what was recorded, as sentences."""
        recorded = step["response"]
        if answer.status != recorded["status"]:
            return [f"status {answer.status}, recorded {recorded['status']}: {json.dumps(answer.body)[:300]}"]
        self.differences = []
        self._headers(step["request"], recorded["headers"], answer)
        self._step = step
        self._value(self.filled(recorded["body"]), answer.body, "")
        return self.differences

    def _headers(self, request: dict[str, Any], recorded: dict[str, str], answer: Answer) -> None:
        asked = {name.lower() for name in request.get("headers", {})}
        names = list(COMPARED_HEADERS)
        names += ACCESS_CONTROL if request["method"] == "OPTIONS" else ()
        names += ["x-request-id"] if "x-request-id" in asked else []
        names += ["content-encoding"] if "accept-encoding" in asked else []
        for name in names:
            wanted, given = recorded.get(name), answer.headers.get(name)
            if name == "content-type":
                given = given.partition(";")[0] if given else None
                if given is None and answer.status >= 400:
                    continue
            if wanted is None or given is None:
                if wanted != given:
                    self.differences.append(f"header {name}: {given!r}, recorded {wanted!r}")
                continue
            self._value(self.filled(wanted), given, f"header {name}")

    def _value(self, wanted: Any, given: Any, at: str) -> None:
        if isinstance(wanted, dict):
            self._object(wanted, given, at)
        elif isinstance(wanted, list):
            self._list(wanted, given, at)
        elif isinstance(wanted, str):
            if not self._text(wanted, given):
                self.differences.append(f"{at}: {given!r}, recorded {wanted!r}")
        elif not _same(wanted, given):
            self.differences.append(f"{at}: {given!r}, recorded {wanted!r}")

    def _object(self, wanted: dict[str, Any], given: Any, at: str) -> None:
        if not isinstance(given, dict):
            self.differences.append(f"{at}: {given!r}, recorded an object")
            return
        left = set(given) - {"descendants_count"}
        for key, value in wanted.items():
            if key == "descendants_count":
                continue
            found = next((name for name in left if self._text(key, name)), None)
            if found is None:
                self.differences.append(f"{at}/{key}: missing, recorded {value!r}")
                continue
            left.discard(found)
            self._value(value, given[found], f"{at}/{key}")
        self.differences.extend(f"{at}/{key}: {given[key]!r}, not recorded" for key in sorted(left))

    def _list(self, wanted: list[Any], given: Any, at: str) -> None:
        if not isinstance(given, list):
            self.differences.append(f"{at}: {given!r}, recorded a list")
            return
        subset, unordered = at in self._step.get("subset", []), at in self._step.get("unordered", [])
        if not subset and len(wanted) != len(given):
            self.differences.append(f"{at}: {len(given)} rows, recorded {len(wanted)}: {given!r}")
            return
        if not subset and not unordered:
            for index, (mine, theirs) in enumerate(zip(wanted, given, strict=True)):
                self._value(mine, theirs, f"{at}/{index}")
            return
        left = list(given)
        for index, row in enumerate(wanted):
            fitting = next((other for other in left if self._fits(row, other, f"{at}/{index}")), ABSENT)
            if fitting is ABSENT:
                self.differences.append(f"{at}/{index}: no row fits {row!r}")
            else:
                left.remove(fitting)

    def _fits(self, wanted: Any, given: Any, at: str) -> bool:
        before, self.differences = self.differences, []
        self._value(wanted, given, at)
        fits, self.differences = not self.differences, before
        return fits

    def _text(self, wanted: str, given: Any) -> bool:
        whole = PLACEHOLDER.fullmatch(wanted)
        if whole and (typed := TYPED.get(whole[1])):
            return typed(given, self.clock())
        if not isinstance(given, str):
            return False
        pattern, last = "", 0
        for found in PLACEHOLDER.finditer(wanted):
            pattern += re.escape(wanted[last : found.start()]) + self._pattern(found[1])
            last = found.end()
        return re.fullmatch(pattern + re.escape(wanted[last:]), given, re.DOTALL) is not None

    def _pattern(self, placeholder: str) -> str:
        if placeholder.startswith("id:"):
            return re.escape(self.variables[placeholder[3:]])
        if placeholder.startswith("token:"):
            return re.escape(self.variables[f"token.{placeholder[6:]}"])
        if placeholder.startswith("rev:"):
            return "[1-9][0-9]*-[0-9a-f]{32}"
        return IN_TEXTS[placeholder]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_about(moment: float, now: float) -> bool:
    """Whether this is a time of now or so, or the end of the month, when the next bill is due."""
    today = datetime.fromtimestamp(now, UTC)
    end = datetime(today.year + today.month // 12, today.month % 12 + 1, 1, tzinfo=UTC)
    return abs(moment - now) < 2 * 86_400 or moment == end.timestamp()


TYPED: dict[str, Callable[[Any, float], bool]] = {
    "integer": lambda value, now: _is_integer(value),
    "number": lambda value, now: _is_number(value),
    "boolean": lambda value, now: isinstance(value, bool),
    "string": lambda value, now: isinstance(value, str),
    "list": lambda value, now: isinstance(value, list),
    "object": lambda value, now: isinstance(value, dict),
    "any": lambda value, now: True,
    "gregorian": lambda value, now: _is_integer(value) and _is_about(value - GREGORIAN_EPOCH, now),
    "unix": lambda value, now: _is_number(value) and abs(value - now) < 2 * 86_400,
}
"""Whether a value is of the kind, at a time in seconds since 1970."""


def _same(wanted: Any, given: Any) -> bool:
    if _is_number(wanted) and _is_number(given):
        return bool(abs(wanted - given) <= 1e-9 * max(abs(wanted), abs(given)))
    return type(wanted) is type(given) and bool(wanted == given)


def _parsed(text: str) -> Any:
    """An empty body is null; one that is no JSON stays the text that it is."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def pointed(value: Any, pointer: str) -> Any:
    """What a JSON pointer points at."""
    for part in pointer.split("/")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value

"""A scripted server: real HTTP, and whatever answers a test wants to see survived."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

KEY = "k" * 63 + "1"
AUTH = "a" * 32
ACCOUNT_ID = "b" * 32

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def envelope(data: Any = None, status: int = 200, **members: Any) -> Answer:
    """An answer of KAZOO; `tokens` and the like go beside `data`."""
    word = {"status": "success"} if status < 400 else {"status": "error", "error": str(status)}
    return raw(json.dumps({"data": data, **word, "auth_token": "echoed", **members}), status)


def refusal(status: int, message: str, data: Any = None) -> Answer:
    return envelope({} if data is None else data, status, message=message)


def raw(body: str | bytes, status: int = 200, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        content = body.encode() if isinstance(body, str) else body
        return web.Response(body=content, status=status, headers=headers, content_type="application/json")

    return answer


async def reset(request: web.Request) -> web.StreamResponse:
    """Take the request whole, then drop the connection."""
    await request.read()
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut(request: web.Request) -> web.StreamResponse:
    """Begin an answer, then drop the connection."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"data": {')
    assert request.transport is not None
    request.transport.close()
    return response


@dataclass
class Seen:
    method: str
    path: str
    query: dict[str, str]
    token: str | None
    body: Any
    if_match: str | None = None


@dataclass
class Script:
    """Answers by method and path below /v2, one after the other, the last one again and again."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    keys: set[str] = field(default_factory=lambda: {KEY})
    connections: set[Any] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0
    _answers: dict[tuple[str, str], deque[Answer]] = field(default_factory=lambda: defaultdict(deque))

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self._answers[method, path] = deque(answers)

    def calls(self, method: str, path: str) -> list[Seen]:
        return [one for one in self.seen if (one.method, one.path) == (method, path)]

    @property
    def logins(self) -> int:
        return len(self.calls("PUT", "/api_auth"))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        path = request.raw_path.partition("?")[0].removeprefix("/v2")
        seen = Seen(
            request.method,
            path,
            dict(request.query),
            request.headers.get("X-Auth-Token"),
            json.loads(text) if text else None,
            request.headers.get("If-Match"),
        )
        self.seen.append(seen)
        self.connections.add(request.transport)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._answer(seen)(request)
        finally:
            self.at_once -= 1

    def _answer(self, seen: Seen) -> Answer:
        answers = self._answers.get((seen.method, seen.path))
        if answers:
            return answers.popleft() if len(answers) > 1 else answers[0]
        if (seen.method, seen.path) == ("PUT", "/api_auth"):
            return self._login(seen)
        return refusal(404, "bad_identifier")

    def _login(self, seen: Seen) -> Answer:
        key = seen.body["data"]["api_key"]
        if len(key) != 64:
            fault = {"api_key": {"minLength": {"target": 64, "value": key, "cause": key}}}
            return refusal(400, "validation error", fault)
        if key not in self.keys:
            return refusal(404, "bad identifier", [key])
        login = {
            "account_id": AUTH,
            "account_name": "Reseller",
            "is_reseller": True,
            "is_master_account": False,
        }
        return envelope(login, 201, auth_token=f"token-{self.logins}")

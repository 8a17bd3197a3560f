"""A small client for tests of the sandbox: real HTTP, and nothing of the operator."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from kazoo_operator.sandbox import Sandbox

IN_BOTH = pytest.mark.parametrize("compat", ["5.0", "4.3"])
"""For what is the same in every release."""
IN_4_3 = pytest.mark.parametrize("compat", ["4.3"])
"""For what only the older release does."""


@dataclass(frozen=True)
class Answer:
    """An answer: `body` is the envelope, None where there is none."""

    status: int
    body: Any
    headers: Mapping[str, str]
    text: str

    @property
    def data(self) -> Any:
        """The member `data`."""
        return self.body["data"]

    @property
    def row_ids(self) -> list[str]:
        """The ids of a list."""
        return [row["id"] for row in self.body["data"]]


class Client:
    """Talks to a sandbox as one account, or as nobody."""

    def __init__(self, session: aiohttp.ClientSession, sandbox: Sandbox, token: str | None = None) -> None:
        self.session, self.sandbox, self.token = session, sandbox, token

    @property
    def master(self) -> str:
        """The master's id."""
        return self.sandbox.identity.master.account_id

    @property
    def reseller(self) -> str:
        """The built-in reseller's id."""
        return self.sandbox.identity.reseller.account_id

    async def log_in(self, api_key: str) -> Client:
        """The same, as the account with this key."""
        answer = await Client(self.session, self.sandbox).put("/v2/api_auth", {"api_key": api_key})
        assert answer.status == 201, answer
        return Client(self.session, self.sandbox, answer.body["auth_token"])

    async def as_account(self, account_id: str) -> Client:
        """The same, as that account, whose key this one may read."""
        answer = await self.get(f"/v2/accounts/{account_id}?include_api_key=true")
        return await self.log_in(answer.data["api_key"])

    async def request(
        self, method: str, path: str, data: Any = None, *, body: Any = None, raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Send `data` in an envelope, or `body` as JSON, or `raw` as it is."""
        if raw is None and (body is not None or data is not None):
            raw = json.dumps(body if body is not None else {"data": data}).encode()
        sent = {"Content-Type": "application/json"} if raw is not None else {}
        sent |= {"X-Auth-Token": self.token} if self.token else {}
        sent |= headers or {}
        async with self.session.request(
            method, path, data=None if raw is None else io.BytesIO(raw), headers=sent,
            skip_auto_headers=["Content-Type"],
        ) as response:  # fmt: skip
            text = await response.text()
            try:
                parsed = json.loads(text) if text else None
            except ValueError:
                parsed = None
            return Answer(response.status, parsed, response.headers, text)

    async def get(self, path: str, **more: Any) -> Answer:
        """GET."""
        return await self.request("GET", path, **more)

    async def put(self, path: str, data: Any = None, **more: Any) -> Answer:
        """PUT."""
        return await self.request("PUT", path, data, **more)

    async def post(self, path: str, data: Any = None, **more: Any) -> Answer:
        """POST."""
        return await self.request("POST", path, data, **more)

    async def patch(self, path: str, data: Any = None, **more: Any) -> Answer:
        """PATCH."""
        return await self.request("PATCH", path, data, **more)

    async def delete(self, path: str, **more: Any) -> Answer:
        """DELETE."""
        return await self.request("DELETE", path, **more)

    async def create(self, name: str, parent: str | None = None, **fields: Any) -> str:
        """A new account below the master (or `parent`), by its id; its realm follows from the name."""
        fields = {"name": name, "realm": f"{name.lower().replace(' ', '-')}.example.org", **fields}
        answer = await self.put(f"/v2/accounts/{parent or self.master}", fields)
        assert answer.status == 201, answer
        return str(answer.data["id"])

    async def promote(self, account_id: str) -> None:
        """Make a reseller of an account."""
        answer = await self.put(f"/v2/accounts/{account_id}/reseller")
        assert answer.status == 201, answer

    async def state(self) -> dict[str, Any]:
        """Everything there is, by account."""
        return dict((await self.get("/sandbox/state")).body["accounts"])

    async def read(self, account_id: str) -> dict[str, Any]:
        """An account."""
        answer = await self.get(f"/v2/accounts/{account_id}")
        assert answer.status == 200, answer
        return dict(answer.data)

    async def fault(self, do: dict[str, Any], method: str = "", path: str = "", times: int = 1) -> None:
        """Order a fault."""
        order = {"match": {"method": method, "path": path}, "times": times, "do": do}
        answer = await self.post("/sandbox/faults", body=order)
        assert answer.status == 200, answer

    async def journal(self) -> list[dict[str, Any]]:
        """What was asked."""
        return list((await self.get("/sandbox/requests")).body["requests"])

"""Senseless requests and orders over HTTP: no 500 but KAZOO's own, and a state that agrees with itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kazoo_operator.sandbox import Sandbox, pipeline, running_sandbox
from kazoo_operator.sandbox import server as http_rim
from kazoo_operator.sandbox.release import RELEASES
from kazoo_operator.sandbox.seed import MASTER_ID
from tests.sandbox.client import Answer, Client
from tests.sandbox.consistency import contradictions
from tests.sandbox.senseless import VOIP, Request, junk, noticed, requests

PLANNED = {
    "init failed", "account_has_descendants", "unspecified_fault", "invalid_bookkeeper", "teapot",
    "datastore missing view", "not_implemented",
}  # fmt: skip
"""The messages of a 5xx that are KAZOO's own, and those that were ordered. Without a body: ledgers for
strangers, and a verb that no HTTP server knows."""
FAULTS: list[dict[str, Any]] = [
    {"status": 503, "message": "teapot"}, {"status": 500, "message": "teapot", "afterCommit": True},
    {"delay": 0.01}, {"reset": True}, {"reset": True, "afterCommit": True}, {"body": "<html>"},
    {"status": 409}, {"body": "{", "afterCommit": True}, {"cut": "early"}, {"cut": "late"},
    {"rollback": True}, {"unbilled": True},
]  # fmt: skip
EDITS: list[tuple[str, dict[str, Any]]] = [
    ("account", {"org": "x", "timezone": None}), ("account", {"enabled": False}),
    ("account", {"realm": "edited.example.org"}), ("account", {"topup": {"threshold": 5, "amount": 9}}),
    ("account", {"notifications": {"low_balance": {"threshold": 100, "enabled": True}}}),
    ("limits", {"twoway_trunks": 3}), ("limits", {"calls": 0}), ("limits", {"twoway_trunks": None}),
    ("limits", {"allow_postpay": True, "max_postpay_amount": 50}),
    ("plan", {"name": "gold", "plan": {"limits": {"twoway_trunks": {"rate": 9.99, "cascade": True}}}}),
    ("plan", {"id": "gold", "name": "gold", "plan": {"users": {"_all": {"rates": {"5": 2}}}}}),
]  # fmt: skip


WITHOUT_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]
"""A sequence over HTTP takes so long that to make it shorter takes minutes: the step is told as it stands."""


@dataclass(frozen=True)
class Order:
    """A call of the control surface; `account` chooses whom it is about."""

    method: str
    path: str
    body: Any
    account: int


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Mostly sensible ones, of every kind."""
    path = draw(st.sampled_from(["clock", "calls", "documents", "documents", "faults", "faults", "requests"]))
    account = draw(st.integers(0, 99))
    if path != "requests" and draw(st.integers(0, 9)) == 9:
        return Order("POST", path, draw(junk), account)
    if path == "requests":
        return Order(
            *draw(st.sampled_from([("GET", path), ("DELETE", path), ("DELETE", "faults")])), None, account
        )
    return Order("POST", path, draw(_sensible(path)), account)


def _sensible(path: str) -> st.SearchStrategy[Any]:
    if path == "clock":
        times = st.sampled_from(["0s", "90s", "1h", "25h", "31d", "400d", "soon"])
        return times.map(lambda time: {"advance": time})
    if path == "calls":
        rates = st.sampled_from([0, 0.05, 7, -1, "x"])
        return rates.map(lambda rate: {"accountID": "{account}", "seconds": 61, "rate": rate})
    if path == "documents":
        edits = st.sampled_from(EDITS)
        return edits.map(lambda edit: {"accountID": "{account}", "document": edit[0], "merge": edit[1]})
    methods = st.sampled_from(["", "PUT|POST", "GET"])
    return st.tuples(st.sampled_from(FAULTS), methods).map(
        lambda pair: {"match": {"method": pair[1], "path": "/v2/accounts"}, "do": pair[0]}
    )


@dataclass
class Fuzzed:
    """A sandbox, and what became known of it on the way."""

    sandbox: Sandbox
    client: Client
    words: int = 0
    known: list[str] = field(
        default_factory=lambda: ["gold", VOIP, "adjustments", "202611", "x", "ä/b", "+12125550123"]
    )
    spoiled: set[str] = field(default_factory=set)
    reborn: set[str] = field(default_factory=set)

    @property
    def accounts(self) -> list[str]:
        return sorted(account.id for account in self.sandbox.world.accounts.all())

    def word(self) -> str:
        self.words += 1
        return f"new{self.words}"

    def token(self, chosen: int) -> str:
        """The master's as often as not, or that of any account; or none of ours."""
        known = self.accounts
        account = MASTER_ID if chosen % 2 == 0 or not known else known[chosen % len(known)]
        good = account in known and chosen < 96
        return self.sandbox.world.tokens.issue(account, "cb_api_auth") if good else "bogus"

    async def order(self, order: Order) -> None:
        """The control surface takes it or says 400, and never fails."""
        account = (self.accounts or ["none"])[order.account % max(1, len(self.accounts))]
        body = _filled(order.body, account)
        answer = await self.client.request(order.method, f"/sandbox/{order.path}", body=body)
        assert answer.status in ((200,) if order.method != "POST" else (200, 400)), f"{order}: {answer}"
        if order.path == "documents" and answer.status == 200 and body["document"] == "account":
            self.spoiled.add(account)

    async def send(self, request: Request) -> None:
        """A 5xx has to be one of KAZOO's own."""
        account, segments = request.segments(self.accounts, self.known)
        client = Client(self.client.session, self.sandbox, self.token(request.token))
        path = "/v2/" + "/".join(quote(segment, safe="") for segment in segments)
        query = "&".join(f"{key}={quote(value)}" for key, value in request.query.items())
        self._note(request, account)
        try:
            answer = await client.request(
                request.method, f"{path}?{query}", raw=request.text(account, self.word) or None,
                headers=request.headers,
            )  # fmt: skip
        except aiohttp.ClientError:
            answer = Answer(0, None, {}, "")  # a fault has cut it off
        self._judge(request, account, answer)

    def _note(self, request: Request, account: str) -> None:
        """What KAZOO lets happen to trees: a create with the id of an account, a move to where none is."""
        body = request.body if isinstance(request.body, dict) else {}
        tunnelled = "verb" in {*body, *request.query}
        for member, method in (("id", "PUT"), ("_id", "PUT"), ("to", "POST")):
            if member in body and request.noun == "accounts" and (tunnelled or request.method == method):
                named = account if body[member] == "{account}" else str(body[member])
                if member != "to" or named not in self.accounts:
                    self.reborn.add(named)

    def _judge(self, request: Request, account: str, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, dict) else {}
        if body.get("status") != "success" and self.sandbox.world.release.writes_while_validating:
            self.spoiled.add(account)  # a refusal that was stored, or what came before a fault
        data = body.get("data")
        if isinstance(data, dict) and isinstance(data.get("id"), str):
            self.known.append(data["id"])
        if answer.status >= 500 and answer.text:
            assert answer.body["message"] in PLANNED, f"{request}: {answer}"

    async def check(self) -> None:
        await self.client.delete("/sandbox/faults")
        state = (await self.client.get("/sandbox/state")).body
        half_built = {one.id for one in self.sandbox.world.accounts.all() if one.stage == "early"}
        found = contradictions(state, spoiled=self.spoiled, reborn=self.reborn, half_built=half_built)
        assert found == []


def _filled(body: Any, account: str) -> Any:
    if isinstance(body, dict) and body.get("accountID") == "{account}":
        return {**body, "accountID": account}
    return body


async def _run(release: str, steps: list[Request | Order]) -> None:
    failures: list[str] = []
    async with (
        running_sandbox(compat=release) as sandbox,
        aiohttp.ClientSession(sandbox.url) as session,
    ):
        session._retry_connection = False
        fuzzed = Fuzzed(sandbox, Client(session, sandbox))
        with noticed(pipeline.log, failures), noticed(http_rim.log, failures):
            for step in steps:
                await (fuzzed.order(step) if isinstance(step, Order) else fuzzed.send(step))
            await fuzzed.check()
    assert failures == []


def _fuzzed(examples: int) -> Callable[[Callable[[str, list[Request | Order]], None]], Any]:
    steps = st.lists(st.one_of(requests(), requests(), requests(), orders()), min_size=10, max_size=40)
    apply = settings(
        max_examples=examples, phases=WITHOUT_SHRINKING,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    return lambda test: pytest.mark.parametrize("release", sorted(RELEASES))(apply(given(steps=steps)(test)))


@_fuzzed(25)
def test_no_order_and_no_request_makes_the_sandbox_fail_or_contradict_itself(
    release: str, steps: list[Request | Order]
) -> None:
    asyncio.run(_run(release, steps))


@pytest.mark.soak
@_fuzzed(2500)
def test_no_longer_search_finds_one_either(release: str, steps: list[Request | Order]) -> None:
    asyncio.run(_run(release, steps))

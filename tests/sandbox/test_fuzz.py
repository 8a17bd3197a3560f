"""Requests that make no sense, in any order: no unplanned 500, and what is stored stays consistent.

They are carried out without a server in between: the pipeline is asked as the server asks it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kazoo_operator.sandbox import envelope, passing, pipeline
from kazoo_operator.sandbox.call import Call
from kazoo_operator.sandbox.clock import Clock
from kazoo_operator.sandbox.faults import Fault, parsed
from kazoo_operator.sandbox.ledger import UNITS
from kazoo_operator.sandbox.nouns import discover
from kazoo_operator.sandbox.refusal import ConnectionCut
from kazoo_operator.sandbox.release import RELEASES
from kazoo_operator.sandbox.routes import ANY
from kazoo_operator.sandbox.seed import MASTER_ID, derived
from kazoo_operator.sandbox.world import World

ROUTES = discover()
ACTIONS = sorted(
    (noun.name, resource.arguments, verb)
    for noun in ROUTES.nouns.values()
    for resource in noun.resources
    for verb in resource.actions
)
METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE"]
HEADERS = [{}, {}, {}, {"If-Match": "*"}, {"If-None-Match": '"1-x"'}, {"Content-Type": "text/plain"}]
QUERIES = [
    {}, {}, {}, {"page_size": "2"}, {"page_size": "-1"}, {"paginate": "false"}, {"start_key": "zzz"},
    {"filter_a.b": "1", "has_key": "id"}, {"created_from": "1"}, {"created_to": "x"}, {"verb": "delete"},
    {"accept_charges": "true"}, {"ascending": "true", "is_chunked": "false"},
    {"t": "account", "q": "id", "v": ""},
]  # fmt: skip
FAULTS = [None, None, None, None, {"cut": "early"}, {"cut": "late"}, {"rollback": True}, {"unbilled": True}]
VOIP = derived("app voip")
CREDIT = {
    "amount": 5.25, "source": {"service": "adjustments", "id": "g1"}, "metadata": {},
    "usage": {"type": "credit", "quantity": 0, "unit": "USD"}, "period": {"start": 63_962_784_000},
}  # fmt: skip
BODIES: dict[str, list[dict[str, Any]]] = {
    "accounts": [
        {"name": "{new}", "realm": "{new}.example.org", "timezone": "Etc/UTC", "enabled": True},
        {"name": "Acme", "realm": "acme.example.org", "timezone": "Etc/UTC", "id": "{account}"},
        {"name": "{new}", "topup": {"threshold": 5, "amount": 3},
         "notifications": {"low_balance": {"enabled": True, "threshold": 50}}},
        {"to": "{account}"},
    ],
    "limits": [{"inbound_trunks": 1, "twoway_trunks": 2, "burst_trunks": -1, "calls": 0}, {"calls": 5.6}],
    "ledgers": [CREDIT, {**CREDIT, "amount": 1}, {**CREDIT, "period": {}}],
    "users": [
        {"first_name": "Ada", "last_name": "Byron", "username": "ada", "password": "x",
         "priv_level": "admin"},
        {"first_name": "Bo", "last_name": "Li", "username": "{new}", "password": "x"},
    ],
    "callflows": [
        {"numbers": ["no_match"], "flow": {"module": "offnet", "data": {}, "children": {}}},
        {"numbers": ["{new}"], "patterns": [], "flow": {"module": "offnet"}},
    ],
    "devices": [{"name": "Phone", "device_type": "sip_device", "enabled": True}],
    "transactions": [{"amount": 5}],
    "services": [{"add": ["gold"], "delete": ["gold"], "overrides": {"plan": {}}}, {"amount": 5}],
    "apps_store": [
        {"allowed_users": "all"}, {"allowed_users": "specific", "users": ["x"]}, {"blacklist": [VOIP, "x"]},
    ],
    "whitelabel": [{"domain": "{new}.example.org", "hide_port": True}, {"domain": "x.example.org"}],
    "api_auth": [{"api_key": "x" * 64}],
    "user_auth": [{"credentials": "0" * 32, "method": "md5", "account_realm": "acme.example.org"}],
}  # fmt: skip
"""Good at some place of a noun; `{new}` is a word of its own, `{account}` the id in the path."""

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


@dataclass(frozen=True)
class Request:
    """A request whose ids are only known when it is sent: numbers choose among those that are there."""

    method: str
    noun: str
    arguments: tuple[str, ...]
    account: int
    argument: int
    token: int
    body: Any
    query: dict[str, str]
    headers: dict[str, str]
    fault: dict[str, Any] | None
    minutes: int


@st.composite
def bodies(draw: st.DrawFn, noun: str) -> Any:
    """A good body, mostly; or one with a member of junk, or junk."""
    body = dict(draw(st.sampled_from(BODIES.get(noun, [{}]))))
    kind = draw(st.integers(0, 9))
    if kind == 9:
        return draw(junk)
    if kind >= 7 and body:
        body[draw(st.sampled_from(sorted(body)))] = draw(junk)
    if kind == 6:
        names = st.sampled_from(["verb", "id", "enabled", "accept_charges", "page_size", "auth_token"])
        body[draw(st.text(max_size=8) | names)] = draw(junk)
    return body


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """One that KAZOO has, mostly, by any account at any other."""
    noun, arguments, verb = draw(st.sampled_from(ACTIONS))
    number = st.integers(0, 99)
    return Request(
        draw(st.sampled_from(METHODS)) if draw(number) > 95 else verb,
        noun, arguments, draw(number), draw(number), draw(number), draw(bodies(noun)),
        draw(st.sampled_from(QUERIES)), draw(st.sampled_from(HEADERS)), draw(st.sampled_from(FAULTS)),
        draw(st.sampled_from([0, 0, 0, 0, 1, 90, 3000, 60_000])),
    )  # fmt: skip


@dataclass
class Fuzzed:
    """A world, and what became known of it."""

    world: World
    failures: list[str] = field(default_factory=list)
    words: int = 0
    known: list[str] = field(default_factory=lambda: ["gold", VOIP, "adjustments", "202611", "x", "ä/b"])

    def send(self, request: Request) -> None:
        """Carry one out, as the server does."""
        accounts = sorted(account.id for account in self.world.accounts.all())
        account = (
            (accounts * 100)[request.account]
            if request.account < 92 and accounts
            else ["0" * 32, "short"][request.account % 2]
        )
        noun = request.noun
        known = self.known[request.argument % len(self.known)]
        given = [known if part == ANY else part for part in request.arguments]
        if noun == "accounts":
            segments = ["accounts", *([account, *given[1:]] if given else [])]
        else:
            segments = ["accounts", account, noun, *given] if request.account % 16 != 15 else [noun, *given]
        text = json.dumps({"data": request.body}).replace("{account}", account).replace("{new}", self.word())
        headers = {**request.headers, "X-Auth-Token": self.token(request.token, accounts)}
        path = "/v2/" + "/".join(quote(segment, safe="") for segment in segments)
        call = Call(self.world, request.method, path, request.query, headers)
        envelope.read_body(call, text.encode() if request.method != "GET" else b"")
        call.match = ROUTES.resolve(segments)
        action = call.match.action(call.verb)
        call.fault = self.fault(request, action.faults if action else frozenset())
        try:
            answer = pipeline.carry_out(call, ROUTES)
        except ConnectionCut:
            return
        body = json.loads(answer.body) if answer.body else None
        if isinstance(body, dict) and isinstance(body.get("data"), dict) and "id" in body["data"]:
            self.known.append(str(body["data"]["id"]))

    def word(self) -> str:
        self.words += 1
        return f"new{self.words}"

    def token(self, chosen: int, accounts: list[str]) -> str:
        if chosen % 20 == 19:
            return "bogus"
        account = MASTER_ID if chosen % 2 == 0 or not accounts else accounts[chosen % len(accounts)]
        return self.world.tokens.issue(account, "cb_api_auth")

    def fault(self, request: Request, by_the_action: frozenset[str]) -> Fault | None:
        if request.fault is None or not by_the_action & set(request.fault):
            return None
        return parsed({"do": request.fault})

    def check(self) -> None:
        """What must hold of everything that is stored."""
        assert not self.failures, self.failures
        run = self.world.store.connection.execute
        for account in self.world.accounts.all():
            above = {row[0] for row in run("SELECT ancestor FROM ancestry WHERE id=?", (account.id,))}
            assert above == (set() if account.stage == "early" else set(account.tree)), account
            if account.stage != "whole":
                continue
            entries = self.world.ledgers.entries(account.id)
            month = self.world.clock.month()
            current = [round(row["amount"] * UNITS) for row in entries if row["id"].startswith(month)]
            if current:
                assert self.world.ledgers.total(account) == sum(current), account
            users = [user.document.get("username") for user in self.world.users.of(account.id)]
            names = [name for name in users if name]
            assert len(names) == len(set(names)), names


@contextmanager
def noticed(failures: list[str]) -> Iterator[None]:
    """What the pipeline logs: that it failed itself."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            failures.append(f"{record.getMessage()}: {record.exc_info and record.exc_info[1]!r}")

    handler = Handler()
    pipeline.log.addHandler(handler)
    try:
        yield
    finally:
        pipeline.log.removeHandler(handler)


@pytest.mark.parametrize("release", sorted(RELEASES))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sent=st.lists(requests(), min_size=15, max_size=60))
def test_no_sequence_of_requests_makes_the_sandbox_fail_or_contradict_itself(
    release: str, sent: list[Request]
) -> None:
    now = 1_795_586_400.0
    fuzzed = Fuzzed(
        World(None, None, Clock(lambda: now), RELEASES[release], rate_limit=False, seed_file=None)
    )
    with noticed(fuzzed.failures):
        for request in sent:
            fuzzed.send(request)
            if request.minutes:
                with fuzzed.world.store.transaction():
                    passing.advance(fuzzed.world, 60 * request.minutes)
        fuzzed.check()
    fuzzed.world.store.close()

"""Requests that make no sense, made up by the dozen, for the tests that send them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from logging import Handler, Logger, LogRecord
from typing import Any

from hypothesis import strategies as st

from kazoo_operator.sandbox.nouns import discover
from kazoo_operator.sandbox.routes import ANY
from kazoo_operator.sandbox.seed import derived

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
        {"name": "Bolt!", "realm": "bolt.example.org", "enabled": True},
        {"name": "bolt", "realm": "BOLT.example.org"},
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

    def segments(self, accounts: Sequence[str], known: Sequence[str]) -> tuple[str, list[str]]:
        """The account that it is about, and its path behind the version."""
        here = self.account < 92 and accounts
        account = accounts[self.account % len(accounts)] if here else ["0" * 32, "short"][self.account % 2]
        word = known[self.argument % len(known)]
        given = [word if part == ANY else part for part in self.arguments]
        if self.noun == "accounts":
            return account, ["accounts", *([account, *given[1:]] if given else [])]
        if self.account % 16 == 15:
            return account, [self.noun, *given]
        return account, ["accounts", account, self.noun, *given]

    def text(self, account: str, word: Callable[[], str]) -> bytes:
        """Its body."""
        text = json.dumps({"data": self.body}).replace("{account}", account).replace("{new}", word())
        return text.encode() if self.method != "GET" else b""


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


@contextmanager
def noticed(log: Logger, failures: list[str]) -> Iterator[None]:
    """What is logged: that the sandbox failed itself."""

    class Noticing(Handler):
        def emit(self, record: LogRecord) -> None:
            failures.append(f"{record.getMessage()}: {record.exc_info and record.exc_info[1]!r}")

    handler = Noticing()
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)

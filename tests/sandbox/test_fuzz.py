"""Requests that make no sense, in any order: no unplanned 500, and what is stored stays consistent.

They are carried out without a server in between: the pipeline is asked as the server asks it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazoo_operator.sandbox import envelope, passing, pipeline
from kazoo_operator.sandbox.call import Call
from kazoo_operator.sandbox.clock import Clock
from kazoo_operator.sandbox.faults import Fault, parsed
from kazoo_operator.sandbox.ledger import UNITS
from kazoo_operator.sandbox.refusal import ConnectionCut
from kazoo_operator.sandbox.release import RELEASES
from kazoo_operator.sandbox.seed import MASTER_ID
from kazoo_operator.sandbox.world import World
from tests.sandbox.senseless import ROUTES, VOIP, Request, noticed, requests


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
        account, segments = request.segments(accounts, self.known)
        body_sent = request.text(account, self.word)
        headers = {**request.headers, "X-Auth-Token": self.token(request.token, accounts)}
        path = "/v2/" + "/".join(quote(segment, safe="") for segment in segments)
        call = Call(self.world, request.method, path, request.query, headers)
        envelope.read_body(call, body_sent)
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


@pytest.mark.parametrize("release", sorted(RELEASES))
@settings(max_examples=40)
@given(sent=st.lists(requests(), min_size=15, max_size=60))
def test_no_sequence_of_requests_makes_the_sandbox_fail_or_contradict_itself(
    release: str, sent: list[Request]
) -> None:
    now = 1_795_586_400.0
    fuzzed = Fuzzed(
        World(None, None, Clock(lambda: now), RELEASES[release], rate_limit=False, seed_file=None)
    )
    with noticed(pipeline.log, fuzzed.failures):
        for request in sent:
            fuzzed.send(request)
            if request.minutes:
                with fuzzed.world.store.transaction():
                    passing.advance(fuzzed.world, 60 * request.minutes)
        fuzzed.check()
    fuzzed.world.store.close()

"""The sandbox answers as real KAZOO servers did: recorded exchanges, replayed and compared strictly.

Each release is replayed with a sandbox that imitates it (`--compat`).

A scenario is replayed up to its first step that needs a noun, verb or setup that is not built. The sandbox
itself says so (501 `not_implemented`, which no real server ever answered there; a control that is not
served), so a new noun lengthens the replays by itself; `REPLAYED` then has to say how far they go.
"""

from __future__ import annotations

import secrets
from http import HTTPMethod
from typing import Any

import aiohttp
import pytest

from kazoo_operator.sandbox import Sandbox, running_sandbox
from tests.sandbox.conftest import SetClock
from tests.sandbox.recording import Replay, load, releases, scenarios

METHODS = frozenset(HTTPMethod)
WHOLE = frozenset(
    {
        "accounts-api-key",
        "accounts-create-full",
        "accounts-create-junk",
        "accounts-create-minimal",
        "accounts-create-odd-names",
        "accounts-create-unique",
        "accounts-create-who",
        "accounts-delete",
        "accounts-delete-refused",
        "accounts-enabled",
        "accounts-leaked-keys",
        "accounts-move",
        "accounts-patch",
        "accounts-post",
        "accounts-post-defaults",
        "accounts-read",
        "accounts-reseller",
        "accounts-search",
        "accounts-update-unique",
        "accounts-update-who",
        "apps-blacklist",
        "apps-blacklist-who",
        "auth-account-alias",
        "auth-api-key",
        "auth-user",
        "auth-expired",
        "callflows-no-match",
        "charges-accept-places",
        "charges-handshake",
        "envelope-bodies",
        "envelope-content-types",
        "envelope-filters",
        "envelope-order-of-checks",
        "envelope-paging",
        "envelope-verb-tunnelling",
        "ledgers-book",
        "ledgers-conflict",
        "ledgers-fresh",
        "ledgers-impact-reseller",
        "ledgers-list",
        "limits-post",
        "limits-refused",
        "numbers-classifiers",
        "services-summary",
        "services-who",
        "transactions",
        "users-refused",
        "users-update",
        "users-who",
        "whitelabel",
    }
)
"""In both releases."""
BOTH = {
    "accounts-api-key": 19,
    "accounts-create-full": 5,
    "accounts-create-junk": 6,
    "accounts-create-minimal": 17,
    "accounts-create-odd-names": 12,
    "accounts-create-unique": 15,
    "accounts-create-who": 25,
    "accounts-delete": 20,
    "accounts-delete-refused": 24,
    "accounts-enabled": 17,
    "accounts-leaked-keys": 8,
    "accounts-move": 20,
    "accounts-patch": 18,
    "accounts-post": 12,
    "accounts-post-defaults": 11,
    "accounts-read": 24,
    "accounts-reseller": 25,
    "accounts-search": 33,
    "accounts-update-unique": 16,
    "accounts-update-who": 24,
    "apps-blacklist": 32,
    "apps-blacklist-who": 35,
    "auth-account-alias": 9,
    "auth-api-key": 17,
    "auth-expired": 14,
    "auth-user": 25,
    "callflows-no-match": 22,
    "charges-accept-places": 20,
    "charges-handshake": 24,
    "envelope-bodies": 23,
    "envelope-content-types": 18,
    "envelope-filters": 27,
    "envelope-methods": 30,
    "envelope-order-of-checks": 19,
    "envelope-paging": 37,
    "envelope-verb-tunnelling": 12,
    "ledgers-book": 23,
    "ledgers-conflict": 19,
    "ledgers-fresh": 15,
    "ledgers-impact-reseller": 18,
    "ledgers-list": 17,
    "limits-post": 16,
    "limits-refused": 30,
    "numbers-classifiers": 22,
    "services-summary": 30,
    "services-who": 29,
    "transactions": 18,
    "users-refused": 15,
    "users-update": 22,
    "users-who": 30,
    "whitelabel": 20,
}
REPLAYED = {"4.3": BOTH, "5.0": BOTH | {"envelope-too-large": 3}}
"""How many steps of each scenario are done, by release."""
ALL = [(release, name) for release in releases() for name in scenarios(release)]


def test_every_scenario_is_in_the_table() -> None:
    assert {release: sorted(table) for release, table in REPLAYED.items()} == {
        release: scenarios(release) for release in releases()
    }


def test_what_runs_whole_is_said_and_stays_so() -> None:
    whole = {
        release: {name for name, steps in table.items() if steps == len(load(release, name)["steps"])}
        for release, table in REPLAYED.items()
    }
    assert whole == {"4.3": WHOLE, "5.0": WHOLE | {"envelope-too-large"}}


@pytest.mark.parametrize(("release", "name"), ALL)
async def test_the_sandbox_answers_as_the_real_server_did(release: str, name: str, clock: SetClock) -> None:
    """It is the month of the recordings, and a step takes a second besides its wait."""
    async with (
        running_sandbox(compat=release, clock=clock) as sandbox,
        aiohttp.ClientSession(sandbox.url) as session,
    ):
        replay = Replay(session, await known_at_the_start(sandbox, session), clock)
        done = 0
        for step in load(release, name)["steps"]:
            clock.now += 1 + step.get("wait", 0)
            if not await carried_out(replay, step, sandbox):
                break
            done += 1
    assert done == REPLAYED[release][name], f"write into REPLAYED that {name} goes {done} steps in {release}"


async def carried_out(replay: Replay, step: dict[str, Any], sandbox: Sandbox) -> bool:
    """Whether the step could be done; fails the test where its answer differs."""
    if "setup" in step:
        return await set_up(replay, replay.filled(step["setup"]), sandbox)
    if step["request"]["method"] not in METHODS:
        return False  # the HTTP server that we stand on refuses such a request by itself, with 400
    most = step.get("repeat_until", {}).get("most", 1)
    for _ in range(most):
        answer = await replay.send(step["request"])
        if answer.status == step.get("repeat_until", {}).get("status", answer.status):
            break
    body = answer.body if isinstance(answer.body, dict) else {}
    if answer.status == 501 and body.get("message") == "not_implemented":
        return False
    if answer.status == step["response"]["status"]:
        replay.capture(step, answer)
    differences = replay.compare(step, answer)
    assert not differences, f"step {step['name']!r}: " + "; ".join(differences)
    return True


async def set_up(replay: Replay, setup: dict[str, Any], sandbox: Sandbox) -> bool:
    """Whether this is a setup that the control surface serves, and then done."""
    if "account_config" in setup:
        return True  # concerns real servers only
    if "clock" in setup:
        async with replay.session.post("/sandbox/clock", json=setup["clock"]) as response:
            assert response.status == 200, await response.text()
        replay.variables["token.master"] = (await logged_in(sandbox, replay.session))["auth_token"]
        return True
    documents = {document for noun in sandbox.routes.nouns.values() for document in noun.documents}
    if setup["document"] not in documents:
        return False
    async with replay.session.post("/sandbox/documents", json=setup) as response:
        assert response.status == 200, await response.text()
    return True


async def known_at_the_start(sandbox: Sandbox, session: aiohttp.ClientSession) -> dict[str, str]:
    """The variables that every scenario presumes.

    `run` begins with a letter behind `t`: the one list that is ordered by normalised realms
    (`acme${run}...` before `acmetwo${run}...`, descending) was recorded with such a one.
    """
    master = sandbox.identity.master
    login = await logged_in(sandbox, session)
    return {
        "run": "x" + secrets.token_hex(4)[1:],
        "master": master.account_id,
        "master.name": login["data"]["account_name"],
        "master.realm": master.realm,
        "token.master": login["auth_token"],
        "key.master": master.api_key,
        "month": sandbox.world.clock.month(),
    }


async def logged_in(sandbox: Sandbox, session: aiohttp.ClientSession) -> dict[str, Any]:
    """What the master is told that logs in."""
    credentials = {"data": {"api_key": sandbox.identity.master.api_key}}
    async with session.put("/v2/api_auth", json=credentials) as response:
        told: dict[str, Any] = await response.json()
    return told

"""The sandbox answers as real KAZOO 5.0 servers did: recorded exchanges, replayed and compared strictly.

A scenario is replayed up to its first step that needs a noun, verb or setup that is not built. The sandbox
itself says so (501 `not_implemented`, which no real server ever answered there; a control that is not
served), so a new noun lengthens the replays by itself; `REPLAYED` then has to say how far they go.
"""

from __future__ import annotations

import secrets
from typing import Any

import aiohttp
import pytest

from kazoo_operator.sandbox import Sandbox, running_sandbox
from tests.sandbox.recording import Replay, load, scenarios

WHOLE = ("accounts-create-junk", "accounts-create-odd-names", "accounts-patch")
REPLAYED = {
    "accounts-api-key": 1,
    "accounts-create-full": 2,
    "accounts-create-junk": 6,
    "accounts-create-minimal": 7,
    "accounts-create-odd-names": 12,
    "accounts-create-unique": 2,
    "accounts-create-who": 2,
    "accounts-delete": 2,
    "accounts-delete-refused": 2,
    "accounts-enabled": 1,
    "accounts-leaked-keys": 1,
    "accounts-move": 4,
    "accounts-patch": 18,
    "accounts-post": 1,
    "accounts-post-defaults": 1,
    "accounts-read": 2,
    "accounts-reseller": 3,
    "accounts-search": 2,
    "accounts-update-unique": 2,
    "accounts-update-who": 2,
    "apps-blacklist": 2,
    "apps-blacklist-who": 2,
    "auth-account-alias": 1,
    "auth-api-key": 1,
    "auth-expired": 2,
    "auth-user": 1,
    "callflows-no-match": 1,
    "charges-accept-places": 2,
    "charges-handshake": 2,
    "envelope-bodies": 1,
    "envelope-content-types": 1,
    "envelope-filters": 23,
    "envelope-methods": 6,
    "envelope-order-of-checks": 2,
    "envelope-paging": 24,
    "envelope-too-large": 3,
    "envelope-verb-tunnelling": 7,
    "ledgers-book": 2,
    "ledgers-conflict": 1,
    "ledgers-fresh": 1,
    "ledgers-impact-reseller": 2,
    "ledgers-list": 1,
    "limits-post": 1,
    "limits-refused": 1,
    "numbers-classifiers": 1,
    "services-summary": 1,
    "services-who": 2,
    "transactions": 2,
    "users-refused": 1,
    "users-update": 1,
    "users-who": 2,
    "whitelabel": 1,
}


def test_every_scenario_is_in_the_table() -> None:
    assert sorted(REPLAYED) == scenarios()


def test_the_scenarios_of_creating_and_patching_run_whole() -> None:
    for name in WHOLE:
        assert REPLAYED[name] == len(load(name)["steps"]), name


@pytest.mark.parametrize("name", scenarios())
async def test_the_sandbox_answers_as_the_real_server_did(name: str) -> None:
    async with running_sandbox() as sandbox, aiohttp.ClientSession(sandbox.url) as session:
        replay = Replay(session, await known_at_the_start(sandbox, session))
        done = 0
        for step in load(name)["steps"]:
            if not await carried_out(replay, step, sandbox):
                break
            done += 1
    assert done == REPLAYED[name], f"write into REPLAYED that {name} goes {done} steps"


async def carried_out(replay: Replay, step: dict[str, Any], sandbox: Sandbox) -> bool:
    """Whether the step could be done; fails the test where its answer differs."""
    if "setup" in step:
        return await set_up(replay, replay.filled(step["setup"]), sandbox)
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
            return response.status == 200
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
    async with session.put("/v2/api_auth", json={"data": {"api_key": master.api_key}}) as response:
        login = await response.json()
    return {
        "run": "x" + secrets.token_hex(4)[1:],
        "master": master.account_id,
        "master.name": login["data"]["account_name"],
        "master.realm": master.realm,
        "token.master": login["auth_token"],
        "key.master": master.api_key,
        "month": sandbox.world.clock.month(),
    }

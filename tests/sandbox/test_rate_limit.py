"""Rate limits: which requests draw from a bucket, in each release, and what an empty one answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from kazoo_operator.sandbox import Sandbox, running_sandbox
from kazoo_operator.sandbox.bucket import MANY, PER_SECOND, SIZE, Buckets
from kazoo_operator.sandbox.clock import Clock
from tests.sandbox.client import IN_4_3, IN_BOTH, Client
from tests.sandbox.conftest import SetClock
from tests.sandbox.credentials import hashed
from tests.sandbox.process import serving


@pytest.fixture
async def sandbox(clock: SetClock, compat: str) -> AsyncIterator[Sandbox]:
    async with running_sandbox(clock=clock, compat=compat, rate_limit=True) as sandbox:
        yield sandbox


async def statuses(client: Client, path: str, times: int) -> list[int]:
    """What so many requests are answered."""
    return [(await client.get(path)).status for _ in range(times)]


@IN_4_3
async def test_every_request_with_a_token_draws_in_4_3(master: Client, clock: SetClock) -> None:
    path = f"/v2/accounts/{master.master}"
    assert await statuses(master, path, SIZE + 1) == [200] * SIZE + [429]
    clock.now += 1
    assert await statuses(master, path, PER_SECOND + 1) == [200] * PER_SECOND + [429]
    refused = await master.get(path)
    assert (refused.body["message"], refused.data) == ("too_many_requests", {"message": "too many requests"})
    assert (refused.body["error"], "Retry-After" in refused.headers) == ("429", False)
    clock.now += 3600
    assert (await master.get(path)).status == 401  # the token has ended meanwhile; the bucket is full again


async def test_a_good_token_is_not_charged_in_5_0_and_none_or_a_bad_one_is(
    master: Client, nobody: Client
) -> None:
    path = f"/v2/accounts/{master.master}"
    assert await statuses(master, path, SIZE + 20) == [200] * (SIZE + 20)
    bad = [401] * (SIZE // 2)
    assert await statuses(nobody, path, SIZE // 2) == bad
    assert await statuses(nobody, f"{path}?auth_token=bogus", SIZE // 2) == bad
    refused = await nobody.get(path)
    assert (refused.status, "Content-Type" in refused.headers) == (429, False)
    assert (await master.get(path)).status == 200


async def test_envelopes_of_5_0_tell_what_is_left(master: Client, nobody: Client) -> None:
    path = f"/v2/accounts/{master.master}"
    for _ in range(3):
        await nobody.get(path)
    assert (await master.get(path)).body["tokens"] == {"consumed": 1, "remaining": SIZE - 3}
    assert (await nobody.get(path)).body["tokens"]["remaining"] == SIZE - 4
    assert (await master.get(f"/v2/accounts/{master.reseller}")).body["tokens"]["remaining"] == SIZE


@IN_BOTH
@pytest.mark.parametrize("way", ["api_auth", "user_auth"])
async def test_logins_draw_from_the_bucket_without_an_account(nobody: Client, way: str) -> None:
    who = nobody.sandbox.identity
    by_password = {
        "credentials": hashed(who.admin_name, who.admin_password), "account_realm": who.master.realm,
    }  # fmt: skip
    login = {"api_auth": {"api_key": who.master.api_key}, "user_auth": by_password}[way]
    answers = [await nobody.put(f"/v2/{way}", login) for _ in range(SIZE + 1)]
    assert [answer.status for answer in answers] == [201] * SIZE + [429]
    assert answers[-1].body["message"] == "too_many_requests"


@IN_4_3
async def test_each_account_in_the_path_has_a_bucket_of_its_own(master: Client) -> None:
    await statuses(master, f"/v2/accounts/{master.master}", SIZE)
    assert (await master.get(f"/v2/accounts/{master.master}/children")).status == 429
    assert (await master.get("/v2/account")).status == 429
    assert (await master.get(f"/v2/accounts/{master.reseller}")).status == 200


@IN_4_3
async def test_what_is_refused_before_the_token_is_looked_at_costs_nothing(master: Client) -> None:
    await statuses(master, f"/v2/accounts/{master.master}", SIZE)
    assert (await master.get(f"/v2/accounts/{'0' * 32}")).status == 404
    assert (await master.patch(f"/v2/accounts/{master.master}/children", {})).status == 405
    assert (await master.post(f"/v2/accounts/{master.master}", raw=b"{bad")).status == 400


@IN_4_3
async def test_a_write_that_is_refused_for_its_rate_is_not_done(master: Client) -> None:
    acme = await master.create("Acme")
    await statuses(master, f"/v2/accounts/{acme}", SIZE)
    assert (await master.patch(f"/v2/accounts/{acme}", {"org": "x"})).status == 429
    assert "org" not in (await master.state())[acme]["account"]


@IN_4_3
async def test_a_reset_fills_all_buckets(master: Client) -> None:
    path = f"/v2/accounts/{master.master}"
    assert (await statuses(master, path, SIZE + 1))[-1] == 429
    await master.post("/sandbox/reset")
    assert (await master.get(path)).status == 200


async def test_without_the_option_nobody_is_limited() -> None:
    async with running_sandbox(compat="4.3") as sandbox, aiohttp.ClientSession(sandbox.url) as session:
        master = await Client(session, sandbox).log_in(sandbox.identity.master.api_key)
        assert set(await statuses(master, "/v2/account", SIZE + 20)) == {200}


async def test_the_option_limits_a_process() -> None:
    async with serving("--rate-limit") as (_, ready), aiohttp.ClientSession(ready["url"]) as session:
        seen = []
        for _ in range(SIZE + PER_SECOND * 60):
            async with session.get(f"/v2/accounts/{ready['accountID']}") as response:
                seen.append(response.status)
            if seen[-1] == 429:
                break
    assert set(seen) == {401, 429}
    assert len(seen) > SIZE


def test_buckets_that_are_full_again_are_let_go(clock: SetClock) -> None:
    buckets = Buckets(Clock(clock))
    for number in range(MANY):
        assert buckets.draw(str(number))
    clock.now += 1
    assert buckets.draw("one more")
    assert len(buckets._left) == 1
    clock.now -= 60  # a clock that was set back takes nothing away
    assert buckets.remaining("one more") == SIZE - 1

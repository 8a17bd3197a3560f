"""Backends that go and come: keys change, Secrets and TelephonyBackends are deleted, a KAZOO is down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from kazoo_operator import backends
from kazoo_operator.allowance import digest
from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.outcome import Reason, Return, State
from tests.engine.conftest import Clock, Watching, World, account, after, until_ready
from tests.engine.kazoos import DEADLINE, EU, Cluster, accounts_of, at, backend, two_kazoos
from tests.engine.test_deletion import CONFIRMED, going


@pytest.fixture
async def cluster(world: World) -> AsyncIterator[Cluster]:
    async with two_kazoos(world) as made:
        yield made


def some(number: int) -> Resource:
    """One of many Accounts of `eu`."""
    return at("eu", f"a{number}", name=f"A {number}", realm=f"a{number}.example.com")


async def made(cluster: Cluster, called: str = "acme", **spec: object) -> Resource:
    """An Account of `eu` that is Ready, as it stands then."""
    resource = at("eu", called, **spec)
    found = after(resource, await until_ready(cluster.engine, resource))
    cluster.world.objects.put(found)
    return found


async def logins(cluster: Cluster) -> list[int]:
    """The answers to all logins so far."""
    return [status for _, status in await cluster.world.writes("/api_auth$")]


async def test_a_new_key_is_used_by_the_next_pass_over_its_backend(cluster: Cluster) -> None:
    declared = cluster.eu()
    await made(cluster)
    cluster.world.secrets.put("eu", api_key=await cluster.rotate())
    before = await logins(cluster)
    assert (await cluster.pass_over(declared)).outcome.reason is Reason.READY
    assert (await logins(cluster))[len(before) :] == [201], "one login, by the new key"
    await cluster.pass_over(declared)
    assert len(await logins(cluster)) == len(before) + 1, "what is in use already is not logged in anew"


async def test_writes_go_on_while_the_key_changes_and_none_fails(cluster: Cluster) -> None:
    declared = cluster.eu()
    await made(cluster)

    async def rotated() -> None:
        cluster.world.secrets.put("eu", api_key=await cluster.rotate())
        assert (await cluster.pass_over(declared)).outcome.reason is Reason.READY

    others = [
        at("eu", f"a{number}", name=f"A {number}", realm=f"a{number}.example.com") for number in range(6)
    ]
    found, *_ = await asyncio.gather(
        asyncio.gather(*(cluster.pass_over(other) for other in others)), rotated()
    )
    assert {one.outcome.reason for one in found} == {Reason.READY}
    assert {status for _, status in await cluster.world.writes()} == {201}


async def test_a_token_that_ends_is_renewed_with_the_key_as_it_is_by_then(cluster: Cluster) -> None:
    cluster.eu()
    resource = await made(cluster)
    cluster.world.secrets.put("eu", api_key=await cluster.rotate())
    await cluster.world.control("POST", "clock", {"advance": "2h"})
    assert (await cluster.pass_over(resource)).outcome.reason is Reason.READY, "no pass over the backend yet"


async def test_a_key_that_kazoo_refuses_stalls_the_backend_and_is_no_news_of_its_objects(
    cluster: Cluster,
) -> None:
    declared = cluster.eu()
    resource = await made(cluster)
    cluster.world.secrets.put("eu", api_key="f" * 64)
    for _ in range(2):
        found = await cluster.pass_over(declared)
        assert (found.outcome.reason, found.outcome.state) == (Reason.UNAUTHORIZED, State.STALLED)
    calls = len((await cluster.world.control("GET", "requests"))["requests"])
    waits = await cluster.pass_over(resource)
    assert (waits.outcome.reason, waits.outcome.comes_back) == (Reason.BACKEND_NOT_READY, Return.ON_CHANGE)
    assert len((await cluster.world.control("GET", "requests"))["requests"]) == calls, "KAZOO is not asked"
    cluster.world.secrets.put("eu", api_key=cluster.world.sandbox.identity.reseller.api_key)
    found = await cluster.pass_over(declared)
    assert (found.outcome.reason, found.wakes) == (Reason.READY, (resource.key,))


async def test_without_its_secret_objects_wait_and_ends_are_seen_through(cluster: Cluster) -> None:
    declared = cluster.eu()
    resource = await made(cluster, deletionPolicy="Delete")
    cluster.world.secrets.held.clear()
    assert (await cluster.pass_over(declared)).outcome.reason is Reason.SECRET_NOT_FOUND
    assert (await cluster.pass_over(resource)).outcome.reason is Reason.BACKEND_NOT_READY
    assert (await cluster.pass_over(going(resource, CONFIRMED))).released
    assert await cluster.world.accounts() == {}


async def test_without_its_backend_objects_wait_and_ends_are_seen_through(cluster: Cluster) -> None:
    declared = cluster.eu()
    resource = await made(cluster, deletionPolicy="Delete")
    other = await made(cluster, "other", name="Other", realm="other.pbx.example.com")
    cluster.forget(EU)
    waits = await cluster.pass_over(other)
    assert (waits.outcome.reason, waits.outcome.awaits) == (Reason.BACKEND_NOT_READY, (EU,))
    assert waits.fields == {}, "what status knows stays"
    assert (await cluster.pass_over(going(resource, CONFIRMED))).released
    assert await cluster.world.accounts() == {}
    cluster.declare(replace(declared, uid="another"))
    again = await cluster.pass_over(other)
    assert again.outcome.reason is Reason.READY
    assert [status for _, status in await cluster.world.writes()] == [201, 201, 200], "none is made anew"


async def test_a_default_that_was_deleted_does_not_turn_its_objects_to_the_settings(cluster: Cluster) -> None:
    world = cluster.world
    engine = world.engine()
    engine._registry._connect = cluster.registry._connect
    world.secrets.put("default", api_key=cluster.other.identity.reseller.api_key)
    cluster.declare(backend(cluster.other.url, "default"))
    resource = account()
    found = after(resource, await until_ready(engine, resource))
    cluster.forget(Key("TelephonyBackend", "team", "default"))
    waits = await engine.reconcile(found, Watching())
    assert waits.outcome.reason is Reason.BACKEND_NOT_READY
    assert (len(await accounts_of(cluster)), await world.accounts()) == (1, {})
    await engine.close()
    await engine._registry.close()


async def test_a_kazoo_that_is_down_is_asked_by_its_backends_pass_alone(cluster: Cluster) -> None:
    declared = cluster.eu()
    objects = [
        await made(cluster, f"a{number}", name=f"A {number}", realm=f"a{number}.example.com")
        for number in range(3)
    ]
    cluster.world.clock.now += 60
    await cluster.world.fault({"status": 503}, method=".", path=".", times=10_000)
    found = await asyncio.gather(*(cluster.pass_over(one) for one in objects))
    assert {one.outcome.reason for one in found} == {Reason.BACKEND_NOT_READY}, "one word, written once"
    assert {one.outcome.comes_back for one in found} == {Return.ON_CHANGE}
    assert EU in {key for one in found for key in one.wakes}, "its own pass tells why, and asks again"
    asked = len((await cluster.world.control("GET", "requests"))["requests"])
    await asyncio.gather(*(cluster.pass_over(one) for one in objects))
    assert len((await cluster.world.control("GET", "requests"))["requests"]) == asked
    down = await cluster.pass_over(declared)
    assert (down.outcome.reason, down.outcome.comes_back) == (Reason.BACKEND_UNAVAILABLE, Return.BACK_OFF)
    assert down.wakes == ()
    await cluster.world.control("DELETE", "faults")
    up = await cluster.pass_over(declared)
    assert up.outcome.reason is Reason.READY
    assert set(up.wakes) == {one.key for one in objects}
    found = await asyncio.gather(*(cluster.pass_over(one) for one in objects))
    assert {one.outcome.reason for one in found} == {Reason.READY}
    assert (await cluster.pass_over(declared)).wakes == (), "nobody waits any more"


async def test_a_kazoo_that_asks_for_fewer_requests_is_not_away(cluster: Cluster) -> None:
    declared = cluster.eu()
    await made(cluster)
    await cluster.world.fault({"status": 429}, method="GET", path=".", times=1)
    found = await cluster.pass_over(declared)
    assert (found.outcome.reason, found.outcome.comes_back) == (Reason.READY, Return.AT_RESYNC)


async def test_a_failure_of_one_account_is_not_its_backends(cluster: Cluster) -> None:
    cluster.eu()
    resource = await made(cluster)
    cluster.world.clock.now += 60
    path = f"/accounts/{resource.status['accountID']}$"
    await cluster.world.fault({"status": 500}, method="GET", path=path, times=100)
    found = await cluster.pass_over(resource)
    assert (found.outcome.reason, found.outcome.comes_back) == (Reason.BACKEND_UNAVAILABLE, Return.BACK_OFF)


async def test_a_backend_is_looked_at_once_however_many_come_at_the_start(cluster: Cluster) -> None:
    cluster.eu()
    objects = [some(number) for number in range(8)]
    found = await asyncio.gather(*(cluster.pass_over(one) for one in objects))
    assert {one.outcome.reason for one in found} == {Reason.READY}, "nobody was turned away"
    assert await logins(cluster) == [201]


async def test_a_kazoo_that_hangs_keeps_nobody_waiting(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "PATIENCE", 0.1)
    declared = cluster.eu()
    cluster.us()
    await cluster.world.fault({"hang": True}, method="PUT", path="/api_auth", times=1)
    async with asyncio.timeout(DEADLINE - 1):
        found = await cluster.pass_over(at("eu"))
        assert (found.outcome.reason, found.wakes) == (Reason.BACKEND_NOT_READY, (EU,))
        other = await until_ready(cluster.engine, at("us", "other"))
    assert other.outcome.reason is Reason.READY
    await cluster.pass_over(declared)
    up = await cluster.pass_over(declared)
    assert (up.outcome.reason, up.wakes) == (Reason.READY, (at("eu").key,))


async def test_an_end_is_not_seen_through_over_a_connection_that_leads_elsewhere(cluster: Cluster) -> None:
    cluster.eu()
    resource = await made(cluster, deletionPolicy="Delete")
    declared = cluster.eu(generation=2, rootAccount={"realm": "elsewhere.example.com"})
    cluster.world.secrets.held.clear()
    assert (await cluster.pass_over(declared)).outcome.reason is Reason.SECRET_NOT_FOUND
    found = await cluster.pass_over(going(resource, CONFIRMED))
    assert (found.outcome.reason, found.released) == (Reason.BACKEND_NOT_READY, False)
    assert len(await cluster.world.accounts()) == 1


async def test_another_url_is_another_connection_and_creations_end_first(cluster: Cluster) -> None:
    cluster.eu()
    await made(cluster, "first", name="First", realm="first.example.com")
    await cluster.world.fault({"delay": 0.5}, method="PUT", path="/accounts/", times=1)
    creating = asyncio.create_task(cluster.pass_over(at("eu")))
    while not any(
        call["method"] == "PUT" and not call["status"]
        for call in (await cluster.world.control("GET", "requests"))["requests"]
    ):
        await asyncio.sleep(0.01)
    cluster.world.secrets.put("eu", api_key=cluster.other.identity.reseller.api_key)
    cluster.declare(backend(cluster.other.url, "eu", generation=2))
    second = await until_ready(cluster.engine, at("eu", "second", name="Second", realm="second.example.com"))
    assert creating.done() or cluster.registry._retired[0].creates_in_flight == 0
    assert (await creating).outcome.reason is Reason.READY
    assert len(await cluster.world.accounts()) == 1
    assert list(await accounts_of(cluster, "second.example.com")) == [second.fields["accountID"]]
    assert [access.url for access in cluster.connected] == [cluster.world.sandbox.url, cluster.other.url]


async def test_a_policy_that_changes_needs_no_other_connection(cluster: Cluster) -> None:
    cluster.eu()
    await made(cluster)
    cluster.eu(generation=2, realmTemplate="{name}.eu.example.com", currency="EUR")
    found = await until_ready(cluster.engine, at("eu", "new", name="New", realm=None))
    assert (found.fields["realm"], found.fields["currency"]) == ("new.eu.example.com", "EUR")
    assert len(cluster.connected) == 1


async def test_deletions_of_an_hour_are_noted_by_backend_and_approved_on_it(
    cluster: Cluster, clock: Clock
) -> None:
    declared = cluster.eu()
    one, two, three = [
        await made(
            cluster, called, name=called.title(), realm=f"{called}.example.com", deletionPolicy="Delete"
        )
        for called in ("one", "two", "three")
    ]

    def ends(resource: Resource) -> Resource:
        found = going(resource, {"confirm-delete": resource.spec["name"]})
        cluster.world.objects.put(found)
        return found

    assert (await cluster.pass_over(ends(one))).released
    noted = cluster.world.memories[EU].noted
    assert [deletion.account_id for deletion in noted] == [one.status["accountID"]]
    assert cluster.world.memory.noted == [], "the settings' memory is another"
    waits = [await cluster.pass_over(ends(other)) for other in (two, three)]
    assert {found.outcome.reason for found in waits} == {Reason.DELETION_LIMIT}
    ids = {two.status["accountID"], three.status["accountID"]}
    wanted = digest(cluster.world.sandbox.url, ids)
    said = waits[1].outcome.message
    assert f"annotate the TelephonyBackend team/eu with kazoo-operator.io/approve-deletions: {wanted}" in said
    cluster.declare(replace(declared, annotations={"kazoo-operator.io/approve-deletions": wanted}))
    woken = await cluster.pass_over(cluster.world.objects.held[EU])
    assert set(woken.wakes) == {two.key, three.key}
    for other in (two, three):
        assert (await cluster.pass_over(ends(other))).released
    assert {deletion.account_id for deletion in noted} == {one.status["accountID"], *ids}


async def test_no_secret_is_ever_said(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    declared, key = cluster.eu(), cluster.world.sandbox.identity.reseller.api_key
    said = [await cluster.pass_over(declared), await cluster.pass_over(at("eu"))]
    wrong = "e" * 64
    cluster.world.secrets.put("eu", api_key=wrong)
    said += [await cluster.pass_over(declared), await cluster.pass_over(at("eu"))]
    cluster.world.secrets.put("eu", api_key="short and secret")
    said += [await cluster.pass_over(declared), await cluster.pass_over(at("eu"))]
    text = repr(said) + repr(cluster.connected) + caplog.text + repr(cluster.engine._backends._looks)
    assert [one for one in (key, wrong, "short and secret") if one in text] == []

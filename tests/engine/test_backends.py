"""TelephonyBackends: which KAZOO an object is about, and what a TelephonyBackend tells of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kazoo_operator.core.outcome import Reason, Return, State
from tests.engine.attached import attached
from tests.engine.conftest import DEFAULT, Watching, World, account, after, until_ready
from tests.engine.kazoos import EU, Cluster, accounts_of, at, backend, two_kazoos


@pytest.fixture
async def cluster(world: World) -> AsyncIterator[Cluster]:
    async with two_kazoos(world) as made:
        yield made


async def test_a_backend_shows_what_kazoo_it_is(cluster: Cluster) -> None:
    found = await cluster.pass_over(cluster.eu())
    assert (found.outcome.state, found.outcome.comes_back) == (State.READY, Return.AT_RESYNC)
    five = cluster.world.compat == "5.0"
    assert found.fields == {
        "accountID": cluster.world.sandbox.identity.reseller.account_id,
        "level": "Reseller",
        "version": "5.0.0" if five else "4.3.0",
        "writeMode": "Merge" if five else "Replace",
    }
    assert await cluster.world.writes(".") == [("PUT", 201)], "one login, and nothing else is written"


async def test_the_masters_credential_is_told(cluster: Cluster) -> None:
    made = cluster.eu()
    cluster.world.secrets.put("eu", api_key=cluster.world.sandbox.identity.master.api_key)
    found = await cluster.pass_over(made)
    assert found.fields["level"] == "SuperDuper"
    assert "never puts a charge before it makes it" in found.outcome.message


async def test_two_backends_are_two_kazoos(cluster: Cluster) -> None:
    cluster.eu()
    cluster.us()
    await until_ready(cluster.engine, at("eu", "acme"))
    await until_ready(cluster.engine, at("us", "emca"))
    here, there = await cluster.world.accounts(), await accounts_of(cluster)
    assert (len(here), len(there)) == (1, 1), "the same realm and name, at each once"
    assert next(iter(here.values()))["flags"] == ["kazoo-operator/cluster/team/acme"]
    assert next(iter(there.values()))["flags"] == ["kazoo-operator/cluster/team/emca"]


async def test_what_is_booked_at_one_kazoo_is_not_taken_for_booked_at_a_copy_of_it(cluster: Cluster) -> None:
    reseller = cluster.world.sandbox.identity.reseller.account_id
    assert cluster.other.identity.reseller.account_id == reseller, "the ids of a copy are the same"
    cluster.world.clock.now = time.time()
    cluster.eu()
    cluster.us()
    for name, kazoo in (("eu", cluster.world.sandbox), ("us", cluster.other)):
        cluster.world.secrets.put(name, api_key=kazoo.identity.master.api_key)
    grant = {"id": "start", "type": "Credit", "amount": "30.00", "date": datetime.now(UTC).date().isoformat()}
    for name, kazoo in (("eu", cluster.world.sandbox), ("us", cluster.other)):
        policy = attached(
            "CreditPolicy",
            name,
            accountRef={"accountID": reseller},
            backendRef={"name": name},
            grants=[grant],
        )
        found = await cluster.pass_over(policy)
        assert found.outcome.reason is Reason.READY, found.outcome.message
        assert found.fields["granted"] == "30.00"
        async with cluster.world.http.get(f"{kazoo.url}/sandbox/state") as answer:
            ledgers = (await answer.json())["accounts"][reseller]["ledgers"]
        assert [one["amount"] for one in ledgers if one["source"]["service"] == "adjustments"] == [30], name


async def test_any_other_name_than_default_must_exist(cluster: Cluster) -> None:
    found = await cluster.pass_over(at("eu"))
    assert (found.outcome.reason, found.outcome.state) == (Reason.BACKEND_NOT_READY, State.RECONCILING)
    assert found.outcome.comes_back is Return.ON_CHANGE, "nothing is polled"
    assert found.outcome.awaits == (EU,)
    assert "TelephonyBackend team/eu, which is not there" in found.outcome.message


async def test_the_settings_stand_in_for_default_until_that_is_there(cluster: Cluster) -> None:
    world = cluster.world
    engine = world.engine()
    await until_ready(engine, account("one", name="One", realm="one.pbx.example.com"))
    assert len(await world.accounts("one.pbx.example.com")) == 1
    cluster.declare(backend(cluster.other.url, "default"))
    found = await engine.reconcile(account("two", name="Two", realm="two.pbx.example.com"), Watching())
    assert found.outcome.reason is Reason.BACKEND_NOT_READY, "its Secret is not there"
    assert found.outcome.awaits == (DEFAULT,)
    assert await world.accounts("two.pbx.example.com") == {}


async def test_without_settings_and_backends_it_says_so(cluster: Cluster) -> None:
    found = await cluster.pass_over(account())
    assert found.outcome.reason is Reason.BACKEND_NOT_READY
    said = "TelephonyBackend team/default, which is not there, and the operator's settings name no KAZOO."
    assert said in found.outcome.message


@pytest.mark.parametrize(
    ("allowed", "reason"),
    [([], Reason.INVALID_SPEC), (["others"], Reason.INVALID_SPEC), (["apps"], "Ready"), (["*"], "Ready")],
)
async def test_a_namespace_is_to_be_allowed(cluster: Cluster, allowed: list[str], reason: str) -> None:
    cluster.eu(allowedNamespaces=allowed)
    named = account(backendRef={"name": "eu", "namespace": "team"})
    stranger = replace(named, key=replace(named.key, namespace="apps"))
    found = await cluster.pass_over(stranger)
    assert found.outcome.reason == reason
    if reason is Reason.INVALID_SPEC:
        assert found.outcome.state is State.STALLED
        assert "does not allow the namespace apps; add it to its allowedNamespaces" in found.outcome.message
        assert found.outcome.awaits == (EU,)
        assert await cluster.world.writes(".") == [], "not even a login"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (None, "there is no Secret team/eu; create it"),
        ({}, "the Secret team/eu has no entry api-key; add it"),
        ({"apikey": "x"}, "the Secret team/eu has no entry api-key; add it"),
        ({"api_key": ""}, "the entry api-key of the Secret team/eu is empty"),
        ({"api_key": "\n"}, "the entry api-key of the Secret team/eu is empty"),
    ],
)
async def test_a_secret_that_lacks_something_is_named(
    cluster: Cluster, entries: dict[str, str] | None, said: str
) -> None:
    made = cluster.eu()
    cluster.world.secrets.held.clear()
    if entries is not None:
        cluster.world.secrets.put("eu", **entries)
    found = await cluster.pass_over(made)
    assert (found.outcome.reason, found.outcome.state) == (Reason.SECRET_NOT_FOUND, State.STALLED)
    assert found.outcome.comes_back is Return.AT_RESYNC
    assert said in found.outcome.message


async def test_a_secret_that_may_not_be_read_is_named_with_the_remedy(cluster: Cluster) -> None:
    made = cluster.eu()
    cluster.world.secrets.broken = PermissionError("403")
    found = await cluster.pass_over(made)
    assert found.outcome.reason is Reason.SECRET_NOT_FOUND
    assert "may not be read; let the operator's role get Secrets there" in found.outcome.message


async def test_an_api_server_that_is_away_takes_no_credential_away(cluster: Cluster) -> None:
    made = cluster.eu()
    await until_ready(cluster.engine, made)
    cluster.world.secrets.broken = OSError("no answer")
    assert (await cluster.pass_over(made)).outcome.reason is Reason.READY


async def test_a_user_logs_in_by_realm_or_by_name(cluster: Cluster) -> None:
    known = cluster.world.sandbox.identity
    master = known.master
    for where in ({"realm": master.realm}, {"accountName": "Sandbox Master"}):
        cluster.world.secrets.put("user", username=known.admin_name, password=known.admin_password, **where)
        made = cluster.eu(auth={"userSecretRef": {"name": "user"}})
        assert (await cluster.pass_over(made)).fields.get("level") == "SuperDuper", where
    cluster.world.secrets.put("user", username=known.admin_name, password="wrong", realm=master.realm)
    found = await cluster.pass_over(made)
    assert (found.outcome.reason, found.outcome.state) == (Reason.UNAUTHORIZED, State.STALLED)


async def test_a_credential_of_an_account_that_is_no_reseller_has_its_own_level(cluster: Cluster) -> None:
    world, declared = cluster.world, cluster.eu()
    reseller = world.sandbox.identity.reseller.account_id
    plain = await world.as_master(
        "PUT", f"accounts/{reseller}", {"name": "Plain", "realm": "plain.example.com"}
    )
    read = await world.as_master("GET", f"accounts/{plain['id']}/api_key")
    world.secrets.put("eu", api_key=read["api_key"])
    assert (await cluster.pass_over(declared)).fields["level"] == "Account"
    await world.as_master("PUT", f"accounts/{plain['id']}/reseller")
    assert (await cluster.pass_over(declared)).fields["level"] == "Reseller", "without another login"


FINE, BAD = Reason.READY, Reason.INVALID_SPEC
OPERATIONS: list[tuple[str, Any, Reason]] = [
    ("requestsPerSecond", 1, FINE),
    ("requestsPerSecond", 10_000, FINE),
    ("requestsPerSecond", 0, BAD),
    ("requestsPerSecond", 10_001, BAD),
    ("currency", "EUR", FINE),
    ("currency", "eur", BAD),
    ("realmTemplate", "{name}.example.com", FINE),
    ("realmTemplate", "", FINE),
    ("realmTemplate", "{label}.example.com", BAD),
    ("namePattern", "Dental$", FINE),
    ("namePattern", "(", BAD),
    ("maxDeletionsPerHour", 0, FINE),
    ("maxDeletionsPerHour", 1000, FINE),
    ("maxDeletionsPerHour", 1001, BAD),
    ("allowedNamespaces", ["*"], FINE),
    ("allowedNamespaces", [f"n{number}" for number in range(101)], BAD),
    ("budgetPolicy", "Deny", FINE),
    ("budgetPolicy", "deny", BAD),
    ("requireWhitelabel", True, FINE),
    ("rootAccount", {"realm": "reseller.sandbox.example"}, FINE),
    ("rootAccount", {}, BAD),
    ("rootAccount", {"realm": "a.example.com", "accountID": "0" * 32}, BAD),
    ("insecureHTTP", True, FINE),
    ("auth", {}, BAD),
    ("auth", {"apiKeySecretRef": {"name": "eu"}}, BAD),
    ("caBundleSecretRef", {"name": "ca", "key": "ca.crt"}, Reason.SECRET_NOT_FOUND),
    ("url", "ftp://127.0.0.1", BAD),
    ("url", "http://127.0.0.1:1", Reason.BACKEND_UNAVAILABLE),
    ("favourite", "colour", BAD),
]


async def test_whatever_is_set_changed_and_unset_its_objects_are_ready_or_told_why(cluster: Cluster) -> None:
    cluster.eu()
    resource = at("eu")
    status = after(resource, await until_ready(cluster.engine, resource))
    for number, (field, value, reason) in enumerate(OPERATIONS):
        declared = cluster.eu(generation=2 * number + 2, **{field: value})
        told = await cluster.pass_over(status)
        found = await cluster.pass_over(declared)
        assert found.outcome.reason is reason, (field, value, found.outcome)
        assert told.outcome.reason is (FINE if reason is FINE else Reason.BACKEND_NOT_READY), (field, value)
        if reason is BAD:
            assert f"spec.{field}" in found.outcome.message
        cluster.eu(generation=2 * number + 3)
        assert (await cluster.pass_over(status)).outcome.reason is FINE, "unset again"
    assert len(await cluster.world.writes()) == 1, "the account was made once, and never written since"

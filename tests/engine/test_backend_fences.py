"""What one backend keeps from another: subtrees, realms, parents, names; and where nothing is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kazoo_operator.core.custom_resource import Key
from kazoo_operator.core.outcome import Reason, State
from tests.engine.attached import attached
from tests.engine.conftest import World, account, after, until_ready
from tests.engine.kazoos import Cluster, at, backend, two_kazoos


@pytest.fixture
async def cluster(world: World) -> AsyncIterator[Cluster]:
    async with two_kazoos(world) as made:
        yield made


async def subtree(cluster: Cluster, realm: str) -> str:
    """An account below the reseller, to be a root; returns its id."""
    data = {"name": realm.partition(".")[0], "realm": realm}
    reseller = cluster.world.sandbox.identity.reseller.account_id
    return str((await cluster.world.call("PUT", f"accounts/{reseller}", data))["id"])


async def test_each_backend_has_a_fence_of_its_own(cluster: Cluster) -> None:
    left, right = await subtree(cluster, "left.example.com"), await subtree(cluster, "right.example.com")
    key = cluster.world.sandbox.identity.reseller.api_key
    for name, root in (("left", {"accountID": left}), ("right", {"realm": "right.example.com"})):
        cluster.world.secrets.put(name, api_key=key)
        cluster.declare(backend(cluster.world.sandbox.url, name, rootAccount=root))
        found = await cluster.pass_over(cluster.world.objects.held[key_of(name)])
        assert found.fields["accountID"] == {"left": left, "right": right}[name]
    mine = await until_ready(cluster.engine, at("left", "mine", name="Mine", realm="mine.example.com"))
    assert mine.fields["parentAccountID"] == left
    account_id, before = mine.fields["accountID"], await cluster.world.writes(".")
    strangers = {
        "by id": at("right", "a", name="A", realm="a.example.com", parentRef={"accountID": account_id}),
        "by realm": at(
            "right", "b", name="B", realm="b.example.com", parentRef={"realm": "mine.example.com"}
        ),
        "adopted": at("right", "c", name="Mine", realm="mine.example.com", adopt=True, accountID=account_id),
        "its realm": at("right", "d", name="D", realm="mine.example.com", adopt=True),
    }
    reasons = {how: (await cluster.pass_over(one)).outcome.reason for how, one in strangers.items()}
    assert reasons == {
        "by id": Reason.OUTSIDE_SUBTREE,
        "by realm": Reason.OUTSIDE_SUBTREE,
        "adopted": Reason.OUTSIDE_SUBTREE,
        "its realm": Reason.REALM_TAKEN,
    }
    attached_by_id = attached(
        "TrunkLimits", accountRef={"accountID": account_id}, allowPerMinute=True, twoWay=1
    )
    attached_by_id.spec["backendRef"] = {"name": "right"}
    found = await cluster.pass_over(attached_by_id)
    assert found.outcome.reason is Reason.OUTSIDE_SUBTREE
    assert await cluster.world.writes(".") == before, "nothing was written"


def key_of(name: str) -> Key:
    """The key of a TelephonyBackend."""
    return backend("", name).key


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        ({"realm": "nobody.example.com"}, Reason.ACCOUNT_NOT_FOUND),
        ({"accountID": "f" * 32}, Reason.ACCOUNT_NOT_FOUND),
        (None, Reason.OUTSIDE_SUBTREE),
    ],
)
async def test_a_root_that_is_not_there_or_not_below_stalls_the_backend(
    cluster: Cluster, root: dict[str, str] | None, reason: Reason
) -> None:
    above = {"accountID": cluster.world.sandbox.identity.master.account_id}
    found = await cluster.pass_over(cluster.eu(rootAccount=root or above))
    assert (found.outcome.reason, found.outcome.state) == (reason, State.STALLED)
    assert found.outcome.message.startswith("spec.rootAccount: ")
    assert (await cluster.pass_over(at("eu"))).outcome.reason is Reason.BACKEND_NOT_READY


@pytest.mark.parametrize(
    "url", ["https://169.254.169.254", "https://[fd00:ec2::254]:8443", "https://0.0.0.0"]
)
async def test_a_url_of_a_metadata_service_stalls_the_backend(cluster: Cluster, url: str) -> None:
    cluster.world.secrets.put("eu", api_key="e" * 64)
    declared = backend(url)
    cluster.declare(declared)
    found = await cluster.pass_over(declared)
    assert (found.outcome.reason, found.outcome.state) == (Reason.INVALID_SPEC, State.STALLED)
    assert "metadata address" in found.outcome.message


async def test_a_parent_of_another_backend_is_refused(cluster: Cluster) -> None:
    cluster.eu()
    cluster.us()
    parent = at("eu", "parent", name="Parent", realm="parent.example.com")
    cluster.world.objects.put(after(parent, await until_ready(cluster.engine, parent)))
    found = await cluster.pass_over(at("us", parentRef={"name": "parent"}))
    assert (found.outcome.reason, found.outcome.state) == (Reason.INVALID_SPEC, State.STALLED)
    assert "write the same backendRef in both" in found.outcome.message


async def test_the_same_realm_at_two_kazoos_makes_no_rivals(cluster: Cluster) -> None:
    cluster.eu()
    cluster.us()
    for name in ("eu", "us"):
        made = at(name, name)
        cluster.world.objects.put(after(made, await until_ready(cluster.engine, made)))
    limits = {"accountRef": {"realm": "acme.pbx.example.com"}, "allowPerMinute": True, "maxCalls": 3}
    older = attached("TrunkLimits", "older", backendRef={"name": "eu"}, **limits)
    newer = attached(
        "TrunkLimits", "newer", created="2026-02-01T00:00:00Z", backendRef={"name": "us"}, **limits
    )
    rival = attached(
        "TrunkLimits", "rival", created="2026-02-01T00:00:00Z", backendRef={"name": "eu"}, **limits
    )
    cluster.world.objects.put(older, newer, rival)
    assert (await cluster.pass_over(older)).outcome.reason is Reason.READY
    assert (await cluster.pass_over(newer)).outcome.reason is Reason.READY
    assert (await cluster.pass_over(rival)).outcome.reason is Reason.CONFLICT


async def test_a_name_that_does_not_fit_the_pattern_is_refused_with_the_remedy(cluster: Cluster) -> None:
    cluster.eu(namePattern="^[A-Z]{2}-[0-9]{4} ")
    found = await cluster.pass_over(at("eu"))
    assert (found.outcome.reason, found.outcome.state) == (Reason.INVALID_SPEC, State.STALLED)
    assert "'Acme Dental' does not match ^[A-Z]{2}-[0-9]{4} , the namePattern of" in found.outcome.message
    assert await cluster.world.accounts() == {}
    fits = await until_ready(cluster.engine, at("eu", name="US-0001 Acme Dental"))
    assert fits.fields["path"].endswith("US-0001 Acme Dental")


async def test_an_account_is_made_only_below_a_reseller_with_a_whitelabel(cluster: Cluster) -> None:
    cluster.eu(requireWhitelabel=True)
    reseller = cluster.world.sandbox.identity.reseller.account_id
    await cluster.world.call("DELETE", f"accounts/{reseller}/whitelabel")
    found = await cluster.pass_over(at("eu"))
    assert (found.outcome.reason, found.outcome.state) == (Reason.INVALID_SPEC, State.STALLED)
    assert f"The reseller {reseller} has none, and requireWhitelabel of" in found.outcome.message
    assert await cluster.world.accounts() == {}
    await cluster.world.call("PUT", f"accounts/{reseller}/whitelabel", {"domain": "pbx.example.com"})
    assert (await until_ready(cluster.engine, at("eu"))).outcome.reason is Reason.READY
    child = at(
        "eu", "child", name="Child", realm="child.example.com", parentRef={"realm": account().spec["realm"]}
    )
    assert (await until_ready(cluster.engine, child)).outcome.reason is Reason.READY, "its reseller has one"

"""The authorities that a TelephonyBackend trusts, and what its Secrets have to hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kazoo_operator.core.outcome import Reason, State
from tests.engine.conftest import World
from tests.engine.kazoos import Cluster, two_kazoos

PEM = (Path(__file__).parents[1] / "backend/localhost.pem").read_text(encoding="utf-8")
CERTIFICATE = PEM[PEM.index("-----BEGIN CERTIFICATE") :]
TRUSTED = {"name": "ca", "key": "ca.crt"}


@pytest.fixture
async def cluster(world: World) -> AsyncIterator[Cluster]:
    async with two_kazoos(world) as made:
        yield made


def authorities(cluster: Cluster, text: str) -> None:
    """The Secret with the authorities."""
    cluster.world.secrets.held["team", "ca"] = {"ca.crt": text.encode()}


async def test_the_authorities_are_those_of_the_secret_and_others_are_another_connection(
    cluster: Cluster,
) -> None:
    declared = cluster.eu(caBundleSecretRef=TRUSTED)
    authorities(cluster, CERTIFICATE)
    assert (await cluster.pass_over(declared)).outcome.reason is Reason.READY
    await cluster.pass_over(declared)
    assert [access.authorities for access in cluster.connected] == [CERTIFICATE.rstrip("\n")]
    authorities(cluster, f"# renewed\n{CERTIFICATE}")
    assert (await cluster.pass_over(declared)).outcome.reason is Reason.READY
    assert len(cluster.connected) == 2


@pytest.mark.parametrize(
    "text", ["no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
async def test_what_is_no_certificate_is_told_with_the_remedy(cluster: Cluster, text: str) -> None:
    declared = cluster.eu(caBundleSecretRef=TRUSTED)
    authorities(cluster, text)
    found = await cluster.pass_over(declared)
    assert (found.outcome.reason, found.outcome.state) == (Reason.INVALID_SPEC, State.STALLED)
    assert "the entry ca.crt of the Secret team/ca holds no certificate in PEM form" in found.outcome.message


async def test_authorities_that_are_missing_are_named(cluster: Cluster) -> None:
    found = await cluster.pass_over(cluster.eu(caBundleSecretRef=TRUSTED))
    assert found.outcome.reason is Reason.SECRET_NOT_FOUND
    assert found.outcome.message == "spec.caBundleSecretRef: there is no Secret team/ca; create it."


async def test_what_is_no_text_is_no_key(cluster: Cluster) -> None:
    declared = cluster.eu()
    cluster.world.secrets.held["team", "eu"] = {"api-key": b"\xff\xfe"}
    found = await cluster.pass_over(declared)
    assert found.outcome.reason is Reason.SECRET_NOT_FOUND
    assert "is no text" in found.outcome.message


async def test_a_user_without_an_account_is_told_which_entry_to_add(cluster: Cluster) -> None:
    cluster.world.secrets.put("user", username="ada", password="x")
    found = await cluster.pass_over(cluster.eu(auth={"userSecretRef": {"name": "user"}}))
    assert found.outcome.reason is Reason.SECRET_NOT_FOUND
    assert "the Secret team/user has no entry realm; add it" in found.outcome.message

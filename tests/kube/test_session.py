"""The way to the API server: who we say we are, how that stays fresh, and what errors look like."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kazoo_operator.kube import cluster as configuration
from kazoo_operator.kube import session
from kazoo_operator.kube.cluster import NoCluster, find_cluster
from kazoo_operator.kube.session import ApiServer, Refused, Unreachable
from tests.kube.api_server import FakeApiServer, running_api_server, status, write_kubeconfig

PATH = "/api/v1/namespaces/default"


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with running_api_server() as running:
        yield running


Connect = Callable[..., AbstractAsyncContextManager[ApiServer]]


@pytest.fixture
def connect(server: FakeApiServer, tmp_path: Path) -> Connect:
    @asynccontextmanager
    async def connected(user: dict[str, Any] | None = None) -> AsyncIterator[ApiServer]:
        kubeconfig = write_kubeconfig(tmp_path / "config", server.url, user)
        async with ApiServer(await asyncio.to_thread(find_cluster, kubeconfig, None)) as api:
            yield api

    return connected


def accepts(server: FakeApiServer, token: str) -> None:
    """From now on `server` takes `token` alone."""

    def fault(request: web.Request) -> web.Response | None:
        right = request.headers.get("Authorization") == f"Bearer {token}"
        return None if right else status(401, "Unauthorized")

    server.fault = fault


async def test_a_token_of_the_kubeconfig_is_sent(server: FakeApiServer, connect: Connect) -> None:
    async with connect({"token": "secret"}) as api:
        await api.get(PATH)
    assert server.authorizations == ["Bearer secret"]


async def test_without_a_token_none_is_sent(server: FakeApiServer, connect: Connect) -> None:
    async with connect() as api:
        await api.get(PATH)
    assert server.authorizations == [None]


async def test_a_token_file_that_was_rotated_is_read_again_when_the_old_token_is_refused(
    server: FakeApiServer, connect: Connect, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    async with connect({"tokenFile": str(file)}) as api:
        await api.get(PATH)
        file.write_text("new\n")
        accepts(server, "new")
        await asyncio.gather(*(api.get(PATH) for _ in range(8)))
        await api.get(PATH)
    refused = server.authorizations[1:].count("Bearer old")
    assert 1 <= refused <= 8, "those that were under way, once each"
    assert server.authorizations[-1] == "Bearer new"


async def test_a_credential_plugin_is_asked_again_when_its_token_is_refused(
    server: FakeApiServer, connect: Connect, tmp_path: Path
) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "import json, pathlib\n"
        f"count = pathlib.Path({str(tmp_path / 'count')!r})\n"
        "n = int(count.read_text()) + 1 if count.exists() else 1\n"
        "count.write_text(str(n))\n"
        "print(json.dumps({'kind': 'ExecCredential', 'apiVersion': 'client.authentication.k8s.io/v1',\n"
        "                  'status': {'token': f'token-{n}'}}))\n"
    )
    run = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(plugin)],
        "interactiveMode": "Never",
    }
    async with connect({"exec": run}) as api:
        await api.get(PATH)
        accepts(server, "token-2")
        await api.get(PATH)
    assert server.authorizations == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


async def test_a_pods_token_is_read_again_each_minute(
    server: FakeApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 25)
    monkeypatch.setattr("kubernetes.config.incluster_config.datetime", _Clock(lambda: now))
    in_a_pod(tmp_path, monkeypatch)
    found = find_cluster(None, None)
    assert (found.url, found.namespace) == ("https://10.0.0.1:443", "voice")
    credentials = configuration.Credentials(found)
    assert await credentials.header() == "bearer first"
    (tmp_path / "token").write_text("second")
    now += timedelta(seconds=61)
    monkeypatch.setattr(configuration, "_READ_AGAIN", -1.0)
    assert await credentials.header() == "bearer second"


class _Clock:
    """Stands in for the module `datetime` with a clock of the test's."""

    timedelta = timedelta

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.datetime = type("datetime", (), {"now": staticmethod(now)})


def in_a_pod(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "token").write_text("first")
    (folder / "ca.crt").write_text(CERTIFICATE)
    (folder / "namespace").write_text("voice\n")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    incluster = "kubernetes.config.incluster_config"
    monkeypatch.setattr(f"{incluster}.SERVICE_TOKEN_FILENAME", str(folder / "token"))
    monkeypatch.setattr(f"{incluster}.SERVICE_CERT_FILENAME", str(folder / "ca.crt"))
    monkeypatch.setattr(configuration, "_NAMESPACE_FILE", folder / "namespace")


def test_a_kubeconfig_that_is_named_wins_over_the_pod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_pod(tmp_path, monkeypatch)
    named = write_kubeconfig(tmp_path / "config", "http://elsewhere:8080", namespace="ours")
    found = find_cluster(named, None)
    assert (found.url, found.namespace, found.tls) == ("http://elsewhere:8080", "ours", None)


def test_the_namespace_of_a_context_without_one_is_default(tmp_path: Path) -> None:
    assert find_cluster(write_kubeconfig(tmp_path / "config", "http://h"), "here").namespace == "default"


@pytest.mark.parametrize("context", [None, "nowhere"])
def test_no_usable_configuration_is_said_in_a_sentence(tmp_path: Path, context: str | None) -> None:
    path = tmp_path / "config"
    if context:
        write_kubeconfig(path, "http://h")
    with pytest.raises(NoCluster, match=str(path)):
        find_cluster(path, context)


async def test_an_error_answer_is_refused_with_the_servers_words(
    server: FakeApiServer, connect: Connect
) -> None:
    server.fault = lambda _: status(403, "Forbidden", "accounts is forbidden")
    async with connect() as api:
        with pytest.raises(Refused, match="403 Forbidden: accounts is forbidden") as caught:
            await api.get(PATH)
    assert caught.value.status == 403


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(text="<html>hello</html>"),
        lambda: web.Response(text="[1]"),
        lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        lambda: web.Response(body=b"\xff\xfe\xfa", content_type="application/json"),
    ],
    ids=["html", "a list", "a redirect", "bytes"],
)
async def test_an_answer_that_is_no_object_counts_as_none(
    server: FakeApiServer, connect: Connect, answer: Callable[[], web.Response]
) -> None:
    server.fault = lambda _: answer()
    async with connect() as api:
        with pytest.raises(Unreachable):
            await api.get(PATH)


async def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    cluster = find_cluster(write_kubeconfig(tmp_path / "config", "http://127.0.0.1:1"), None)
    async with ApiServer(cluster) as api:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
            await api.get(PATH)


async def test_a_redirect_does_not_carry_our_credential_elsewhere(
    server: FakeApiServer, connect: Connect
) -> None:
    async with running_api_server() as stranger, connect({"token": "secret"}) as api:
        server.fault = lambda _: web.Response(status=307, headers={"Location": stranger.url + PATH})
        async with api.session() as kopfs, kopfs.get(server.url + PATH) as response:
            assert response.status == 200
        assert stranger.authorizations == [None]
        assert server.authorizations == ["Bearer secret"]


@pytest.mark.parametrize(
    ("server_url", "proxy"),
    [("http://10.1.2.3:8080", None), ("http://api.example.com", "http://proxy.example:3128")],
)
def test_a_proxy_of_the_environment_is_used_but_for_what_no_proxy_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server_url: str, proxy: str | None
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "10.0.0.0/8,.svc")
    assert find_cluster(write_kubeconfig(tmp_path / "config", server_url), None).proxy == proxy


async def test_too_many_requests_makes_all_requests_wait_as_long_as_it_says(
    server: FakeApiServer, connect: Connect
) -> None:
    loop = asyncio.get_running_loop()
    times: list[float] = []

    def fault(_: web.Request) -> web.Response | None:
        times.append(loop.time())
        if len(times) > 1:
            return None
        answer = status(429, "TooManyRequests")
        answer.headers["Retry-After"] = "0.3"
        return answer

    server.fault = fault
    async with connect() as api:
        first = asyncio.create_task(api.get(PATH))
        while not times:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        await asyncio.gather(first, api.get(PATH), api.get(PATH))
    assert all(later - times[0] >= 0.3 for later in times[1:])
    assert len(times) == 4


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2", 2, 2),
        ("0", 0.1, 0.1),
        (None, 1, 1),
        ("soon", 1, 1),
        ("86400", 60, 60),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.1, 0.1),
    ],
)
def test_the_time_to_wait_is_read_in_all_its_forms(text: str | None, low: float, high: float) -> None:
    assert low <= session._retry_after(text) <= high


def test_a_date_to_wait_for_is_read_too() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert 15 <= session._retry_after(then) <= 20


async def test_kopfs_session_can_be_closed_without_ours(server: FakeApiServer, connect: Connect) -> None:
    async with connect({"token": "secret"}) as api:
        kopfs = api.session()
        async with kopfs.get(server.url + PATH) as response:
            assert response.status == 200
        await kopfs.close()
        await api.get(PATH)
    assert server.authorizations == ["Bearer secret"] * 2


async def test_many_watches_leave_connections_for_calls(server: FakeApiServer, tmp_path: Path) -> None:
    cluster = find_cluster(write_kubeconfig(tmp_path / "config", server.url), None)
    for watches, connections in ((1, 32), (5, 32), (100, 116)):
        async with ApiServer(cluster, watches) as api:
            assert api._connector.limit == connections


CERTIFICATE = (Path(__file__).parent.parent / "backend" / "localhost.pem").read_text()

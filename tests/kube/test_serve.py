"""The operator as a whole, against an API server that does as the test says."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.outcome import Outcome, Pass, Reason
from kazoo_operator.kube import (
    controller,
    discovery,
    feed,
    owner,
    process,
    supervisor,
    term,
    watching,
    workqueue,
)
from kazoo_operator.kube.reconciler import Progress
from tests.kube.api_server import OWNER_UID, FakeApiServer, status, write_kubeconfig
from tests.kube.harness import GRACE, Engine, Operator, options_for, ready, running


@pytest.fixture
def kubeconfig(server: FakeApiServer, tmp_path: Path) -> Path:
    return write_kubeconfig(tmp_path / "config", server.url, {"token": "very-secret"})


@pytest.fixture
async def operator(server: FakeApiServer, kubeconfig: Path, engine: Engine) -> AsyncIterator[Operator]:
    async with running(options_for(kubeconfig), engine) as one:
        yield one


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that are seconds in life are hundredths here."""
    monkeypatch.setattr(supervisor, "_BASE", 0.05)
    monkeypatch.setattr(discovery, "_PAUSE", 0.05)
    monkeypatch.setattr(owner, "_PAUSE", 0.05)
    monkeypatch.setattr(workqueue, "_BASE", 0.02)
    monkeypatch.setattr(workqueue, "_CAP", 0.1)
    stock = watching.settings

    def settings() -> Any:
        ours = stock()
        ours.networking.error_backoffs = (0.05, 0.05)
        return ours

    monkeypatch.setattr(watching, "settings", settings)


def conditions(body_status: dict[str, Any]) -> dict[str, str]:
    return {one["type"]: one["status"] for one in body_status["conditions"]}


async def test_a_created_object_costs_one_write_and_is_ready(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    await operator.until_ready()
    server.create("acme")
    await operator.until(lambda: server.writes)
    await operator.quiet()
    assert engine.passes == ["acme"]
    assert len(server.writes) == 1
    assert conditions(server.status_of("acme")) == {"Ready": "True", "Synced": "True"}
    assert server.status_of("acme")["balance"] == "25.00"
    assert engine.owner == OWNER_UID


async def test_an_updated_object_costs_one_more_and_a_deleted_one_none(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    await operator.until_ready()
    server.create("acme")
    await operator.until(lambda: server.writes)
    server.change("acme", timezone="UTC")
    await operator.until(lambda: len(server.writes) == 2)
    assert server.status_of("acme")["observedGeneration"] == 2
    server.delete("acme")
    await operator.quiet()
    assert len(server.writes) == 2
    assert engine.passes == ["acme", "acme"]


async def test_kopf_writes_nothing_and_lists_and_watches_in_pages(
    server: FakeApiServer, operator: Operator
) -> None:
    server.create("acme")
    await operator.until_ready()
    await operator.until(lambda: server.writes)
    await operator.quiet()
    posted = {path.split("?")[0].rsplit("/", 1)[1] for method, path in server.requests if method == "POST"}
    assert posted == {"leases", "events"}
    assert {method for method, _ in server.requests} == {"GET", "PATCH", "POST"}
    assert server.count("PATCH", "/status") == len(server.writes) == 1
    lists = [path for _, path in server.requests if "accounts?" in path and "watch" not in path]
    assert all("limit=500" in path for path in lists)
    assert any("timeoutSeconds=300" in path for _, path in server.requests)


async def test_objects_found_ready_are_not_read_and_the_others_at_once(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-25T06:00:00Z"}
    for number in range(1100):
        server.create(f"fine-{number}", observedGeneration=1, conditions=[condition])
    server.create("new")
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        await operator.until(lambda: server.writes)
        await operator.quiet()
        early = set(engine.passes) - {"new"}
        assert "new" in engine.passes
        assert len(early) < 20, "first passes are spread over ten minutes"
        assert server.count("GET", "continue=1000") == 2, "three pages, for us and for kopf"


async def test_an_unchanged_object_costs_no_write_through_a_resync(
    server: FakeApiServer, operator: Operator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kazoo_operator.kube.resync._SHORTEST", 0.05)
    server.create("acme", {"resyncInterval": "0s"})
    await operator.until(lambda: len(engine.passes) >= 5)
    assert len(server.writes) == 1


async def test_labels_cause_no_work_and_a_wiped_status_does(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    server.create("acme")
    await operator.until(lambda: server.writes)
    await operator.until_ready()
    server.touch("acme", labels={"team": "voice"})
    await operator.quiet()
    assert engine.passes == ["acme"]
    server.touch("acme", status={"observedGeneration": -1})
    await operator.until(lambda: len(server.writes) == 2)
    await operator.quiet()
    assert engine.passes == ["acme", "acme"]


async def test_a_long_creation_is_shown_while_it_is_on(
    server: FakeApiServer, operator: Operator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller, "_SHOWN_AFTER", 0.1)
    monkeypatch.setattr(controller, "_LOOK_AGAIN", 0.05)
    made = asyncio.Event()

    async def creation(resource: Resource, progress: Progress) -> Pass:
        await asyncio.sleep(0.2)
        progress.outcome = Outcome.of(Reason.CREATING, "KAZOO is making the account.")
        await made.wait()
        return await ready(resource, progress)

    engine.work = creation
    server.create("acme")
    await operator.until(lambda: server.writes)
    assert conditions(server.status_of("acme")) == {
        "Ready": "False",
        "Reconciling": "True",
        "Synced": "False",
    }
    await operator.quiet()
    assert len(server.writes) == 1, "once, however long it takes"
    made.set()
    await operator.until(lambda: len(server.writes) == 2)
    await operator.quiet()
    assert conditions(server.status_of("acme"))["Ready"] == "True"
    assert engine.passes == ["acme"]


async def test_a_pass_over_an_older_spec_is_made_again_for_the_newer(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    entered, go = asyncio.Event(), asyncio.Event()
    seen: list[int] = []

    async def slow(resource: Resource, progress: Progress) -> Pass:
        seen.append(resource.generation)
        entered.set()
        await go.wait()
        return await ready(resource, progress)

    engine.work = slow
    await operator.until_ready()
    server.create("acme")
    await entered.wait()
    server.change("acme", timezone="UTC")
    go.set()
    await operator.until(lambda: server.status_of("acme")["observedGeneration"] == 2)
    await operator.quiet()
    assert seen == [1, 2]
    assert len(server.writes) <= 2


async def test_a_fault_of_the_engine_is_told_without_its_text(
    server: FakeApiServer, operator: Operator, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(resource: Resource, progress: Progress) -> Pass:
        raise RuntimeError("api key 12345")

    engine.work = broken
    server.create("acme")
    await operator.until(lambda: len(engine.passes) >= 3)
    await operator.until(lambda: server.writes)
    text = str(server.status_of("acme"))
    assert "InternalError" in text
    assert "12345" not in text
    assert "Traceback" not in text
    assert len(server.writes) == 1, "the same fault again is no news"
    engine.work = ready
    await operator.until(lambda: conditions(server.status_of("acme"))["Ready"] == "True")
    assert "the pass failed" in caplog.text


async def test_a_status_that_cannot_be_written_is_tried_again_without_another_pass(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    refusals = iter([503, 403, 500, 422, 409, 409])

    def fault(request: web.Request) -> web.Response | None:
        if request.method != "PATCH" or (code := next(refusals, None)) is None:
            return None
        return status(code, "AsTheTestSays")

    server.fault = fault
    server.create("acme")
    await operator.until(lambda: server.status_of("acme").get("balance"))
    assert engine.passes == ["acme"]
    assert next(refusals, None) is None


@pytest.mark.parametrize("code", [503, 403, 500])
async def test_an_api_server_that_is_away_for_long_costs_neither_the_process_nor_backend_calls(
    server: FakeApiServer, operator: Operator, engine: Engine, code: int
) -> None:
    server.create("acme")
    await operator.until(lambda: server.writes)
    await operator.until_ready()
    server.fault = lambda _: status(code, "Away")
    server.cut_watches()
    refused = server.count("GET", "")
    await operator.until(lambda: server.count("GET", "") > refused + 12)
    assert (await operator.probe("/readyz"))[0] == 503
    assert (await operator.probe("/healthz"))[0] == 200
    assert engine.passes == ["acme"]
    server.fault = lambda _: None
    await operator.until_ready()
    server.change("acme", timezone="UTC")
    await operator.until(lambda: len(engine.passes) == 2)
    await operator.until(lambda: server.status_of("acme")["observedGeneration"] == 2)


async def test_a_pass_that_ended_while_the_api_server_was_away_is_told_when_it_is_back(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def creation(resource: Resource, progress: Progress) -> Pass:
        entered.set()
        await go.wait()
        return await ready(resource, progress)

    engine.work = creation
    await operator.until_ready()
    server.create("acme")
    await entered.wait()
    server.fault = lambda _: status(503, "Away")
    server.cut_watches()
    go.set()
    await operator.until(lambda: server.count("PATCH", "acme") >= 4)
    server.fault = lambda _: None
    await operator.until(lambda: "conditions" in server.status_of("acme"))
    await operator.until_ready()
    await operator.quiet()
    assert engine.passes == ["acme"], "one creation, one pass"


async def test_an_error_in_the_stream_is_survived_and_nothing_is_lost_or_done_twice(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    server.create("acme")
    await operator.until(lambda: server.writes)
    await operator.until_ready()
    tasks = len(asyncio.all_tasks())
    for number in range(2, 7):
        server.say({"type": "ERROR", "object": {"kind": "Status", "code": 500, "message": "etcd"}})
        await operator.until(partial(server.asked, number, "GET", "watch=true"))
        await operator.until_ready()
    server.create("late")
    await operator.until(lambda: len(server.writes) == 2)
    await operator.quiet()
    assert engine.passes == ["acme", "late"]
    assert len(asyncio.all_tasks()) <= tasks + 2, "no task of kopf's is left behind"


async def test_kopfs_death_does_not_cut_a_pass_that_began_after_its_start(
    server: FakeApiServer, operator: Operator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "kopf.operator() cancels every task that is younger than itself"
    entered, go = asyncio.Event(), asyncio.Event()

    async def creation(resource: Resource, progress: Progress) -> Pass:
        entered.set()
        await go.wait()
        return await ready(resource, progress)

    engine.work = creation
    await operator.until_ready()
    server.create("acme")
    await entered.wait()
    watches = server.count("GET", "watch=true")
    server.say({"type": "ERROR", "object": {"kind": "Status", "code": 500}})
    await operator.until(lambda: server.count("GET", "watch=true") > watches)
    go.set()
    await operator.until(lambda: server.writes)
    assert engine.cut == [], reason
    assert engine.passes == ["acme"]


@pytest.mark.parametrize("code", [410, None], ids=["410 in the stream", "connection broken"])
async def test_a_watch_that_ends_is_taken_up_again(
    server: FakeApiServer, operator: Operator, engine: Engine, code: int | None
) -> None:
    server.create("acme")
    await operator.until(lambda: server.writes)
    await operator.until_ready()
    watches = server.count("GET", "watch=true")
    if code:
        server.say({"type": "ERROR", "object": {"kind": "Status", "code": code}})
    else:
        server.cut_watches()
    server.create("late")
    await operator.until(lambda: server.count("GET", "watch=true") > watches)
    await operator.until(lambda: len(server.writes) == 2)
    assert sorted(engine.passes) == ["acme", "late"]


async def test_what_was_deleted_while_we_were_deaf_is_forgotten(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    async def unreachable(resource: Resource, progress: Progress) -> Pass:
        return Pass(Outcome.of(Reason.BACKEND_UNAVAILABLE, "KAZOO is away."))

    engine.work = unreachable
    server.create("acme")
    await operator.until(lambda: len(engine.passes) > 3)
    await operator.until_ready()
    server.history.clear()
    server.objects.clear()
    server.version += 10
    server.say({"type": "ERROR", "object": {"kind": "Status", "code": 500}})
    listings = server.count("GET", "limit=500")
    await operator.until(lambda: server.count("GET", "limit=500") > listings)
    await operator.until_ready()
    passes = len(engine.passes)
    await operator.quiet()
    assert len(engine.passes) == passes, "no more tries for what is gone"


async def test_until_the_crd_is_there_the_operator_waits_and_says_for_what(
    server: FakeApiServer, kubeconfig: Path, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    server.has_crd = False
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until(lambda: server.count("GET", "v1alpha1") > 5)
        code, text = await operator.probe("/readyz")
        assert code == 503
        assert "kubectl apply -k crds/" in text
        assert (await operator.probe("/healthz"))[0] == 200
        assert caplog.text.count("kubectl apply") == 1
        server.has_crd = True
        server.create("acme")
        await operator.until_ready()
        await operator.until(lambda: server.writes)


async def test_without_the_right_to_read_the_namespace_the_operator_says_what_to_grant(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    server.fault = lambda r: status(403, "Forbidden") if r.path.startswith("/api/v1/namespaces") else None
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until(lambda: server.count("GET", "/api/v1/namespaces/default") > 3)
        code, text = await operator.probe("/readyz")
        assert (code, engine.owner) == (503, "")
        assert "--owner" in text


async def test_a_given_owner_needs_no_right_to_read_namespaces(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    server.fault = lambda r: status(403, "Forbidden") if "/api/v1/namespaces" in r.path else None
    async with running(options_for(kubeconfig, owner="us"), engine) as operator:
        await operator.until_ready()
        assert engine.owner == "us"


async def test_two_namespaces_are_served_and_no_others(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    for namespace in ("voice", "data", "other"):
        server.create(f"in-{namespace}", namespace=namespace)
    async with running(options_for(kubeconfig, namespaces=("voice", "data")), engine) as operator:
        await operator.until_ready()
        await operator.until(lambda: len(server.writes) == 2)
        server.create("late", namespace="voice")
        await operator.until(lambda: len(server.writes) == 3)
        await operator.quiet()
    assert sorted(engine.passes) == ["in-data", "in-voice", "late"]
    elsewhere = [path for _, path in server.requests if path.endswith("v1alpha1/accounts")]
    assert elsewhere == []


async def test_sigterm_with_nothing_to_do_ends_at_once(operator: Operator, engine: Engine) -> None:
    await operator.until_ready()
    assert await operator.end() < GRACE
    assert engine.closed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_while_waiting_for_the_crd_ends_at_once(
    server: FakeApiServer, kubeconfig: Path, engine: Engine, number: signal.Signals
) -> None:
    server.has_crd = False
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until(lambda: server.count("GET", "v1alpha1") > 2)
        os.kill(os.getpid(), number)
        async with asyncio.timeout(GRACE):
            await operator.task


async def test_sigterm_lets_passes_finish_and_starts_no_new_one(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    async def slow(resource: Resource, progress: Progress) -> Pass:
        await asyncio.sleep(0.5)
        return await ready(resource, progress)

    engine.work = slow
    await operator.until_ready()
    for number in range(100):
        server.create(f"a{number}")
    await operator.until(lambda: len(engine.passes) == 32)
    took = await operator.end()
    assert took < GRACE
    assert len(engine.passes) == len(server.writes) == 32
    assert engine.cut == []


async def test_sigterm_cuts_what_hangs_after_the_grace(
    server: FakeApiServer, operator: Operator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert term._GRACE + term._WRITING <= 10, "seconds, as promised"
    monkeypatch.setattr(term, "_GRACE", 0.5)

    async def hangs(resource: Resource, progress: Progress) -> Pass:
        await asyncio.sleep(3600)
        return await ready(resource, progress)

    engine.work = hangs
    await operator.until_ready()
    server.create("acme")
    await operator.until(lambda: engine.passes)
    assert 0.5 <= await operator.end() < GRACE
    assert engine.cut == ["acme"]
    assert server.writes == []


async def test_sigterm_waits_for_a_creation_and_its_status_and_a_second_one_changes_nothing(
    server: FakeApiServer, operator: Operator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term, "_GRACE", 0.3)
    engine.in_flight.clear()

    async def creation(resource: Resource, progress: Progress) -> Pass:
        if resource.key.name == "hangs":
            await asyncio.sleep(3600)
        progress.outcome = Outcome.of(Reason.CREATING, "KAZOO is making the account.")
        await engine.in_flight.wait()
        progress.outcome = None
        return await ready(resource, progress)

    engine.work = creation
    await operator.until_ready()
    server.create("acme")
    server.create("hangs")
    await operator.until(lambda: len(engine.passes) == 2)
    ending = asyncio.create_task(operator.end())
    await asyncio.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0.2)
    assert not ending.done(), "the creation is still in flight"
    engine.in_flight.set()
    await ending
    assert engine.cut == ["hangs"]
    assert conditions(server.status_of("acme"))["Ready"] == "True"


async def test_a_creation_that_ends_as_the_grace_does_is_told_in_its_status(
    server: FakeApiServer, operator: Operator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term, "_GRACE", 0.6)

    async def creation(resource: Resource, progress: Progress) -> Pass:
        progress.outcome = Outcome.of(Reason.CREATING, "KAZOO is making the account.")
        await engine.in_flight.wait()
        progress.outcome = None
        await asyncio.sleep(1)
        return await ready(resource, progress)

    engine.in_flight.clear()
    engine.work = creation
    await operator.until_ready()
    server.create("acme")
    await operator.until(lambda: engine.passes)
    ending = asyncio.create_task(operator.end())
    await asyncio.sleep(0.1)
    engine.in_flight.set()
    assert await ending >= 1
    assert engine.cut == []
    assert conditions(server.status_of("acme"))["Ready"] == "True"


async def test_sigterm_lets_a_status_be_written_that_comes_late(
    server: FakeApiServer, operator: Operator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term, "_GRACE", 0.1)
    server.seconds_per_patch = 0.6
    await operator.until_ready()
    server.create("acme")
    await operator.until(lambda: server.writes)
    await operator.end()
    assert conditions(server.status_of("acme"))["Ready"] == "True"


async def test_sigterm_while_the_api_server_is_away_ends_in_time(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    await operator.until_ready()
    server.create("acme")
    await operator.until(lambda: server.writes)
    server.fault = lambda _: status(503, "Away")
    server.cut_watches()
    await operator.quiet()
    assert await operator.end() < GRACE


async def test_a_port_that_is_taken_is_told_to_the_caller(
    server: FakeApiServer, kubeconfig: Path, engine: Engine
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=str(port)):
            await process.serve(options_for(kubeconfig, probe_port=port), engine.start)


async def test_the_metrics_show_passes_queue_and_watch(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    server.create("acme")
    await operator.until(lambda: server.writes)
    await operator.until_ready()
    _, text = await operator.probe("/metrics")
    for line in (
        'controller_runtime_reconcile_total{controller="account",result="success"}',
        'controller_runtime_reconcile_time_seconds_count{controller="account"}',
        'workqueue_depth{name="objects"} 0.0',
        'kazoo_watch_last_event_seconds{kind="Account"}',
        'kazoo_objects{kind="Account"} 1.0',
        "kazoo_resync_stretch_ratio 1.0",
        "process_resident_memory_bytes",
    ):
        assert line in text


async def test_each_outcome_is_logged_once_and_no_secret_ever(
    server: FakeApiServer, operator: Operator, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.create("acme")
    await operator.until(lambda: server.writes)
    await operator.until_ready()
    server.say({"type": "ERROR", "object": {"kind": "Status", "code": 500}})
    watches = server.count("GET", "watch=true")
    await operator.until(lambda: server.count("GET", "watch=true") > watches)
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("kazoo_operator")]
    assert ours.count("Account/default/acme is Ready: It is so.") == 1
    assert any("not watching" in line for line in ours)
    assert not any(line.count("\n") for line in ours), "one line each, no traceback"
    assert "very-secret" not in caplog.text


async def test_lost_events_are_found_by_the_next_listing(
    server: FakeApiServer, operator: Operator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_EVERY", 0.2)
    engine_passes = engine.passes
    await operator.until_ready()
    server.create("lost")
    server.history.clear()
    await operator.until(lambda: "lost" in engine_passes)


async def test_a_listing_whose_pages_expire_begins_anew(
    server: FakeApiServer, kubeconfig: Path, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(600):
        server.create(f"a{number}")
    expired = iter([True])
    server.fault = lambda r: (
        status(410, "Expired") if r.query.get("continue") and next(expired, False) else None
    )
    async with running(options_for(kubeconfig), engine) as operator:
        await operator.until_ready()
        await operator.until(lambda: len(engine.passes) == 600)
        await operator.quiet()
        assert len(set(engine.passes)) == len(engine.passes), "each once"
    assert "not watching" not in caplog.text, "that is no failure"


async def test_nonsense_of_the_api_server_ends_nothing(
    server: FakeApiServer, operator: Operator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_EVERY", 0.05)
    monkeypatch.setattr(feed, "_TRY_AGAIN", 0.05)
    await operator.until_ready()
    listings = server.count("GET", "limit=500")
    server.fault = lambda r: web.json_response({"items": [{}]}) if "limit" in r.query else None
    server.say({"type": "ERROR", "object": {"kind": "Status", "code": 500}})
    await operator.until(lambda: server.asked(listings + 5, "GET", "limit=500"))
    server.fault = lambda _: None
    server.create("acme")
    await operator.until(lambda: engine.passes == ["acme"])
    await operator.until_ready()

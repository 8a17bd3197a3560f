"""Events: one for each transition, none for an unchanged pass, and never in anybody's way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.outcome import Event, Outcome, Pass, Reason
from kazoo_operator.kube import events
from kazoo_operator.kube.events import Recorder, event_body, event_of
from kazoo_operator.kube.reconciler import Progress
from kazoo_operator.kube.status import Target
from tests.kube.api_server import FakeApiServer, status
from tests.kube.harness import Engine, Operator, ready
from tests.kube.objects import KEY, NOW

TARGET = Target(KEY, "uid-1", 1)


def told(server: FakeApiServer) -> list[tuple[str, str]]:
    return [(event["type"], event["reason"]) for event in server.events]


async def test_each_transition_is_told_once_and_an_unchanged_pass_never(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    server.create("acme")
    await operator.until(lambda: server.events)
    for number in range(3):
        server.touch("acme", annotations={"kazoo-operator.io/reconcile-now": str(number)})
        await operator.until(lambda: len(engine.passes) == number + 2)  # noqa: B023
    server.change("acme", timezone="UTC")
    await operator.until(lambda: len(engine.passes) == 5)

    async def refused(resource: Resource, progress: Progress) -> Pass:
        return Pass(Outcome.of(Reason.REJECTED, "spec.name: is too long."))

    engine.work = refused
    server.change("acme", timezone="Europe/Oslo")
    await operator.until(lambda: len(server.events) == 2)
    engine.work = ready
    server.change("acme", timezone="UTC")
    await operator.until(lambda: len(server.events) == 3)
    await operator.quiet()
    assert told(server) == [("Normal", "Ready"), ("Warning", "Rejected"), ("Normal", "Ready")]
    event = server.events[1]
    assert event["note"] == "spec.name: is too long."
    assert event["reportingController"] == "kazoo-operator"
    assert event["regarding"] == {
        "apiVersion": "kazoo-operator.io/v1alpha1",
        "kind": "Account",
        "namespace": "default",
        "name": "acme",
        "uid": server.objects["default", "acme"]["metadata"]["uid"],
    }


async def test_what_a_pass_tells_is_told_once_however_often_it_says_so(
    server: FakeApiServer, operator: Operator, engine: Engine
) -> None:
    async def telling(resource: Resource, progress: Progress) -> Pass:
        found = await ready(resource, progress)
        return Pass(found.outcome, found.fields, (Event("TwinFound", "a and b", warning=True),))

    engine.work = telling
    server.create("acme")
    for number in range(3):
        await operator.until(lambda: len(engine.passes) == number + 1)  # noqa: B023
        await operator.quiet(0.05)
        server.touch("acme", annotations={"kazoo-operator.io/reconcile-now": str(number)})
    await operator.until(lambda: len(engine.passes) == 4)
    await operator.quiet()
    assert told(server) == [("Normal", "Ready"), ("Warning", "TwinFound")]


@pytest.mark.parametrize("code", [403, 404, 409, 500])
async def test_an_event_that_is_not_taken_is_dropped_and_harms_nothing(
    server: FakeApiServer, operator: Operator, engine: Engine, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.fault = lambda r: status(code, "No") if r.path.endswith("/events") else None
    server.create("acme")
    await operator.until(lambda: server.asked(1, "POST", "/events"))
    server.create("beta")
    await operator.until(lambda: server.asked(2, "POST", "/events"))
    await operator.quiet()
    assert server.count("POST", "/events") == 2, "not tried again"
    assert engine.passes == ["acme", "beta"]
    assert "event" not in caplog.text


def test_only_ready_and_creating_are_no_warnings() -> None:
    normal = [reason for reason in Reason if not event_of(Outcome.of(reason, "So.")).warning]
    assert normal == [Reason.READY, Reason.CREATING]


def test_a_note_is_cut_to_what_the_api_server_takes_and_stays_text() -> None:
    body = event_body(TARGET, Event("Long", "ü" * 1000), "here", NOW)
    assert len(body["note"].encode()) <= 1024
    assert set(body["note"]) == {"ü"}
    long = Target(Key("Account", "default", "n" * 253), "uid-1", 1)
    assert len(event_body(long, Event("Long", "x"), "i" * 300, NOW)["metadata"]["name"]) <= 253


class Deaf:
    """An API server that takes no event, ever."""

    async def post(self, path: str, body: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        await asyncio.sleep(3600)
        raise AssertionError


async def test_more_events_than_can_be_posted_are_dropped_and_keep_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "_WAITING", 10)
    monkeypatch.setattr(events, "_REMEMBERED", 10)
    monkeypatch.setattr(events, "_HURRY", 0.05)
    recorder = Recorder(Deaf(), "here", lambda: 0.0)  # type: ignore[arg-type]
    posting = asyncio.create_task(recorder.run())
    for number in range(50):
        recorder.tell(TARGET, Event("Told", str(number)))
    assert recorder._waiting.qsize() == 10
    assert len(recorder._told) == 10
    await recorder.drain()
    posting.cancel()
    await asyncio.gather(posting, return_exceptions=True)


async def test_the_same_is_told_again_after_an_hour() -> None:
    time = [0.0]
    recorder = Recorder(Deaf(), "here", lambda: time[0])  # type: ignore[arg-type]
    for time[0], waiting in ((0.0, 1), (3599.0, 1), (3600.0, 2), (3601.0, 2)):
        recorder.tell(TARGET, Event("Told", "again"))
        assert recorder._waiting.qsize() == waiting
    recorder.tell(Target(KEY, "uid-2", 1), Event("Told", "again"))
    assert recorder._waiting.qsize() == 3

from __future__ import annotations

import asyncio

import pytest

from kazoo_operator.kube.probes import Health
from kazoo_operator.kube.watches import Watches
from tests.kube.clock import run

ACCOUNTS = "/apis/kazoo-operator.io/v1alpha1/accounts"
IN_VOICE = "/apis/kazoo-operator.io/v1alpha1/namespaces/voice/accounts"


def test_what_keeps_the_operator_from_starting_is_said() -> None:
    async def work() -> None:
        health = Health(Watches(), lambda: 0, lambda: None)
        assert health.unready == "starting"
        health.waits("the cluster has no CRD")
        assert health.unready == "the cluster has no CRD"
        assert health.sick is None, "a restart would not help"

    run(work())


def test_the_operator_is_ready_when_every_watch_is_open() -> None:
    async def work() -> None:
        watches = Watches()
        health = Health(watches, lambda: 0, lambda: None)
        health.waiting_for = None
        watches.expect((ACCOUNTS, IN_VOICE))
        watches.heard(f"/prefix{ACCOUNTS}")
        assert health.unready is not None
        watches.heard(IN_VOICE)
        assert health.unready is None
        watches.ended(IN_VOICE)
        assert health.unready is None, "each ends after some minutes and is opened anew at once"
        await asyncio.sleep(6)
        assert health.unready is not None, "but this one was not"
        watches.heard(IN_VOICE)
        assert health.unready is None
        watches.expect((ACCOUNTS, IN_VOICE))
        assert health.unready is not None, "they begin anew"

    run(work())


def test_one_silent_watch_is_enough_to_be_sick() -> None:
    async def work() -> None:
        watches = Watches()
        health = Health(watches, lambda: 0, lambda: None)
        watches.expect((ACCOUNTS, IN_VOICE))
        for _ in range(70):
            await asyncio.sleep(10)
            watches.heard(ACCOUNTS)
            watches.expect((ACCOUNTS, IN_VOICE))
        assert health.sick is not None, "starting again does not count as hearing something"
        assert watches.silence((ACCOUNTS,)) < 1
        assert watches.silence((IN_VOICE,)) >= 700
        watches.heard(IN_VOICE)
        assert health.sick is None

    run(work())


def test_a_watch_that_cannot_be_opened_is_told_once_and_its_return_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        watches = Watches()
        watches.expect((ACCOUNTS,))
        for _ in range(3):
            watches.failed(ACCOUNTS, "the API server answered 503")
        watches.heard(ACCOUNTS)
        watches.heard(ACCOUNTS)

    caplog.set_level("INFO")
    run(work())
    assert [record.getMessage() for record in caplog.records] == [
        f"the watch of {ACCOUNTS} cannot be opened: the API server answered 503",
        f"the watch of {ACCOUNTS} is open again",
    ]


def test_a_queue_that_nobody_takes_from_is_sick() -> None:
    async def work() -> None:
        stuck = 10.0
        health = Health(Watches(), lambda: stuck, lambda: None)
        assert health.sick is None
        stuck = 700.0
        assert health.sick is not None
        assert "700 s" in health.sick

    run(work())

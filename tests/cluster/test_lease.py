"""Two operators as processes, of which one leads: killed, stopped and ended in good order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cluster.parties import Party, leads, party
from tools.cluster import ControlPlane
from tools.stack import OperatorProcess, until

pytestmark = pytest.mark.cluster

TAKEN_OVER = timedelta(seconds=15)


@pytest.fixture
def pair(plane: ControlPlane, tmp_path: Path) -> Iterator[Party]:
    """A leader and a ready standby."""
    with party(plane, tmp_path, "lease") as made:
        leader = made.operator("first", made.account("first"))
        leader.start()
        until(lambda: leads(leader), "the first one leads")
        standby = made.operator("second", made.account("second"))
        standby.start()
        yield made


def send(operator: OperatorProcess, number: signal.Signals) -> None:
    assert operator.process is not None
    os.kill(operator.process.pid, number)


def test_a_standby_is_ready_and_does_nothing_and_takes_over_within_15_s_of_a_kill(pair: Party) -> None:
    leader, standby = pair.operators["first"], pair.operators["second"]
    pair.apply("before")
    pair.until_ready("before")
    assert not leads(standby)
    assert standby.probe("readyz")[0] == 200
    assert pair.written_by("second") == 0
    known = pair.get("before")["status"]["accountID"]
    reads = len(pair.sandbox.calls("GET", f"/accounts/{known}"))

    leader.kill()
    died = datetime.now(UTC)
    pair.apply("after")
    until(lambda: leads(standby), "the takeover")
    assert pair.acquired() - died <= TAKEN_OVER
    pair.until_ready("after")
    assert pair.creations() == [201, 201]
    assert len(pair.sandbox.calls("GET", f"/accounts/{known}")) == reads, "what is Ready is not read anew"


def test_a_stopped_leader_is_replaced_within_15_s_and_writes_nothing_when_it_wakes(pair: Party) -> None:
    leader, standby = pair.operators["first"], pair.operators["second"]
    pair.apply("before")
    pair.until_ready("before")
    # Its answer comes while the leader stands still: woken, it would go on with the creation.
    pair.sandbox.fault({"delay": 6}, "GET", "/search$")
    pair.apply("paused")
    until(lambda: any(not one["status"] for one in pair.sandbox.calls("GET", "/search")), "the search")
    send(leader, signal.SIGSTOP)
    stopped = datetime.now(UTC)
    try:
        until(lambda: leads(standby), "the takeover")
        assert pair.acquired() - stopped <= TAKEN_OVER
        pair.until_ready("paused")
        creations, writes = pair.creations(), pair.written_by("first")
        assert creations == [201, 201]
        changes = pair.sandbox.writes()
    finally:
        send(leader, signal.SIGCONT)
    until(lambda: "the Lease is lost" in leader.said(), "the woken one knows")
    until(lambda: leader.probe("readyz")[0] == 200, "the woken one is a standby")
    assert not leads(leader)
    pair.apply("later")
    pair.until_ready("later")
    assert pair.creations() == [201, 201, 201]
    assert pair.sandbox.writes()[: len(changes)] == changes
    assert pair.written_by("first") == writes, "neither a status nor anything else"

    identity = pair.holder()
    assert standby.stop() == 0
    assert pair.holder() != identity, "it was given back"
    until(lambda: leads(leader), "the next one's turn")
    pair.apply("last")
    pair.until_ready("last")
    assert pair.creations() == [201] * 4

"""An API server that is away, refuses, hangs or talks nonsense: it costs time, and nothing else.

The long faults share their 70 seconds: each befalls an operator of its own. `make soak` has the others.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kazoo_operator.kinds import discover
from tests.cluster.parties import Party, party
from tools.api_proxy import ApiProxy, running_api_proxy, through
from tools.cluster import ControlPlane
from tools.stack import OperatorProcess, until

pytestmark = pytest.mark.cluster

LONG = 70.0
KINDS = len(discover())
soak = pytest.mark.soak


@dataclass
class Patient:
    """An operator behind a proxy, with an account that is Ready; its process must outlive everything."""

    party: Party
    proxy: ApiProxy
    operator: OperatorProcess
    pid: int = 0

    def begin(self) -> None:
        """Start it, and have it make the first account."""
        self.operator.start()
        assert self.operator.process is not None
        self.pid = self.operator.process.pid
        self.party.apply("before")
        self.party.until_ready("before")

    def take_up_a_slow_creation(self) -> None:
        """A creation that KAZOO takes six seconds for is under way when this returns."""
        self.party.sandbox.fault({"delay": 6}, "PUT", "/accounts/[0-9a-f]{32}$")
        self.party.apply("in-flight")
        until(lambda: self.party.creations() == [201, 0], "the creation in flight")

    def calls(self) -> list[tuple[str, str]]:
        """What KAZOO was asked, logins aside."""
        return [
            (one["method"], one["path"])
            for one in self.party.sandbox.calls()
            if not one["path"].endswith("/api_auth")
        ]

    def is_well(self) -> None:
        """The same process lives, and says that no restart is the remedy."""
        assert self.operator.process is not None
        assert self.operator.process.poll() is None, self.operator.said()[-3000:]
        assert self.operator.process.pid == self.pid
        assert self.operator.probe("healthz") == (200, "ok\n")

    def converges(self, creations: int) -> None:
        """All is shown, a new object is made, and no account was made twice."""
        self.party.until_ready("in-flight")
        self.party.apply("after")
        self.party.until_ready("after")
        assert self.party.creations() == [201] * creations
        self.is_well()


@pytest.fixture
def new_patient(plane: ControlPlane, tmp_path: Path) -> Iterator[Callable[..., Patient]]:
    """Make a patient with a namespace, a sandbox and a proxy of its own."""
    with ExitStack() as stack:

        def make(label: str, direct: bool = False) -> Patient:
            made = stack.enter_context(party(plane, tmp_path, label))
            kubeconfig = made.account("operator")
            proxy = stack.enter_context(running_api_proxy(kubeconfig))
            way = kubeconfig if direct else through(proxy, kubeconfig, tmp_path)
            operator = made.operator("operator", way)
            stack.callback(lambda: operator.stop() if operator.process else None)
            return Patient(made, proxy, operator)

        yield make


@pytest.fixture
def patient(new_patient: Callable[..., Patient]) -> Patient:
    made = new_patient("fault")
    made.begin()
    return made


def test_70_s_of_503_of_403_of_silence_and_of_a_dead_api_server_cost_neither_process_nor_backend_calls(
    plane: ControlPlane, new_patient: Callable[..., Patient]
) -> None:
    patients = {label: new_patient(label) for label in ("answers-503", "answers-403", "hangs")}
    patients["dead"] = new_patient("dead", direct=True)
    for one in patients.values():
        one.begin()
    for one in patients.values():
        one.take_up_a_slow_creation()
    patients["answers-503"].proxy.refuse(503)
    patients["answers-403"].proxy.refuse(403)
    patients["hangs"].proxy.hang()
    plane.stop_api_server()
    began = time.monotonic()
    try:
        for one in patients.values():
            until(lambda one=one: one.party.creations() == [201, 201], "the creation's end")  # type: ignore[misc]
        time.sleep(2)  # nothing outside shows the end of the pass, whose status cannot be written
        asked = {label: one.calls() for label, one in patients.items()}
        for one in patients.values():
            until(lambda one=one: one.operator.probe("readyz")[0] == 503, "that it is not ready")  # type: ignore[misc]
        while time.monotonic() - began < LONG:
            for one in patients.values():
                one.is_well()
            time.sleep(1)
    finally:
        plane.start_api_server()
    assert {label: one.calls() for label, one in patients.items()} == asked
    for one in patients.values():
        one.proxy.heal()
    for label, one in patients.items():
        one.party.until_ready("in-flight")
        assert one.calls() == asked[label], "what came of the creation is shown without another call"
    for one in patients.values():
        one.converges(creations=3)


def error(code: int) -> dict[str, Any]:
    return {
        "type": "ERROR",
        "object": {"kind": "Status", "apiVersion": "v1", "code": code, "message": "etcd"},
    }


NONSENSE: dict[str, Callable[[ApiProxy], None]] = {
    "an ERROR event 500": lambda proxy: proxy.say(error(500)),
    "an ERROR event 410": lambda proxy: proxy.say(error(410)),
    "a cut": lambda proxy: proxy.cut(),
    "a cut in mid-line": lambda proxy: proxy.cut(b'{"type": "ADDED", "object": {"metadata": {"na'),
    "a cut in a letter": lambda proxy: proxy.cut('{"type": "ADDED", "object": {"spec": "ü'.encode()[:-1]),
}


def test_a_watch_that_errs_or_is_cut_in_mid_line_loses_nothing_and_repeats_nothing(patient: Patient) -> None:
    for number, (what, fault) in enumerate(NONSENSE.items()):
        until(lambda: patient.proxy.watches == KINDS, "an open watch for each kind")
        opened = sum("watch=true" in path for _, path in patient.proxy.requests)
        fault(patient.proxy)
        patient.party.apply(f"during-{number}")
        patient.party.until_ready(f"during-{number}")
        until(
            lambda opened=opened: sum("watch=true" in path for _, path in patient.proxy.requests) > opened,  # type: ignore[misc]
            f"another watch after {what}",
        )
        until(lambda: patient.operator.probe("readyz")[0] == 200, f"readiness after {what}")
        patient.is_well()
    assert patient.party.creations() == [201] * (1 + len(NONSENSE))
    assert patient.party.written_by("operator") == 1 + len(NONSENSE), "a status for each, once"


@soak
def test_a_watch_that_falls_silent_is_opened_anew(patient: Patient) -> None:
    until(lambda: patient.proxy.watches == KINDS, "an open watch for each kind")
    patient.proxy.silence()
    patient.party.apply("unseen")
    patient.party.until_ready("unseen")
    patient.is_well()
    assert patient.party.creations() == [201, 201]


@soak
def test_a_stopped_api_server_is_outlived(plane: ControlPlane, patient: Patient) -> None:
    patient.take_up_a_slow_creation()
    server = plane.pids["kube-apiserver"]
    assert server is not None
    os.kill(server, signal.SIGSTOP)
    try:
        until(lambda: patient.party.creations() == [201, 201], "the creation's end")
        began = time.monotonic()
        while time.monotonic() - began < LONG:
            patient.is_well()
            time.sleep(1)
    finally:
        os.kill(server, signal.SIGCONT)
    patient.converges(creations=3)

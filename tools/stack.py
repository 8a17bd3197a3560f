"""The sandbox and the operator as processes, for the demo, the benchmarks and the cluster tests."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

COMMAND = (sys.executable, "-P", "-m", "kazoo_operator")


# Whoever waits so many seconds in vain waits for ever, however busy the machine is.
PATIENCE = 120.0


class TookTooLong(Exception):
    """Something that was waited for did not come."""


def until(wanted: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """Ask again and again until `wanted()` is truthy, and return that. Raises TookTooLong."""
    deadline = time.monotonic() + seconds
    while True:
        found = wanted()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TookTooLong(f"{what} did not come within {seconds:.0f} s; last seen: {found!r}")
        time.sleep(0.05)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class SandboxProcess:
    """A sandbox that listens; `ready` is its ready line."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.ready["url"])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the control surface, such as `control("GET", "state")`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/sandbox/{path}", data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def crossbar(self, method: str, path: str, data: Any = None) -> Any:
        """A call of KAZOO's own API as the reseller, as a person's tool would make it: the answer's data."""
        return self._send(method, path, data, {"X-Auth-Token": self.token()})["data"]

    def token(self) -> str:
        """A token of the reseller's."""
        login = self._send("PUT", "api_auth", {"api_key": self.ready["reseller"]["apiKey"]}, {})
        return str(login["auth_token"])

    def _send(self, method: str, path: str, data: Any, headers: dict[str, str]) -> Any:
        body = None if data is None else json.dumps({"data": data}).encode()
        sent = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(f"{self.url}/v2/{path}", body, sent, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def calls(self, method: str | None = None, ending: str = "") -> list[dict[str, Any]]:
        """The journal, oldest first: calls of a method whose path ends so."""
        return [
            call
            for call in self.control("GET", "requests")["requests"]
            if method in (None, call["method"]) and call["path"].endswith(ending)
        ]

    def writes(self, where: str = r"/accounts/\w{32}$") -> list[tuple[str, int]]:
        """Method and status of each write to paths that match; by default to accounts themselves."""
        return [
            (call["method"], call["status"])
            for call in self.calls()
            if call["method"] != "GET" and re.search(where, call["path"])
        ]

    def accounts(self) -> dict[str, dict[str, Any]]:
        """Id -> document of every account, in listings or not."""
        state = self.control("GET", "state")["accounts"]
        return {account_id: held["account"] for account_id, held in state.items()}

    def fault(self, do: dict[str, Any], method: str, path: str, times: int = 1) -> None:
        """Make the next matching calls go wrong."""
        match = {"method": method, "path": path}
        self.control("POST", "faults", {"match": match, "times": times, "do": do})


@contextlib.contextmanager
def running_sandbox(*arguments: str) -> Iterator[SandboxProcess]:
    """A sandbox on a free port; ended with the block."""
    process = subprocess.Popen(
        [*COMMAND, "sandbox", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise TookTooLong("the sandbox ended before it listened")
        yield SandboxProcess(process, json.loads(line))
    finally:
        end(process)
        if process.stdout is not None:
            process.stdout.close()


def heed_sigterm() -> None:
    """SIGTERM ends this program like Ctrl-C does: everything that it started is ended too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def end(process: subprocess.Popen[Any], seconds: float = 60) -> int:
    """SIGTERM, and SIGKILL when that is not enough; returns the exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


@dataclass
class OperatorProcess:
    """The operator as `run` starts it, to be killed and started again; `log` has what every life said."""

    kubeconfig: Path
    log: Path
    environment: dict[str, str]
    arguments: tuple[str, ...] = ()
    probe_port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self, ready: bool = True) -> None:
        """Start a life; with `ready`, wait until /readyz says so."""
        arguments = [
            *COMMAND,
            "run",
            *("--kubeconfig", str(self.kubeconfig)),
            *("--probe-port", str(self.probe_port), "--metrics-port", str(self.metrics_port)),
            *self.arguments,
        ]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KAZOO_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                arguments,
                stdout=log,
                stderr=log,
                env={**inherited, **self.environment},
                start_new_session=True,
            )
        if ready:
            until(self.is_ready, "the operator's readiness")

    def is_ready(self) -> bool:
        """Whether /readyz answers 200. Raises TookTooLong when the process has ended."""
        if self.process is None or self.process.poll() is not None:
            raise TookTooLong(f"the operator ended:\n{self.said()[-3000:]}")
        return self.probe("readyz")[0] == 200

    def probe(self, path: str) -> tuple[int, str]:
        """Status and text of a probe; 0 where nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.probe_port}/{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metrics(self) -> str:
        """What /metrics says."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def kill(self) -> None:
        """SIGKILL, as if the machine had died."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        return end(self.process, 60)

    def said(self) -> str:
        """Everything that was logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

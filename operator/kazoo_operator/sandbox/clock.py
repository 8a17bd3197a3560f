"""The sandbox's time: one place that asks for it, so that it can be set."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

GREGORIAN_EPOCH = 62_167_219_200
"""Seconds between the year 0 and 1970: KAZOO counts time in Gregorian seconds."""


class Clock:
    """Tells the time in the forms that Crossbar prints; `offset` is by how many seconds it is ahead."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self.offset = 0.0

    def move_to(self, moment: float) -> None:
        """Let it be this second since 1970, and go on from there."""
        self.offset = moment - self._source()

    def unix(self) -> float:
        """Seconds since 1970."""
        return self._source() + self.offset

    def gregorian(self) -> int:
        """Whole seconds since the year 0."""
        return int(self.unix()) + GREGORIAN_EPOCH

    def timestamp(self) -> str:
        """ISO 8601 in UTC, as in every envelope."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.unix()))

    def month(self) -> str:
        """The month whose ledgers are current, `YYYYMM` in UTC."""
        return datetime.fromtimestamp(self.unix(), UTC).strftime("%Y%m")

    def month_ends(self) -> float:
        """The second since 1970 at which the next month begins, UTC."""
        now = datetime.fromtimestamp(self.unix(), UTC)
        year, month = (now.year, now.month + 1) if now.month < 12 else (now.year + 1, 1)
        return datetime(year, month, 1, tzinfo=UTC).timestamp()

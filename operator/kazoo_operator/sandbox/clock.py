"""The sandbox's time: one place that asks for it, so that it can be set."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

GREGORIAN_EPOCH = 62_167_219_200
"""Seconds between the year 0 and 1970: KAZOO counts time in Gregorian seconds."""


class Clock:
    """Tells the time in the forms that Crossbar prints."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source

    def unix(self) -> float:
        """Seconds since 1970."""
        return self._source()

    def gregorian(self) -> int:
        """Whole seconds since the year 0."""
        return int(self._source()) + GREGORIAN_EPOCH

    def timestamp(self) -> str:
        """ISO 8601 in UTC, as in every envelope."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._source()))

    def month(self) -> str:
        """The month whose ledgers are current, `YYYYMM` in UTC."""
        return datetime.fromtimestamp(self._source(), UTC).strftime("%Y%m")

    def next_month(self) -> int:
        """When the current month ends, in Gregorian seconds."""
        now = datetime.fromtimestamp(self._source(), UTC)
        first = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
        return int(first.timestamp()) + GREGORIAN_EPOCH

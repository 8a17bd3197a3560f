"""The journal: what was asked, in the order in which it came, and how it was answered."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LENGTH = 100_000


@dataclass
class Entry:
    """A request. `status` is 0 until an answer is sent, and stays so where none is."""

    method: str
    path: str
    query: Mapping[str, str]
    started: float = field(default_factory=time.perf_counter)
    status: int = 0
    account_id: str | None = None
    milliseconds: float = 0.0
    accept_charges: bool = False

    def close(self, status: int) -> None:
        """It is answered, or given up with 0."""
        self.status = status
        self.milliseconds = round((time.perf_counter() - self.started) * 1000, 3)

    def shown(self) -> dict[str, Any]:
        """As the control prints it."""
        return {
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "status": self.status,
            "accountID": self.account_id,
            "milliseconds": self.milliseconds,
            "acceptCharges": self.accept_charges,
        }


class Journal:
    """The newest entries, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=LENGTH)

    def open(self, method: str, path: str, query: Mapping[str, str]) -> Entry:
        """A request has come in."""
        entry = Entry(method, path, query)
        self._entries.append(entry)
        return entry

    def shown(self) -> list[dict[str, Any]]:
        """All entries."""
        return [entry.shown() for entry in self._entries]

    def clear(self) -> None:
        """Forget them."""
        self._entries.clear()

"""Phone numbers as they are stored: each belongs to one account, in the whole cluster."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .store import Store, rev

CARRIER = "knm_inventory"
"""The module of numbers that were just typed in, which is all that there are."""

TABLES = """
CREATE TABLE IF NOT EXISTS numbers (
  number TEXT PRIMARY KEY, account_id TEXT NOT NULL, classifier TEXT NOT NULL, document TEXT NOT NULL,
  created INTEGER NOT NULL, modified INTEGER NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS numbers_by_account ON numbers (account_id, classifier);
"""


@dataclass
class PhoneNumber:
    """One number in its international form, and the id of its classifier. Times in Gregorian seconds."""

    number: str
    account_id: str
    classifier: str
    document: dict[str, Any]
    created: int
    modified: int
    revision: int = 1

    @property
    def rev(self) -> str:
        """The revision as KAZOO prints it."""
        return rev(self.number, self.revision)


class PhoneNumbers:
    """The numbers of all accounts."""

    def __init__(self, store: Store) -> None:
        self._run = store.connection.execute

    def get(self, number: str) -> PhoneNumber | None:
        """One, whoever has it."""
        row = self._run("SELECT * FROM numbers WHERE number=?", (number,)).fetchone()
        return _read(row) if row else None

    def of(self, account_id: str) -> Iterator[PhoneNumber]:
        """All of an account."""
        for row in self._run("SELECT * FROM numbers WHERE account_id=? ORDER BY number", (account_id,)):
            yield _read(row)

    def counted(self, account_id: str) -> dict[str, int]:
        """How many numbers of each class an account has."""
        query = "SELECT classifier, count(*) FROM numbers WHERE account_id=? GROUP BY 1"
        return dict(self._run(query, (account_id,)).fetchall())

    def counted_by_carrier(self, account_id: str) -> dict[str, int]:
        """The same, by the module that they come from."""
        amount = sum(self.counted(account_id).values())
        return {CARRIER: amount} if amount else {}

    def save(self, number: PhoneNumber) -> None:
        """Store a new or changed one, its revision as it stands there."""
        self._run(
            "INSERT OR REPLACE INTO numbers VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number.number, number.account_id, number.classifier, json.dumps(number.document),
                number.created, number.modified, number.revision,
            ),
        )  # fmt: skip

    def delete(self, number: str) -> None:
        """Nobody has it any more."""
        self._run("DELETE FROM numbers WHERE number=?", (number,))

    def free(self, account_id: str) -> None:
        """Nobody has the numbers of this account any more."""
        self._run("DELETE FROM numbers WHERE account_id=?", (account_id,))


def _read(row: sqlite3.Row) -> PhoneNumber:
    return PhoneNumber(
        row["number"], row["account_id"], row["classifier"], json.loads(row["document"]),
        row["created"], row["modified"], row["revision"],
    )  # fmt: skip

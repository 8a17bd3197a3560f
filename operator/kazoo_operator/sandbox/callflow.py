"""Callflows as they are stored: documents of an account, found by their id or by a number."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .store import Store, rev

TABLES = """
CREATE TABLE IF NOT EXISTS callflows (
  account_id TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL,
  created INTEGER NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (account_id, id)
) WITHOUT ROWID;
"""


@dataclass
class Callflow:
    """One callflow: its public `document`, and when (Gregorian seconds) and how often it was written."""

    id: str
    document: dict[str, Any]
    created: int
    revision: int = 1

    @property
    def rev(self) -> str:
        """The revision as KAZOO prints it."""
        return rev(self.id, self.revision)


class Callflows:
    """The callflows of all accounts."""

    def __init__(self, store: Store) -> None:
        self._run = store.connection.execute

    def get(self, account_id: str, callflow_id: str) -> Callflow | None:
        """One by its id."""
        row = self._run(
            "SELECT * FROM callflows WHERE account_id=? AND id=?", (account_id, callflow_id)
        ).fetchone()
        return _read(row) if row else None

    def of(self, account_id: str) -> Iterator[Callflow]:
        """All of an account, by id."""
        for row in self.rows(account_id, None, True):
            yield _read(row)

    def rows(self, account_id: str, start: tuple[str, str] | None, ascending: bool) -> Iterator[sqlite3.Row]:
        """The rows of an account in the order of their ids; `key` is that id."""
        where, values = "account_id=?", [account_id]
        if start:
            where += f" AND id {'>=' if ascending else '<='} ?"
            values.append(start[0])
        way = "ASC" if ascending else "DESC"
        return self._run(f"SELECT id AS key, * FROM callflows WHERE {where} ORDER BY id {way}", values)  # noqa: S608

    def save(self, account_id: str, callflow: Callflow) -> None:
        """Store a new or changed one, its revision as it stands there."""
        self._run(
            "INSERT OR REPLACE INTO callflows VALUES (?, ?, ?, ?, ?)",
            (account_id, callflow.id, json.dumps(callflow.document), callflow.created, callflow.revision),
        )

    def delete(self, account_id: str, callflow_id: str | None = None) -> None:
        """Remove one, or all of an account."""
        self._run(
            "DELETE FROM callflows WHERE account_id=? AND (? IS NULL OR id=?)",
            (account_id, callflow_id, callflow_id),
        )


def _read(row: sqlite3.Row) -> Callflow:
    return Callflow(row["id"], json.loads(row["document"]), row["created"], row["revision"])

"""Documents of accounts as they are stored: callflows and devices, which need no more than an id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .store import Store, rev

TABLES = """
CREATE TABLE IF NOT EXISTS documents (
  kind TEXT NOT NULL, account_id TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL,
  created INTEGER NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (kind, account_id, id)
) WITHOUT ROWID;
"""


@dataclass
class Document:
    """One of them: its public `document`, and when (Gregorian seconds) and how often it was written."""

    id: str
    document: dict[str, Any]
    created: int
    revision: int = 1

    @property
    def rev(self) -> str:
        """The revision as KAZOO prints it."""
        return rev(self.id, self.revision)

    @property
    def shown(self) -> dict[str, Any]:
        """As it is answered."""
        return {**self.document, "id": self.id}


class Documents:
    """The documents of one kind, of all accounts."""

    def __init__(self, store: Store, kind: str) -> None:
        self._run, self._kind = store.connection.execute, kind

    def get(self, account_id: str, document_id: str) -> Document | None:
        """One by its id."""
        query = "SELECT * FROM documents WHERE kind=? AND account_id=? AND id=?"
        row = self._run(query, (self._kind, account_id, document_id)).fetchone()
        return _read(row) if row else None

    def of(self, account_id: str) -> Iterator[Document]:
        """All of an account, by id."""
        for row in self.rows(account_id, None, True):
            yield _read(row)

    def rows(self, account_id: str, start: tuple[str, str] | None, ascending: bool) -> Iterator[sqlite3.Row]:
        """The rows of an account in the order of their ids; `key` is that id."""
        where, values = "kind=? AND account_id=?", [self._kind, account_id]
        if start:
            where += f" AND id {'>=' if ascending else '<='} ?"
            values.append(start[0])
        way = "ASC" if ascending else "DESC"
        return self._run(f"SELECT id AS key, * FROM documents WHERE {where} ORDER BY id {way}", values)  # noqa: S608

    def save(self, account_id: str, document: Document) -> None:
        """Store a new or changed one, its revision as it stands there."""
        text = json.dumps(document.document)
        values = (self._kind, account_id, document.id, text, document.created, document.revision)
        self._run("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?)", values)

    def delete(self, account_id: str, document_id: str | None = None) -> None:
        """Remove one, or all of an account."""
        self._run(
            "DELETE FROM documents WHERE kind=? AND account_id=? AND (? IS NULL OR id=?)",
            (self._kind, account_id, document_id, document_id),
        )


class Devices(Documents):
    """The devices of all accounts."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "device")

    def counted(self, account_id: str) -> dict[str, int]:
        """How many devices of each type an account has."""
        counts: dict[str, int] = {}
        for device in self.of(account_id):
            kind = device_type(device.document)
            counts[kind] = counts.get(kind, 0) + 1
        return counts


def device_type(document: dict[str, Any]) -> str:
    """What a bill counts a device as: one that does not say is a SIP device."""
    return str(document.get("device_type") or "sip_device")


def _read(row: sqlite3.Row) -> Document:
    return Document(row["id"], json.loads(row["document"]), row["created"], row["revision"])

"""What is kept: one SQLite database, in memory or in a file that one sandbox holds at a time.

A file is written through (`synchronous=FULL` over a write-ahead log): what a request was told to be done
survives `kill -9`. The tables belong to the modules that hand in their SQL (`world.py`).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FORMAT = "kazoo-operator sandbox 4"

CACHE_KIB = 65_536
"""Pages kept in memory: as many as tens of thousands of accounts need. The default is 2 MiB."""

META = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def rev(document_id: str, number: int) -> str:
    """A revision as KAZOO prints it: a number that counts the writes, and a hash."""
    return f"{number}-{hashlib.md5(f'{document_id}{number}'.encode()).hexdigest()}"  # noqa: S324


class DatabaseRefused(Exception):
    """The file cannot be used; the text says why and what to do."""


class Store:
    """An open database. All calls come from one thread, and each request is one transaction."""

    def __init__(self, path: Path | None, tables: str) -> None:
        self.path = path
        try:
            self.connection = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=0)
        except sqlite3.Error as error:
            raise DatabaseRefused(f"cannot open the database {path}: {error}") from error
        self.connection.row_factory = sqlite3.Row
        try:
            self._prepare(tables)
        except sqlite3.OperationalError as error:
            self.connection.close()
            if "locked" in str(error):
                raise DatabaseRefused(
                    f"the database {path} is in use by another sandbox: stop it, or choose another file"
                ) from error
            raise DatabaseRefused(f"cannot use the database {path}: {error}") from error
        except sqlite3.DatabaseError as error:
            self.connection.close()
            raise DatabaseRefused(f"{path} is not a database of the sandbox: {error}") from error

    def _prepare(self, tables: str) -> None:
        run = self.connection.execute
        if self.path:
            run(
                "PRAGMA locking_mode=EXCLUSIVE"
            )  # the second sandbox on one file is refused, kill -9 frees it
            self._recognise()
            run("PRAGMA journal_mode=WAL")
            run("PRAGMA synchronous=FULL")
            run(f"PRAGMA cache_size={-CACHE_KIB}")
        stamp = f"INSERT OR REPLACE INTO meta VALUES ('format', '{FORMAT}');"  # noqa: S608  a constant
        self.connection.executescript(f"BEGIN; {META} {tables} {stamp} COMMIT;")

    def _recognise(self) -> None:
        """Refuse a file of something else before a byte of it is changed."""
        names = {
            row[0] for row in self.connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        }
        if names and "meta" not in names:
            raise sqlite3.DatabaseError("it holds other tables")
        if names and self.meta("format") != FORMAT:
            raise sqlite3.DatabaseError(f"its format is {self.meta('format')!r}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is stored when it ends well, and nothing of it otherwise."""
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def meta(self, key: str) -> str | None:
        """A value of the sandbox itself, kept through resets."""
        row = self.connection.execute("SELECT value FROM meta WHERE key=?", (key,)).fetchone()
        return str(row[0]) if row else None

    def keep(self, key: str, value: str) -> None:
        """Store such a value."""
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def forget(self, key: str) -> None:
        """Store no such value any more."""
        self.connection.execute("DELETE FROM meta WHERE key=?", (key,))

    def empty(self) -> None:
        """Drop every row but the sandbox's own values."""
        names = self.connection.execute("SELECT name FROM sqlite_master WHERE type='table' AND name<>'meta'")
        for (name,) in names.fetchall():
            self.connection.execute(f'DELETE FROM "{name}"')  # noqa: S608  a name out of the schema

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

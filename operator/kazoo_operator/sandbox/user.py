"""Users as they are stored: documents of an account, with credentials that are never shown.

A deleted user stays as a row without credentials, as KAZOO keeps its document: its tokens go on working
(Crossbar API, users).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .store import Store, rev

TABLES = """
CREATE TABLE IF NOT EXISTS users (
  account_id TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL,
  name TEXT NOT NULL COLLATE NOCASE, username TEXT, priv_level TEXT NOT NULL, enabled INTEGER NOT NULL,
  md5 TEXT, sha1 TEXT, identity TEXT NOT NULL,
  created INTEGER NOT NULL, revision INTEGER NOT NULL, deleted INTEGER NOT NULL,
  PRIMARY KEY (account_id, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS users_by_name ON users (account_id, name, id);
"""


@dataclass
class User:
    """One user: its public `document`, two hashes of its credentials, and what its tokens are signed with.

    `created` is in Gregorian seconds; `identity` changes with the password.
    """

    id: str
    document: dict[str, Any]
    created: int
    md5: str | None = field(default=None, repr=False)
    sha1: str | None = field(default=None, repr=False)
    identity: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    revision: int = 1
    deleted: bool = False

    @property
    def rev(self) -> str:
        """The revision as KAZOO prints it."""
        return rev(self.id, self.revision)

    @property
    def is_admin(self) -> bool:
        """Whether it administrates its account."""
        return self.document.get("priv_level") == "admin"

    @property
    def plans(self) -> dict[str, dict[str, Any]]:
        """The service plans that hang on it: plan id -> assignment."""
        service = self.document.get("service")
        plans = service.get("plans") if isinstance(service, dict) else None
        found = plans if isinstance(plans, dict) else {}
        return {plan_id: plan for plan_id, plan in found.items() if isinstance(plan, dict)}

    def give_credentials(self, password: str) -> None:
        """Hash its username with this password; tokens that were issued before die."""
        text = f"{self.document['username']}:{password}".encode()
        self.md5 = hashlib.md5(text).hexdigest()  # noqa: S324  what KAZOO's clients send
        self.sha1 = hashlib.sha1(text).hexdigest()  # noqa: S324
        self.identity = secrets.token_urlsafe(16)

    def drop_credentials(self) -> None:
        """Nobody can log in as this user any more; tokens live on."""
        self.md5 = self.sha1 = None


class Users:
    """The users of all accounts; those that were deleted are found by `with_token` alone."""

    def __init__(self, store: Store) -> None:
        self._run = store.connection.execute

    def get(self, account_id: str, user_id: str) -> User | None:
        """One by its id."""
        return self._one("account_id=? AND id=? AND NOT deleted", account_id, user_id)

    def with_token(self, account_id: str, user_id: str) -> User | None:
        """One by its id, deleted or not."""
        return self._one("account_id=? AND id=?", account_id, user_id)

    def with_credentials(self, account_id: str, method: str, credentials: str) -> User | None:
        """The one that these credentials belong to, hashed by `md5` or `sha`."""
        column = "md5" if method == "md5" else "sha1"
        return self._one(f"account_id=? AND {column}=? AND NOT deleted", account_id, credentials)

    def username_taken(self, account_id: str, username: str, but: str) -> bool:
        """Whether another user of the account has this name."""
        where = "account_id=? AND username=? AND id<>? AND NOT deleted"
        return self._one(where, account_id, username, but) is not None

    def of(self, account_id: str) -> Iterator[User]:
        """All of an account, by id."""
        query = "SELECT * FROM users WHERE account_id=? AND NOT deleted ORDER BY id"
        for row in self._run(query, (account_id,)):
            yield _read(row)

    def counted(self, account_id: str) -> dict[str, int]:
        """How many users an account has of each privilege level, those that are disabled left out."""
        query = (
            "SELECT priv_level, count(*) FROM users WHERE account_id=? AND enabled AND NOT deleted GROUP BY 1"
        )
        return dict(self._run(query, (account_id,)).fetchall())

    def plans(self, account_id: str) -> dict[str, dict[str, Any]]:
        """The service plans that hang on the users of an account."""
        query = (
            "SELECT * FROM users WHERE account_id=? AND NOT deleted"
            " AND json_extract(document, '$.service.plans') IS NOT NULL ORDER BY id"
        )
        users = [_read(row) for row in self._run(query, (account_id,))]
        return {plan_id: plan for user in users for plan_id, plan in user.plans.items()}

    def by_name(
        self, account_id: str, start: tuple[str, str] | None, ascending: bool
    ) -> Iterator[sqlite3.Row]:
        """The rows of an account in the order of last and first name; `key` is both."""
        return self._view("name", account_id, start, ascending)

    def by_id(self, account_id: str, start: tuple[str, str] | None, ascending: bool) -> Iterator[sqlite3.Row]:
        """The rows of an account in the order of their ids; `key` is that id."""
        return self._view("id", account_id, start, ascending)

    def _view(
        self, key: str, account_id: str, start: tuple[str, str] | None, ascending: bool
    ) -> Iterator[sqlite3.Row]:
        where, values = "account_id=? AND NOT deleted", [account_id]
        if start:
            where += f" AND ({key}, id) {'>=' if ascending else '<='} (?, ?)"
            values += start
        way = "ASC" if ascending else "DESC"
        query = f"SELECT {key} AS key, * FROM users WHERE {where} ORDER BY {key} {way}, id {way}"  # noqa: S608
        return self._run(query, values)

    def save(self, account_id: str, user: User) -> None:
        """Store a new or changed one, its revision as it stands there."""
        document = user.document
        self._run(
            "INSERT OR REPLACE INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                account_id, user.id, json.dumps(document),
                f"{document['last_name']} {document['first_name']}", document.get("username"),
                document["priv_level"], document["enabled"], user.md5, user.sha1, user.identity,
                user.created, user.revision, user.deleted,
            ),
        )  # fmt: skip

    def delete(self, account_id: str) -> None:
        """Remove all of an account, for good."""
        self._run("DELETE FROM users WHERE account_id=?", (account_id,))

    def _one(self, where: str, *values: str) -> User | None:
        row = self._run(f"SELECT * FROM users WHERE {where}", values).fetchone()  # noqa: S608
        return _read(row) if row else None


def _read(row: sqlite3.Row) -> User:
    return User(
        row["id"], json.loads(row["document"]), row["created"], row["md5"], row["sha1"],
        row["identity"], row["revision"], bool(row["deleted"]),
    )  # fmt: skip

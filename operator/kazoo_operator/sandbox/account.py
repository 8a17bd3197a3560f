"""Accounts as they are stored: rows, their place in the tree, and the views that lists read.

The public document is JSON text. What KAZOO keeps in private members (`pvt_...`) has columns, and so have
the keys of its views: a listing reads no document unless a filter asks for it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from .store import Store, rev

TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
  id TEXT PRIMARY KEY, parent TEXT, tree TEXT NOT NULL, document TEXT NOT NULL,
  name TEXT COLLATE NOCASE, realm TEXT, flags TEXT, name_key TEXT, realm_key TEXT, realm_search TEXT,
  revision INTEGER NOT NULL, created INTEGER NOT NULL, enabled INTEGER NOT NULL, is_reseller INTEGER NOT NULL,
  superduper INTEGER NOT NULL, reseller_id TEXT NOT NULL, api_key TEXT NOT NULL, kept_key TEXT NOT NULL,
  trial_ends INTEGER,
  stage TEXT NOT NULL, descendants INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS accounts_by_parent ON accounts (parent, name, id);
CREATE INDEX IF NOT EXISTS accounts_by_name ON accounts (name_key, id);
CREATE INDEX IF NOT EXISTS accounts_by_realm ON accounts (realm_key);
CREATE INDEX IF NOT EXISTS accounts_by_realm_search ON accounts (realm_search, id);
CREATE INDEX IF NOT EXISTS accounts_by_api_key ON accounts (api_key);
CREATE TABLE IF NOT EXISTS ancestry (
  ancestor TEXT NOT NULL, name TEXT COLLATE NOCASE, id TEXT NOT NULL, PRIMARY KEY (ancestor, name, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ancestry_by_id ON ancestry (id, ancestor);
"""

Stage = Literal["whole", "late", "early"]
"""How far its creation came (Crossbar API, create: a cut connection).

`early`: database and document, but in no view, name and realm still free. `late`: in the views, without
services and ledgers.
"""

SEARCH_KEYS = {"id": "id", "name": "name_key", "realm": "realm_search"}


@dataclass
class Account:
    """One account: its public `document` and what KAZOO keeps in private members.

    `api_key` is the one in its own database. A key that was rotated stands in the aggregate of all accounts
    only, where logins look, and is lost with the next write of the account.
    """

    id: str
    tree: tuple[str, ...]
    document: dict[str, Any]
    created: int
    reseller_id: str
    api_key: str
    enabled: bool = True
    is_reseller: bool = False
    superduper: bool = False
    trial_ends: int | None = None
    stage: Stage = "whole"
    revision: int = 1
    descendants: int = 0
    rotated_key: str | None = None
    name_key: str = field(default="", repr=False)

    @property
    def rev(self) -> str:
        """The revision as KAZOO prints it."""
        return rev(self.id, self.revision)


def normalised(text: object) -> str:
    """Lower case, and nothing but a-z0-9: how names are compared and searches made."""
    return re.sub(r"[^a-z0-9]", "", str(text).lower())


class Accounts:
    """The table of accounts and the views over it."""

    def __init__(self, store: Store) -> None:
        self._run, self._many = store.connection.execute, store.connection.executemany

    def get(self, account_id: str) -> Account | None:
        """An account by its id."""
        return _account(self._run("SELECT * FROM accounts WHERE id=?", (account_id,)).fetchone())

    def by_api_key(self, key: str) -> Account | None:
        """The account that has this API key."""
        return _account(self._run("SELECT * FROM accounts WHERE api_key=?", (key,)).fetchone())

    def by_realm(self, realm: str) -> Account | None:
        """The account that has this realm, in any case."""
        return _account(self._run("SELECT * FROM accounts WHERE realm_key=?", (realm.lower(),)).fetchone())

    def by_name(self, name_key: str) -> Account | None:
        """The account whose normalised name this is."""
        return _account(self._run("SELECT * FROM accounts WHERE name_key=?", (name_key,)).fetchone())

    def all(self) -> Iterator[Account]:
        """Every account, half-built ones too."""
        for row in self._run("SELECT * FROM accounts ORDER BY id").fetchall():
            yield _read(row)

    def count(self) -> int:
        """How many there are in the cluster."""
        return int(self._run("SELECT count(*) FROM accounts").fetchone()[0])

    def subtree(self, ancestor: str) -> list[Account]:
        """Every account below, as far as the views know."""
        query = "SELECT a.* FROM ancestry n JOIN accounts a ON a.id=n.id WHERE n.ancestor=? ORDER BY a.id"
        return [_read(row) for row in self._run(query, (ancestor,)).fetchall()]

    def has_descendants(self, account_id: str) -> bool:
        """Whether an account stands below, as far as the views know."""
        query = "SELECT 1 FROM ancestry WHERE ancestor=? LIMIT 1"
        return self._run(query, (account_id,)).fetchone() is not None

    def name_taken(self, name: str, but: str) -> bool:
        """Whether another account has this name, but for case and punctuation."""
        query = "SELECT 1 FROM accounts WHERE name_key=? AND id<>? LIMIT 1"
        return self._run(query, (normalised(name), but)).fetchone() is not None

    def realm_taken(self, realm: str, but: str) -> bool:
        """Whether another account has this realm, but for case."""
        query = "SELECT 1 FROM accounts WHERE realm_key=? AND id<>? LIMIT 1"
        return self._run(query, (realm.lower(), but)).fetchone() is not None

    def insert(self, account: Account) -> None:
        """Store a new account below the last of its tree."""
        account.name_key = normalised(account.document.get("name", ""))
        values = _row(account)
        marks = ", ".join("?" * len(values))
        self._run(f"INSERT INTO accounts ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
        if account.stage != "early":
            self._list(account)
            self._count(account.tree, 1)

    def _list(self, account: Account) -> None:
        """Let the views know it, unless its creation was cut before they were made."""
        if account.stage != "early":
            name = str(account.document.get("name", ""))
            rows = [(ancestor, name, account.id) for ancestor in account.tree]
            self._many("INSERT INTO ancestry VALUES (?, ?, ?)", rows)

    def save(self, account: Account, *, keep_name_key: bool = False) -> None:
        """Store a changed account, its revision as it stands in `account`; a rotated key is lost."""
        if not keep_name_key:
            account.name_key = normalised(account.document.get("name", ""))
        account.rotated_key = None
        values = _row(account)
        marks = ", ".join(f"{column}=?" for column in values)
        self._run(f"UPDATE accounts SET {marks} WHERE id=?", (*values.values(), account.id))  # noqa: S608
        self._run(
            "UPDATE ancestry SET name=? WHERE id=? AND name IS NOT ?",
            (values["name"], account.id, values["name"]),
        )

    def rotate_key(self, account: Account, api_key: str) -> None:
        """Let this key, and not the account's own, open the account until it is saved again."""
        account.rotated_key = api_key
        account.revision += 1
        query = "UPDATE accounts SET api_key=?, revision=? WHERE id=?"
        self._run(query, (api_key, account.revision, account.id))

    def move(self, account: Account, tree: tuple[str, ...]) -> None:
        """Put the account below the last of this tree, with all that stands below it."""
        moved = [account, *self.subtree(account.id)]
        listed = sum(each.stage != "early" for each in moved)
        self._count(account.tree, -listed)
        depth = len(account.tree)
        for each in moved:
            each.tree = (*tree, *each.tree[depth:])
            each.revision += 1
            self.save(each, keep_name_key=True)
            self._run("DELETE FROM ancestry WHERE id=?", (each.id,))
            self._list(each)
        self._count(tree, listed)

    def delete(self, account: Account) -> None:
        """Remove an account; those below it stay, as they do in KAZOO."""
        self._run("DELETE FROM accounts WHERE id=?", (account.id,))
        if self._run("DELETE FROM ancestry WHERE id=?", (account.id,)).rowcount:
            self._count(account.tree, -1)

    def _count(self, tree: tuple[str, ...], change: int) -> None:
        """KAZOO recounts in the background and writes the number into each ancestor's document."""
        marks = ", ".join("?" * len(tree))
        query = f"UPDATE accounts SET descendants=descendants+?, revision=revision+1 WHERE id IN ({marks})"  # noqa: S608
        self._run(query, (change, *tree))

    def children(self, parent: str, start: tuple[str, str] | None, ascending: bool) -> Iterator[sqlite3.Row]:
        """The accounts directly below, by name; `key` is that name."""
        return self._view("accounts a", "a.parent=?", [parent], "a.name", start, ascending)

    def below(self, ancestor: str, start: tuple[str, str] | None, ascending: bool) -> Iterator[sqlite3.Row]:
        """The accounts anywhere below, by name; `key` is that name."""
        source = "ancestry n CROSS JOIN accounts a ON a.id=n.id"
        return self._view(source, "n.ancestor=?", [ancestor], "n.name", start, ascending, tie="n.id")

    def found(
        self, ancestor: str, by: str, prefix: str, start: tuple[str, str] | None, ascending: bool
    ) -> Iterator[sqlite3.Row]:
        """The accounts below whose normalised id, name or realm begins so; `key` is that text."""
        column = f"a.{SEARCH_KEYS[by]}"
        where = (
            f"{column}>=? AND {column}<?"  # noqa: S608  a column out of SEARCH_KEYS
            " AND EXISTS (SELECT 1 FROM ancestry n WHERE n.id=a.id AND n.ancestor=?)"
        )
        return self._view("accounts a", where, [prefix, prefix + "{", ancestor], column, start, ascending)

    def _view(
        self, source: str, where: str, values: list[str], key: str,
        start: tuple[str, str] | None, ascending: bool, tie: str = "a.id",
    ) -> Iterator[sqlite3.Row]:  # fmt: skip
        if start:
            where += f" AND ({key}, {tie}) {'>=' if ascending else '<='} (?, ?)"
            values = [*values, *start]
        way = "ASC" if ascending else "DESC"
        order = f"{key} {way}, {tie} {way}"
        return self._run(f"SELECT {key} AS key, a.* FROM {source} WHERE {where} ORDER BY {order}", values)  # noqa: S608


def _row(account: Account) -> dict[str, Any]:
    document = account.document
    listed = account.stage != "early"
    realm = str(document.get("realm", ""))
    flags = document.get("flags")
    return {
        "id": account.id,
        "parent": account.tree[-1] if account.tree and listed else None,
        "tree": json.dumps(account.tree),
        "document": json.dumps(document),
        "name": str(document.get("name", "")),
        "realm": realm,
        "flags": json.dumps(flags) if flags else None,
        "name_key": account.name_key if listed else None,
        "realm_key": realm.lower() if listed else None,
        "realm_search": normalised(realm) if listed else None,
        "revision": account.revision,
        "created": account.created,
        "enabled": account.enabled,
        "is_reseller": account.is_reseller,
        "superduper": account.superduper,
        "reseller_id": account.reseller_id,
        "api_key": account.rotated_key or account.api_key,
        "kept_key": account.api_key,
        "trial_ends": account.trial_ends,
        "stage": account.stage,
        "descendants": account.descendants,
    }


def _account(row: sqlite3.Row | None) -> Account | None:
    return _read(row) if row else None


def _read(row: sqlite3.Row) -> Account:
    return Account(
        id=row["id"],
        tree=tuple(json.loads(row["tree"])),
        document=json.loads(row["document"]),
        created=row["created"],
        reseller_id=row["reseller_id"],
        api_key=row["kept_key"],
        enabled=bool(row["enabled"]),
        is_reseller=bool(row["is_reseller"]),
        superduper=bool(row["superduper"]),
        trial_ends=row["trial_ends"],
        stage=row["stage"],
        revision=row["revision"],
        descendants=row["descendants"],
        rotated_key=row["api_key"] if row["api_key"] != row["kept_key"] else None,
        name_key=row["name_key"] or "",
    )

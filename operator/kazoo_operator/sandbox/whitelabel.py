"""Whitelabels as they are judged and stored: the brand of an account, known by its domain everywhere.

One that was deleted stays as a row that nobody finds: the next one goes on counting its revisions.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from .schema import Errors, Flag, Items, Members, Path, Text
from .store import Store, rev

TABLES = """
CREATE TABLE IF NOT EXISTS whitelabels (
  account_id TEXT PRIMARY KEY, domain TEXT, document TEXT NOT NULL, revision INTEGER NOT NULL,
  deleted INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS whitelabels_by_domain ON whitelabels (domain);
"""


class Authority:
    """One account id, or several."""

    default = None

    def check(self, value: Any, path: Path, errors: Errors) -> Any:
        """See `schema.Schema`."""
        return (Items(Text()) if isinstance(value, list) else Text()).check(value, path, errors)


WHITELABEL = Members({
    "company_name": Text(),
    "domain": Text(),
    "fake_api_url": Text(),
    "hide_credits": Flag(default=False),
    "hide_powered": Flag(default=False),
    "hide_registration": Flag(default=False),
    "inbound_trunks_price": Text(),
    "nav": Members({"help": Text(), "learn_more": Text()}),
    "outbound_trunks_price": Text(),
    "port": Members({
        "authority": Authority(),
        "support_email": Text(is_email=True),
        **dict.fromkeys(("features", "loa", "resporg", "terms"), Text()),
    }),
    "twoway_trunks_price": Text(),
})  # fmt: skip
"""What a whitelabel may hold; prices are texts, for display only."""


@dataclass
class Whitelabel:
    """The whitelabel of one account: its public `document`."""

    account_id: str
    document: dict[str, Any]
    revision: int = 1
    deleted: bool = False

    @property
    def rev(self) -> str:
        """The revision as KAZOO prints it."""
        return rev(f"whitelabel {self.account_id}", self.revision)

    @property
    def shown(self) -> dict[str, Any]:
        """As it is answered."""
        return {**self.document, "id": "whitelabel"}


class Whitelabels:
    """The whitelabels of all accounts."""

    def __init__(self, store: Store) -> None:
        self._run = store.connection.execute

    def get(self, account_id: str) -> Whitelabel | None:
        """That of an account."""
        return self._one("account_id=? AND NOT deleted", account_id)

    def with_domain(self, domain: str) -> Whitelabel | None:
        """The one that has this domain, in any case."""
        return self._one("domain=? AND NOT deleted", domain.lower())

    def create(self, account_id: str, document: dict[str, Any]) -> Whitelabel:
        """Store a new one of an account that has none."""
        before = self._one("account_id=?", account_id)
        created = Whitelabel(account_id, document, before.revision + 1 if before else 1)
        self.save(created)
        return created

    def save(self, whitelabel: Whitelabel) -> None:
        """Store a changed or deleted one, its revision as it stands there."""
        domain = whitelabel.document.get("domain")
        self._run(
            "INSERT OR REPLACE INTO whitelabels VALUES (?, ?, ?, ?, ?)",
            (
                whitelabel.account_id, domain.lower() if isinstance(domain, str) and domain else None,
                json.dumps(whitelabel.document), whitelabel.revision, whitelabel.deleted,
            ),
        )  # fmt: skip

    def counted(self, account_id: str) -> dict[str, int]:
        """What a bill counts."""
        return {"whitelabel": 1} if self.get(account_id) else {}

    def delete(self, account_id: str) -> None:
        """Remove it with the account."""
        self._run("DELETE FROM whitelabels WHERE account_id=?", (account_id,))

    def _one(self, where: str, value: str) -> Whitelabel | None:
        row = self._run(f"SELECT * FROM whitelabels WHERE {where}", (value,)).fetchone()  # noqa: S608
        return _read(row) if row else None


def _read(row: sqlite3.Row) -> Whitelabel:
    return Whitelabel(row["account_id"], json.loads(row["document"]), row["revision"], bool(row["deleted"]))

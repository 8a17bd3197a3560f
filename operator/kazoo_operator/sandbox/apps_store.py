"""What an account has of apps: which are installed and for whom, and which are blocked, in one document.

Every account is born with one. What stands in it is not validated (Crossbar API, apps store).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .store import Store, rev

TABLES = """
CREATE TABLE IF NOT EXISTS apps_stores (
  account_id TEXT PRIMARY KEY, document TEXT NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;
"""

Counts = dict[str, dict[str, int]]
"""Category -> item -> how many."""


@dataclass
class AppsStore:
    """The document of one account: `apps`, permissions by app id, and `blacklist`, ids."""

    account_id: str
    document: dict[str, Any] = field(default_factory=dict)
    revision: int = 1

    @property
    def rev(self) -> str:
        """The revision as KAZOO prints it."""
        return rev(f"apps_store {self.account_id}", self.revision)

    @property
    def shown(self) -> dict[str, Any]:
        """The whole document as KAZOO answers it by mistake."""
        return {**self.document, "id": "apps_store"}

    @property
    def blacklist(self) -> Any:
        """What was last posted as such, whatever it is."""
        found = self.document.get("blacklist")
        return [] if found is None else found

    @property
    def installed(self) -> dict[str, dict[str, Any]]:
        """App id -> its permission: `name`, `allowed_users`, `users` and what else was sent."""
        apps = self.document.get("apps")
        found = apps if isinstance(apps, dict) else {}
        return {app_id: each for app_id, each in found.items() if isinstance(each, dict)}

    def blocks(self, app_id: str) -> bool:
        """Whether the app is on the blacklist; one that is no list blocks nothing."""
        return isinstance(self.blacklist, list) and app_id in self.blacklist

    def used(self) -> list[dict[str, Any]]:
        """The permissions that count: those of apps that are not blocked."""
        return [each for app_id, each in self.installed.items() if not self.blocks(app_id)]

    def is_countable(self) -> bool:
        """Whether KAZOO can count it; it crashes on users whom it does not know."""
        return all(each.get("allowed_users") in ("all", "admins", "specific") for each in self.used())

    def counted(self, users: Mapping[str, int]) -> Counts:
        """What a bill counts: each app once, and its users, of whom the account has so many by level."""
        counts: Counts = {"account_apps": {}, "user_apps": {}}
        for each in self.used():
            name = str(each.get("name"))
            for category, number in (("account_apps", 1), ("user_apps", _allowed(each, users))):
                counts[category][name] = counts[category].get(name, 0) + number
        return counts


def _allowed(permission: Mapping[str, Any], users: Mapping[str, int]) -> int:
    if permission.get("allowed_users") == "all":
        return sum(users.values())
    if permission.get("allowed_users") == "admins":
        return users.get("admin", 0)
    named = permission.get("users")
    return len(named) if isinstance(named, list) else 0


class AppsStores:
    """The documents of all accounts."""

    def __init__(self, store: Store) -> None:
        self._run = store.connection.execute

    def get(self, account_id: str) -> AppsStore:
        """That of an account: the empty one of its birth where nothing was written since."""
        row = self._run("SELECT * FROM apps_stores WHERE account_id=?", (account_id,)).fetchone()
        if row is None:
            return AppsStore(account_id)
        return AppsStore(account_id, json.loads(row["document"]), row["revision"])

    def save(self, store: AppsStore) -> None:
        """Store a changed one under its next revision."""
        store.revision += 1
        values = (store.account_id, json.dumps(store.document), store.revision)
        self._run("INSERT OR REPLACE INTO apps_stores VALUES (?, ?, ?)", values)

    def delete(self, account_id: str) -> None:
        """Drop it with the account."""
        self._run("DELETE FROM apps_stores WHERE account_id=?", (account_id,))

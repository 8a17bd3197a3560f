"""How many of everything accounts have, as their bills know it.

It is counted after each billable write and kept as rows, for the account itself and for each account above
it, so that a bill costs the same however many accounts there are. An account whose write was not billed is
noted as stale, and keeps its old numbers until it is counted again (Crossbar API, services).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from .account import Account
from .store import Store

TABLES = """
CREATE TABLE IF NOT EXISTS own_quantities (
  account_id TEXT NOT NULL, category TEXT NOT NULL, item TEXT NOT NULL, amount INTEGER NOT NULL,
  PRIMARY KEY (account_id, category, item)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cascade_quantities (
  account_id TEXT NOT NULL, category TEXT NOT NULL, item TEXT NOT NULL, amount INTEGER NOT NULL,
  PRIMARY KEY (account_id, category, item)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unbilled_accounts (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""

Counts = dict[str, dict[str, int]]
"""Category -> item -> how many; what is 0 is left out."""
Counters = Mapping[str, Callable[[str], Mapping[str, int]]]
"""Category -> function(account id) -> how many of each item the account's own documents hold."""


class BilledQuantities:
    """The quantities of all accounts, counted by `counters`."""

    def __init__(self, store: Store, counters: Counters) -> None:
        self._run, self._counters = store.connection.execute, counters

    def own(self, account_id: str) -> Counts:
        """What an account has itself."""
        return self._read("own_quantities", account_id)

    def below(self, account_id: str) -> Counts:
        """What all accounts below it have together."""
        return self._read("cascade_quantities", account_id)

    def recount(self, account: Account) -> None:
        """Count what the account's documents hold."""
        before = self.own(account.id)
        for category, count in self._counters.items():
            now, then = count(account.id), before.get(category, {})
            self._add(
                account, category, {item: now.get(item, 0) - then.get(item, 0) for item in {*now, *then}}
            )
        self._run("DELETE FROM unbilled_accounts WHERE id=?", (account.id,))

    def leave_unbilled(self, account: Account) -> None:
        """The account's documents have changed, and its numbers stay as they are."""
        self._run("INSERT OR IGNORE INTO unbilled_accounts VALUES (?)", (account.id,))

    def unbilled(self, reseller_id: str) -> list[str]:
        """The ids of the stale accounts that have this reseller, and of itself."""
        query = (
            "SELECT id FROM unbilled_accounts u"
            " WHERE id=? OR (SELECT reseller_id FROM accounts a WHERE a.id=u.id)=?"
        )
        return [row["id"] for row in self._run(query, (reseller_id, reseller_id)).fetchall()]

    def unbilled_from(self, account_id: str) -> list[str]:
        """The ids of the stale accounts at and below this one."""
        query = (
            "SELECT id FROM unbilled_accounts u WHERE id=?"
            " OR EXISTS (SELECT 1 FROM ancestry n WHERE n.id=u.id AND n.ancestor=?)"
        )
        return [row["id"] for row in self._run(query, (account_id, account_id)).fetchall()]

    def move(self, account: Account, old_tree: Iterable[str]) -> None:
        """The account and all below it stand under `account.tree` now; they stood under `old_tree`."""
        for counts in (self.own(account.id), self.below(account.id)):
            for category, items in counts.items():
                for item, amount in items.items():
                    self._put_below(old_tree, category, item, -amount)
                    self._put_below(account.tree, category, item, amount)

    def delete(self, account: Account) -> None:
        """The account is gone; what stands below it stays in the bills above."""
        for category, items in self.own(account.id).items():
            self._add(account, category, {item: -amount for item, amount in items.items()})
        for table in ("own_quantities", "cascade_quantities"):
            self._run(f"DELETE FROM {table} WHERE account_id=?", (account.id,))  # noqa: S608  a constant
        self._run("DELETE FROM unbilled_accounts WHERE id=?", (account.id,))

    def _read(self, table: str, account_id: str) -> Counts:
        query = f"SELECT category, item, amount FROM {table} WHERE account_id=? AND amount<>0"  # noqa: S608
        counts: Counts = {}
        for category, item, amount in self._run(query, (account_id,)):
            counts.setdefault(category, {})[item] = amount
        return counts

    def _add(self, account: Account, category: str, changes: Mapping[str, int]) -> None:
        for item, change in changes.items():
            if change:
                self._put("own_quantities", account.id, category, item, change)
                self._put_below(account.tree, category, item, change)

    def _put_below(self, account_ids: Iterable[str], category: str, item: str, change: int) -> None:
        for account_id in account_ids:
            self._put("cascade_quantities", account_id, category, item, change)

    def _put(self, table: str, account_id: str, category: str, item: str, change: int) -> None:
        query = (
            f"INSERT INTO {table} VALUES (?, ?, ?, ?)"  # noqa: S608  a constant
            " ON CONFLICT DO UPDATE SET amount=amount+excluded.amount"
        )
        self._run(query, (account_id, category, item, change))

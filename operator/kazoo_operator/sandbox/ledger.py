"""Money as it is stored: entries of an account and month, in units of 1/10000 of the currency.

The balance is the sum over the current month, into which the first look carries last month's total as an
entry of its own, the rollover (Crossbar API, ledgers).
"""

from __future__ import annotations

import json
from typing import Any

from .store import Store

TABLES = """
CREATE TABLE IF NOT EXISTS ledger_entries (
  account_id TEXT NOT NULL, month TEXT NOT NULL, id TEXT NOT NULL,
  units INTEGER NOT NULL, document TEXT NOT NULL,
  PRIMARY KEY (account_id, month, id)
) WITHOUT ROWID;
"""

UNITS = 10_000


class Ledgers:
    """The entries of all accounts."""

    def __init__(self, store: Store) -> None:
        self._run = store.connection.execute

    def total(self, account_id: str, month: str) -> int:
        """The balance in units, carrying last month's over if nobody has looked this month."""
        found = self._sum(account_id, month)
        if found is None:
            last = self._run(
                "SELECT max(month) FROM ledger_entries WHERE account_id=? AND month<?", (account_id, month)
            ).fetchone()[0]
            found = (last and self._sum(account_id, last)) or 0
            self.roll_over(account_id, month, found)
        return found

    def roll_over(self, account_id: str, month: str, units: int) -> None:
        """Open a month with what the one before left."""
        document = {
            "source": {"service": "rollovers", "id": month},
            "usage": {"quantity": 0},
            "executor": {"trigger": "automatic", "module": "kz_ledgers"},
            "description": f"Monthly rollover for {month}",
            "metadata": {"automatic_description": True},
            "audit": {},
        }
        self._run(
            "INSERT INTO ledger_entries VALUES (?, ?, ?, ?, ?)",
            (account_id, month, f"{month}-ledgers_monthly_rollover", units, json.dumps(document)),
        )

    def entries(self, account_id: str) -> list[dict[str, Any]]:
        """All entries of an account, oldest month first, as KAZOO shows them."""
        rows = self._run(
            "SELECT id, units, document FROM ledger_entries WHERE account_id=? ORDER BY month, id",
            (account_id,),
        )
        return [{**json.loads(document), "id": key, "amount": units / UNITS} for key, units, document in rows]

    def delete(self, account_id: str) -> None:
        """Drop an account's money with the account."""
        self._run("DELETE FROM ledger_entries WHERE account_id=?", (account_id,))

    def _sum(self, account_id: str, month: str) -> int | None:
        query = "SELECT sum(units) FROM ledger_entries WHERE account_id=? AND month=?"
        found = self._run(query, (account_id, month)).fetchone()[0]
        return None if found is None else int(found)

"""Money as it is stored: entries of an account and month, in units of 1/10000 of the currency.

The balance is the sum over the current month, into which the first look carries last month's total as an
entry of its own, the rollover (Crossbar API, ledgers). An entry is found again by a hash of its source,
account, usage and period, and by its month: the amount has no part in that.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .account import Account
from .clock import Clock
from .store import Store

TABLES = """
CREATE TABLE IF NOT EXISTS ledger_entries (
  account_id TEXT NOT NULL, month TEXT NOT NULL, id TEXT NOT NULL, service TEXT NOT NULL,
  created INTEGER NOT NULL, units INTEGER NOT NULL, document TEXT NOT NULL,
  PRIMARY KEY (account_id, month, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ledger_entries_by_source ON ledger_entries (account_id, service, created, id);
CREATE INDEX IF NOT EXISTS ledger_sums ON ledger_entries (month, account_id, units);
"""

UNITS = 10_000
MOST = 10**15
"""The largest amount in units that is kept; beyond it sums would not fit into the database's integers."""
ROLLOVER = "ledgers_monthly_rollover"
HASHED = ("source", "account", "usage", "period")


class Duplicate(Exception):
    """There is such an entry in this month already."""


@dataclass(frozen=True)
class Entry:
    """A booking: `units` are positive for a credit, `document` is what KAZOO shows beside id and amount.

    `created` is in Gregorian seconds.
    """

    id: str
    units: int
    created: int
    document: dict[str, Any]

    @property
    def shown(self) -> dict[str, Any]:
        """As KAZOO answers it."""
        return {**self.document, "id": self.id, "amount": self.units / UNITS}


def named(account: Account) -> dict[str, Any]:
    """How an entry names an account; a renamed one is another as far as hashes go."""
    return {"id": account.id, "name": account.document.get("name")}


class Ledgers:
    """The entries of all accounts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._run, self._clock = store.connection.execute, clock

    def total(self, account: Account) -> int:
        """The balance in units, carrying last month's over if nobody has looked this month."""
        month = self._clock.month()
        found = self._sum(account.id, month)
        if found is None:
            query = "SELECT max(month) FROM ledger_entries WHERE account_id=? AND month<?"
            last = self._run(query, (account.id, month)).fetchone()[0]
            found = (last and self._sum(account.id, last)) or 0
            self._roll_over(account, month, found)
        return found

    def balances(self) -> dict[str, int]:
        """Account id -> balance in units, of those accounts that somebody has looked at this month."""
        query = "SELECT account_id, sum(units) FROM ledger_entries WHERE month=? GROUP BY account_id"
        return {row[0]: row[1] for row in self._run(query, (self._clock.month(),))}

    def _roll_over(self, account: Account, month: str, units: int) -> None:
        """Open a month with what the one before left."""
        document = {
            "source": {"service": "rollovers", "id": month},
            "account": named(account),
            "usage": {"quantity": 0},
            "period": {"start": self._clock.gregorian()},
            "executor": {"trigger": "automatic", "module": "kz_ledgers"},
            "description": f"Monthly rollover for {month}",
            "metadata": {"automatic_description": True},
            "audit": {},
        }
        entry = Entry(f"{month}-{ROLLOVER}", units, self._clock.gregorian(), document)
        self._insert(account.id, month, entry)

    def book(self, account: Account, document: dict[str, Any], units: int) -> Entry:
        """Add an entry to an account's current month; raises `Duplicate`.

        `document` names the account that it is about, which for a reseller's copy is another. What the
        balance was before goes into its `audit`.
        """
        month = self._clock.month()
        audit = {**document.get("audit", {}), "available_units": self.total(account)}
        hashed = json.dumps([document.get(part) for part in HASHED], sort_keys=True)
        digest = hashlib.md5(hashed.encode()).hexdigest()  # noqa: S324  as KAZOO does
        entry = Entry(f"{month}-{digest}", units, self._clock.gregorian(), {**document, "audit": audit})
        try:
            self._insert(account.id, month, entry)
        except sqlite3.IntegrityError as error:
            raise Duplicate from error
        return entry

    def _insert(self, account_id: str, month: str, entry: Entry) -> None:
        service = entry.document["source"].get("service", "")
        self._run(
            "INSERT INTO ledger_entries VALUES (?, ?, ?, ?, ?, ?, ?)",
            (account_id, month, entry.id, service, entry.created, entry.units, json.dumps(entry.document)),
        )

    def get(self, account_id: str, month: str, entry_id: str) -> Entry | None:
        """One entry of a month."""
        query = "SELECT * FROM ledger_entries WHERE account_id=? AND month=? AND id=?"
        row = self._run(query, (account_id, month, entry_id)).fetchone()
        return read(row) if row else None

    def entries(self, account_id: str) -> list[dict[str, Any]]:
        """All entries of an account, oldest first, as KAZOO shows them."""
        query = "SELECT * FROM ledger_entries WHERE account_id=? ORDER BY month, created, id"
        return [read(row).shown for row in self._run(query, (account_id,))]

    def of_source(
        self, account_id: str, service: str, window: tuple[int, int],
        start: tuple[str, str] | None, ascending: bool,
    ) -> Iterator[sqlite3.Row]:  # fmt: skip
        """The entries of a source by the second in which they were made, which is the `key`.

        `window` is in Gregorian seconds: from the first, before the second.
        """
        where, values = "account_id=? AND service=? AND created>=? AND created<?", [account_id, service]
        bounds: list[Any] = [*values, *window]
        if start:
            where += f" AND (created, id) {'>=' if ascending else '<='} (CAST(? AS INTEGER), ?)"
            bounds += start
        way = "ASC" if ascending else "DESC"
        query = f"SELECT created AS key, * FROM ledger_entries WHERE {where} ORDER BY created {way}, id {way}"  # noqa: S608
        return self._run(query, bounds)

    def by_source(self, account_id: str, window: tuple[int, int]) -> dict[str, Any]:
        """Source -> the sum over a window, and the usage of one entry; a rollover counts beside its month.

        The window's last second is in it, unlike in the list of a source.
        """
        query = (
            "SELECT service, sum(units) AS units, max(created), document FROM ledger_entries"
            " WHERE account_id=? AND created>=? AND created<=? GROUP BY service"
        )
        return {row["service"]: _summed(row) for row in self._run(query, (account_id, *window))}

    def of_month(self, account_id: str, month: str) -> list[sqlite3.Row]:
        """A month by the account that entries are about and by source: `about`, `name`, `service`, ..."""
        query = (
            "SELECT json_extract(document, '$.account.id') AS about, json_extract(document, '$.account.name')"
            " AS name, service, sum(units) AS units, max(created), document FROM ledger_entries"
            " WHERE account_id=? AND month=? GROUP BY about, service ORDER BY about, service"
        )
        return self._run(query, (account_id, month)).fetchall()

    def delete(self, account_id: str) -> None:
        """Drop an account's money with the account."""
        self._run("DELETE FROM ledger_entries WHERE account_id=?", (account_id,))

    def _sum(self, account_id: str, month: str) -> int | None:
        query = "SELECT sum(units) FROM ledger_entries WHERE account_id=? AND month=?"
        found = self._run(query, (account_id, month)).fetchone()[0]
        return None if found is None else int(found)


def read(row: sqlite3.Row) -> Entry:
    """An entry out of its row."""
    return Entry(row["id"], row["units"], row["created"], json.loads(row["document"]))


def _summed(row: sqlite3.Row) -> dict[str, Any]:
    return {"amount": row["units"] / UNITS, "usage": json.loads(row["document"])["usage"]}


def summary_of(rows: list[sqlite3.Row]) -> dict[str, Any]:
    """A month as `/ledgers/summary` tells it, from the rows of `Ledgers.of_month`."""
    breakdown: dict[str, dict[str, Any]] = {}
    summary: dict[str, dict[str, Any]] = {}
    for row in rows:
        about = breakdown.setdefault(
            row["about"], {"account": {"id": row["about"], "name": row["name"]}, "ledgers": {}, "total": 0}
        )
        about["ledgers"][row["service"]] = _summed(row)
        about["total"] += row["units"]
        source = summary.setdefault(row["service"], {"amount": 0, "usage": _summed(row)["usage"]})
        source["amount"] += row["units"]
    for source in summary.values():
        source["amount"] /= UNITS
    for about in breakdown.values():
        about["total"] /= UNITS
    return {"summary": summary, "breakdown": list(breakdown.values())}

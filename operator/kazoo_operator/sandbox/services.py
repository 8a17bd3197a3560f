"""Services as they are stored: the plans that vendors sell, and what each account is assigned.

A plan lies in the database of the account that sells it (Crossbar API, services).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .store import Store, rev

TABLES = """
CREATE TABLE IF NOT EXISTS service_plans (
  vendor_id TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, created INTEGER NOT NULL,
  PRIMARY KEY (vendor_id, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS services (
  account_id TEXT PRIMARY KEY, plans TEXT NOT NULL, overrides TEXT NOT NULL, manual TEXT NOT NULL,
  revision INTEGER NOT NULL
) WITHOUT ROWID;
"""


@dataclass
class Services:
    """The services document of one account.

    `plans` are its assignments by plan id, in the order in which they were made, `overrides` those of the
    whole account, `manual` the quantities that were set by hand.
    """

    account_id: str
    plans: dict[str, dict[str, Any]] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    manual: dict[str, Any] = field(default_factory=dict)
    revision: int = 0

    @property
    def rev(self) -> str:
        """The revision as KAZOO prints it."""
        return rev(f"services {self.account_id}", self.revision)


class ServicePlans:
    """The plans of all vendors: each lies in the database of the account that sells it."""

    def __init__(self, store: Store) -> None:
        self._run = store.connection.execute

    def get(self, vendor_id: str, plan_id: str) -> dict[str, Any] | None:
        """A plan's document."""
        query = "SELECT document FROM service_plans WHERE vendor_id=? AND id=?"
        row = self._run(query, (vendor_id, plan_id)).fetchone()
        return dict(json.loads(row["document"])) if row else None

    def named(self, vendor_id: str, name: Any) -> str | None:
        """The id of the vendor's plan that has this name; None is no name."""
        rows = self.rows(vendor_id, None, True) if name is not None else ()
        return next((row["id"] for row in rows if json.loads(row["document"]).get("name") == name), None)

    def rows(self, vendor_id: str, start: tuple[str, str] | None, ascending: bool) -> Iterator[sqlite3.Row]:
        """The rows of a vendor in the order of their ids; `key` is that id."""
        where, values = "vendor_id=?", [vendor_id]
        if start:
            where += f" AND id {'>=' if ascending else '<='} ?"
            values.append(start[0])
        way = "ASC" if ascending else "DESC"
        return self._run(f"SELECT id AS key, * FROM service_plans WHERE {where} ORDER BY id {way}", values)  # noqa: S608

    def all(self) -> list[dict[str, Any]]:
        """Every plan with its id and `vendor_id`."""
        rows = self._run("SELECT * FROM service_plans ORDER BY vendor_id, id")
        return [
            {**json.loads(row["document"]), "id": row["id"], "vendor_id": row["vendor_id"]} for row in rows
        ]

    def save(self, vendor_id: str, plan_id: str, document: Mapping[str, Any], created: int) -> None:
        """Store a new or changed one; `created` in Gregorian seconds."""
        self._run(
            "INSERT OR REPLACE INTO service_plans VALUES (?, ?, ?, ?)",
            (vendor_id, plan_id, json.dumps(document), created),
        )

    def delete(self, vendor_id: str) -> None:
        """Drop a vendor's plans with the vendor."""
        self._run("DELETE FROM service_plans WHERE vendor_id=?", (vendor_id,))


class ServicesDocuments:
    """The services of all accounts."""

    def __init__(self, store: Store) -> None:
        self._run = store.connection.execute

    def get(self, account_id: str) -> Services:
        """Those of an account; an empty document where none is stored."""
        row = self._run("SELECT * FROM services WHERE account_id=?", (account_id,)).fetchone()
        if row is None:
            return Services(account_id)
        plans, overrides, manual = (json.loads(row[part]) for part in ("plans", "overrides", "manual"))
        return Services(account_id, plans, overrides, manual, row["revision"])

    def rows(self, account_id: str) -> Iterator[sqlite3.Row]:
        """The row of an account, where it has one, as a list reads it."""
        query = (
            "SELECT account_id AS key, account_id AS id, plans AS document, 0 AS created"
            " FROM services WHERE account_id=?"
        )
        return self._run(query, (account_id,))

    def save(self, services: Services) -> None:
        """Store a changed document under its next revision."""
        services.revision += 1
        self._run(
            "INSERT OR REPLACE INTO services VALUES (?, ?, ?, ?, ?)",
            (
                services.account_id, json.dumps(services.plans), json.dumps(services.overrides),
                json.dumps(services.manual), services.revision,
            ),
        )  # fmt: skip

    def delete(self, account_id: str) -> None:
        """Drop it with the account."""
        self._run("DELETE FROM services WHERE account_id=?", (account_id,))

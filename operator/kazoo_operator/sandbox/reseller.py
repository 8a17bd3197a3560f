"""Who is whose reseller, as it is stored: the reach of a promotion over the accounts below.

KAZOO 5.0 keeps a services cascade for each reseller, which its first account below creates. A reseller that
was promoted without one has none yet, and is noted here (Crossbar API, create: the first child).
"""

from __future__ import annotations

from .store import Store

TABLES = """
CREATE TABLE IF NOT EXISTS resellers_without_cascade (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Resellers:
    """What a promotion and a demotion change in others."""

    def __init__(self, store: Store) -> None:
        self._run = store.connection.execute

    def hand_over(self, top: str, reseller: str) -> None:
        """Everybody below `top` gets this one; no other reseller stands between, or it would be refused."""
        self._run(
            "UPDATE accounts SET reseller_id=?, revision=revision+1"
            " WHERE id IN (SELECT id FROM ancestry WHERE ancestor=?)",
            (reseller, top),
        )

    def any_below(self, top: str) -> bool:
        """Whether a reseller stands below."""
        query = "SELECT 1 FROM ancestry n JOIN accounts a ON a.id=n.id WHERE n.ancestor=? AND a.is_reseller"
        return self._run(query + " LIMIT 1", (top,)).fetchone() is not None

    def note_missing_cascade(self, reseller: str) -> None:
        """It was promoted with nobody below it."""
        self._run("INSERT OR IGNORE INTO resellers_without_cascade VALUES (?)", (reseller,))

    def forget_missing_cascade(self, reseller: str) -> None:
        """It is no reseller any more, or none at all."""
        self._run("DELETE FROM resellers_without_cascade WHERE id=?", (reseller,))

    def lacks_cascade(self, reseller: str) -> bool:
        """Whether it still has none."""
        query = "SELECT 1 FROM resellers_without_cascade WHERE id=?"
        return self._run(query, (reseller,)).fetchone() is not None

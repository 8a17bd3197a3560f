"""Limits of an account, as they are judged, stored and shown: one document, which a new account has not.

Whoever looks up an account's services, or lets it call, makes an empty document (Crossbar API, limits).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .release import Release
from .schema import Flag, Items, Members, Number, Text
from .store import Store, rev

TABLES = """
CREATE TABLE IF NOT EXISTS limits (
  account_id TEXT PRIMARY KEY, document TEXT NOT NULL, allow_postpay INTEGER NOT NULL,
  max_postpay_amount NUMERIC NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;
"""

BILLED = ("inbound_trunks", "outbound_trunks", "twoway_trunks")
TRUNKS = (*BILLED, "burst_trunks")
PRIVATE = ("allow_postpay", "max_postpay_amount")
"""What only the operator of the system sets: leaked by reads, dropped from what is sent."""

_calls = Number(whole=True, least=0)
_common = {
    "allow_prepay": Flag(default=True),
    "authz_resource_types": Items(Text(), default=[]),
    "calls": _calls,
    "resource_consuming_calls": _calls,
}
_amount = Number(whole=True, least=0, default=0)

LIMITS = Members({**_common, **dict.fromkeys(TRUNKS, Number(whole=True, least=0))})
LIMITS_OF_THE_SYSTEM = Members({
    **_common,
    **dict.fromkeys(TRUNKS, Number(whole=True, least=-1, default=0)),
    "allow_postpay": Flag(default=False),
    "enabled": Flag(default=True),
    "max_postpay_ammount": _amount,
    "reserve_ammount": _amount,
    "soft_limit_inbound": Flag(default=False),
    "soft_limit_outbound": Flag(default=False),
})  # fmt: skip
"""The table that is meant for the defaults of the whole system, spelling included."""


def schema(release: Release) -> Members:
    """What an account's limits are validated with."""
    return LIMITS_OF_THE_SYSTEM if release.limits_as_of_the_system else LIMITS


@dataclass
class AccountLimits:
    """The limits of one account: the public `document`, and what only the system's operator sets.

    `max_postpay_amount` is in the currency: so far below zero may the balance go, where `allow_postpay`.
    """

    account_id: str
    document: dict[str, Any] = field(default_factory=dict)
    allow_postpay: bool = False
    max_postpay_amount: float = 0
    revision: int = 0

    @property
    def rev(self) -> str | None:
        """The revision as KAZOO prints it; None before the document is stored."""
        return rev(f"limits {self.account_id}", self.revision) if self.revision else None

    @property
    def public(self) -> dict[str, Any]:
        """The document with its id, as a POST answers it."""
        return {**self.document, "id": "limits"}

    @property
    def shown(self) -> dict[str, Any]:
        """The same as a GET answers it: with the private members."""
        return self.public | {
            "allow_postpay": self.allow_postpay,
            "max_postpay_amount": abs(self.max_postpay_amount),
        }


def counted(document: Mapping[str, Any]) -> dict[str, int]:
    """How many trunks of each kind a document makes billable; kinds that it has none of are left out."""
    trunks = {kind: document.get(kind, 0) for kind in BILLED}
    return {kind: number for kind, number in trunks.items() if isinstance(number, int) and number > 0}


class Limits:
    """The limits of all accounts."""

    def __init__(self, store: Store) -> None:
        self._run = store.connection.execute

    def get(self, account_id: str) -> AccountLimits | None:
        """Those of an account, None where nobody has made the document yet."""
        row = self._run("SELECT * FROM limits WHERE account_id=?", (account_id,)).fetchone()
        if row is None:
            return None
        return AccountLimits(
            account_id, json.loads(row["document"]), bool(row["allow_postpay"]), row["max_postpay_amount"],
            row["revision"],
        )  # fmt: skip

    def made(self, account_id: str) -> AccountLimits:
        """Those of an account, made empty where there are none: as the code of services and calls does."""
        found = self.get(account_id)
        if found is None:
            found = AccountLimits(account_id, revision=1)
            self.save(found)
        return found

    def counted(self, account_id: str) -> dict[str, int]:
        """How many trunks of each kind an account is billed for."""
        limits = self.get(account_id)
        return counted(limits.document) if limits else {}

    def save(self, limits: AccountLimits) -> None:
        """Store new or changed ones, their revision as it stands there."""
        self._run(
            "INSERT OR REPLACE INTO limits VALUES (?, ?, ?, ?, ?)",
            (
                limits.account_id, json.dumps(limits.document), limits.allow_postpay,
                limits.max_postpay_amount, limits.revision,
            ),
        )  # fmt: skip

    def delete(self, account_id: str) -> None:
        """Drop them with the account."""
        self._run("DELETE FROM limits WHERE account_id=?", (account_id,))

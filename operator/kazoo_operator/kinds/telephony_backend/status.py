"""The status of a TelephonyBackend: what was found out about the KAZOO behind it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kazoo_operator.core.schema import Model, Status
from kazoo_operator.kinds.telephony_backend.spec import MOST_DELETIONS


class DeletionNote(Model):
    """One account that was deleted lately."""

    account_id: str = Field(alias="accountID", max_length=32, description="KAZOO's id of the account.")
    at: str = Field(
        max_length=64,
        description="When, RFC 3339; written before KAZOO is asked.",
        json_schema_extra={"format": "date-time"},
    )


class TelephonyBackendStatus(Status):
    """What was found out about the KAZOO behind the URL."""

    account_id: str | None = Field(
        default=None,
        alias="accountID",
        max_length=32,
        description="KAZOO's id of the root account, below which everything happens.",
    )
    level: Literal["SuperDuper", "Reseller", "Account"] | None = Field(
        default=None,
        description="What the credential may do: SuperDuper, everything, and KAZOO never asks before it "
        "charges; Reseller, accounts with their limits and plans; Account, little but its own settings.",
    )
    version: str | None = Field(default=None, max_length=64, description="KAZOO's version.")
    write_mode: Literal["Merge", "Replace", "Unknown"] | None = Field(
        default=None, description="What a POST of this version does to a document's other members."
    )
    deletions: list[DeletionNote] | None = Field(
        default=None,
        max_length=MOST_DELETIONS,
        description="The accounts deleted within the last hour: the memory of maxDeletionsPerHour.",
    )

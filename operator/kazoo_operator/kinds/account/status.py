"""The status of an Account: what was observed in KAZOO."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kazoo_operator.core.calling import Capacity
from kazoo_operator.core.charges import PendingQuote
from kazoo_operator.core.schema import DRIFT, Drift, Status, Step


class CallCapacity(Capacity):
    """How many calls fit the trunks, and whether more can be paid for."""

    per_minute: bool = Field(description="Whether calls beyond the trunks can be paid by the minute now.")


class AccountStatus(Status):
    """What was observed in KAZOO."""

    account_id: str | None = Field(
        default=None,
        alias="accountID",
        max_length=32,
        description="KAZOO's id of the account, 32 hex digits.",
    )
    realm: str | None = Field(
        default=None, max_length=253, description="The realm in use; decided before the first write."
    )
    parent: str | None = Field(
        default=None, max_length=253, description="The parent's object name, else its realm."
    )
    parent_account_id: str | None = Field(
        default=None, alias="parentAccountID", max_length=32, description="KAZOO's id of the parent."
    )
    path: str | None = Field(
        default=None,
        max_length=4096,
        description="The names from the root account to this one, joined by ' / '.",
    )
    is_reseller: bool | None = Field(default=None, description="Whether the account is a reseller.")
    reseller_id: str | None = Field(
        default=None, alias="resellerID", max_length=32, description="KAZOO's id of the account's reseller."
    )
    enabled: bool | None = Field(default=None, description="Whether the account may be used at all.")
    descendants: int | None = Field(
        default=None, description="How many accounts stand below this one, as of its own last pass."
    )
    balance: str | None = Field(
        default=None,
        max_length=16,
        pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,4})?$",
        description="The balance, in the backend's currency; two to four decimals.",
    )
    currency: str | None = Field(default=None, max_length=3, description="The currency of the balance.")
    money_kind: Literal["Real", "Allotted"] | None = Field(
        default=None,
        description="Real: somebody is billed this balance. Allotted: a share of the parent's.",
    )
    call_capacity: CallCapacity | None = Field(
        default=None, description="What the account can call with, by its trunks and credit."
    )
    pending_quote: PendingQuote | None = Field(
        default=None, description="The price of what waits for consent in spec.charges."
    )
    steps: list[Step] | None = Field(
        default=None,
        max_length=16,
        description="The parts of the work, in order.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    drift: list[Drift] | None = DRIFT

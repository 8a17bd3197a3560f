"""The status of a CreditPolicy: balance, bookings, and what is spent."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from kazoo_operator.core.schema import AttachedStatus, Model

SHOWN = 100


def _money(what: str) -> Any:
    return Field(default=None, max_length=16, description=what)


class GrantStatus(Model):
    """A grant that stands in KAZOO's ledger."""

    id: str = Field(max_length=64, description="The grant.")
    ledger_id: str = Field(alias="ledgerID", max_length=64, description="KAZOO's id of the booking.")
    amount: str = Field(max_length=16, description="What it did to the balance.")
    applied_at: str | None = Field(
        default=None,
        max_length=32,
        description="When it was booked, RFC 3339; absent where it was found booked already.",
    )


class Usage(Model):
    """What a month has cost so far."""

    month: str = Field(max_length=7, description="The month, YYYY-MM in UTC.")
    per_minute: str = Field(max_length=16, description="Spent on calls by the minute.")
    mobile: str = Field(max_length=16, description="Spent on mobile service.")
    rollovers: str = Field(max_length=16, description="What the month before left.")


class Recommended(Model):
    """What the spending of two months suggests."""

    low_balance_threshold: str = Field(max_length=16, description="A week's spending, at least 20.")
    recharge_amount: str = Field(max_length=16, description="A month's spending, at least the threshold.")


class BudgetStatus(Model):
    """What the account above has, and what the accounts below it hold together."""

    parent_available: str | None = Field(
        default=None, max_length=16, description="The parent's balance; absent where it is not to be known."
    )
    children_allotted: str = Field(
        max_length=24, description="The balances above 0 of all its children, this one's included."
    )


class CreditPolicyStatus(AttachedStatus):
    """What was observed in KAZOO."""

    balance: str | None = _money("The balance, in the backend's currency.")
    currency: str | None = Field(default=None, max_length=3, description="The currency of all amounts.")
    money_kind: Literal["Real", "Allotted"] | None = Field(
        default=None,
        description="Real: somebody is billed this balance. Allotted: a share of the parent's.",
    )
    granted: str | None = _money("The sum of the grants that are booked.")
    grants: list[GrantStatus] | None = Field(
        default=None,
        max_length=SHOWN,
        description="The newest grants that are booked; KAZOO's ledger has all of them.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
    )
    usage: Usage | None = Field(default=None, description="What this month has cost so far.")
    average_daily_spend: str | None = _money("Spent a day, over this month and the last.")
    runway_days: int | None = Field(default=None, description="For how many days the balance lasts at that.")
    recommended: Recommended | None = Field(default=None, description="Amounts that fit the spending.")
    budget: BudgetStatus | None = Field(
        default=None, description="The budget of the account above; absent for the root account."
    )

"""The spec of a CreditPolicy: every field with its bounds, its default and an example."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kazoo_operator.core.charges import Cost
from kazoo_operator.core.schema import AttachedSpec, Model
from kazoo_operator.kinds.credit_policy.forms import DATE, GRANT_ID, GRANTED, POSITIVE


class GrantSpec(Model):
    """Credit to give or to take, once and for ever."""

    id: Annotated[str, GRANT_ID] = Field(
        description="Names the grant; never used again for another. Example: 2026-11-initial.",
        examples=["2026-11-initial"],
    )
    type: Literal["Credit", "Debit"] = Field(
        default="Credit",
        description="Credit is given, Debit is taken. Default: Credit. Example: Credit.",
        examples=["Credit"],
    )
    amount: Annotated[str, GRANTED] = Field(
        description='How much, at least 1, in the backend\'s currency, as text (quote it). Example: "25.00".',
        examples=['"25.00"'],
    )
    date: Annotated[str, DATE] = Field(
        description="The day, in UTC, as text (quote it); not in the future, and not before the account was "
        'made. Example: "2026-11-28".',
        examples=['"2026-11-28"'],
    )
    description: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Stands in the ledger. Default: none. Example: Initial credit.",
        examples=["Initial credit"],
    )


class LowBalanceAlert(Model):
    """An e-mail when the balance falls."""

    enabled: bool = Field(
        default=True, description="Whether it is sent. Default: true. Example: true.", examples=["true"]
    )
    threshold: Annotated[str, POSITIVE] | None = Field(
        default=None,
        description="At which balance, in the backend's currency, as text (quote it); 20 to 25 dollars are "
        'a common start. Default: none; needed while enabled. Example: "25.00".',
        examples=['"25.00"'],
    )


class AutoRecharge(Model):
    """A charge to the payment method when the balance falls; at most one a day."""

    enabled: bool = Field(
        default=True, description="Whether it is made. Default: true. Example: true.", examples=["true"]
    )
    threshold: Annotated[str, POSITIVE] | None = Field(
        default=None,
        description="Below which balance, in the backend's currency, as text (quote it). "
        'Default: none; needed while enabled. Example: "10.00".',
        examples=['"10.00"'],
    )
    amount: Annotated[str, POSITIVE] | None = Field(
        default=None,
        description="How much, in the backend's currency, as text (quote it); it must last for a day. "
        'Default: none; needed while enabled. Example: "50.00".',
        examples=['"50.00"'],
    )


class Caps(Model):
    """What may not be passed, whoever writes the grants."""

    max_grant_per_month: Cost | None = Field(
        default=None,
        description="The most that is granted in a calendar month, debits aside, as text (quote it). "
        'Default: no limit. Example: "200.00".',
        examples=['"200.00"'],
    )
    max_balance: Cost | None = Field(
        default=None,
        description="The balance that no grant may lead beyond, as text (quote it). "
        'Default: no limit. Example: "500.00".',
        examples=['"500.00"'],
    )


class CreditPolicySpec(AttachedSpec):
    """The account's credit. A field that is left out is never written."""

    grants: list[GrantSpec] | None = Field(
        default=None,
        max_length=500,
        description="What is booked, each id exactly once; entries are added, never changed nor removed. "
        'Default: none. Example: [{id: initial, amount: "25.00", date: "2026-11-28"}].',
        examples=['[{id: initial, amount: "25.00", date: "2026-11-28"}]'],
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
    )
    low_balance_alert: LowBalanceAlert | None = Field(
        default=None,
        description='The alert. Default: untouched. Example: {threshold: "25.00"}.',
        examples=['{threshold: "25.00"}'],
    )
    auto_recharge: AutoRecharge | None = Field(
        default=None,
        description='The recharge. Default: untouched. Example: {threshold: "10.00", amount: "50.00"}.',
        examples=['{threshold: "10.00", amount: "50.00"}'],
    )
    caps: Caps | None = Field(
        default=None,
        description='Limits for grants. Default: none. Example: {maxGrantPerMonth: "200.00"}.',
        examples=['{maxGrantPerMonth: "200.00"}'],
    )

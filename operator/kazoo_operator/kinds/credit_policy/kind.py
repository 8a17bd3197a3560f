"""CreditPolicy as a kind: its names, its columns, and what the engine is told of it."""

from __future__ import annotations

from kazoo_operator.core.documents import ACCOUNT
from kazoo_operator.core.kind import Attachment, Column, Kind, ready_columns
from kazoo_operator.kinds.credit_policy import fields
from kazoo_operator.kinds.credit_policy.spec import CreditPolicySpec
from kazoo_operator.kinds.credit_policy.status import CreditPolicyStatus
from kazoo_operator.rules import attached, credit_policy

KIND = Kind(
    name="CreditPolicy",
    plural="creditpolicies",
    singular="creditpolicy",
    short_name="kzcp",
    description="The credit of an account: what is granted, the alert, the recharge, and what is spent.",
    spec=CreditPolicySpec,
    status=CreditPolicyStatus,
    columns=(
        Column("ACCOUNT", ".status.realm"),
        Column("KIND", ".status.moneyKind"),
        Column("BALANCE", ".status.balance"),
        Column("ALERT", ".spec.lowBalanceAlert.threshold"),
        Column("GRANTED", ".status.granted", wide=True),
        Column("RUNWAY", ".status.runwayDays", type="integer", wide=True),
        *ready_columns(),
    ),
    documents=(ACCOUNT,),
    normal=fields.normal,
    render=fields.render,
    parse=fields.parse,
    absent=fields.absent,
    rules=(*attached.RULES, *credit_policy.RULES),
    attachment=Attachment(
        report=fields.report,
        proof="granted",
        budgeted=True,
        reset=fields.reset,
        grants=fields.grants,
        notices=fields.notices,
        reads=fields.reads,
    ),
    samples=(
        {"accountRef": {"name": "acme"}},
        {
            "accountRef": {"name": "acme"},
            "grants": [{"id": "initial", "amount": "25.00", "date": "2026-01-01"}],
            "lowBalanceAlert": {"threshold": "25"},
            "autoRecharge": {"threshold": "10.00", "amount": "50.00"},
            "caps": {"maxGrantPerMonth": "200.00", "maxBalance": "500.00"},
        },
        {
            "accountRef": {"realm": "acme.pbx.example.com"},
            "grants": [
                {"id": "initial", "amount": "25.00", "date": "2026-01-01", "description": "Initial credit"},
                {"id": "back", "type": "Debit", "amount": "5.5", "date": "2026-02-28"},
            ],
            "lowBalanceAlert": {"enabled": False},
            "autoRecharge": {"enabled": False},
        },
    ),
)

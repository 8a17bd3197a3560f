"""Account as a kind: its names, its columns, and what the engine is told of it."""

from __future__ import annotations

from kazoo_operator.core.documents import ACCOUNT, NO_MATCH
from kazoo_operator.core.kind import Column, Kind, Lifecycle, ready_columns
from kazoo_operator.kinds.account import fields
from kazoo_operator.kinds.account.samples import SAMPLES
from kazoo_operator.kinds.account.spec import AccountSpec
from kazoo_operator.kinds.account.status import AccountStatus
from kazoo_operator.rules.account import RULES

_READY, _REASON, _AGE = ready_columns()

KIND = Kind(
    name="Account",
    plural="accounts",
    singular="account",
    short_name="kzacct",
    description="A KAZOO account: a tenant of the telephony platform, with its realm, address and contacts.",
    spec=AccountSpec,
    status=AccountStatus,
    columns=(
        Column("ACCOUNT-ID", ".status.accountID"),
        Column("REALM", ".status.realm"),
        Column("PARENT", ".status.parent"),
        _READY,
        _REASON,
        Column("BALANCE", ".status.balance"),
        Column("KIND", ".status.moneyKind", wide=True),
        Column("DRIFT", ".status.conditions[?(@.type=='DriftDetected')].status", wide=True),
        Column("SUSPENDED", ".spec.suspend", type="boolean", wide=True),
        _AGE,
    ),
    documents=(ACCOUNT, NO_MATCH),
    normal=fields.normal,
    render=fields.render,
    parse=fields.parse,
    absent=fields.absent,
    complete=fields.complete,
    vital=fields.vital,
    consults=fields.consults,
    findings=fields.findings,
    rules=RULES,
    lifecycle=Lifecycle(
        document=ACCOUNT,
        key="realm",
        marks="flags",
        start={"enabled": True},
        when_empty=((NO_MATCH, {"outboundRouting": "Platform"}),),
        steps=(("Account", ACCOUNT), ("Routing", NO_MATCH)),
    ),
    samples=SAMPLES,
)

"""AppRestrictions as a kind: its names, its columns, and what the engine is told of it."""

from __future__ import annotations

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import BLACKLIST, CATALOGUE, MEMORY, ROWS, Documents
from kazoo_operator.core.kind import Attachment, Column, Kind, ready_columns
from kazoo_operator.kinds.app_restrictions import fields, layers
from kazoo_operator.kinds.app_restrictions.spec import AppRestrictionsSpec
from kazoo_operator.kinds.app_restrictions.status import AppRestrictionsStatus
from kazoo_operator.rules import app_restrictions, attached

_OFFERED = ("accounts", "callflows", "fax", "voip")
_SETTING: Documents = {
    CATALOGUE.name: {ROWS: [{"id": f"{number:032x}", "name": name} for number, name in enumerate(_OFFERED)]},
    MEMORY: {"ours": list(_OFFERED)},
}
_SAMPLES: tuple[JsonObject, ...] = (
    {"accountRef": {"name": "acme"}},
    {"accountRef": {"name": "acme"}, "mode": "Restricted", "allowedApps": ["voip"]},
    {
        "accountRef": {"realm": "acme.pbx.example.com"},
        "mode": "Restricted",
        "allowedApps": ["voip", "callflows", "fax"],
        "deletionPolicy": "Reset",
    },
    {"accountRef": {"name": "acme"}, "mode": "Full", "driftPolicy": "Report"},
)

KIND = Kind(
    name="AppRestrictions",
    plural="apprestrictions",
    singular="apprestrictions",
    short_name="kzapp",
    description="Which apps the users of an account may use, the others being blocked.",
    spec=AppRestrictionsSpec,
    status=AppRestrictionsStatus,
    columns=(
        Column("ACCOUNT", ".status.realm"),
        Column("MODE", ".status.mode"),
        Column("ALLOWED", ".status.allowedCount", type="integer"),
        Column("BLOCKED", ".status.blockedCount", type="integer"),
        *ready_columns(),
    ),
    documents=(BLACKLIST,),
    normal=fields.normal,
    render=fields.render,
    parse=fields.parse,
    absent=fields.absent,
    complete=fields.complete,
    consults=fields.consults,
    findings=fields.findings,
    rules=(*attached.RULES, *app_restrictions.RULES),
    attachment=Attachment(
        report=layers.report,
        proof="blockedCount",
        reset=fields.reset,
        recall=fields.recall,
        conditions=layers.conditions,
    ),
    samples=_SAMPLES,
    setting=_SETTING,
)

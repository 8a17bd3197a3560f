"""TrunkLimits: how many calls an account may have at once, and whether credit may pay for more."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kazoo_operator.core import mapping
from kazoo_operator.core.calling import Capacity, Means
from kazoo_operator.core.charges import Charges, PendingQuote
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import LIMITS, get, put
from kazoo_operator.core.kind import Attachment, Column, Kind, Seen, ready_columns
from kazoo_operator.core.mapping import Row
from kazoo_operator.core.schema import AttachedSpec, AttachedStatus, Spec
from kazoo_operator.rules import attached, trunk_limits

MOST = 100_000
UNLIMITED = -1


def _trunks(what: str, example: str) -> Any:
    description = f"{what}, in simultaneous calls, 0 to {MOST}. Default: untouched. Example: {example}."
    return Field(default=None, ge=0, le=MOST, description=description, examples=[example])


def _cap(what: str) -> Any:
    description = (
        f"{what}, whatever the trunks allow; 0: no calls at all, -1: no such limit (beta in KAZOO). "
        "Default: untouched. Example: 100."
    )
    return Field(default=None, ge=UNLIMITED, le=MOST, description=description, examples=["100"])


class TrunkLimitsSpec(AttachedSpec):
    """What the account's limits are to be. A field that is left out is never written."""

    inbound: int | None = _trunks("Trunks for calls from the carrier only", "2")
    outbound: int | None = _trunks("Trunks for calls to the carrier only", "2")
    two_way: int | None = _trunks("Trunks for calls of either direction, one pool", "5")
    burst: int | None = _trunks("Trunks for short peaks (beta in KAZOO)", "0")
    max_calls: int | None = _cap("The most calls at once")
    max_resource_consuming_calls: int | None = _cap("The most calls at once that use a carrier")
    allow_per_minute: bool = Field(
        description="Whether a call that no trunk covers (all are busy, inbound toll-free, international) "
        "may be paid by the minute from the account's credit; there is no safe default. Example: true.",
        examples=["true"],
    )
    charges: Charges | None = Field(
        default=None,
        description="Consent to what more trunks cost. Default: nothing is accepted. "
        'Example: {accept: UpTo, maxRecurringIncrease: "50.00"}.',
        examples=['{accept: UpTo, maxRecurringIncrease: "50.00"}'],
    )


class TrunkLimitsStatus(AttachedStatus):
    """What was observed in KAZOO."""

    inbound: int | None = Field(default=None, description="Inbound trunks.")
    outbound: int | None = Field(default=None, description="Outbound trunks.")
    two_way: int | None = Field(default=None, description="Two-way trunks.")
    burst: int | None = Field(default=None, description="Burst trunks.")
    max_calls: int | None = Field(default=None, description="The most calls at once; -1: no such limit.")
    max_resource_consuming_calls: int | None = Field(
        default=None, description="The most calls at once that use a carrier; -1: no such limit."
    )
    allow_per_minute: bool | None = Field(
        default=None, description="Whether credit pays where no trunk does."
    )
    capacity: Capacity | None = Field(default=None, description="How many calls the trunks allow.")
    pending_quote: PendingQuote | None = Field(
        default=None, description="The price of what waits for consent in spec.charges."
    )


_NO_CAP = {UNLIMITED: None}

TABLE = (
    Row("inbound", LIMITS, "inbound_trunks", absent=0),
    Row("outbound", LIMITS, "outbound_trunks", absent=0),
    Row("twoWay", LIMITS, "twoway_trunks", absent=0),
    Row("burst", LIMITS, "burst_trunks", absent=0),
    Row("maxCalls", LIMITS, "calls", words=_NO_CAP, absent=UNLIMITED),
    Row("maxResourceConsumingCalls", LIMITS, "resource_consuming_calls", words=_NO_CAP, absent=UNLIMITED),
    Row("allowPerMinute", LIMITS, "allow_prepay", absent=True),
)
_MEANT = {row.spec: row.absent for row in TABLE}
_PRICED = {
    "inbound": ("limits", "inbound_trunks"),
    "outbound": ("limits", "outbound_trunks"),
    "twoWay": ("limits", "twoway_trunks"),
}


def normal(spec: Spec) -> JsonObject:
    """The fields of the spec that stand in KAZOO's limits."""
    said = spec.model_dump(by_alias=True, exclude_none=True)
    fields: JsonObject = {}
    for row in TABLE:
        if (value := get(said, row.spec)) is not None:
            put(fields, row.spec, value)
    return fields


def report(seen: Seen) -> JsonObject:
    """Status: all limits, left out or not, and how many calls they amount to."""
    held = {**_MEANT, **mapping.parse(TABLE, seen.documents)}
    means = Means.of(seen.documents.get(LIMITS.name) or {}, {}, 0)
    return {**held, "capacity": means.capacity}


def reset(fields: JsonObject) -> JsonObject:
    """Trunks to 0 and caps lifted, of what the spec set; whether credit may pay stays as it is."""
    return {name: meant for name, meant in _MEANT.items() if name in fields and name != "allowPerMinute"}


KIND = Kind(
    name="TrunkLimits",
    plural="trunklimits",
    singular="trunklimits",
    short_name="kztl",
    description="How many calls an account may have at once, and whether credit may pay for more.",
    spec=TrunkLimitsSpec,
    status=TrunkLimitsStatus,
    columns=(
        Column("ACCOUNT", ".status.realm"),
        Column("IN", ".status.inbound", type="integer"),
        Column("OUT", ".status.outbound", type="integer"),
        Column("TWO-WAY", ".status.twoWay", type="integer"),
        Column("PER-MINUTE", ".status.allowPerMinute", type="boolean"),
        *ready_columns(),
    ),
    documents=(LIMITS,),
    normal=normal,
    render=lambda fields, _documents: mapping.render(TABLE, fields),
    parse=lambda documents: mapping.parse(TABLE, documents),
    absent=_MEANT.get,
    rules=(*attached.RULES, *trunk_limits.RULES),
    attachment=Attachment(report=report, proof="capacity", reset=reset, priced=_PRICED),
    samples=(
        {"accountRef": {"name": "acme"}, "allowPerMinute": False},
        {"accountRef": {"realm": "acme.pbx.example.com"}, "twoWay": 5, "allowPerMinute": True},
        {
            "accountRef": {"name": "acme"},
            "inbound": 2,
            "outbound": 3,
            "twoWay": 0,
            "burst": 1,
            "maxCalls": 10,
            "maxResourceConsumingCalls": 0,
            "allowPerMinute": False,
        },
        {
            "accountRef": {"name": "acme"},
            "inbound": 0,
            "maxCalls": UNLIMITED,
            "maxResourceConsumingCalls": UNLIMITED,
            "allowPerMinute": True,
        },
    ),
)

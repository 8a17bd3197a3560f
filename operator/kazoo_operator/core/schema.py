"""The base of every spec and status model: camelCase outside, snake_case inside, nothing unknown.

A model's fields carry description (with unit, default and example), bounds and patterns; the CRD, the
validation and `kubectl explain` all come from there.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from kazoo_operator.core import duration, realm
from kazoo_operator.core.conformity import ignored_findings, model_of, schema_findings, without_nulls
from kazoo_operator.core.form import Form

__all__ = [
    "DRIFT",
    "AttachedSpec",
    "AttachedStatus",
    "BackendReference",
    "Condition",
    "Drift",
    "ManagedSpec",
    "Model",
    "Reference",
    "Spec",
    "Status",
    "Step",
    "ignored_findings",
    "model_of",
    "schema_findings",
    "without_nulls",
]


class Model(BaseModel):
    """A part of a spec or status."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, protected_namespaces=()
    )


_SHORTEST_INTERVAL, _LONGEST_INTERVAL = 30, 86_400


def _interval(text: str) -> str:
    if not _SHORTEST_INTERVAL <= duration.seconds(text) <= _LONGEST_INTERVAL:
        raise ValueError("must lie between 30s and 24h")
    return text


def _nearest_interval(text: str) -> str:
    number = int(duration.seconds(text))
    allowed = min(max(number, _SHORTEST_INTERVAL), _LONGEST_INTERVAL)
    return text if allowed == number else duration.text(allowed)


INTERVAL = Form(
    pattern=duration.PATTERN,
    shortest=2,
    longest=16,
    what="interval: 30s to 24h, as hours, minutes and seconds in that order, such as 1h30m",
    meant=duration.meant,
    allowed=_nearest_interval,
)


class Spec(Model):
    """What a person says in `spec`, of whatever kind."""


class BackendReference(Model):
    """The TelephonyBackend that says which KAZOO this is about."""

    name: str = Field(
        default="default",
        min_length=1,
        max_length=253,
        description="Name of a TelephonyBackend. Where there is none with the name default, the operator's "
        "own settings stand for it; any other must exist. Default: default. Example: eu.",
        examples=["eu"],
    )
    namespace: str | None = Field(
        default=None,
        min_length=1,
        max_length=63,
        description="Namespace of the TelephonyBackend, whose allowedNamespaces must then hold this one. "
        "Default: the object's own. Example: telephony.",
        examples=["telephony"],
    )


class ManagedSpec(Spec):
    """What the specs have in common of all that is kept in KAZOO."""

    backend_ref: BackendReference = Field(
        default=BackendReference(),
        description="The TelephonyBackend that says where KAZOO is. Default: {name: default}, in the "
        "object's own namespace. Example: {name: eu, namespace: telephony}.",
        examples=["{name: eu, namespace: telephony}"],
        json_schema_extra={"default": {"name": "default"}},
    )
    management_policy: Literal["Manage", "ObserveOnly"] = Field(
        default="Manage",
        description="Manage: KAZOO is brought to this spec. ObserveOnly: nothing is ever written to KAZOO; "
        "status tells what is there. Default: Manage. Example: ObserveOnly.",
        examples=["Manage"],
    )
    drift_policy: Literal["Correct", "Report"] = Field(
        default="Correct",
        description="What happens to a value that somebody changed in KAZOO: put back, or told in "
        "status.drift. Default: Correct. Example: Report.",
        examples=["Correct"],
    )
    drift_ignore: list[Annotated[str, Field(min_length=1, max_length=128)]] = Field(
        default=[],
        max_length=50,
        description="Spec paths whose values in KAZOO are nobody's drift: set when the account is made, and "
        "left alone afterwards. Default: none. Example: [callerID.external.name].",
        examples=["[callerID.external.name]"],
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    suspend: bool = Field(
        default=False,
        description="While true nothing is written to KAZOO, a deletion included. Default: false. "
        "Example: true.",
        examples=["false"],
    )
    resync_interval: Annotated[str, INTERVAL, AfterValidator(_interval)] = Field(
        default="10m",
        description="How often KAZOO is read in full and compared with this object, 30s to 24h, "
        "+-20 % jitter. Default: 10m. Example: 1h30m.",
        examples=["10m"],
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "duration(self) >= duration('30s') && duration(self) <= duration('24h')",
                    "message": "must lie between 30s and 24h",
                }
            ]
        },
    )


def _plain_id(text: str) -> str:
    """`4C0C8F6F-9D8B-...` -> `4c0c8f6f9d8b...`."""
    return text.replace("-", "").lower()


ACCOUNT_ID = Form(
    pattern="^[0-9a-f]{32}$",
    shortest=32,
    longest=32,
    what="account id: 32 hex digits, 0-9 and a-f in lower case",
    meant=_plain_id,
)
REALM = Form(
    pattern=realm.PATTERN,
    shortest=4,
    longest=253,
    what="realm of 4 to 253 characters: labels of a-z, 0-9, - and _, at most 63 each, two at least, a dot "
    "between them",
    meant=realm.meant,
)
AccountId = Annotated[str, ACCOUNT_ID]
Realm = Annotated[str, REALM]


class Reference(Model):
    """Another account: exactly one of the members."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "[has(self.name), has(self.accountID), has(self.realm)].filter(x, x).size() == 1",
                    "message": "must have exactly one of name, accountID and realm",
                }
            ]
        }
    )

    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=253,
        description="Name of an Account in the same namespace. Default: none. Example: reseller.",
        examples=["reseller"],
    )
    account_id: AccountId | None = Field(
        default=None,
        alias="accountID",
        description="KAZOO's id of an account, 32 hex digits in lower case. "
        "Default: none. Example: 4c0c8f6f9d8b4a0f8e3d2c1b0a998877.",
        examples=["4c0c8f6f9d8b4a0f8e3d2c1b0a998877"],
    )
    realm: Realm | None = Field(
        default=None,
        description="Realm of an account, lower case. Default: none. Example: reseller.example.com.",
        examples=["reseller.example.com"],
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Reference:
        if sum(member is not None for member in (self.name, self.account_id, self.realm)) != 1:
            raise ValueError("must have exactly one of name, accountID and realm")
        return self


class AttachedSpec(ManagedSpec):
    """What the specs have in common that set something of an account which stands by itself."""

    account_ref: Reference = Field(
        description="The account that this is about; it cannot be changed. Example: {name: acme}.",
        examples=["{name: acme}"],
    )
    deletion_policy: Literal["Retain", "Reset"] = Field(
        default="Retain",
        description="What becomes of the settings in KAZOO when this object is deleted: kept as they are, or "
        "taken back as far as this object set them. Default: Retain. Example: Retain.",
        examples=["Retain"],
    )


class Drift(Model):
    """A field that KAZOO shows otherwise than the spec says."""

    path: str = Field(max_length=256, description="The field, as in driftIgnore: callerID.external.name.")
    desired: str | None = Field(
        default=None, max_length=1024, description="What the spec says; JSON where it is no text."
    )
    observed: str | None = Field(
        default=None, max_length=1024, description="What KAZOO shows; absent where it shows nothing."
    )


DRIFT = Field(
    default=None,
    max_length=256,
    description="What KAZOO shows otherwise than the spec, where it is not corrected.",
    json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["path"]},
)


class Step(Model):
    """A part of the work, in the order in which it is done."""

    name: str = Field(max_length=32, description="Account, Routing and others.")
    state: Literal["Pending", "Done", "Failed"] = Field(description="Where it stands.")
    message: str | None = Field(default=None, max_length=32768, description="Why it is not done.")


class Condition(Model):
    """One condition of an object (the Kubernetes API conventions)."""

    type: str = Field(max_length=316, description="Ready, Reconciling, Stalled, Synced and others.")
    status: str = Field(max_length=16, description="True, False or Unknown.")
    reason: str = Field(max_length=1024, description="One word for machines; `explain` knows each.")
    message: str = Field(max_length=32768, description="What, why, and what to do.")
    observed_generation: int = Field(description="The generation of the spec that this speaks of.")
    last_transition_time: str = Field(
        max_length=64,
        description="When the status last changed, RFC 3339.",
        json_schema_extra={"format": "date-time"},
    )


class Status(Model):
    """What every kind's status has in common. No field here moves on an unchanged pass."""

    observed_generation: int | None = Field(
        default=None, description="The generation of the spec that this status speaks of; -1: none yet."
    )
    conditions: list[Condition] | None = Field(
        default=None,
        max_length=32,
        description="Ready, always; Reconciling or Stalled while true; Synced.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )


class AttachedStatus(Status):
    """What the statuses have in common of what belongs to an account."""

    account_id: str | None = Field(
        default=None, alias="accountID", max_length=32, description="KAZOO's id of the account."
    )
    realm: str | None = Field(default=None, max_length=253, description="The account's realm.")
    drift: list[Drift] | None = DRIFT

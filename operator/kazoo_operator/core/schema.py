"""The base of every spec and status model: camelCase outside, snake_case inside, nothing unknown.

A model's fields carry description (with unit, default and example), bounds and patterns; the CRD, the
validation and `kubectl explain` all come from there.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from kazoo_operator.core import duration, realm
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.finding import Finding, Severity


class Model(BaseModel):
    """A part of a spec or status."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, protected_namespaces=()
    )


def _interval(text: str) -> str:
    if not 30 <= duration.seconds(text) <= 86_400:
        raise ValueError("must lie between 30s and 24h")
    return text


class Spec(Model):
    """What every managed kind's spec has in common."""

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
    resync_interval: Annotated[str, AfterValidator(_interval)] = Field(
        default="10m",
        min_length=2,
        max_length=16,
        pattern=duration.PATTERN,
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
    account_id: str | None = Field(
        default=None,
        alias="accountID",
        min_length=32,
        max_length=32,
        pattern="^[0-9a-f]{32}$",
        description="KAZOO's id of an account, 32 hex digits in lower case. "
        "Default: none. Example: 4c0c8f6f9d8b4a0f8e3d2c1b0a998877.",
        examples=["4c0c8f6f9d8b4a0f8e3d2c1b0a998877"],
    )
    realm: str | None = Field(
        default=None,
        min_length=4,
        max_length=253,
        pattern=realm.PATTERN,
        description="Realm of an account, lower case. Default: none. Example: reseller.example.com.",
        examples=["reseller.example.com"],
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Reference:
        if sum(member is not None for member in (self.name, self.account_id, self.realm)) != 1:
            raise ValueError("must have exactly one of name, accountID and realm")
        return self


class Drift(Model):
    """A field that KAZOO shows otherwise than the spec says."""

    path: str = Field(max_length=256, description="The field, as in driftIgnore: callerID.external.name.")
    desired: str | None = Field(
        default=None, max_length=1024, description="What the spec says; JSON where it is no text."
    )
    observed: str | None = Field(
        default=None, max_length=1024, description="What KAZOO shows; absent where it shows nothing."
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


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def schema_findings(model: type[Model], spec: JsonObject) -> list[Finding]:
    """What the schema alone says against `spec`: rule `SCHEMA`, one finding a field, hints by example."""
    try:
        model.model_validate(without_nulls(spec))
    except ValidationError as error:
        return [_finding(model, dict(fault)) for fault in error.errors(include_url=False)]
    return []


def _finding(model: type[Model], fault: dict[str, Any]) -> Finding:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"])
    field = _field_at(model, fault["loc"])
    example = field.examples[0] if field is not None and field.examples else None
    kind, context = fault["type"], fault.get("ctx") or {}
    if kind == "missing":
        message, hint = "is required", f"add it, for example {example}" if example else "add it"
    elif kind == "extra_forbidden":
        message, hint = "is no field of this kind", "remove it or correct its spelling"
    else:
        text = "has not the form that is asked for" if "pattern" in context else fault["msg"].lower()
        message = f"{_shown(fault['input'])} {text.removeprefix('value error, ')}"
        hint = f"write it as in the example {example}" if example else "see kubectl explain"
    return Finding("SCHEMA", Severity.ERROR, f"spec{path}", message, hint)


def _field_at(model: type[BaseModel], location: tuple[int | str, ...]) -> Any:
    field = None
    for part in location:
        by_alias = {field.alias or name: field for name, field in model.model_fields.items()}
        if not isinstance(part, str) or part not in by_alias:
            return None
        field = by_alias[part]
        inner = model_of(field.annotation)
        if inner is not None:
            model = inner
    return field


def ignored_findings(model: type[Model], spec: JsonObject) -> list[Finding]:
    """What `driftIgnore` names that is no field of the kind, each with the nearest that is."""
    known, maps = _paths(model)
    said = spec.get("driftIgnore")
    findings = []
    for number, path in enumerate(said if isinstance(said, list) else ()):
        if path not in known and str(path).rpartition(".")[0] not in maps:
            near = get_close_matches(str(path), known, 1)
            hint = f"write {near[0]}" if near else "write a path such as callerID.external.name"
            where = f"spec.driftIgnore[{number}]"
            message = f"{path!r} is no field of this kind"
            findings.append(Finding("SCHEMA", Severity.ERROR, where, message, hint))
    return findings


def _paths(model: type[BaseModel], prefix: str = "") -> tuple[list[str], list[str]]:
    """The paths of all fields of a model, and those of them that are maps with keys of the user's own."""
    paths, maps = [], []
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        paths.append(path)
        inner = model_of(field.annotation)
        if inner is not None:
            below = _paths(inner, f"{path}.")
            paths += below[0]
            maps += below[1]
        elif any(get_origin(one) is dict for one in (field.annotation, *get_args(field.annotation))):
            maps.append(path)
    return paths, maps


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model inside `Model` or `Model | None`, if there is one."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def without_nulls(value: Any) -> Any:
    """The same JSON with null members left out: null counts as absent."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(member) for member in value] if isinstance(value, list) else value

"""CRDs come from the models and hold what Kubernetes asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kazoo_operator.core.crd import crd
from kazoo_operator.core.kind import Kind
from kazoo_operator.kinds import discover

CRDS = Path(__file__).resolve().parents[2] / "crds"
KINDS = pytest.mark.parametrize("kind", discover(), ids=lambda kind: kind.name)


def nodes(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Each node of a schema: its path, itself, and whether it may be left out."""
    yield from _nodes(schema, path, optional=False)


def _nodes(schema: dict[str, Any], path: str, optional: bool) -> Iterator[tuple[str, dict[str, Any], bool]]:
    yield path, schema, optional
    for name, member in schema.get("properties", {}).items():
        yield from _nodes(member, f"{path}.{name}", name not in schema.get("required", ()))
    for name in ("items", "additionalProperties"):
        if name in schema:
            yield from _nodes(schema[name], f"{path}[]", optional=False)


def schema_of(kind: Kind) -> dict[str, Any]:
    (version,) = crd(kind)["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


@KINDS
def test_the_file_in_the_tree_is_what_is_generated(kind: Kind) -> None:
    text = (CRDS / f"{kind.plural}.kazoo-operator.io.yaml").read_text()
    assert yaml.safe_load(text) == crd(kind)


@KINDS
def test_every_field_is_described_and_every_string_bounded(kind: Kind) -> None:
    for part in ("spec", "status"):
        found = list(nodes(schema_of(kind)["properties"][part], part))
        assert len(found) > 5
        for path, node, _ in found:
            assert node.get("description") or path.endswith("[]"), path
            assert node["type"] != "string" or {"maxLength", "format", "enum"} & set(node), path
            assert node["type"] != "array" or "maxItems" in node, path
            assert "additionalProperties" not in node or "maxProperties" in node, path
            assert not {"title", "$ref", "anyOf", "nullable"} & set(node), path


@KINDS
def test_spec_fields_tell_default_and_example(kind: Kind) -> None:
    for path, node, optional in nodes(schema_of(kind)["properties"]["spec"], "spec"):
        if ("properties" in node and not node.get("default")) or path.endswith("[]"):
            continue
        assert "Example: " in node["description"], path
        assert ("Default: " in node["description"]) is optional, path


@KINDS
def test_only_fields_that_kazoo_does_not_hold_have_defaults(kind: Kind) -> None:
    spec = schema_of(kind)["properties"]["spec"]
    common = [
        *("backendRef", "backendRef.name", "managementPolicy", "driftPolicy", "driftIgnore", "suspend"),
        "resyncInterval",
    ]
    own = {
        "Account": ["controlCenter.preset", "adopt", "charges.accept", "deletionPolicy"],
        "AppRestrictions": ["mode", "deletionPolicy"],
        "CreditPolicy": [
            "grants[].type",
            "lowBalanceAlert.enabled",
            "autoRecharge.enabled",
            "deletionPolicy",
        ],
        "TelephonyBackend": [
            *("insecureHTTP", "realmTemplate", "currency", "requestsPerSecond", "allowedNamespaces"),
            *("budgetPolicy", "maxDeletionsPerHour", "requireWhitelabel", "namePattern"),
        ],
        "TrunkLimits": ["charges.accept", "deletionPolicy"],
    }
    expected = {f"spec.{path}" for path in (*(common if kind.managed else ()), *own[kind.name])}
    assert {path for path, node, _ in nodes(spec, "spec") if "default" in node} == expected


@KINDS
def test_a_new_object_has_not_been_observed(kind: Kind) -> None:
    assert schema_of(kind)["properties"]["status"]["default"] == {"observedGeneration": -1}


@KINDS
def test_names_and_columns_are_the_ones_users_rely_on(kind: Kind) -> None:
    names = crd(kind)["spec"]["names"]
    (version,) = crd(kind)["spec"]["versions"]
    columns = version["additionalPrinterColumns"]
    shown = [column["name"] for column in columns if not column["priority"]]
    wide = [column["name"] for column in columns if column["priority"]]
    expected = {
        "Account": (
            "kzacct",
            ["ACCOUNT-ID", "REALM", "PARENT", "READY", "REASON", "BALANCE", "AGE"],
            ["KIND", "DRIFT", "SUSPENDED"],
        ),
        "AppRestrictions": (
            "kzapp",
            ["ACCOUNT", "MODE", "ALLOWED", "BLOCKED", "READY", "REASON", "AGE"],
            [],
        ),
        "CreditPolicy": (
            "kzcp",
            ["ACCOUNT", "KIND", "BALANCE", "ALERT", "READY", "REASON", "AGE"],
            ["GRANTED", "RUNWAY"],
        ),
        "TelephonyBackend": ("kztb", ["URL", "LEVEL", "VERSION", "READY", "REASON", "AGE"], []),
        "TrunkLimits": (
            "kztl",
            ["ACCOUNT", "IN", "OUT", "TWO-WAY", "PER-MINUTE", "READY", "REASON", "AGE"],
            [],
        ),
    }
    assert names["categories"] == ["kazoo"]
    assert (names["shortNames"][0], shown, wide) == expected[kind.name]

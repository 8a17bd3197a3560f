"""The examples: each file is sound by itself, and all of them work as one set."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from kazoo_operator.core.custom_resource import GROUP, Resource
from kazoo_operator.core.realm import normalised_name
from kazoo_operator.kinds import discover
from kazoo_operator.validity import validated

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
FILES = sorted(path for path in EXAMPLES.rglob("*") if path.suffix in (".yaml", ".yml", ".json"))
TODAY = date(2026, 11, 28)
KINDS = {kind.name: kind for kind in discover()}


class Strict(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping, where YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping, if each key stands there once."""
        keys = Counter(key.value for key, _ in node.value)
        twice = sorted(key for key, times in keys.items() if times > 1)
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{twice} stand twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(text: str) -> list[dict[str, Any]]:
    return [one for one in yaml.load_all(text, Strict) if one is not None]


def objects() -> list[dict[str, Any]]:
    return [one for path in FILES for one in load(path.read_text(encoding="utf-8"))]


def accounts() -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one["spec"] for one in objects() if one["kind"] == "Account"}


def twice(values: list[str]) -> list[str]:
    return sorted(value for value, times in Counter(values).items() if times > 1)


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="stand twice"):
        load("spec: {name: One, realm: one.example.com, name: Other}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_each_file_holds_objects_of_ours_that_break_neither_schema_nor_rule(path: Path) -> None:
    held = load(path.read_text(encoding="utf-8"))
    assert held
    for one in held:
        assert one["apiVersion"] == f"{GROUP}/v1alpha1"
        # Raises what status would say. An object without status has no realm to be kept.
        validated(KINDS[one["kind"]], Resource.of(one["kind"], one), TODAY)


def test_no_object_stands_in_two_files() -> None:
    assert twice([f"{one['kind']}/{one['metadata']['name']}" for one in objects()]) == []


def test_none_says_in_which_namespace_it_belongs() -> None:
    assert [one for one in objects() if "namespace" in one["metadata"]] == []


def test_no_two_accounts_have_one_realm_or_to_kazoo_one_name() -> None:
    specs = list(accounts().values())
    assert all("realm" in spec for spec in specs), "there may be no template to make one from"
    assert twice([spec["realm"] for spec in specs]) == []
    assert twice([normalised_name(spec["name"]) for spec in specs]) == []


def test_each_parent_is_in_the_set_and_stands_above_no_ancestor_of_its_own() -> None:
    above = {name: (spec.get("parentRef") or {}).get("name") for name, spec in accounts().items()}
    assert any(above.values())
    for name in above:
        chain = [name]
        while (parent := above[chain[-1]]) is not None:
            assert parent in above, f"{chain[-1]} names {parent}"
            assert parent not in chain
            chain.append(parent)


def test_what_confirms_a_deletion_stands_in_no_file() -> None:
    annotated = [one["metadata"]["name"] for one in objects() if one["metadata"].get("annotations")]
    assert annotated == []
    deletable = [name for name, spec in accounts().items() if spec.get("deletionPolicy") == "Delete"]
    assert deletable


def test_the_folders_are_numbered_without_gaps_and_named_in_the_overview() -> None:
    """The folder of the sandbox's seeds has no number: it holds no manifest."""
    folders = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
    numbers = [int(found[1]) for name in folders if (found := re.match(r"(\d\d)-", name))]
    assert numbers == list(range(1, len(folders)))
    assert [name for name in folders if not re.match(r"\d\d-", name)] == ["sandbox"]
    overview = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [name for name in folders if f"`{name}/`" not in overview] == []

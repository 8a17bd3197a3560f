"""`explain` and `schemas`: what a rule or a reason means, and schemas for editors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kazoo_operator.cli import app
from kazoo_operator.core.outcome import Reason
from kazoo_operator.kinds import discover
from tests.rules.corpus import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]


def said(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("name", [*CATALOGUE, "SCHEMA"])
def test_each_rule_is_explained_as_its_page_says(name: str) -> None:
    code, text, _ = said("explain", name.lower())
    assert code == 0
    assert text.strip() == (ROOT / f"docs/rules/{name}.md").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_each_reason_is_explained(reason: Reason) -> None:
    code, text, _ = said("explain", reason.value)
    assert code == 0 and text.startswith(f"# {reason.value}: ")


@pytest.mark.parametrize(
    ("reason", "when"),
    [
        ("Ready", "at resync."),
        ("Creating", "with back-off."),
        ("InvalidSpec", "at resync where it has an account, for emergency calls."),
        ("HierarchyCycle", "at resync where it has an account, for emergency calls."),
        ("ParentNotReady", "unless an object that it waits for changes."),
    ],
)
def test_a_reason_tells_when_the_object_is_looked_at_again(reason: str, when: str) -> None:
    assert when in said("explain", reason)[1]


@pytest.mark.parametrize(
    ("word", "meant"), [("InvalidSpecs", "InvalidSpec"), ("notadoptd", "NotAdopted"), ("shema", "SCHEMA")]
)
def test_a_slip_is_told_with_the_nearest_name(word: str, meant: str) -> None:
    code, text, told = said("explain", word)
    assert (code, text) == (1, "")
    assert f"did you mean {meant}?" in told


@pytest.mark.parametrize("word", ["KZ108", "kz1107", "999"])
def test_a_number_that_is_no_rule_is_told_which_there_are(word: str) -> None:
    code, text, told = said("explain", word)
    assert (code, text) == (1, "")
    assert f"there are {len(CATALOGUE)}, {min(CATALOGUE)} to {max(CATALOGUE)}" in told
    assert "did you mean" not in told


def test_each_rule_that_the_code_names_has_a_page() -> None:
    sources = (ROOT / "operator/kazoo_operator").rglob("*.py")
    named = {
        name for path in sources for name in re.findall(r"\bKZ\d{3}\b", path.read_text(encoding="utf-8"))
    }
    assert named <= set(CATALOGUE)


def test_a_number_alone_names_a_rule() -> None:
    assert said("explain", "20")[1].startswith("# KZ020: ")


def test_without_a_word_all_are_listed() -> None:
    code, text, _ = said("explain")
    assert code == 0
    assert {line.split()[0] for line in text.splitlines()} == {*CATALOGUE, "SCHEMA", *map(str, Reason)}


@pytest.mark.parametrize(
    ("kind", "mappings"), [("Account", 8), ("TrunkLimits", 2), ("CreditPolicy", 5)], ids=str
)
def test_schemas_take_the_examples_and_refuse_what_is_unknown(
    tmp_path: Path, kind: str, mappings: int
) -> None:
    assert said("schemas", "--output", str(tmp_path))[0] == 0
    names = {f"{one.name.lower()}-kazoo-operator-v1alpha1.json" for one in discover()}
    assert {path.name for path in tmp_path.iterdir()} == names
    path = tmp_path / f"{kind.lower()}-kazoo-operator-v1alpha1.json"
    schema = json.loads(path.read_text())
    assert schema["$schema"].startswith("http://json-schema.org/")
    assert schema["properties"]["kind"]["enum"] == [kind]
    objects = [node for node in nodes(schema["properties"]["spec"]) if "properties" in node]
    assert len(objects) > mappings
    assert all(node["additionalProperties"] is False for node in objects)
    assert not re.search("x-kubernetes", path.read_text())


def nodes(schema: dict[str, Any]) -> list[dict[str, Any]]:
    members = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else ())]
    return [schema, *(one for member in members for one in nodes(member))]


def test_schemas_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, told = said("schemas", "--output", str(tmp_path / "file" / "below"))
    assert code == 1 and told.startswith("Error: cannot write")
    assert said("schemas")[0] != 0

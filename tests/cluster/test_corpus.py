"""The corpus on a real API server: it refuses what the CRD claims, in the words of the rule, and no more."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazoo_operator.rules.rule import Place
from tests.rules.corpus import CASES, FOLDER, Case
from tools.cluster import ControlPlane, KubectlFailed

pytestmark = pytest.mark.cluster

NAMESPACE = "corpus"


@pytest.fixture(scope="module")
def namespace(plane: ControlPlane) -> Iterator[str]:
    """A namespace of its own, in which no operator looks."""
    plane.kubectl("create", "namespace", NAMESPACE)
    yield NAMESPACE
    plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def refusal(plane: ControlPlane, path: Path, changes: bool) -> str:
    """What the API server says against a file; empty where it takes it.

    It looks at one object at a time: in which namespace that stands makes no difference.
    """
    how = ("apply",) if changes else ("create",)
    text = re.sub("^  namespace: .*\n", "", path.read_text(encoding="utf-8-sig"), flags=re.MULTILINE)
    try:
        plane.kubectl(*how, "--dry-run=server", "-n", NAMESPACE, "-f", "-", input=text)
    except KubectlFailed as failed:
        return str(failed)
    return ""


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_api_server_refuses_what_the_crd_claims(plane: ControlPlane, namespace: str, case: Case) -> None:
    changes = case.before is not None
    if case.before is not None:
        plane.kubectl("apply", "-n", namespace, "-f", str(case.before))
    try:
        assert refusal(plane, case.folder / "pass.yaml", changes) == ""
        said = refusal(plane, case.folder / "fail.yaml", changes)
    finally:
        if case.before is not None:
            plane.kubectl("delete", "-n", namespace, "-f", str(case.before))
    assert bool(said) is case.claimed(Place.CRD), said
    if said and case.id != "SCHEMA" and not any(rule.keyed for rule in case.broken):
        assert any(f"{rule.message}; {rule.hint} ({rule.id})" in said for rule in case.rules), said


def test_the_api_server_takes_what_is_valid(plane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "valid", tmp_path, dirs_exist_ok=True)
    for path in sorted(tmp_path.iterdir()):
        assert refusal(plane, path, changes=False) == "", path

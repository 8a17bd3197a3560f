"""The rules of the tree that no linter knows: run as its own first step, before pytest proper can suffer."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "operator" / "kazoo_operator"
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_the_folder_operator_does_not_shadow_the_standard_library() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    found = PathFinder.find_spec("operator", [str(ROOT), *sys.path])
    assert found is not None and found.origin is not None
    assert not Path(found.origin).is_relative_to(ROOT)


@pytest.mark.parametrize("path", [path for path in PACKAGE.rglob("*") if path.suffix in ("", ".py")], ids=str)
def test_no_module_takes_a_name_of_the_standard_library(path: Path) -> None:
    if not path.name.startswith("__"):
        assert path.stem not in sys.stdlib_module_names


@pytest.mark.parametrize("word", ["manager", "helper", "util", "common", "misc"])
def test_no_module_has_a_name_that_says_nothing(word: str) -> None:
    assert [path for path in MODULES if word in path.stem] == []


def test_modules_stay_readable() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: lines for name, lines in long.items() if lines > 300} == {}


@pytest.mark.parametrize("folder", ["cluster", "soak"])
def test_what_takes_a_cluster_or_an_hour_is_marked_so(folder: str) -> None:
    files = sorted((ROOT / "tests" / folder).glob("test_*.py"))
    assert files
    assert [path.name for path in files if f"mark.{folder}" not in path.read_text(encoding="utf-8")] == []


def test_each_kind_has_a_crd_a_page_and_an_example() -> None:
    from kazoo_operator.kinds import discover

    kinds = discover()
    assert kinds
    for kind in kinds:
        assert (ROOT / "crds" / f"{kind.plural}.kazoo-operator.io.yaml").exists()
        assert (ROOT / "docs" / "kinds" / f"{kind.singular}.md").exists()
        examples = (ROOT / "examples").rglob("*.yaml")
        assert any(f"kind: {kind.name}\n" in path.read_text() for path in examples), kind.name


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys, kazoo_operator.cli; "
        "print([name for name in ('kopf', 'kubernetes', 'aiohttp', 'pydantic') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_nothing_names_a_registry_or_this_machine() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\0")
    suspects = ("pypi" + ".org/simple", "proxy.golang" + ".org", "registry.npmjs" + ".org", "/work" + "/")
    found = [
        (name, suspect)
        for name in tracked
        if name and (ROOT / name).is_file() and (ROOT / name).stat().st_size < 1_000_000
        for suspect in suspects
        if suspect in (ROOT / name).read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []

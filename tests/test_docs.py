"""The pages say what the code has: every reason, field, setting and metric, and no test that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import AliasChoices, BaseModel

from kazoo_operator.core.outcome import Reason
from kazoo_operator.core.schema import model_of
from kazoo_operator.kinds import discover
from kazoo_operator.kube.entry import WISHES
from kazoo_operator.metrics import REGISTRY
from kazoo_operator.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md"), *ROOT.glob("*.md")])
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")
ACCOUNT = (DOCS / "kinds/account.md").read_text(encoding="utf-8")
NAMED = re.compile(r"(tests/[\w/]+\.py)::(\w+)")


def fields(model: type[BaseModel]) -> Iterator[str]:
    """The last words of the paths of all fields."""
    for name, field in model.model_fields.items():
        yield field.alias or name
        inner = model_of(field.annotation)
        if inner is not None:
            yield from fields(inner)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_test_that_a_page_names_exists(page: Path) -> None:
    missing = [
        f"{path}::{name}"
        for path, name in NAMED.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / path).exists() or f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_each_row_of_what_is_gone_names_a_test() -> None:
    table = OPERATIONS.partition("## What happens when something is gone")[2]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    assert len(rows) > 30
    assert [row for row in rows if "| shown by |" not in row and not NAMED.search(row)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_leads_somewhere(page: Path) -> None:
    # What stands between fences is code: no brackets there are a link.
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_each_setting_is_described() -> None:
    aliases = [field.validation_alias for field in Settings.model_fields.values()]
    names = [str(alias.choices[0]) for alias in aliases if isinstance(alias, AliasChoices)]
    assert len(names) == len(aliases)
    assert [name for name in names if f"| `{name}` |" not in OPERATIONS] == []


def test_each_metric_of_ours_is_described() -> None:
    names = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in REGISTRY.collect()
        if not metric.name.startswith(("process_", "python_"))
    }
    assert names
    assert sorted(name for name in names if f"| `{name}` |" not in OPERATIONS) == []


def test_each_reason_is_explained() -> None:
    pages = [page.read_text(encoding="utf-8") for page in (DOCS / "kinds").glob("*.md")]
    rows = [row for page in pages for row in page.splitlines() if row.startswith("| `")]
    explained = {word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert [reason for reason in Reason if reason not in explained] == []


def test_each_annotation_is_explained() -> None:
    names = [wish.partition("/")[2] for wish in WISHES]
    assert [name for name in names if f"\n| `{name}` |" not in ACCOUNT] == []


def test_each_field_of_spec_and_status_is_named() -> None:
    for kind in discover():
        page = (DOCS / f"kinds/{kind.singular}.md").read_text(encoding="utf-8")
        prose = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
        words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", prose))))
        for model in (kind.spec, kind.status):
            parts = {"type", "status", "reason", "message", "lastTransitionTime", "state"}
            assert set(fields(model)) - words - parts == set()


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (DOCS / "decisions").glob("*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))

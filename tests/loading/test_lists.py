"""Lists: what in them is no object is told, as the API server would refuse it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazoo_operator.manifests import load
from tests.loading.test_files import ACCOUNT, names, of, said, written

LIST = "apiVersion: v1\nkind: List\n"


def test_what_is_no_object_in_a_list_is_a_finding_each(tmp_path: Path) -> None:
    loaded = of(LIST + "items: [1, null, foo, [], {}]\n", tmp_path)
    assert said(loaded) == [
        "3:9 is no Kubernetes object",
        "3:12 is no Kubernetes object",
        "3:18 is no Kubernetes object",
        "3:23 is no Kubernetes object",
        "3:27 is required",
    ]
    assert {found.finding.rule for found in loaded.findings} == {"SCHEMA"}
    assert [found.finding.path for found in loaded.findings][:2] == ["items[0]", "items[1]"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (LIST + "items: foo\n", "3:8 must be a list"),
        (LIST + "items: {a: 1}\n", "3:1 must be a list"),
        (LIST + "items:\n", "3:1 is required"),
        (LIST, "1:1 is required"),
        ("kind: List\n", "1:1 is required"),
        (ACCOUNT.replace("kind: Account", "kind: AccountList"), "1:1 is required"),
    ],
)
def test_items_must_be_a_list(tmp_path: Path, text: str, place: str) -> None:
    assert said(of(text, tmp_path)) == [place]


def test_the_objects_beside_the_junk_are_judged(tmp_path: Path) -> None:
    account = ACCOUNT.format(name="a").replace("\n", "\n  ")
    loaded = of(f"{LIST}items:\n- 1\n- {account}\n- kind: List\n  items: [2]\n", tmp_path)
    assert names(loaded) == ["a"]
    assert [place.split()[0] for place in said(loaded)] == ["4:3", "14:11"]


@pytest.mark.parametrize(
    "text",
    [
        LIST + "items: []\n",
        "apiVersion: example.com/v1\nkind: AllowList\nspec: {}\n",
        "apiVersion: example.com/v1\nkind: AllowList\nitems: {a: 1}\n",
    ],
)
def test_an_empty_list_and_kinds_of_others_are_no_fault(tmp_path: Path, text: str) -> None:
    assert said(of(text, tmp_path)) == []


def test_a_list_in_a_folder_that_is_not_ours_is_skipped(tmp_path: Path) -> None:
    loaded = load([str(written(tmp_path, a_yaml=LIST + "items: [1, 2]\n"))])
    assert loaded.findings == ()
    assert loaded.notes == (f"{tmp_path}/a.yaml:3 skipped: a List that holds no objects",)


def test_of_very_much_junk_a_hundred_are_told(tmp_path: Path) -> None:
    assert len(of(LIST + "items:\n" + "- 1\n" * 5000, tmp_path).findings) == 100


@pytest.mark.parametrize("kind", ["[a]", "{a: b}", "1", "null"])
def test_a_kind_that_is_no_text_is_a_finding(tmp_path: Path, kind: str) -> None:
    (found,) = of(ACCOUNT.replace("kind: Account", f"kind: {kind}"), tmp_path).findings
    assert found.finding.path == "kind"

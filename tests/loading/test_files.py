"""Files, folders and standard input: what is read, what is skipped, and what is told about either."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from kazoo_operator.kinds import discover
from kazoo_operator.manifests import Loaded, load

ACCOUNT = """apiVersion: kazoo-operator.io/v1alpha1
kind: Account
metadata:
  name: {name}
  namespace: team
spec:
  name: Acme
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_yaml", ".yaml").replace("_json", ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def names(loaded: Loaded) -> list[str]:
    return [manifest.name for manifest in loaded.documents]


def said(loaded: Loaded) -> list[str]:
    return [f"{found.line}:{found.column} {found.finding.message}" for found in loaded.findings]


def of(text: str, folder: Path, name: str = "one.yaml") -> Loaded:
    (folder / name).write_text(text, encoding="utf-8")
    return load([str(folder / name)])


def test_of_a_folder_only_yaml_and_json_are_opened(tmp_path: Path) -> None:
    text = ACCOUNT.format(name="a")
    written(tmp_path, a_yaml=text, sub__b_yaml=ACCOUNT.format(name="b"), notes="kind: [")
    (tmp_path / "c.yml").write_text(ACCOUNT.format(name="c"))
    loaded = load([str(tmp_path)])
    assert names(loaded) == ["a", "c", "b"]
    assert loaded.files == 3
    assert loaded.documents[0].file == str(tmp_path / "a.yaml")
    assert loaded.documents[0].namespace == "team"
    assert (loaded.findings, loaded.notes, loaded.unreadable) == ((), (), ())


def test_a_file_that_is_reached_twice_counts_once(tmp_path: Path) -> None:
    written(tmp_path, a_yaml=ACCOUNT.format(name="a"))
    (tmp_path / "link.yaml").symlink_to(tmp_path / "a.yaml")
    (tmp_path / "hard.yaml").hardlink_to(tmp_path / "a.yaml")
    loaded = load([str(tmp_path), str(tmp_path / "a.yaml"), str(tmp_path / "link.yaml")])
    assert names(loaded) == ["a"]
    assert loaded.files == 1


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    written(tmp_path, real__a_yaml=ACCOUNT.format(name="a"), tree__b_yaml=ACCOUNT.format(name="b"))
    (tmp_path / "tree" / "a.yaml").symlink_to(tmp_path / "real" / "a.yaml")
    (tmp_path / "tree" / "loop").symlink_to(tmp_path)
    loaded = load([str(tmp_path / "tree")])
    assert names(loaded) == ["a", "b"]
    assert [note for note in loaded.notes if "loop" in note and "link to a folder" in note]


def test_pipes_and_sockets_are_skipped_with_a_note(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.yaml"))
        loaded = load([str(tmp_path), str(tmp_path / "pipe.yaml")])
    assert len(loaded.notes) == 3
    assert "a pipe" in loaded.notes[0] and "a socket" in loaded.notes[1]
    assert loaded.unreadable == ()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00a", b"\x80\x81", "a: ü".encode("latin-1")])
def test_what_is_no_utf_8_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one.yaml").write_bytes(content)
    (unreadable,) = load([str(tmp_path)]).unreadable
    assert unreadable.startswith(f"{tmp_path}/one.yaml:1: ")


def test_a_path_that_does_not_exist_is_unreadable() -> None:
    (unreadable,) = load(["no/such/file.yaml"]).unreadable
    assert unreadable == "no/such/file.yaml: No such file or directory"


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_bytes(b"\xef\xbb\xbf" + ACCOUNT.format(name="a").encode())
    loaded = load([str(tmp_path / "one.yaml")])
    assert names(loaded) == ["a"]
    assert loaded.documents[0].position("apiVersion") == (1, 1)


def test_standard_input_is_a_file_named_by_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(ACCOUNT.format(name="a").encode())

    monkeypatch.setattr(sys, "stdin", Input)
    loaded = load(["-"])
    assert (names(loaded), loaded.documents[0].file) == (["a"], "-")


def test_broken_yaml_is_a_finding_when_named_or_when_it_speaks_of_us(tmp_path: Path) -> None:
    written(
        tmp_path,
        foreign_yaml="a: [\n",
        ours_yaml="apiVersion: kazoo-operator.io/v1alpha1\nkind: {\n",
        template_yaml="{{ .Values.x }}\n",
        values_yaml="replicas: 3\n",
        list_yaml="- 1\n- 2\n",
    )
    loaded = load([str(tmp_path)])
    assert [(found.file, found.line) for found in loaded.findings] == [(str(tmp_path / "ours.yaml"), 2)]
    assert len(loaded.notes) == 4
    named = load([str(tmp_path / "foreign.yaml")])
    assert [found.finding.severity for found in named.findings] == ["error"]


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n---\n# none\n", "{}\n"])
def test_a_file_without_anything_is_no_fault(tmp_path: Path, text: str) -> None:
    loaded = of(text, tmp_path)
    assert (loaded.documents, loaded.findings, loaded.unreadable) == ((), (), ())


def test_objects_of_others_are_counted(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Secret\n---\napiVersion: apps/v1\nkind: Deployment\n---\n"
    loaded = of(text + ACCOUNT.format(name="a") + "---\napiVersion: v1\nkind: Secret\n", tmp_path)
    assert names(loaded) == ["a"]
    assert loaded.foreign == {"v1/Secret": 2, "apps/v1/Deployment": 1}


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        (
            "kind: Account",
            "kind: Acount",
            "'Acount' is no kind of kazoo-operator.io/v1alpha1",
            "write Account",
        ),
        ("kind: Account", "", "is required", f"write one of {', '.join(kind.name for kind in discover())}"),
        ("io/v1alpha1", "io/v1", "'kazoo-operator.io/v1' is not served", "write kazoo-operator.io/v1alpha1"),
        ("operator.io", "operators.io", "is not served", "write kazoo-operator.io/v1alpha1"),
        ("apiVersion: kazoo-operator.io/v1alpha1", "", "is required", "write kazoo-operator.io/v1alpha1"),
    ],
)
def test_a_slip_in_kind_or_version_does_not_make_an_object_foreign(
    tmp_path: Path, old: str, new: str, message: str, hint: str
) -> None:
    (found,) = of(ACCOUNT.format(name="a").replace(old, new), tmp_path).findings
    assert message in found.finding.message
    assert found.finding.hint == hint


def test_lists_and_streams_of_json_hold_objects(tmp_path: Path) -> None:
    one: dict[str, Any] = {
        "apiVersion": "kazoo-operator.io/v1alpha1",
        "kind": "Account",
        "metadata": {"name": "a"},
        "spec": {"name": "Söhne 😀"},
    }
    listed = {"apiVersion": "v1", "kind": "List", "items": [one, {"apiVersion": "v1", "kind": "Secret"}, one]}
    loaded = of(json.dumps(listed, indent="\t"), tmp_path, "list.json")
    assert names(loaded) == ["a", "a"]
    assert [manifest.line for manifest in loaded.documents] == [5, 19]
    assert loaded.documents[0].spec["name"] == "Söhne 😀"
    stream = of(json.dumps(one) + "\n" + json.dumps(one, indent=1) + json.dumps(one), tmp_path, "stream.json")
    assert names(stream) == ["a", "a", "a"]
    assert [manifest.position("spec.name")[0] for manifest in stream.documents] == [1, 9, 11]


def test_a_thousand_files_are_loaded(tmp_path: Path) -> None:
    text = ACCOUNT.format(name="a") + "\n".join(f"  field{number}: value" for number in range(20))
    for number in range(1000):
        (tmp_path / f"{number}.yaml").write_text(text)
    assert len(load([str(tmp_path)]).documents) == 1000

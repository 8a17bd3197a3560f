"""What `validate` prints: nothing invisible, the caret below what it means, and one wording of skips."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from kazoo_operator.cli.findings import render, text
from kazoo_operator.core.printable import printable
from kazoo_operator.manifests import Loaded, load
from kazoo_operator.manifests.judgement import judge
from tests.cli.test_validate import EXAMPLE, file, found, validate

# A zero-width space, a bidi override, a C1 control, a byte order mark, a filler.
HIDDEN = "\u200b\u202e\u009b\ufeff\u3164"
ESCAPES = "\\u200b\\u202e\\u009b\\ufeff\\u3164"


def printed(folder: Path, document: str, form: str = "text", name: str = "account.yaml") -> str:
    loaded: Loaded = load([str(file(folder, document, name))])
    return render(form, loaded, judge(loaded), no_color=True)


def hostile(folder: Path, form: str) -> str:
    document = EXAMPLE.replace("  contacts:", f'  callerIDPrivacy: "Nam{HIDDEN}e"\n  contacts:')
    return printed(folder, document.replace("\u009b", "\\x9b"), form, f"a{HIDDEN}.yaml")


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "github"])
def test_nothing_invisible_is_printed_in_any_form(tmp_path: Path, form: str) -> None:
    said = hostile(tmp_path, form)
    assert [line for line in said.split("\n") if printable(line) != line] == []
    assert f"Nam{ESCAPES}e" in said.replace("\\\\u", "\\u")


def test_what_has_no_room_in_four_digits_has_eight() -> None:
    assert printable("a\U000e0041 b") == "a\\U000e0041 b"


def test_programs_get_the_true_name_of_a_file(tmp_path: Path) -> None:
    (finding,) = json.loads(hostile(tmp_path, "json"))["findings"]
    assert Path(finding["file"]).exists()
    assert ESCAPES in finding["message"]


def test_junit_stays_xml_whatever_is_in_a_message(tmp_path: Path) -> None:
    (case,) = ElementTree.fromstring(hostile(tmp_path, "junit")).iter("testcase")
    assert ESCAPES in (case[0].text or "")


@pytest.mark.parametrize(
    ("line", "shown", "caret"),
    [
        ("  x: [a\u200bb, 1]", "  x: [a\\u200bb, 1]", "  ^"),
        ("  \u200bx: 1", "  \\u200bx: 1", "  ^^^^^^^"),
        ("  {名前: 1, name: 2}", None, None),
        ("  language: 日本語", "  language: 日本語", "            ^^^^^^"),
        ("  name: A\n  language:\t日本", "  language:\t日本", "           \t^^^^"),
    ],
)
def test_the_caret_stands_below_what_it_means(
    tmp_path: Path, line: str, shown: str | None, caret: str | None
) -> None:
    said = printed(tmp_path, EXAMPLE.replace("  language: en-US\n", f"{line}\n")).split("\n")
    if shown is None:
        assert any("^" in one for one in said)
        return
    at = next(number for number, one in enumerate(said) if one.endswith(f" | {shown}"))
    assert said[at + 1].partition(" | ")[2] == caret


def test_a_long_line_is_cut_where_it_matters(tmp_path: Path) -> None:
    long = f"  driftIgnore: [{', '.join(['callerID'] * 50)}, nonsense]\n"
    said = printed(tmp_path, EXAMPLE.replace("spec:\n", f"spec:\n{long}"))
    excerpt = next(line for line in said.split("\n") if "nonsense]" in line)
    assert excerpt.split(" | ")[1].startswith("...") and len(excerpt) < 180


def test_a_password_in_a_file_is_printed_nowhere(tmp_path: Path) -> None:
    wrong = (
        "  administrators: [{email: 5, apiKey: hunter2, passwordSecretRef: hunter2}]\n  password: hunter2\n"
    )
    for form in ("text", "json", "sarif", "junit", "github"):
        said = printed(tmp_path, EXAMPLE.replace("spec:\n", f"spec:\n{wrong}"), form)
        assert "hunter2" not in said
        assert "spec.password" in said


def test_a_masked_line_keeps_its_columns(tmp_path: Path) -> None:
    said = printed(tmp_path, EXAMPLE.replace("spec:\n", "spec:\n  x: {token: hunter2, mode: 5}\n"))
    assert "  x: {token: *******, mode: 5}\n" in said


def test_skips_have_one_wording(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    file(tmp_path, "a: 1\n", "values.yaml")
    file(tmp_path, "{{ x }}\n", "template.yaml")
    file(tmp_path, f"{EXAMPLE}---\napiVersion: v1\nkind: Secret\n")
    assert "Note: 3 paths and 1 object of other kinds skipped; -v names them\n" in validate(tmp_path).stderr
    lines = validate(".", "-v", cwd=tmp_path).stderr.splitlines()
    assert [line.partition(" (")[0] for line in lines[:4]] == [
        "Note: pipe.yaml skipped: a pipe",
        "Note: template.yaml:1 skipped: no YAML",
        "Note: values.yaml:1 skipped: no Kubernetes object",
        "Note: 1 object of other kinds skipped: 1 v1/Secret",
    ]


def test_what_was_named_and_skipped_is_named_without_verbose(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    file(tmp_path, "a: 1\n", "values.yaml")
    file(tmp_path, "# nothing\n", "empty.yaml")
    file(tmp_path, "apiVersion: v1\nkind: Secret\n", "secret.yaml")
    names = ("pipe.yaml", "values.yaml", "empty.yaml", "secret.yaml")
    done = validate(*names, "-", cwd=tmp_path, stdin="")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "Note: pipe.yaml skipped: a pipe",
        "Note: values.yaml:1 skipped: no Kubernetes object",
        "Note: empty.yaml skipped: nothing of kazoo-operator.io was found",
        "Note: secret.yaml skipped: nothing of kazoo-operator.io was found",
        "Note: - skipped: nothing of kazoo-operator.io was found",
        "Note: 1 object of other kinds skipped; -v names them",
    ]


def test_standard_input_counts_once(tmp_path: Path) -> None:
    assert validate("-", "-", stdin=EXAMPLE).stderr == "1 object in 1 file: 0 errors, 0 warnings\n"
    assert validate("/dev/stdin", "-", stdin=EXAMPLE).stderr == "1 object in 1 file: 0 errors, 0 warnings\n"


@pytest.mark.parametrize(
    "metadata", ["annotations: {kazoo-operator.io/confirm-delete: null}", "labels: null"]
)
def test_null_is_absent_in_metadata_too(tmp_path: Path, metadata: str) -> None:
    assert found(file(tmp_path, EXAMPLE.replace("metadata:\n", f"metadata:\n  {metadata}\n"))) == []


def test_colours_end_where_they_should(tmp_path: Path) -> None:
    loaded = load([str(file(tmp_path, EXAMPLE.replace("en-US", "'\u200bx'")))])
    (one,) = judge(loaded)
    assert text(one, color=True).count("\x1b[0m") == 3


def test_what_yaml_takes_for_a_line_break_moves_no_excerpt(tmp_path: Path) -> None:
    said = printed(tmp_path, EXAMPLE.replace("spec:", "# a\u2028# b\x85# c\rspec:").replace("en-US", "EN"))
    assert "  language: EN\n" in said.replace(" | ", "")

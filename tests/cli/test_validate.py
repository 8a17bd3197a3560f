"""`validate` as a user meets it: exit codes, forms of output, and hostile files."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from tools.bench_validate import measured, written

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "examples/01-account/account.yaml").read_text(encoding="utf-8")
DENIED = EXAMPLE.replace("  contacts:", "  callRestrictions: {emergency: Deny}\n  contacts:")
WARNED = EXAMPLE.replace("spec:\n", "spec:\n  enabled: false\n")


def validate(
    *arguments: str | Path, stdin: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "kazoo_operator", "validate", *map(str, arguments)],
        input=stdin, cwd=cwd, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def found(*arguments: str | Path, **more: Any) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = json.loads(validate(*arguments, "-o", "json", **more).stdout)["findings"]
    return findings


def file(folder: Path, text: str, name: str = "account.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_clean_file_exits_0_and_says_nothing_on_standard_output(tmp_path: Path) -> None:
    done = validate(file(tmp_path, EXAMPLE))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "1 object in 1 file: 0 errors, 0 warnings\n"


def test_an_error_is_shown_as_compilers_show_it(tmp_path: Path) -> None:
    done = validate("account.yaml", cwd=file(tmp_path, DENIED).parent)
    assert done.returncode == 1
    assert done.stdout == (
        "error[KZ107]: spec.callRestrictions.emergency: "
        "emergency calls cannot be denied: KAZOO would reject them\n"
        "  --> account.yaml:19:33  (Account acme-dental)\n"
        "   |\n"
        "19 |   callRestrictions: {emergency: Deny}\n"
        "   |                                 ^^^^\n"
        "   = hint: leave emergency out, or write emergency: Allow\n"
        "\n"
    )


def test_warnings_fail_only_when_strict(tmp_path: Path) -> None:
    path = file(tmp_path, WARNED)
    assert validate(path).returncode == 0
    assert validate(path, "--strict").returncode == 1


def test_what_cannot_be_opened_or_decoded_exits_2_whatever_else_is_found(tmp_path: Path) -> None:
    path = file(tmp_path, DENIED)
    (tmp_path / "binary.yaml").write_bytes(b"\x7fELF\xff\x00")
    assert validate(path, "no-such-file.yaml").returncode == 2
    assert validate(tmp_path).returncode == 2
    assert "binary.yaml:1: no UTF-8" in validate(tmp_path).stderr


@pytest.mark.parametrize(
    "arguments", [[], ["-o", "xml", "."], ["--no-such-flag", "."], ["--against", "no/such", "."]], ids=str
)
def test_wrong_usage_exits_64(arguments: list[str]) -> None:
    assert validate(*arguments, cwd=ROOT / "examples").returncode == 64


def test_json_tells_all_of_it(tmp_path: Path) -> None:
    done = validate(
        file(tmp_path, DENIED), file(tmp_path, EXAMPLE.replace("acme", "b"), "b.yaml"), "-o", "json"
    )
    said = json.loads(done.stdout)
    (finding,) = [one for one in said["findings"] if one["rule"] == "KZ107"]
    assert {name: finding[name] for name in ("severity", "line", "kind", "namespace", "name", "path")} == {
        "severity": "error",
        "line": 19,
        "kind": "Account",
        "namespace": "",
        "name": "acme-dental",
        "path": "spec.callRestrictions.emergency",
    }
    assert finding["file"] == str(tmp_path / "account.yaml")
    assert said["summary"] == {"files": 2, "objects": 2, "errors": 2, "warnings": 0}


def test_sarif_junit_and_github_are_what_their_readers_take(tmp_path: Path) -> None:
    path = file(tmp_path, DENIED.replace("spec:\n", "spec:\n  enabled: false\n", 1))
    run = json.loads(validate(path, "-o", "sarif").stdout)["runs"][0]
    assert [one["ruleId"] for one in run["results"]] == ["KZ150", "KZ107"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {"KZ107", "KZ150"}
    suites = ElementTree.fromstring(validate(path, "-o", "junit").stdout)
    assert suites.attrib["failures"] == "1"
    (case,) = suites.iter("testcase")
    assert [child.tag for child in case] == ["failure", "system-out"]
    lines = validate(path, "-o", "github").stdout.splitlines()
    assert lines[0].startswith("::warning file=") and lines[1].startswith("::error file=")
    assert ",line=20,col=33,title=KZ107::" in lines[1]


def test_standard_input_and_objects_of_others(tmp_path: Path) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n---\n{DENIED}"
    done = validate("-", "-v", stdin=text)
    assert done.returncode == 1
    assert "--> -:23:33" in done.stdout
    assert "1 object of other kinds skipped: 1 v1/Secret" in done.stderr
    nothing = validate("-", stdin="# nothing\n")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert len(nothing.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new", "path", "hint"),
    [
        ("Los_Angeles", "Los_Angelos", "spec.timezone", "America/Los_Angeles"),
        ("  language:", "  langage:", "spec.langage", "language"),
        ("      email: tess", "      emial: tess", "spec.contacts.technical.emial", "email"),
        ("spec:\n", "spec:\n  callerIDPrivacy: none\n", "spec.callerIDPrivacy", "None"),
        (
            "spec:\n",
            "spec:\n  callRestrictions: {internation: Deny}\n",
            "spec.callRestrictions.internation",
            "international",
        ),
        (
            "spec:\n",
            "spec:\n  driftIgnore: [callerID.external.nam]\n",
            "spec.driftIgnore[0]",
            "callerID.external.name",
        ),
        ("country: US", "country: UK", "spec.address.country", "GB"),
        (
            "\nspec:\n",
            "\n  annotations: {kazoo-operator.io/confirm-delte: x}\nspec:\n",
            "metadata.annotations.kazoo-operator.io/confirm-delte",
            "confirm-delete",
        ),
        ("metadata:", "metdata:", "metdata", "metadata"),
    ],
    ids=lambda value: value[:24],
)
def test_a_slip_is_told_with_the_nearest_name(
    tmp_path: Path, old: str, new: str, path: str, hint: str
) -> None:
    said = {one["path"]: one["hint"] for one in found(file(tmp_path, EXAMPLE.replace(old, new, 1)))}
    assert hint in said[path]


def test_a_change_is_judged_against_a_folder(tmp_path: Path) -> None:
    old = file(tmp_path / "old", EXAMPLE).parent
    new = file(tmp_path / "new", EXAMPLE.replace("acme.pbx", "other.pbx").replace("en-US", "de-DE")).parent
    assert validate(new).returncode == 0
    rules = [(one["rule"], one["severity"]) for one in found(new, "--against", old)]
    assert rules == [("KZ020", "error"), ("KZ017", "warning")]


def test_a_change_is_judged_against_a_git_revision(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(tmp_path)]
    path = file(tmp_path, EXAMPLE, "team/account.yaml")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    file(tmp_path, EXAMPLE.replace("acme.pbx", "other.pbx"), "team/account.yaml")
    for where in (path, path.parent, tmp_path):
        assert [one["rule"] for one in found(where, "--against", "HEAD")] == ["KZ020"]
    assert [one["rule"] for one in found(".", "--against", "HEAD", cwd=path.parent)] == ["KZ020"]
    fresh = file(tmp_path, EXAMPLE.replace("acme", "fresh"), "fresh/account.yaml")
    assert found(fresh, "--against", "HEAD") == []


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{number + 1}: &a{number + 1} [{', '.join([f'*a{number}'] * 10)}]\n" for number in range(9)
)
OURS = "apiVersion: kazoo-operator.io/v1alpha1\nkind: Account\nmetadata: {name: a}\nspec:\n"


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        OURS + "  name: " + "x" * 5_000_000,
        OURS + "  driftIgnore:\n" + "  - a\n" * 800_000,
        "[" * 1_000_000,
        OURS + "  address: " + "{a: " * 90 + "}" * 90,
        OURS + "  a: !!python/object/apply:os.system ['true']\n",
        OURS + "  name: a\n  name: b\n",
        OURS + "  address: &a {extra: *a}\n",
        OURS.replace("spec:\n", "spec: [1, 2]\n"),
        OURS.replace("{name: a}", "[a]"),
        OURS.replace("{name: a}", "{name: {b: c}, annotations: [1], labels: {a: 1}}"),
        OURS + "  parentRef: 5\n  callRestrictions: []\n  controlCenter: {balance: 1}\n  address: 7\n",
        OURS
        + "  name: [1]\n  realm: {a: b}\n  managementPolicy: []\n"
        + "  driftIgnore: [[1], {a: 1}]\n  timezone: 9\n",
        "kind: Account\n---\n- 1\n",
        OURS + "".join(f"  field{number}: 1\n" for number in range(200_000)),
        OURS + "  name: a\n" * 100_000,
        OURS + "  driftIgnore:\n" + "  - a\n" * 200_000,
        OURS + "  callRestrictions:\n" + "".join(f"    c{number}: Deny\n" for number in range(200_000)),
        OURS.replace("}", ", labels: {" + ", ".join(f"l{n}: {n}" for n in range(100_000)) + "}}"),
        "---\n".join(OURS.replace("a}", f"a{n}}}") + f"  parentRef: {{name: p{n}}}\n" for n in range(2000)),
    ],
    ids=lambda text: text.removeprefix(OURS)[:30],
)
def test_hostile_files_end_in_findings_with_a_line(tmp_path: Path, text: str) -> None:
    path = file(tmp_path, text)
    run = measured("-m", "kazoo_operator", "validate", str(path), "-o", "json", "--quiet")
    # What grows with the square of any of these takes minutes, on any machine.
    assert run.processor < 60 and run.megabytes < 300
    findings = json.loads(run.said)["findings"]
    assert findings and all(one["line"] >= 1 for one in findings)


def test_pipes_and_sockets_hold_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.yaml"))
        done = validate(tmp_path, "-v")
    assert done.returncode == 0
    assert "a pipe" in done.stderr and "a socket" in done.stderr


def test_control_characters_reach_no_terminal(tmp_path: Path) -> None:
    text = DENIED.replace("name: Acme Dental", 'name: "\\e[31mAcme"')
    done = validate(file(tmp_path, text))
    assert "\x1b" not in done.stdout
    assert done.returncode == 1


COUNTED = """
import sys
from kazoo_operator.cli import main
from tests.steps import steps

def run():
    try:
        main()
    except SystemExit as end:
        assert end.code == 0

print(steps(run), file=sys.stderr)
"""


def test_a_file_more_costs_as_much_with_many_as_with_few(tmp_path: Path) -> None:
    def work(number: int) -> int:
        folder = tmp_path / str(number)
        folder.mkdir()
        written(folder, number)
        run = [sys.executable, "-P", "-c", COUNTED, "validate", "--quiet", str(folder)]
        path = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(run, env=path, capture_output=True, text=True, timeout=300, check=True)
        return int(done.stderr)

    few, some, many = work(1), work(101), work(401)
    assert 0 < many - some < 1.05 * 3 * (some - few)


def test_many_files_take_little_memory(tmp_path: Path) -> None:
    written(tmp_path, 1000)
    run = measured("-m", "kazoo_operator", "validate", str(tmp_path))
    assert "1000 objects in 1000 files: 0 errors" in run.said
    assert run.megabytes < 150

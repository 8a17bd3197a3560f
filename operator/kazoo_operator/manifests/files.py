"""Which files the paths of a command line stand for, and their text."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kazoo_operator.manifests.manifest import Skipped, Source

ENDINGS = (".yaml", ".yml", ".json")
MAX_BYTES = 16 * 1024 * 1024
STDIN = "-"


@dataclass
class Files:
    """Reads the paths; what was skipped and what could not be read stands in the lists of these names."""

    paths: Iterable[str]
    skipped: list[Skipped] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    seen: set[tuple[int, int]] = field(default_factory=set)

    def read(self) -> Iterator[tuple[Source, bool]]:
        """Each file once, and whether it was named on the command line itself."""
        for path in self.paths:
            if path == STDIN:
                yield from self._standard_input()
            elif Path(path).is_dir():
                for found in self._below(path):
                    yield from self._file(found, named=False)
            else:
                yield from self._file(path, named=True)

    def _standard_input(self) -> Iterator[tuple[Source, bool]]:
        if sys.stdin is None:
            self.unreadable.append(f"{STDIN}: standard input is closed")
            return
        stream = sys.stdin.buffer
        try:
            found = os.fstat(stream.fileno())
            identity = (found.st_dev, found.st_ino)
        except OSError:
            # A stream without a file behind it.
            identity = (-1, id(stream))
        if identity in self.seen:
            return
        self.seen.add(identity)
        try:
            content = stream.read(MAX_BYTES + 1)
        except OSError as error:
            self.unreadable.append(f"{STDIN}: {error.strerror}")
            return
        yield from self._decoded(STDIN, content, named=True)

    def _below(self, folder: str) -> Iterator[str]:
        def told(error: OSError) -> None:
            self.unreadable.append(f"{error.filename}: {error.strerror}")

        for above, folders, names in os.walk(folder, onerror=told):
            folders.sort()
            for name in sorted(names):
                if name.endswith(ENDINGS):
                    yield str(Path(above, name)) if above != "." else name
            for name in folders:
                if Path(above, name).is_symlink():
                    self.skipped.append(Skipped(str(Path(above, name)), "a link to a folder"))

    def _file(self, path: str, named: bool) -> Iterator[tuple[Source, bool]]:
        try:
            found = Path(path).stat()
            # What a shell gives for <(command) is a pipe that was meant to be read.
            given = named and path.startswith(("/dev/fd/", "/proc/self/fd/", "/dev/stdin"))
            if not stat.S_ISREG(found.st_mode) and not given:
                self.skipped.append(Skipped(path, _nature(found.st_mode), named=named))
                return
            identity = (found.st_dev, found.st_ino)
            if identity in self.seen:
                return
            self.seen.add(identity)
            with Path(path).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            self.unreadable.append(f"{path}: {getattr(error, 'strerror', None) or error}")
            return
        yield from self._decoded(path, content, named)

    def _decoded(self, name: str, content: bytes, named: bool) -> Iterator[tuple[Source, bool]]:
        if len(content) > MAX_BYTES:
            self.unreadable.append(f"{name}: larger than {MAX_BYTES // 1024 // 1024} MB")
            return
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self.unreadable.append(f"{name}:{line}: no UTF-8")
            return
        yield Source(name, text), named


def _nature(mode: int) -> str:
    natures = {
        stat.S_ISFIFO: "a pipe",
        stat.S_ISSOCK: "a socket",
        stat.S_ISCHR: "a device",
        stat.S_ISBLK: "a device",
    }
    return next((word for test, word in natures.items() if test(mode)), "no file")

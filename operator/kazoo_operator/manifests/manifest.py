"""One object from a file, and what was found about it; what loading gives."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from kazoo_operator.core.conformity import NO_FIELD
from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.finding import Finding
from kazoo_operator.manifests.confidential import masked
from kazoo_operator.manifests.nodes import Place

# What ends a line in YAML 1.1: line numbers of libyaml count all of them.
_RARE = re.compile("[\r\x85\u2028\u2029]")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True)
class Source:
    """A file's name as the user gave it, and its text, for excerpts."""

    name: str
    text: str

    def line(self, number: int) -> str:
        """The text of a line, counted from 1; empty where there is none."""
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def excerpt(self, number: int) -> str:
        """The same with stars in the place of passwords and keys."""
        if number not in self._excerpts:
            self._excerpts[number] = masked(self._lines, number) if 0 < number <= len(self._lines) else ""
        return self._excerpts[number]

    @cached_property
    def _excerpts(self) -> dict[int, str]:
        return {}

    @cached_property
    def _lines(self) -> list[str]:
        return _BREAK.split(self.text) if _RARE.search(self.text) else self.text.split("\n")


@dataclass(frozen=True)
class Manifest:
    """One object of our kinds: what a file says, and where it says so. Lines and columns begin at 1."""

    kind: str
    namespace: str
    name: str
    body: JsonObject = field(repr=False)
    source: Source = field(repr=False)
    place: Place = field(repr=False)

    @property
    def file(self) -> str:
        """The file's name as the user gave it; `-` is standard input."""
        return self.source.name

    @property
    def line(self) -> int:
        """The line on which the object begins."""
        return self.place.line + 1

    @property
    def key(self) -> Key:
        """The object's key; without a namespace in the file, an empty one."""
        return Key(self.kind, self.namespace, self.name)

    @property
    def spec(self) -> JsonObject:
        """The spec as it stands in the file; empty where it is no mapping."""
        found = self.body.get("spec")
        return found if isinstance(found, dict) else {}

    def resource(self) -> Resource:
        """The object as the core sees it."""
        return Resource.of(self.kind, self.body)

    def position(self, path: str) -> tuple[int, int]:
        """Line and column of the field at `spec.grants[1].amount`, or of what stands next above it."""
        place, _ = self._at(path)
        return place.line + 1, place.column + 1

    def span(self, path: str, of_key: bool = False) -> tuple[int, int, int]:
        """Line, column and length of what to underline: the value beside its key, or else the key."""
        place, last = self._at(path)
        beside = place.inner is None and place.line == place.value_line and place.length > 0
        if beside and not of_key:
            return place.value_line + 1, place.value_column + 1, place.length
        is_quoted = self.source.line(place.line + 1)[place.column : place.column + 1] in ('"', "'")
        return place.line + 1, place.column + 1, max(len(last), 1) + 2 * is_quoted

    def _at(self, path: str) -> tuple[Place, str]:
        place, rest, last = self.place, path, ""
        while rest:
            found = _step(place, rest)
            if found is None:
                break
            place, last, rest = found
        return place, last


def _step(place: Place, rest: str) -> tuple[Place, str, str] | None:
    """One step down: the place, the name of the step, and the rest of the path. Names may hold dots."""
    if isinstance(place.inner, list):
        number, closed, after = rest.removeprefix("[").partition("]")
        if closed and number.isdigit() and int(number) < len(place.inner):
            return place.inner[int(number)], "", after.removeprefix(".")
    elif isinstance(place.inner, dict):
        ends = [end for end, char in enumerate(rest) if char in ".["]
        for end in (len(rest), *reversed(ends)):
            name = rest[:end]
            if name in place.inner:
                return place.inner[name], name, rest[end:].removeprefix(".")
    return None


@dataclass(frozen=True)
class Located:
    """A finding and where it stands; without an object where the file itself is at fault."""

    finding: Finding
    source: Source = field(repr=False)
    line: int
    column: int
    length: int = 1
    kind: str = ""
    namespace: str = ""
    name: str = ""

    @classmethod
    def on(cls, manifest: Manifest, finding: Finding) -> Located:
        """A finding about an object."""
        line, column, length = manifest.span(finding.path, of_key=finding.message == NO_FIELD)
        known = (manifest.kind, manifest.namespace, manifest.name)
        return cls(finding, manifest.source, line, column, length, *known)

    @property
    def file(self) -> str:
        """The file's name as the user gave it."""
        return self.source.name


@dataclass(frozen=True)
class Skipped:
    """What was not judged and why: a path, or a place in a file; `named` where the user named the path."""

    path: str
    why: str
    line: int = 0
    named: bool = False

    def __str__(self) -> str:
        return f"{self.path}{f':{self.line}' if self.line else ''} skipped: {self.why}"


@dataclass(frozen=True)
class Loaded:
    """What the paths hold: our objects, what is wrong with the files, and what was left out.

    `unreadable` says what could not be opened or decoded, and `foreign` counts the objects of others by
    `apiVersion/Kind`.
    """

    documents: tuple[Manifest, ...]
    findings: tuple[Located, ...]
    skipped: tuple[Skipped, ...]
    unreadable: tuple[str, ...]
    files: int
    foreign: Counter[str]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was skipped, a line each."""
        return tuple(map(str, self.skipped))

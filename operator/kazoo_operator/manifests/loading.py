"""From paths to manifests: our kinds are kept, those of others are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from kazoo_operator.core.conformity import ENOUGH
from kazoo_operator.core.custom_resource import API_VERSION, GROUP, JsonObject, Key
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.kinds import discover
from kazoo_operator.manifests.files import Files
from kazoo_operator.manifests.manifest import Loaded, Located, Manifest, Source
from kazoo_operator.manifests.nodes import Broken, Document, Duplicate, Place, documents


def load(paths: Iterable[str]) -> Loaded:
    """Read files, folders and `-`. Never raises for what stands in them: that is a finding."""
    files = Files([str(path) for path in paths])
    reading = _Reading(frozenset(kind.name for kind in discover()))
    read = 0
    for source, named in files.read():
        read += 1
        reading.file(source, named)
    return Loaded(
        documents=tuple(reading.manifests),
        findings=tuple(reading.findings),
        notes=(*files.notes, *reading.notes),
        unreadable=tuple(files.unreadable),
        files=read,
        foreign=reading.foreign,
    )


@dataclass
class _Reading:
    known: frozenset[str]
    manifests: list[Manifest] = field(default_factory=list)
    findings: list[Located] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    foreign: Counter[str] = field(default_factory=Counter)

    def file(self, source: Source, named: bool) -> None:
        """Everything in one file."""
        ours = named or GROUP in source.text
        try:
            for document in documents(source.text):
                self._document(source, document, named)
        except Broken as broken:
            if not ours:
                self.notes.append(f"{source.name}:{broken.line + 1}: skipped, no YAML ({broken.message})")
                return
            finding = _error("", f"broken YAML: {broken.message}", "correct it, or name other files")
            self.findings.append(Located(finding, source, broken.line + 1, broken.column + 1))

    def _document(self, source: Source, document: Document, named: bool) -> None:
        if document.value is None:
            return
        if not isinstance(document.value, dict):
            where = (document.place.line + 1, document.place.column + 1)
            if named:
                finding = _error("", "this is no Kubernetes object", "write apiVersion, kind, metadata, spec")
                self.findings.append(Located(finding, source, *where))
            else:
                self.notes.append(f"{source.name}:{where[0]}: skipped, no Kubernetes object")
            return
        kept, at = len(self.manifests), len(self.findings)
        for body, place in _objects(document.value, document.place):
            self._object(source, body, place)
        if (len(self.manifests), len(self.findings)) != (kept, at):
            for found in document.duplicates[:ENOUGH]:
                self.findings.append(_twice(source, found, self.manifests[kept:]))

    def _object(self, source: Source, body: JsonObject, place: Place) -> None:
        version, kind = body.get("apiVersion"), body.get("kind")
        finding = self._strange(version, kind)
        if finding is not None:
            self.findings.append(_at(source, place, finding, body))
        elif version == API_VERSION:
            metadata = body.get("metadata")
            said = metadata if isinstance(metadata, dict) else {}
            names = (_text(said.get("namespace")), _text(said.get("name")))
            self.manifests.append(Manifest(str(kind), *names, body, source, place))
        elif isinstance(version, str) and isinstance(kind, str):
            self.foreign[f"{version}/{kind}"] += 1
        else:
            self.notes.append(f"{source.name}:{place.line + 1}: skipped, no Kubernetes object")

    def _strange(self, version: Any, kind: Any) -> Finding | None:
        """What is wrong with apiVersion and kind of an object that is, or seems to be, one of ours."""
        if version == API_VERSION:
            if kind in self.known:
                return None
            near = get_close_matches(str(kind), self.known, 1, 0.5) if kind else []
            hint = f"write {near[0]}" if near else f"write one of {', '.join(sorted(self.known))}"
            if kind is None:
                return _error("kind", "is required", hint)
            return _error("kind", f"{kind!r} is no kind of {API_VERSION}", hint)
        if kind in self.known and version is None:
            return _error("apiVersion", "is required", f"write {API_VERSION}")
        group = version.partition("/")[0] if isinstance(version, str) else ""
        if group == GROUP or (kind in self.known and get_close_matches(group, [GROUP], 1, 0.8)):
            return _error("apiVersion", f"{version!r} is not served", f"write {API_VERSION}")
        return None


def _objects(value: JsonObject, place: Place) -> Iterator[tuple[JsonObject, Place]]:
    """The object itself, or those in a List, in a List of Lists too."""
    items, kind = value.get("items"), value.get("kind")
    if not (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
        yield value, place
        return
    inner = place.inner["items"].inner if isinstance(place.inner, dict) else None
    for item, where in zip(items, inner if isinstance(inner, list) else (), strict=True):
        if isinstance(item, dict):
            yield from _objects(item, where)


def _error(path: str, message: str, hint: str) -> Finding:
    return Finding("SCHEMA", Severity.ERROR, path, message, hint)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _at(source: Source, place: Place, finding: Finding, body: JsonObject) -> Located:
    metadata = body.get("metadata")
    said = metadata if isinstance(metadata, dict) else {}
    found = Manifest(
        _text(body.get("kind")), _text(said.get("namespace")), _text(said.get("name")), body, source, place
    )
    return Located.on(found, finding)


def _twice(source: Source, found: Duplicate, manifests: list[Manifest]) -> Located:
    """A key that stands twice, told about the object in which it stands."""
    message = f"the key {found.key!r} stands twice here, first on line {found.first + 1}"
    owners = [manifest for manifest in manifests if manifest.place.line <= found.line]
    path = _path_to(owners[-1].place, found) if owners else ""
    names = owners[-1].key if owners else Key("", "", "")
    finding = _error(path, message, "remove one of them")
    where = (found.line + 1, found.column + 1, len(found.key))
    return Located(finding, source, *where, names.kind, names.namespace, names.name)


def _path_to(place: Place, found: Duplicate) -> str:
    """The path of the member at exactly that place; empty where there is none."""
    inner = place.inner
    members = inner.items() if isinstance(inner, dict) else enumerate(inner or ())
    for name, member in members:
        step = f"[{name}]" if isinstance(name, int) else name
        if (member.line, member.column) == (found.line, found.column) and name == found.key:
            return step
        below = _path_to(member, found)
        if below:
            return f"{step}{below}" if below.startswith("[") else f"{step}.{below}"
    return ""

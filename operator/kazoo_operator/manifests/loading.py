"""From paths to manifests: our kinds are kept, those of others are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from kazoo_operator.core.conformity import ENOUGH
from kazoo_operator.core.custom_resource import API_VERSION, GROUP, JsonObject, Key
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.near import nearest
from kazoo_operator.kinds import discover
from kazoo_operator.manifests.broken import Broken
from kazoo_operator.manifests.confidential import secrets_in, without
from kazoo_operator.manifests.files import Files
from kazoo_operator.manifests.manifest import Loaded, Located, Manifest, Skipped, Source
from kazoo_operator.manifests.nodes import Document, Duplicate, Place, documents


def load(paths: Iterable[str]) -> Loaded:
    """Read files, folders and `-`. Never raises for what stands in them: that is a finding."""
    files = Files([str(path) for path in paths])
    loaded = _loaded(files.read())
    return replace(loaded, skipped=(*files.skipped, *loaded.skipped), unreadable=tuple(files.unreadable))


def load_texts(sources: Iterable[Source]) -> Loaded:
    """The same for texts that come from elsewhere, judged as the files of a folder are."""
    return _loaded((source, False) for source in sources)


def _loaded(sources: Iterable[tuple[Source, bool]]) -> Loaded:
    reading = _Reading(frozenset(kind.name for kind in discover()))
    read = 0
    for source, named in sources:
        read += 1
        reading.file(source, named)
    return Loaded(
        documents=tuple(reading.manifests),
        findings=tuple(reading.findings),
        skipped=tuple(reading.skipped),
        unreadable=(),
        files=read,
        foreign=reading.foreign,
    )


@dataclass
class _Reading:
    known: frozenset[str]
    manifests: list[Manifest] = field(default_factory=list)
    findings: list[Located] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    foreign: Counter[str] = field(default_factory=Counter)

    def file(self, source: Source, named: bool) -> None:
        """Everything in one file."""
        ours = named or GROUP in source.text
        before = self._told()
        try:
            for document in documents(source.text):
                self._document(source, document, named, ours)
        except Broken as broken:
            line = broken.line + 1
            message = without(broken.message, secrets_in(source.line(line), source.excerpt(line)))
            if not ours:
                self.skipped.append(Skipped(source.name, f"no YAML ({message})", line))
                return
            finding = _error("", f"broken YAML: {message}", broken.hint)
            self.findings.append(Located(finding, source, line, broken.column + 1))
        if named and before == self._told():
            self.skipped.append(Skipped(source.name, "nothing of kazoo-operator.io was found", named=True))

    def _told(self) -> tuple[int, int, int]:
        return len(self.manifests), len(self.findings), len(self.skipped)

    def _document(self, source: Source, document: Document, named: bool, ours: bool) -> None:
        if document.value is None:
            return
        if not isinstance(document.value, dict):
            where = (document.place.line + 1, document.place.column + 1)
            if named:
                finding = _error("", "this is no Kubernetes object", "write apiVersion, kind, metadata, spec")
                self.findings.append(Located(finding, source, *where))
            else:
                self.skipped.append(Skipped(source.name, "no Kubernetes object", where[0]))
            return
        kept, at = len(self.manifests), len(self.findings)
        junk: list[Located] = []
        if _is_list(document.value, self.known):
            for body, place in _items(source, document.value, document.place, self.known, junk):
                self._object(source, body, place, junk)
        else:
            self._object(source, document.value, document.place, None, named)
        if ours:
            self.findings += junk[:ENOUGH]
        elif junk:
            self.skipped.append(Skipped(source.name, "a List that holds no objects", junk[0].line))
        if (len(self.manifests), len(self.findings)) != (kept, at):
            for found in document.duplicates[:ENOUGH]:
                self.findings.append(_twice(source, found, self.manifests[kept:]))

    def _object(
        self, source: Source, body: JsonObject, place: Place, junk: list[Located] | None, named: bool = False
    ) -> None:
        """One object; `junk` takes what is none, where it stands in a List."""
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
        elif junk is not None:
            missing = "apiVersion" if isinstance(kind, str) else "kind"
            junk.append(_at(source, place, _error(missing, "is required", "add it, as text"), body))
        else:
            self.skipped.append(Skipped(source.name, "no Kubernetes object", place.line + 1, named))

    def _strange(self, version: Any, kind: Any) -> Finding | None:
        """What is wrong with apiVersion and kind of an object that is, or seems to be, one of ours."""
        if version == API_VERSION:
            if isinstance(kind, str) and kind in self.known:
                return None
            near = nearest(str(kind), sorted(self.known)) if kind else None
            hint = f"write {near}" if near else f"write one of {', '.join(sorted(self.known))}"
            if kind is None:
                return _error("kind", "is required", hint)
            return _error("kind", f"{kind!r} is no kind of {API_VERSION}", hint)
        is_known = isinstance(kind, str) and kind in self.known
        if is_known and version is None:
            return _error("apiVersion", "is required", f"write {API_VERSION}")
        group = version.partition("/")[0] if isinstance(version, str) else ""
        if group == GROUP or (is_known and get_close_matches(group, [GROUP], 1, 0.8)):
            return _error("apiVersion", f"{version!r} is not served", f"write {API_VERSION}")
        return None


def _is_list(value: JsonObject, known: frozenset[str]) -> bool:
    """Whether kubectl takes an object for a List: by its items, or by its kind where these are missing."""
    kind = value.get("kind")
    if not isinstance(kind, str) or not kind.endswith("List"):
        return False
    if isinstance(value.get("items"), list):
        return True
    own = value.get("apiVersion") == API_VERSION and kind.removesuffix("List") in known
    return own or (kind == "List" and value.get("apiVersion") in (None, "v1", API_VERSION))


def _items(
    source: Source, value: JsonObject, place: Place, known: frozenset[str], junk: list[Located]
) -> Iterator[tuple[JsonObject, Place]]:
    """The objects in a List, in a List of Lists too; `junk` takes what the API server would refuse there."""
    items = value.get("items")
    if not isinstance(items, list):
        message = "is required" if items is None else "must be a list"
        junk.append(_at(source, place, _error("items", message, "write a list of objects"), value))
        return
    inner = place.inner["items"].inner if isinstance(place.inner, dict) else None
    pairs = zip(items, inner if isinstance(inner, list) else (), strict=True)
    for number, (item, where) in enumerate(pairs):
        if not isinstance(item, dict):
            if len(junk) < ENOUGH:
                hint = "write apiVersion, kind, metadata and spec, or remove it"
                finding = _error(f"items[{number}]", "is no Kubernetes object", hint)
                junk.append(_at(source, place, finding, value))
        elif _is_list(item, known):
            yield from _items(source, item, where, known, junk)
        else:
            yield item, where


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

"""Every rule over manifests, without cluster and KAZOO: all findings at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from kazoo_operator.core.conformity import ENOUGH, ignored_findings, schema_findings, without_nulls
from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.finding import Finding
from kazoo_operator.core.kind import Kind
from kazoo_operator.kinds import discover
from kazoo_operator.manifests.cel_rules import CelRules
from kazoo_operator.manifests.envelope import envelope_findings
from kazoo_operator.manifests.manifest import Loaded, Located, Manifest


def judge(loaded: Loaded, before: Iterable[Manifest] = ()) -> tuple[Located, ...]:
    """What is wrong with the files and the objects in them, in the order of files and lines.

    With the manifests of `before`, those that change an object are judged as changes too.
    """
    kinds = {kind.name: kind for kind in discover()}
    compiled = {name: CelRules(kinds[name]) for name in {manifest.kind for manifest in loaded.documents}}
    old = {manifest.key: manifest for manifest in before}
    found = list(loaded.findings)
    for manifest in loaded.documents:
        seen: set[tuple[str, str]] = set()
        for finding in _findings(
            kinds[manifest.kind], compiled[manifest.kind], manifest, old.get(manifest.key)
        ):
            # The schema and the CEL of a nested field may say the same, or the schema more exactly.
            if finding.rule != "SCHEMA" or not _is_told(finding.path, seen):
                found.append(Located.on(manifest, finding))
            seen.add((finding.path, finding.rule))
    found += _over_the_set(kinds.values(), loaded.documents)
    files = {file: number for number, file in enumerate(dict.fromkeys(_files(loaded)))}
    return tuple(sorted(found, key=lambda one: (files[one.file], one.line, one.column, one.finding.rule)))


def _is_told(path: str, seen: Iterable[tuple[str, str]]) -> bool:
    said = (known for known, rule in seen if rule == "SCHEMA")
    return any(known == path or known.startswith(f"{path}.") for known in said)


def _files(loaded: Loaded) -> Iterator[str]:
    yield from (manifest.file for manifest in loaded.documents)
    yield from (found.file for found in loaded.findings)


def _findings(kind: Kind, cel: CelRules, manifest: Manifest, before: Manifest | None) -> Iterator[Finding]:
    yield from islice(envelope_findings(manifest.body), ENOUGH)
    for rule in kind.rules:
        if rule.of_object is not None:
            yield from rule.on_object(manifest.body)
    if not isinstance(manifest.body.get("spec"), dict):
        return
    spec: JsonObject = without_nulls(manifest.spec)
    yield from schema_findings(kind.spec, manifest.spec)
    yield from ignored_findings(kind.spec, spec)
    yield from cel.findings(spec)
    for rule in kind.rules:
        if rule.cel is None:
            yield from rule.findings(spec)
    if before is not None:
        old: JsonObject = without_nulls(before.spec)
        yield from cel.changes(old, spec)
        for rule in kind.rules:
            yield from rule.on_change(old, spec)


def _over_the_set(kinds: Iterable[Kind], manifests: Sequence[Manifest]) -> Iterator[Located]:
    resources = [_resource(manifest) for manifest in manifests]
    for rule in {rule: None for kind in kinds for rule in kind.rules if rule.over is not None}:
        for number, finding in rule.on_set(resources):
            yield Located.on(manifests[number], finding)


def _resource(manifest: Manifest) -> Resource:
    """As far as rules over a set need it, whatever the manifest lacks."""
    return Resource(Key(manifest.kind, manifest.namespace, manifest.name), "", 0, "", manifest.spec, {})

"""Every rule over manifests, without cluster and KAZOO: all findings at once, each with its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from kazoo_operator.core.conformity import ENOUGH, ignored_findings, schema_findings, without_nulls
from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.pricing.estimate import Day
from kazoo_operator.kinds import discover
from kazoo_operator.manifests.cel_rules import CelRules
from kazoo_operator.manifests.confidential import secrets_of, without
from kazoo_operator.manifests.envelope import envelope_findings
from kazoo_operator.manifests.manifest import Loaded, Located, Manifest


def judge(loaded: Loaded, before: Iterable[Manifest] = (), day: Day | None = None) -> tuple[Located, ...]:
    """What is wrong with the files and the objects in them, in the order of files and lines.

    With the manifests of `before`, those that change an object of the same kind, namespace and name are
    judged as changes too; with `day`, today in UTC, also what depends on it.
    """
    kinds = {kind.name: kind for kind in discover()}
    compiled = {name: CelRules(kinds[name]) for name in {manifest.kind for manifest in loaded.documents}}
    old: dict[Key, list[Manifest]] = defaultdict(list)
    for manifest in before:
        old[manifest.key].append(manifest)
    by_object = [
        _findings(kinds[manifest.kind], compiled[manifest.kind], manifest, old.get(manifest.key, ()), day)
        for manifest in loaded.documents
    ]
    for number, finding in _over_the_set(kinds.values(), loaded.documents):
        by_object[number].append(finding)
    found = list(loaded.findings)
    for manifest, findings in zip(loaded.documents, by_object, strict=True):
        secrets = secrets_of(manifest.body) if findings else ()
        found += [Located.on(manifest, _discreet(finding, secrets)) for finding in findings]
    files = {file: number for number, file in enumerate(dict.fromkeys(_files(loaded)))}
    return tuple(sorted(found, key=lambda one: (files[one.file], one.line, one.column, one.finding.rule)))


def _is_told(path: str, seen: Iterable[tuple[str, str]]) -> bool:
    said = (known for known, rule in seen if rule == "SCHEMA")
    return any(known == path or known.startswith(f"{path}.") for known in said)


def _discreet(finding: Finding, secrets: Sequence[str]) -> Finding:
    if not secrets:
        return finding
    return replace(finding, message=without(finding.message, secrets), hint=without(finding.hint, secrets))


def _files(loaded: Loaded) -> Iterator[str]:
    yield from (manifest.file for manifest in loaded.documents)
    yield from (found.file for found in loaded.findings)


def _findings(
    kind: Kind, cel: CelRules, manifest: Manifest, before: Sequence[Manifest], day: Day | None
) -> list[Finding]:
    found: list[Finding] = []
    seen: set[tuple[str, str]] = set()
    for finding in (*_on_its_own(kind, cel, manifest, day), *_as_a_change(kind, cel, manifest, before)):
        # The schema and the CEL of a nested field may say the same, or the schema more exactly.
        if finding.rule != "SCHEMA" or not _is_told(finding.path, seen):
            found.append(finding)
        seen.add((finding.path, finding.rule))
    return found


def _on_its_own(kind: Kind, cel: CelRules, manifest: Manifest, day: Day | None) -> Iterator[Finding]:
    yield from islice(envelope_findings(manifest.body), ENOUGH)
    body = {**manifest.body, "metadata": without_nulls(manifest.body.get("metadata"))}
    for rule in kind.rules:
        if rule.of_object is not None:
            yield from rule.on_object(body)
    if not isinstance(manifest.body.get("spec"), dict):
        return
    spec: JsonObject = without_nulls(manifest.spec)
    yield from schema_findings(kind.spec, manifest.spec)
    yield from ignored_findings(kind.spec, spec)
    yield from cel.findings(spec)
    for rule in kind.rules:
        if rule.cel is None:
            yield from rule.findings(spec, day)


def _as_a_change(kind: Kind, cel: CelRules, manifest: Manifest, before: Sequence[Manifest]) -> list[Finding]:
    """What is wrong with the change from what stood in the same file, else in any: the one most like it."""
    if not before or not isinstance(manifest.body.get("spec"), dict):
        return []
    new: JsonObject = without_nulls(manifest.spec)
    judged = []
    for one in [one for one in before if one.file == manifest.file] or before:
        old: JsonObject = without_nulls(one.spec)
        found = list(cel.changes(old, new))
        found += [finding for rule in kind.rules for finding in rule.on_change(old, new)]
        judged.append((sum(finding.severity is Severity.ERROR for finding in found), len(found), found))
    return min(judged, key=lambda one: one[:2])[2]


def _over_the_set(kinds: Iterable[Kind], manifests: Sequence[Manifest]) -> Iterator[tuple[int, Finding]]:
    resources = [_resource(manifest) for manifest in manifests]
    for rule in {rule: None for kind in kinds for rule in kind.rules if rule.over is not None}:
        yield from rule.on_set(resources)


def _resource(manifest: Manifest) -> Resource:
    """As far as rules over a set need it, whatever the manifest lacks."""
    return Resource(Key(manifest.kind, manifest.namespace, manifest.name), "", 0, "", manifest.spec, {})

"""Objects as files declare them: what a plan begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.finding import Finding
from kazoo_operator.core.lineage import BACKEND
from kazoo_operator.core.report import NOWHERE, FileFinding, Place
from kazoo_operator.kinds import discover
from kazoo_operator.manifests.manifest import Located, Manifest


def _nowhere(_path: str) -> int:
    return 0


@dataclass(frozen=True)
class Declared:
    """An object from a file, where its fields stand, and what the rules already say about it."""

    resource: Resource
    place: Place = NOWHERE
    findings: tuple[Finding, ...] = ()
    line_of: Callable[[str], int] = _nowhere


def declared(
    manifests: Iterable[Manifest], found: Iterable[Located], namespace: str
) -> tuple[tuple[Declared, ...], tuple[FileFinding, ...]]:
    """The objects with their findings, and the findings that belong to none of them.

    `namespace` is that of objects whose file names none. An object that stands twice is taken once; one that
    keeps nothing in KAZOO is none that is planned.
    """
    planned = {kind.name for kind in discover() if kind.managed}
    first: dict[Key, Manifest] = {}
    for manifest in manifests:
        if manifest.name and manifest.kind in planned:
            first.setdefault(_key(manifest, namespace), manifest)
    said: dict[Key, list[Finding]] = {key: [] for key in first}
    others = []
    for located in found:
        key = _key(located, namespace)
        if key in said:
            said[key].append(located.finding)
        else:
            place, named = (
                Place(located.file, located.line),
                key if located.name else Key(located.kind, "", ""),
            )
            others.append(FileFinding(located.finding, place, named))
    objects = tuple(_declared(key, manifest, said[key]) for key, manifest in first.items())
    return objects, tuple(others)


def declared_backends(manifests: Iterable[Manifest], namespace: str) -> dict[Key, Resource]:
    """The TelephonyBackends of the files, by key; `namespace` as above."""
    first: dict[Key, Resource] = {}
    for manifest in manifests:
        if manifest.name and manifest.kind == BACKEND:
            key = _key(manifest, namespace)
            first.setdefault(key, Resource(key, "", 1, "", manifest.spec, {}))
    return first


def _key(one: Manifest | Located, namespace: str) -> Key:
    return Key(one.kind, one.namespace or namespace, one.name)


def _declared(key: Key, manifest: Manifest, findings: Iterable[Finding]) -> Declared:
    # What an export says about status or generation is not the user's word.
    resource = Resource(key, "", 1, "", manifest.spec, {})
    place = Place(manifest.file, manifest.line)
    unique = tuple(dict.fromkeys(findings))
    return Declared(resource, place, unique, lambda path: manifest.position(path)[0])

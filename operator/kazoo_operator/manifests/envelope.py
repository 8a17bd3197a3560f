"""What surrounds a spec: the members of a manifest and its metadata, as the API server wants them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kazoo_operator.core.conformity import NO_FIELD
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.near import nearest

_MEMBERS = ("apiVersion", "kind", "metadata", "spec", "status")
_METADATA = (
    *("name", "namespace", "labels", "annotations", "finalizers", "ownerReferences", "generateName"),
    *("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "managedFields"),
    *("deletionGracePeriodSeconds", "selfLink"),
)
_WORD = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_NAMESPACE = re.compile(rf"{_WORD}\Z")
_LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?\Z")
_PREFIXED = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]\Z"
)


def envelope_findings(body: JsonObject) -> Iterator[Finding]:
    """What is wrong around the spec: rule SCHEMA."""
    for name in body:
        if name not in _MEMBERS:
            yield _unknown(name, name, _MEMBERS)
    spec = body.get("spec")
    if spec is None:
        yield _error("spec", "is required", "add spec with name, timezone, language and address")
    elif not isinstance(spec, dict):
        yield _error("spec", "must be a mapping", "write its fields below it, indented")
    metadata = body.get("metadata")
    if metadata is None:
        yield _error("metadata.name", "is required", "add metadata with a name")
    elif not isinstance(metadata, dict):
        yield _error("metadata", "must be a mapping", "write its fields below it, indented")
    else:
        yield from _metadata(metadata)


def _metadata(metadata: JsonObject) -> Iterator[Finding]:
    for member in metadata:
        if member not in _METADATA:
            yield _unknown(f"metadata.{member}", member, _METADATA)
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if name is None and metadata.get("generateName") is None:
        yield _error("metadata.name", "is required", "add it, for example acme-dental")
    elif name is not None and not (isinstance(name, str) and _NAME.match(name)):
        hint = "write a-z, 0-9 and -, for example acme-dental; quote it if it is a number"
        yield _error("metadata.name", f"{name!r} is no name of an object", hint)
    if namespace is not None and not (isinstance(namespace, str) and _NAMESPACE.match(namespace)):
        yield _error("metadata.namespace", f"{namespace!r} is no name of a namespace", "write a-z, 0-9 and -")
    for member in ("labels", "annotations"):
        yield from _texts(f"metadata.{member}", metadata.get(member), member == "labels")


def _texts(path: str, said: Any, labels: bool) -> Iterator[Finding]:
    if said is None:
        return
    if not isinstance(said, dict):
        yield _error(path, "must be a mapping", "write names and values below it, indented")
        return
    for name, value in said.items():
        where = f"{path}.{name}"
        if not _PREFIXED.match(name):
            yield _error(
                where, f"{name!r} is no name of a {path[9:-1]}", "write words of a-z, 0-9, -, _ and ."
            )
        elif value is not None and not isinstance(value, str):
            yield _error(where, "must be text", "quote it")
        elif labels and value and not _LABEL.match(value):
            yield _error(
                where, f"{value!r} is no value of a label", "write at most 63 of a-z, 0-9, -, _ and ."
            )


def _unknown(path: str, name: str, known: tuple[str, ...]) -> Finding:
    near = nearest(name, known)
    return _error(path, NO_FIELD, f"did you mean {near}?" if near else "remove it")


def _error(path: str, message: str, hint: str) -> Finding:
    return Finding("SCHEMA", Severity.ERROR, path, message, hint)

"""The TelephonyBackends among the objects of a set of files, and in which KAZOO each object stands.

A file need not tell: the TelephonyBackend may be in the cluster alone, or the operator's settings may stand
for it. Of two such places nobody knows whether they are one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from kazoo_operator.core.base_url import place_of
from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.lineage import BACKEND, backend_of, means_own_default

ALL = "*"
CURRENCY = "USD"
"""What a TelephonyBackend that says none has."""

Place = tuple[str, ...]
"""A KAZOO: ("url", its URL), ("settings",), or ("backend", namespace, name) of one that is not in the set."""

_SETTINGS: Place = ("settings",)


class Backends:
    """The TelephonyBackends of a set, each once."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._declared: dict[Key, Resource] = {}
        for one in resources:
            if one.key.kind == BACKEND and one.key.name:
                self._declared.setdefault(one.key, one)
        self._places: dict[Key, Place] = {
            key: ("url", place_of(text(one, "url"))) for key, one in self._declared.items()
        }

    def of(self, resource: Resource) -> Resource | None:
        """The TelephonyBackend that the object refers to, where the set has it."""
        return self._declared.get(backend_of(resource))

    def template(self, resource: Resource) -> str | None:
        """The template of realms that counts for the object; empty: there is none; None: no file tells."""
        declared = self.of(resource)
        return None if declared is None else text(declared, "realmTemplate")

    def place(self, resource: Resource) -> Place:
        """The KAZOO in which the object stands."""
        if not self._declared and "backendRef" not in resource.spec:
            return _SETTINGS
        key = backend_of(resource)
        if key in self._places:
            return self._places[key]
        return _SETTINGS if means_own_default(resource) else ("backend", key.namespace, key.name)

    def names(self) -> Mapping[str, Sequence[str]]:
        """Which names TelephonyBackends of the set have, by namespace."""
        found = defaultdict(list)
        for key in self._declared:
            found[key.namespace].append(key.name)
        return found


def refer_alike(one: Resource, other: Resource) -> bool:
    """Whether two objects of one namespace refer to the same TelephonyBackend, as far as files tell."""
    mine, theirs = backend_of(one), backend_of(other)
    unknown = not one.key.namespace and mine.namespace != theirs.namespace
    return mine == theirs or (unknown and mine.name == theirs.name)


def admits(backend: Resource, namespace: str) -> bool:
    """Whether objects of that namespace may refer to the TelephonyBackend."""
    allowed = backend.spec.get("allowedNamespaces")
    listed = allowed if isinstance(allowed, list) else []
    return namespace == backend.key.namespace or ALL in listed or namespace in listed


def text(backend: Resource, name: str) -> str:
    """A text of the spec of a TelephonyBackend; empty where it has none."""
    found: Any = backend.spec.get(name)
    return found if isinstance(found, str) else ""

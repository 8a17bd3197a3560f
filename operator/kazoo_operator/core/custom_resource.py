"""A custom resource as the core sees it: identity, spec and the last known status.

`Resource.of` is the only place that reads a Kubernetes object's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]

GROUP = "kazoo-operator.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


@dataclass(frozen=True, order=True)
class Key:
    """Names one object for as long as it is spoken of: kind, namespace and name, never a uid."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"

    @property
    def called(self) -> str:
        """What a person calls it: `team/acme`, or `acme` where a file names no namespace."""
        return f"{self.namespace}/{self.name}".lstrip("/")


@dataclass(frozen=True)
class Resource:
    """One custom resource, read from the API server.

    `spec` and `status` are plain JSON in the user's vocabulary (camelCase); `status` is `{}` when absent.
    `created` is a time stamp (RFC 3339, UTC), which sorts as text.
    """

    key: Key
    uid: str
    generation: int
    resource_version: str
    spec: JsonObject
    status: JsonObject
    deleting: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    created: str = ""

    @classmethod
    def of(cls, kind: str, body: Mapping[str, Any]) -> Resource:
        """Read a Kubernetes object (as the API server sends it); missing members count as empty."""
        metadata = body["metadata"]
        return cls(
            key=Key(kind, metadata.get("namespace") or "", metadata["name"]),
            uid=metadata.get("uid") or "",
            generation=int(metadata.get("generation") or 0),
            resource_version=str(metadata.get("resourceVersion") or ""),
            spec=dict(body.get("spec") or {}),
            status=dict(body.get("status") or {}),
            deleting=bool(metadata.get("deletionTimestamp")),
            annotations=dict(metadata.get("annotations") or {}),
            finalizers=tuple(metadata.get("finalizers") or ()),
            created=str(metadata.get("creationTimestamp") or ""),
        )

    @property
    def observe_only(self) -> bool:
        """Whether nothing may be written to KAZOO for this object."""
        return self.spec.get("managementPolicy") == "ObserveOnly"

    @property
    def observed_generation(self) -> int:
        """The generation that `status` speaks of; -1 when nothing was written yet."""
        return int(self.status.get("observedGeneration", -1))

    def condition(self, kind: str) -> JsonObject:
        """The condition of that type in `status`; `{}` where it has none."""
        shown: list[JsonObject] = self.status.get("conditions") or []
        return next((one for one in shown if one.get("type") == kind), {})

    @property
    def was_ready(self) -> bool:
        """Whether `status` says Ready=True, of whatever generation."""
        return self.condition("Ready").get("status") == "True"

    @property
    def ready(self) -> bool:
        """Whether `status` says Ready=True at this very generation."""
        return self.observed_generation == self.generation and self.was_ready

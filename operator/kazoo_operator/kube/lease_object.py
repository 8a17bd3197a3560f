"""The Lease object `kazoo-operator`: who leads, and what was deleted lately.

Both are parts of one object and are written by merge patches that name the version they were computed from,
so that neither write loses the other's part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.kube.session import ApiServer, Refused, Unreachable
from kazoo_operator.kube.status import FIELD_MANAGER

NAME = "kazoo-operator"
_API = "coordination.k8s.io/v1"
_QUERY = {"fieldManager": FIELD_MANAGER}
# A renewal that takes longer is of no use; a connection that hangs must not outlast the lease.
_WITHIN = 3.0


class LeaseObject:
    """The Lease in `namespace`; each call ends within seconds, and raises `ApiServerError`."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        self._api = api
        self.namespace = namespace
        self._calls: set[asyncio.Task[JsonObject]] = set()
        self._collection = f"/apis/{_API}/namespaces/{namespace}/leases"

    async def read(self) -> JsonObject | None:
        """The object; None when there is none."""
        try:
            return await self._in_time(self._api.get(f"{self._collection}/{NAME}"))
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    async def create(self, spec: JsonObject) -> JsonObject:
        """Make the object; Refused with 409 when somebody else has."""
        metadata = {"name": NAME, "namespace": self.namespace}
        body = {"apiVersion": _API, "kind": "Lease", "metadata": metadata, "spec": spec}
        return await self._in_time(self._api.post(self._collection, body, _QUERY))

    async def change(self, seen: JsonObject, **parts: JsonObject) -> JsonObject:
        """Change members of `metadata` or `spec`; Refused with 409 when it is not as `seen` any more."""
        version = seen["metadata"]["resourceVersion"]
        metadata = {**parts.pop("metadata", {}), "resourceVersion": version}
        patch = {"metadata": metadata, **parts}
        return await self._in_time(self._api.patch(f"{self._collection}/{NAME}", patch, _QUERY))

    async def _in_time(self, call: Coroutine[Any, Any, JsonObject]) -> JsonObject:
        # What is late is left to the connections' end: TLS would say farewell to a hung server, at length.
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._heard)
        await asyncio.wait({task}, timeout=_WITHIN)
        if not task.done():
            raise Unreachable(f"no answer within {_WITHIN:.0f} s")
        return task.result()

    def _heard(self, task: asyncio.Task[JsonObject]) -> None:
        self._calls.discard(task)
        if not task.cancelled():
            task.exception()

"""Where the rim meets the engine: one pass over one object."""

from __future__ import annotations

from typing import Protocol

from kazoo_operator.core.custom_resource import JsonObject, Resource
from kazoo_operator.core.outcome import Outcome, Pass


class Progress:
    """What a pass is at while it is on; shown in status when the pass takes long.

    The engine sets `outcome`, and the status `fields` known by then, while it waits for a creation. At the
    end of the process such a pass is not cut, so that it can still write what became of the creation.
    """

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.fields: JsonObject = {}


class Reconciler(Protocol):
    """Brings what an object describes about; knows nothing of Kubernetes but the object."""

    async def reconcile(self, resource: Resource, progress: Progress) -> Pass:
        """One pass; failures are outcomes, so nothing but `CancelledError` is raised."""

    async def finish(self) -> None:
        """Wait until no creation is in flight; new passes no longer start."""

"""Accounts as the API server sends them, small."""

from __future__ import annotations

from typing import Any

from kazoo_operator.core.custom_resource import Key
from kazoo_operator.core.outcome import Outcome, Pass, Reason

KEY = Key("Account", "default", "acme")
NOW = "2026-11-25T06:00:00Z"
LATER = "2026-11-25T06:10:00Z"


def account(
    version: int = 100,
    *,
    name: str = "acme",
    namespace: str = "default",
    uid: str = "uid-1",
    generation: int = 1,
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    return {
        "apiVersion": "kazoo-operator.io/v1alpha1",
        "kind": "Account",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "generation": generation,
            "resourceVersion": str(version),
            "managedFields": [{"manager": "kubectl"}],
        },
        "spec": spec,
        "status": status or {"observedGeneration": -1},
    }


def said(reason: Reason = Reason.READY, message: str = "It is so.", **fields: Any) -> Pass:
    """A pass that came to `reason` and saw `fields`."""
    return Pass(Outcome.of(reason, message), fields)


def ready(generation: int = 1) -> dict[str, Any]:
    """A status that says Ready at `generation`."""
    condition = {"type": "Ready", "status": "True", "reason": "Ready", "message": "It is so."}
    return {"observedGeneration": generation, "conditions": [condition]}

"""What belongs to accounts on a stage, and the ledgers and limits behind them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.cluster.conftest import EXAMPLE, NAMESPACE, Stage
from tools.cluster import audit_writes, service_account_user
from tools.stack import until

PLURALS = {"Account": "accounts", "TrunkLimits": "trunklimits", "CreditPolicy": "creditpolicies"}
"""The kinds of which each account on the stage has one."""
_ALL = {**PLURALS, "AppRestrictions": "apprestrictions"}
TODAY = datetime.now(UTC).date().isoformat()


def grant(name: str, amount: str = "25.00", **more: Any) -> dict[str, Any]:
    """A grant of today."""
    return {"id": name, "amount": amount, "date": TODAY, **more}


def manifest(kind: str, name: str, /, **spec: Any) -> dict[str, Any]:
    """An object; what belongs to an account belongs to the one of the same name unless it says another."""
    if kind == "Account":
        own = {**EXAMPLE["spec"], "name": f"Acme {name}", "realm": f"{name}.pbx.example.com"}
    else:
        own = {"accountRef": {"name": name}}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {
        "apiVersion": EXAMPLE["apiVersion"], "kind": kind, "metadata": metadata, "spec": {**own, **spec}
    }  # fmt: skip


@dataclass
class Money:
    """Objects of every kind on a stage."""

    stage: Stage

    def apply(self, kind: str, name: str, /, **spec: Any) -> None:
        """Apply one object."""
        self.apply_together([manifest(kind, name, **spec)])

    def apply_together(self, manifests: Iterable[dict[str, Any]]) -> None:
        """Apply objects with one `kubectl apply`, in this order."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "-f", "-", stdin=items)

    def kubectl(self, *arguments: str, stdin: Any = None) -> str:
        """What kubectl prints; in our namespace. `stdin` is printed as JSON."""
        text = None if stdin is None else json.dumps(stdin)
        return self.stage.plane.kubectl("--namespace", NAMESPACE, *arguments, input=text)

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """The object; None where there is none."""
        return self.stage.plane.read(_ALL[kind], NAMESPACE, name)

    def status(self, kind: str, name: str) -> dict[str, Any]:
        """The object's status."""
        return (self.get(kind, name) or {}).get("status") or {}

    def reason(self, kind: str, name: str) -> str:
        """Why Ready is as it is, if it speaks of the object's generation."""
        body = self.get(kind, name) or {"metadata": {}}
        status = body.get("status") or {}
        if status.get("observedGeneration") != body["metadata"].get("generation"):
            return ""
        return next((one["reason"] for one in status["conditions"] if one["type"] == "Ready"), "")

    def until(self, kind: str, name: str, reason: str = "Ready") -> dict[str, Any]:
        """Wait until Ready carries the reason; the status then."""
        try:
            until(lambda: self.reason(kind, name) == reason, f"{kind} {name} {reason}")
        except Exception as error:
            said = self.stage.operator.said()[-4000:]
            raise AssertionError(f"{error}\n{self.get(kind, name)}\n{said}") from None
        return self.status(kind, name)

    def writes(self, kind: str, name: str) -> list[str]:
        """What the operator wrote to the API server about an object: verb and subresource."""
        user = service_account_user(NAMESPACE, "kazoo-operator")
        found = audit_writes(self.stage.plane.audit_log, user=user, resource=_ALL[kind], name=name)
        return [f"{write.verb} {write.subresource}" for write in found]

    def reconcile(self, kind: str, name: str, word: str) -> None:
        """Ask for a pass now."""
        note = f"kazoo-operator.io/reconcile-now={word}"
        self.kubectl("annotate", "--overwrite", _ALL[kind], name, note)

    # KAZOO's side.

    def state(self, account_id: str) -> dict[str, Any]:
        """All that the sandbox holds of an account."""
        found: dict[str, Any] = self.stage.sandbox.control("GET", "state")["accounts"][account_id]
        return found

    def booked(self, account_id: str) -> dict[str, list[float]]:
        """Grant -> the amounts that were booked for it."""
        found: dict[str, list[float]] = {}
        for entry in self.state(account_id)["ledgers"]:
            if entry["source"]["service"] == "adjustments":
                found.setdefault(entry["source"]["id"].rsplit("/", 1)[-1], []).append(entry["amount"])
        return found

    def assign(self, plan: dict[str, Any]) -> None:
        """Have the reseller pay by a plan, the master's."""
        sandbox = self.stage.sandbox
        master, reseller = sandbox.ready["accountID"], sandbox.ready["reseller"]["accountID"]
        order = {"accountID": master, "document": "plan", "merge": {"name": "gold", "plan": plan}}
        sandbox.control("POST", "documents", order)
        plans = sandbox.control("GET", "state")["plans"]
        gold = next(held["id"] for held in plans if held.get("name") == "gold")
        login = sandbox._send("PUT", "api_auth", {"api_key": sandbox.ready["apiKey"]}, {})
        token = {"X-Auth-Token": login["auth_token"]}
        sandbox._send("POST", f"accounts/{reseller}/services", {"add": [gold]}, token)

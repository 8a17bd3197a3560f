"""Several operators beside one another: a namespace, a sandbox, and service accounts of their own."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from tools.cluster import (
    ControlPlane,
    KubectlFailed,
    audit_writes,
    service_account_kubeconfig,
    service_account_user,
)
from tools.stack import OperatorProcess, SandboxProcess, running_sandbox, until

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = yaml.safe_load((ROOT / "examples/01-account/account.yaml").read_text())
_numbers = count(1)


def shipped_rules(namespace: str) -> list[dict[str, Any]]:
    """The rules of the Role that the manifests ship, for another namespace."""
    role = next(
        one
        for one in yaml.safe_load_all((ROOT / "manifests/base/role.yaml").read_text())
        if one["kind"] == "Role"
    )
    rules: list[dict[str, Any]] = role["rules"]
    for rule in rules:
        if rule["resources"] == ["namespaces"]:
            rule["resourceNames"] = [namespace]
    return rules


@dataclass
class Party:
    """One namespace with its sandbox, and the operators that share its Lease, each with its own account."""

    plane: ControlPlane
    namespace: str
    sandbox: SandboxProcess
    folder: Path
    operators: dict[str, OperatorProcess] = field(default_factory=dict)

    def kubectl(self, *arguments: str, stdin: Any = None) -> str:
        """What kubectl prints; in this namespace, as administrator. `stdin` is printed as JSON."""
        text = None if stdin is None else json.dumps(stdin)
        return self.plane.kubectl("--namespace", self.namespace, *arguments, input=text)

    def account(self, name: str) -> Path:
        """A service account with the shipped Role; its kubeconfig."""
        api = "rbac.authorization.k8s.io/v1"
        subject = {"kind": "ServiceAccount", "name": name, "namespace": self.namespace}
        bodies = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
            {
                "apiVersion": api,
                "kind": "Role",
                "metadata": {"name": name},
                "rules": shipped_rules(self.namespace),
            },
            {
                "apiVersion": api,
                "kind": "RoleBinding",
                "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
                "subjects": [subject],
            },
        ]
        self.kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": bodies})
        return service_account_kubeconfig(self.plane, self.namespace, name, self.folder)

    def operator(self, name: str, kubeconfig: Path, *arguments: str) -> OperatorProcess:
        """An operator of this namespace; not started yet."""
        key = self.folder / f"{self.namespace}.key"
        key.write_text(self.sandbox.ready["reseller"]["apiKey"])
        said = {"KAZOO_URL": self.sandbox.url, "KAZOO_API_KEY_FILE": str(key)}
        log = self.folder / f"{self.namespace}-{name}.log"
        made = OperatorProcess(kubeconfig, log, said, arguments=("--namespace", self.namespace, *arguments))
        self.operators[name] = made
        return made

    def apply(self, name: str, **spec: Any) -> None:
        """Apply an Account: the example's, with some spec members changed."""
        said = {**EXAMPLE["spec"], "name": f"Acme {name}", "realm": f"{name}.{self.namespace}.example.com"}
        self.kubectl(
            "apply", "-f", "-", stdin={**EXAMPLE, "metadata": {"name": name}, "spec": {**said, **spec}}
        )

    def get(self, name: str) -> dict[str, Any]:
        """The object, as the API server has it."""
        found = self.plane.read("accounts", self.namespace, name)
        if found is None:
            raise KubectlFailed(f"there is no Account {name}")
        return found

    def reason(self, name: str) -> str:
        """Why Ready is as it is, if it speaks of the object's generation."""
        body = self.get(name)
        status = body.get("status", {})
        if status.get("observedGeneration") != body["metadata"]["generation"]:
            return ""
        conditions = {one["type"]: one for one in status.get("conditions", [])}
        return str(conditions.get("Ready", {}).get("reason"))

    def until_ready(self, name: str) -> None:
        """Wait until the object is Ready at its generation."""
        try:
            until(lambda: self.reason(name) == "Ready", f"{name} Ready")
        except Exception as error:
            said = "\n".join(f"--- {who}\n{one.said()[-2500:]}" for who, one in self.operators.items())
            raise AssertionError(f"{error}\n{self.get(name).get('status')}\n{said}") from None

    def creations(self) -> list[int]:
        """The answers to all creations of accounts that KAZOO was asked for."""
        calls = self.sandbox.calls("PUT")
        return [call["status"] for call in calls if re.search(r"/accounts(/[0-9a-f]{32})?$", call["path"])]

    def lease(self) -> dict[str, Any]:
        """What the Lease says."""
        found = json.loads(self.kubectl("get", "lease", "kazoo-operator", "-o", "json"))
        return dict(found["spec"])

    def holder(self) -> str:
        """Who holds the Lease."""
        return str(self.lease().get("holderIdentity") or "")

    def acquired(self) -> datetime:
        """Since when the Lease is held by who holds it."""
        return datetime.fromisoformat(self.lease()["acquireTime"])

    def written_by(self, name: str) -> int:
        """How many writes to our group an operator's account has made, refused ones too."""
        user = service_account_user(self.namespace, name)
        return len(audit_writes(self.plane.audit_log, user=user, refused=True))


def leads(operator: OperatorProcess) -> bool:
    """Whether this process says that it leads."""
    return 'leader_election_master_status{name="kazoo-operator"} 1.0' in operator.metrics()


@contextlib.contextmanager
def party(plane: ControlPlane, folder: Path, label: str = "party") -> Iterator[Party]:
    """A namespace and a sandbox; at the end all operators are stopped, and none has shown a traceback."""
    namespace = f"{label}-{next(_numbers)}"
    plane.kubectl("create", "namespace", namespace)
    with running_sandbox() as sandbox:
        made = Party(plane, namespace, sandbox, folder)
        try:
            yield made
        finally:
            for operator in made.operators.values():
                if operator.process is not None and operator.process.poll() is None:
                    operator.stop()
        for operator in made.operators.values():
            said = operator.said()
            assert "Traceback" not in said, said[-5000:]
            assert sandbox.ready["reseller"]["apiKey"] not in said

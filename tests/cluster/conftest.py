"""The operator as users run it: a real API server, the shipped roles, a sandbox, processes of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from kazoo_operator.kinds import discover
from tools.cluster import (
    ControlPlane,
    KubectlFailed,
    audit_writes,
    running_control_plane,
    service_account_kubeconfig,
    service_account_user,
)
from tools.stack import OperatorProcess, SandboxProcess, running_sandbox, until

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "kazoo-operator"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/kazoo-operator"
EXAMPLE = yaml.safe_load((ROOT / "examples/01-account/account.yaml").read_text())


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """One control plane for the whole session, with `manifests/base` applied."""
    with running_control_plane() as plane:
        plane.kubectl("apply", "--server-side", "-k", str(ROOT / "manifests/base"))
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=120s")
        yield plane


@pytest.fixture(scope="session")
def shipped_role(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig with the token of the ServiceAccount that the manifests ship."""
    return service_account_kubeconfig(plane, NAMESPACE, "kazoo-operator", tmp_path_factory.mktemp("role"))


class MortalOperator(OperatorProcess):
    """An operator whose Lease is free once it was killed: tests/cluster/test_lease.py waits for its end."""

    plane: ControlPlane

    def kill(self) -> None:
        """SIGKILL."""
        super().kill()
        self.plane.ask("PATCH", LEASE, {"spec": {"holderIdentity": ""}})


@dataclass
class Stage:
    """One test's sandbox and operator; objects are made in the operator's namespace."""

    plane: ControlPlane
    sandbox: SandboxProcess
    operator: OperatorProcess
    names: list[str] = field(default_factory=list)

    def apply(self, name: str, /, **spec: Any) -> None:
        """Apply an Account: the example's, with some spec members changed (None takes one out)."""
        said = {**EXAMPLE["spec"], "name": f"Acme {name}", "realm": f"{name}.pbx.example.com", **spec}
        said = {member: value for member, value in said.items() if value is not None}
        manifest = {**EXAMPLE, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": said}
        self.names.append(name)
        self.plane.kubectl("apply", "-f", "-", input=json.dumps(manifest))

    def apply_all(self, specs: dict[str, dict[str, Any]]) -> None:
        """Apply many Accounts at once, in the order given: name -> spec members beside the example's."""
        self.names.extend(specs)
        text = self.manifests(specs, NAMESPACE)
        self.plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=text)

    def manifests(self, specs: dict[str, dict[str, Any]], namespace: str) -> str:
        """Accounts as one List: name -> spec members beside the example's."""
        items = [
            {
                **EXAMPLE,
                "metadata": {"name": name, "namespace": namespace},
                "spec": {
                    **EXAMPLE["spec"],
                    "name": f"Acme {name}",
                    "realm": f"{name}.pbx.example.com",
                    **spec,
                },
            }
            for name, spec in specs.items()
        ]
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})

    def edit(self, account_id: str, merge: dict[str, Any]) -> None:
        """An edit of an account's document behind the operator's back."""
        self.sandbox.control(
            "POST", "documents", {"accountID": account_id, "document": "account", "merge": merge}
        )

    def document(self, account_id: str) -> dict[str, Any]:
        """An account's document in KAZOO."""
        return self.sandbox.accounts()[account_id]

    def hangs(self, method: str, path: str) -> bool:
        """A matching call has come in and is not answered."""
        calls = self.sandbox.calls(method)
        return any(re.search(path, call["path"]) and not call["status"] for call in calls)

    def annotate(self, name: str, **notes: str) -> None:
        """Set annotations with our prefix."""
        said = [f"kazoo-operator.io/{note.replace('_', '-')}={value}" for note, value in notes.items()]
        self.plane.kubectl("annotate", "accounts", name, "-n", NAMESPACE, "--overwrite", *said)

    def delete(self, name: str) -> None:
        """Ask for the object's deletion, and do not wait for it."""
        self.plane.kubectl("delete", "accounts", name, "-n", NAMESPACE, "--wait=false")

    def exists(self, name: str) -> bool:
        """Whether the API server still has the object."""
        return self.plane.read("accounts", NAMESPACE, name) is not None

    def until_gone(self, name: str) -> None:
        """Wait until the API server has the object no more."""
        try:
            until(lambda: not self.exists(name), f"the end of {name}")
        except Exception as error:
            raise AssertionError(f"{error}\n{self.get(name)}\n{self.operator.said()[-4000:]}") from None

    def events(self, name: str) -> list[tuple[str, str]]:
        """Reason and text of the events about an object."""
        listed = self.plane.ask("GET", f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events") or {}
        return [
            (event["reason"], event.get("note") or event.get("message", ""))
            for event in listed["items"]
            if event["regarding"]["name"] == name
        ]

    def get(self, name: str) -> dict[str, Any]:
        """The object, as the API server has it."""
        found = self.plane.read("accounts", NAMESPACE, name)
        if found is None:
            raise KubectlFailed(f"there is no Account {name}")
        return found

    def condition(self, name: str, kind: str = "Ready") -> dict[str, Any]:
        """A condition of the object; `{}` where it has none."""
        return _condition(self.get(name), kind)

    def until_reason(self, name: str, reason: str) -> dict[str, Any]:
        """Wait until Ready carries `reason` at the object's generation; returns the object."""

        def seen() -> dict[str, Any] | None:
            found = self.get(name)
            at = found.get("status", {}).get("observedGeneration")
            ready = _condition(found, "Ready").get("reason")
            return found if ready == reason and at == found["metadata"]["generation"] else None

        try:
            return until(seen, f"{name} {reason}") or {}
        except Exception as error:
            raise AssertionError(f"{error}\n{self.get(name)}\n{self.operator.said()[-4000:]}") from None

    def until_ready(self, name: str) -> dict[str, Any]:
        """Wait until the object is Ready at its generation; returns the object."""
        return self.until_reason(name, "Ready")

    def all(self) -> dict[str, dict[str, Any]]:
        """All objects, by name."""
        listed = self.plane.read("accounts", NAMESPACE) or {}
        return {found["metadata"]["name"]: found for found in listed["items"]}

    def until_all_ready(self) -> dict[str, dict[str, Any]]:
        """Wait until every object is Ready at its generation; returns their statuses, by name."""

        def seen() -> dict[str, dict[str, Any]] | None:
            found = self.all()
            ready = all(
                _condition(one, "Ready").get("status") == "True"
                and one["status"]["observedGeneration"] == one["metadata"]["generation"]
                for one in found.values()
            )
            return found if ready else None

        found = until(seen, "all Ready")
        return {name: one["status"] for name, one in (found or {}).items()}

    def writes(self, name: str, refused: bool = True) -> list[str]:
        """What the operator wrote to the API server about an object: verb and subresource."""
        user = service_account_user(NAMESPACE, "kazoo-operator")
        found = audit_writes(self.plane.audit_log, user=user, name=name, refused=refused)
        return [f"{write.verb} {write.subresource}" for write in found]


def _condition(found: dict[str, Any], kind: str) -> dict[str, Any]:
    conditions = found.get("status", {}).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == kind), {})


@pytest.fixture
def new_stage(plane: ControlPlane, shipped_role: Path, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Make a stage; its operator is not started yet."""
    ended: list[Callable[[], object]] = []

    def make(**environment: str) -> Stage:
        # What an earlier operator deleted within the hour, and its term, are not this one's.
        plane.ask("DELETE", LEASE)
        context = running_sandbox()
        sandbox = context.__enter__()
        ended.append(lambda: context.__exit__(None, None, None))
        key = tmp_path / "api-key"
        key.write_text(sandbox.ready["reseller"]["apiKey"])
        said = {"KAZOO_URL": sandbox.url, "KAZOO_API_KEY_FILE": str(key), **environment}
        operator = MortalOperator(
            shipped_role, tmp_path / "operator.log", said, arguments=("--namespace", NAMESPACE)
        )
        operator.plane = plane
        stage = Stage(plane, sandbox, operator)
        ended.append(lambda: _clear(stage))
        return stage

    yield make
    for step in reversed(ended):
        step()


def _clear(stage: Stage) -> None:
    if stage.operator.process is not None:
        stage.operator.stop()
    for kind in discover():
        collection = f"/apis/kazoo-operator.io/v1alpha1/namespaces/{NAMESPACE}/{kind.plural}"
        for found in (stage.plane.ask("GET", collection) or {})["items"]:
            if found["metadata"].get("finalizers"):
                free = {"metadata": {"finalizers": None}}
                stage.plane.ask("PATCH", f"{collection}/{found['metadata']['name']}", free)
        stage.plane.ask("DELETE", collection)
    said = stage.operator.said()
    assert "Traceback" not in said, said[-5000:]
    assert stage.sandbox.ready["reseller"]["apiKey"] not in said


@pytest.fixture
def stage(new_stage: Callable[..., Stage]) -> Stage:
    """A sandbox and a running operator."""
    made = new_stage()
    made.operator.start()
    return made

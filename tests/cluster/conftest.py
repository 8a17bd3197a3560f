"""The operator as users run it: a real API server, the shipped roles, a sandbox, processes of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.cluster import (
    ControlPlane,
    audit_writes,
    running_control_plane,
    service_account_kubeconfig,
    service_account_user,
)
from tools.stack import OperatorProcess, SandboxProcess, running_sandbox, until

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "kazoo-operator"
EXAMPLE = yaml.safe_load((ROOT / "examples/01-account/account.yaml").read_text())


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """One control plane for the whole session, with `manifests/base` applied."""
    with running_control_plane() as plane:
        plane.kubectl("apply", "--server-side", "-k", str(ROOT / "manifests/base"))
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        yield plane


@pytest.fixture(scope="session")
def shipped_role(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig with the token of the ServiceAccount that the manifests ship."""
    return service_account_kubeconfig(plane, NAMESPACE, "kazoo-operator", tmp_path_factory.mktemp("role"))


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

    def get(self, name: str) -> dict[str, Any]:
        """The object, as the API server has it."""
        found: dict[str, Any] = json.loads(
            self.plane.kubectl("get", "accounts", name, "-n", NAMESPACE, "-o", "json")
        )
        return found

    def condition(self, name: str, kind: str = "Ready") -> dict[str, Any]:
        """A condition of the object; `{}` where it has none."""
        conditions = self.get(name).get("status", {}).get("conditions", [])
        return next((found for found in conditions if found["type"] == kind), {})

    def until_reason(self, name: str, reason: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until Ready carries `reason` at the object's generation; returns the object."""

        def seen() -> dict[str, Any] | None:
            found = self.get(name)
            at = found.get("status", {}).get("observedGeneration")
            ready = self.condition(name).get("reason")
            return found if ready == reason and at == found["metadata"]["generation"] else None

        try:
            return until(seen, seconds, f"{name} {reason}") or {}
        except Exception as error:
            raise AssertionError(f"{error}\n{self.get(name)}\n{self.operator.said()[-4000:]}") from None

    def until_ready(self, name: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until the object is Ready at its generation; returns the object."""
        return self.until_reason(name, "Ready", seconds)

    def writes(self, name: str, refused: bool = True) -> list[str]:
        """What the operator wrote to the API server about an object: verb and subresource."""
        user = service_account_user(NAMESPACE, "kazoo-operator")
        found = audit_writes(self.plane.audit_log, user=user, name=name, refused=refused)
        return [f"{write.verb} {write.subresource}" for write in found]


@pytest.fixture
def new_stage(plane: ControlPlane, shipped_role: Path, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Make a stage; its operator is not started yet."""
    ended: list[Callable[[], object]] = []

    def make(**environment: str) -> Stage:
        context = running_sandbox()
        sandbox = context.__enter__()
        ended.append(lambda: context.__exit__(None, None, None))
        key = tmp_path / "api-key"
        key.write_text(sandbox.ready["reseller"]["apiKey"])
        said = {"KAZOO_URL": sandbox.url, "KAZOO_API_KEY_FILE": str(key), **environment}
        operator = OperatorProcess(
            shipped_role, tmp_path / "operator.log", said, arguments=("--namespace", NAMESPACE)
        )
        stage = Stage(plane, sandbox, operator)
        ended.append(lambda: _clear(stage))
        return stage

    yield make
    for step in reversed(ended):
        step()


def _clear(stage: Stage) -> None:
    if stage.operator.process is not None:
        stage.operator.stop()
    if stage.names:
        stage.plane.kubectl("delete", "accounts", *set(stage.names), "-n", NAMESPACE, "--ignore-not-found")
    said = stage.operator.said()
    assert "Traceback" not in said, said[-5000:]
    assert stage.sandbox.ready["reseller"]["apiKey"] not in said


@pytest.fixture
def stage(new_stage: Callable[..., Stage]) -> Stage:
    """A sandbox and a running operator."""
    made = new_stage()
    made.operator.start()
    return made

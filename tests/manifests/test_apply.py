"""The manifests as a real API server takes them, and what the operator's account may then do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.cluster import (
    ControlPlane,
    KubectlFailed,
    running_control_plane,
    service_account_kubeconfig,
)
from tools.stack import until

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]
HOME = "kazoo-operator"
VARIANTS = {"base": ROOT / "manifests/base", "cluster": ROOT / "manifests/overlays/cluster"}
PLURALS = ("accounts", "apprestrictions", "creditpolicies", "telephonybackends", "trunklimits")
ON_OUR_KINDS = {
    *((plural, verb) for plural in PLURALS for verb in ("get", "list", "watch")),
    *((plural, "patch") for plural in PLURALS if plural != "telephonybackends"),
    *((f"{plural}/status", "patch") for plural in PLURALS),
    ("events", "create"),
    ("secrets", "get"),
}
AT_HOME = {
    (f"namespaces/{HOME}", "get"),
    ("leases", "create"),
    *((f"leases/{HOME}", verb) for verb in ("get", "patch")),
}
# Granted to every account that there is, by Kubernetes itself.
TO_ALL = {"authorization.k8s.io", "authentication.k8s.io"}

Rights = set[tuple[str, str]]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with running_control_plane() as one:
        yield one


@pytest.fixture(scope="module", params=VARIANTS)
def variant(plane: ControlPlane, request: pytest.FixtureRequest) -> str:
    """One after the other, as somebody would who changes from one namespace to all."""
    apply = ("apply", "--server-side", "--validate=strict", "--warnings-as-errors", "-k")
    plane.kubectl(*apply, str(VARIANTS[request.param]))
    return str(request.param)


def rights(plane: ControlPlane, kubeconfig: Path, namespace: str) -> Rights:
    """What the account may do in a namespace: resource and verb, with the only name if there is one."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    # The client's own validation would list CRDs, which the account may not.
    create = ("create", "--validate=false", "-f", "-", "--output=json")
    said = plane.kubectl(*create, input=json.dumps(review), kubeconfig=kubeconfig)
    return {
        ("/".join([resource, *rule.get("resourceNames", [])]), verb)
        for rule in json.loads(said)["status"]["resourceRules"]
        if not TO_ALL & set(rule["apiGroups"])
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_operators_account_may_do_exactly_what_it_needs(
    plane: ControlPlane, variant: str, tmp_path: Path
) -> None:
    kubeconfig = service_account_kubeconfig(plane, HOME, "kazoo-operator", tmp_path)
    elsewhere: Rights = ON_OUR_KINDS if variant == "cluster" else set()
    until(lambda: rights(plane, kubeconfig, HOME) == ON_OUR_KINDS | AT_HOME, "the rights at home")
    until(lambda: rights(plane, kubeconfig, "default") == elsewhere, "those elsewhere")
    assert plane.kubectl("get", "namespace", HOME, "--output=jsonpath={.metadata.uid}", kubeconfig=kubeconfig)
    with pytest.raises(KubectlFailed, match="forbidden"):
        plane.kubectl("get", "namespace", "default", kubeconfig=kubeconfig)


def pod(plane: ControlPlane, **changed: Any) -> str:
    template = json.loads(
        plane.kubectl("--namespace", HOME, "get", "deployment", HOME, "--output=json"),
    )["spec"]["template"]
    template["metadata"] = {"name": "probe", "namespace": HOME}
    template["spec"].update(changed)
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", **template})


def test_its_pod_is_admitted_under_restricted_pod_security(plane: ControlPlane, variant: str) -> None:
    create = ("create", "--dry-run=server", "--warnings-as-errors", "-f", "-", "--output=name")
    assert plane.kubectl(*create, input=pod(plane)) == "pod/probe\n", variant
    with pytest.raises(KubectlFailed, match='violates PodSecurity "restricted'):
        plane.kubectl(*create, input=pod(plane, securityContext={}))


def test_what_is_applied_again_is_unchanged(plane: ControlPlane, variant: str) -> None:
    assert plane.kubectl("diff", "--server-side", "-k", str(VARIANTS[variant])) == ""

"""The manifests as kubectl builds them: what they grant, and how the operator runs."""

from __future__ import annotations

import inspect
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from kazoo_operator import __version__
from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.kinds import discover

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]
VARIANTS = {"base": "manifests/base", "cluster": "manifests/overlays/cluster"}
Object = dict[str, Any]

ON_OUR_KINDS = [
    {
        "apiGroups": ["kazoo-operator.io"],
        "resources": ["accounts", "apprestrictions", "creditpolicies", "trunklimits"],
        "verbs": ["get", "list", "watch", "patch"],
    },
    {
        "apiGroups": ["kazoo-operator.io"],
        "resources": ["telephonybackends"],
        "verbs": ["get", "list", "watch"],
    },
    {
        "apiGroups": ["kazoo-operator.io"],
        "resources": [
            "accounts/status",
            "apprestrictions/status",
            "creditpolicies/status",
            "telephonybackends/status",
            "trunklimits/status",
        ],
        "verbs": ["patch"],
    },
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
]
ON_ITS_LEASE = [
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": ["kazoo-operator"],
        "verbs": ["get", "patch"],
    },
]
ON_ITS_NAMESPACE = [
    {
        "apiGroups": [""],
        "resources": ["namespaces"],
        "resourceNames": ["kazoo-operator"],
        "verbs": ["get"],
    }
]


class Built:
    """The objects of one variant, by kind."""

    def __init__(self, name: str, objects: list[Object]) -> None:
        self.name = name
        self.objects = objects

    def all(self, kind: str) -> list[Object]:
        return [one for one in self.objects if one["kind"] == kind]

    def one(self, kind: str) -> Object:
        [found] = self.all(kind)
        return found

    @property
    def pod(self) -> Object:
        return self.one("Deployment")["spec"]["template"]["spec"]

    @property
    def container(self) -> Object:
        [found] = self.pod["containers"]
        return found


@pytest.fixture(scope="module")
def variants() -> dict[str, Built]:
    tool = ROOT / "tools" / "control-plane" / "control_plane.py"
    told = subprocess.run(
        [sys.executable, "-P", tool, "build"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    kubectl = Path(told.splitlines()[-1]) / "kubectl"

    def build(folder: str) -> list[Object]:
        text = subprocess.run(
            [kubectl, "kustomize", ROOT / folder], stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        return list(yaml.safe_load_all(text))

    return {name: Built(name, build(folder)) for name, folder in VARIANTS.items()}


@pytest.fixture(params=VARIANTS)
def built(variants: dict[str, Built], request: pytest.FixtureRequest) -> Built:
    return variants[request.param]


def test_the_base_holds_these_objects_and_no_secret(variants: dict[str, Built]) -> None:
    assert sorted((one["kind"], one["metadata"]["name"]) for one in variants["base"].objects) == sorted(
        [("CustomResourceDefinition", f"{kind.plural}.kazoo-operator.io") for kind in discover()]
        + [
            ("ConfigMap", "kazoo-operator"),
            ("Deployment", "kazoo-operator"),
            ("Namespace", "kazoo-operator"),
            ("Role", "kazoo-operator"),
            ("RoleBinding", "kazoo-operator"),
            ("ServiceAccount", "kazoo-operator"),
        ]
    )


def test_the_cluster_variant_adds_a_cluster_role_and_its_binding_alone(variants: dict[str, Built]) -> None:
    base, cluster = (
        {(one["kind"], one["metadata"]["name"]) for one in variants[name].objects} for name in VARIANTS
    )
    assert base < cluster
    assert cluster - base == {
        ("ClusterRole", "kazoo-operator"),
        ("ClusterRoleBinding", "kazoo-operator"),
    }


def test_the_cluster_variant_changes_the_role_and_the_arguments_alone(variants: dict[str, Built]) -> None:
    base, cluster = (deepcopy(variants[name]) for name in VARIANTS)
    assert base.container.pop("args") == ["run", "--namespace=$(POD_NAMESPACE)"]
    assert cluster.container.pop("args") == ["run"]
    assert [one["kind"] for one in base.objects if one not in cluster.objects] == ["Role"]


def test_in_one_namespace_a_role_grants_exactly_what_the_operator_does(variants: dict[str, Built]) -> None:
    assert variants["base"].one("Role")["rules"] == ON_OUR_KINDS + ON_ITS_LEASE + ON_ITS_NAMESPACE


def test_in_all_namespaces_a_cluster_role_grants_the_same_on_our_kinds(variants: dict[str, Built]) -> None:
    assert variants["cluster"].one("ClusterRole")["rules"] == ON_OUR_KINDS
    assert variants["cluster"].one("Role")["rules"] == ON_ITS_LEASE + ON_ITS_NAMESPACE


def test_every_kind_of_ours_is_granted() -> None:
    granted = {resource for rule in ON_OUR_KINDS for resource in rule["resources"]}
    assert granted - {"events", "secrets"} == {
        name for kind in discover() for name in (kind.plural, f"{kind.plural}/status")
    }


def test_no_rule_holds_a_wildcard(built: Built) -> None:
    rules = [rule for kind in ("Role", "ClusterRole") for role in built.all(kind) for rule in role["rules"]]
    assert rules
    assert [rule for rule in rules for words in rule.values() for word in words if "*" in word] == []


def test_each_role_is_bound_to_the_operators_own_account_alone(built: Built) -> None:
    for kind in ("Role", "ClusterRole"):
        bindings = built.all(f"{kind}Binding")
        assert len(bindings) == len(built.all(kind))
        for binding in bindings:
            assert binding["roleRef"] == {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": kind,
                "name": "kazoo-operator",
            }
            assert binding["subjects"] == [
                {"kind": "ServiceAccount", "name": "kazoo-operator", "namespace": "kazoo-operator"}
            ]


def test_everything_with_a_namespace_is_in_the_operators(built: Built) -> None:
    everywhere = ("CustomResourceDefinition", "Namespace", "ClusterRole", "ClusterRoleBinding")
    found = {one["metadata"].get("namespace") for one in built.objects if one["kind"] not in everywhere}
    assert found == {"kazoo-operator"}


def test_only_the_operators_pod_gets_a_token(built: Built) -> None:
    assert built.one("ServiceAccount")["automountServiceAccountToken"] is False
    assert built.pod["automountServiceAccountToken"] is True
    assert built.pod["serviceAccountName"] == built.one("ServiceAccount")["metadata"]["name"]


def test_the_namespace_enforces_restricted_pod_security(built: Built) -> None:
    labels = built.one("Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_pod_is_restricted(built: Built) -> None:
    pod = built.pod["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert isinstance(pod["runAsUser"], int) and pod["runAsUser"] > 0
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert built.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & built.pod.keys()
    assert [volume.keys() - {"name"} for volume in built.pod["volumes"]] == [{"secret"}]


def test_the_user_is_the_one_of_the_image(built: Built) -> None:
    context = built.pod["securityContext"]
    user = f"USER {context['runAsUser']}:{context['runAsGroup']}"
    assert user in (ROOT / "Dockerfile").read_text().splitlines()


def test_the_image_is_the_one_of_this_version(built: Built) -> None:
    assert built.container["image"] == f"kazoo-operator:{__version__}"


def test_a_standby_waits_beside_the_leader_also_during_a_rollout(built: Built) -> None:
    spec = built.one("Deployment")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    }
    [spread] = built.pod["topologySpreadConstraints"]
    assert spread["labelSelector"] == spec["selector"]
    assert "--no-leader-election" not in built.container["args"]


def test_the_selector_finds_the_pod(built: Built) -> None:
    spec = built.one("Deployment")["spec"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


def test_a_create_in_flight_has_the_time_to_end(built: Built) -> None:
    deadline = inspect.signature(Crossbar).parameters["create_deadline"].default
    assert deadline >= 180
    assert built.pod["terminationGracePeriodSeconds"] >= deadline + 30  # and to be written to the status


def test_probes_and_metrics_are_where_the_operator_serves_them(built: Built) -> None:
    from kazoo_operator.cli.run import run

    options = inspect.signature(run).parameters
    ports = {port["name"]: port["containerPort"] for port in built.container["ports"]}
    assert ports == {"metrics": 8080, "probes": 8081}
    assert ports == {"metrics": options["metrics_port"].default, "probes": options["probe_port"].default}
    assert built.container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "probes"}
    assert built.container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "probes"}


OPTIONAL = {
    "KAZOO_URL": "url",
    "KAZOO_API_KEY_FILE": "apiKeyFile",
    "KAZOO_OPERATOR_ROOT_ACCOUNT": "rootAccount",
    "KAZOO_OPERATOR_REALM_TEMPLATE": "realmTemplate",
    "KAZOO_OPERATOR_CURRENCY": "currency",
    "KAZOO_OPERATOR_REQUESTS_PER_SECOND": "requestsPerSecond",
    "KAZOO_OPERATOR_MAX_DELETIONS_PER_HOUR": "maxDeletionsPerHour",
    "KAZOO_OPERATOR_BUDGET_POLICY": "budgetPolicy",
}


def test_the_operator_is_told_where_kazoo_is_and_whatever_else_the_config_map_says(built: Built) -> None:
    assert {one["name"]: one.get("value") or one["valueFrom"] for one in built.container["env"]} == {
        "POD_NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
        **{
            name: {"configMapKeyRef": {"name": "kazoo-operator", "key": key, "optional": True}}
            for name, key in OPTIONAL.items()
        },
    }
    assert built.one("ConfigMap")["data"] == {}


def test_what_the_config_map_may_say_is_described_in_it() -> None:
    text = (ROOT / "manifests/base/config-map.yaml").read_text()
    assert [key for key in OPTIONAL.values() if key not in text] == []


def test_the_api_key_is_a_file_that_only_the_operator_reads(built: Built) -> None:
    assert built.pod["volumes"] == [
        {
            "name": "credentials",
            "secret": {
                "secretName": "kazoo-credentials",
                "optional": True,
                "defaultMode": 0o440,
                "items": [{"key": "api-key", "path": "api-key"}],
            },
        }
    ]
    assert built.container["volumeMounts"] == [
        {"name": "credentials", "mountPath": "/etc/kazoo", "readOnly": True}
    ]
    # The file belongs to root; the group of the pod is what opens it.
    assert built.pod["securityContext"]["fsGroup"] == built.pod["securityContext"]["runAsGroup"]


def test_memory_has_a_limit_and_both_are_asked_for(built: Built) -> None:
    resources = built.container["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert resources["limits"].keys() == {"memory"}

"""Two KAZOOs and three namespaces under one operator without settings: TelephonyBackends as they are used."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cluster.parties import EXAMPLE, Party, shipped_rules
from tools.cluster import ControlPlane, KubectlFailed, audit_writes, service_account_user
from tools.stack import OperatorProcess, SandboxProcess, running_sandbox, until

pytestmark = pytest.mark.cluster

HOME, TENANT, STRANGER = "telephony-home", "telephony-tenant", "telephony-stranger"
API = "kazoo-operator.io/v1alpha1"


@dataclass
class Town:
    """The namespaces, the two KAZOOs `eu` and `us`, and the operator."""

    plane: ControlPlane
    kazoos: dict[str, SandboxProcess]
    operator: OperatorProcess
    keys: set[str] = field(default_factory=set)

    def kubectl(self, *arguments: str, stdin: Any = None, namespace: str = HOME) -> str:
        """What kubectl prints, as administrator. `stdin` is printed as JSON."""
        text = None if stdin is None else json.dumps(stdin)
        return self.plane.kubectl("--namespace", namespace, *arguments, input=text)

    def secret(self, name: str, key: str) -> None:
        """The Secret of a backend, with that API key."""
        self.keys.add(key)
        data = {"api-key": base64.b64encode(key.encode()).decode()}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
        self.kubectl("apply", "-f", "-", stdin=body)

    def backend(self, name: str, kazoo: str = "", **spec: Any) -> None:
        """A TelephonyBackend of one of the KAZOOs, by default that of its name, with its Secret."""
        sandbox = self.kazoos[kazoo or name]
        self.secret(name, sandbox.ready["reseller"]["apiKey"])
        auth = {"apiKeySecretRef": {"name": name, "key": "api-key"}}
        said = {"url": sandbox.url, "auth": auth, **spec}
        body = {"apiVersion": API, "kind": "TelephonyBackend", "metadata": {"name": name}, "spec": said}
        self.kubectl("apply", "-f", "-", stdin=body)

    def account(self, name: str, backend: str, namespace: str = HOME, /, **spec: Any) -> None:
        """An Account of a TelephonyBackend of the home namespace."""
        reference = {"name": backend, "namespace": HOME}
        own = {"name": f"Acme {name}", "realm": f"{name}.pbx.example.com", "backendRef": reference}
        said = {member: value for member, value in {**EXAMPLE["spec"], **own, **spec}.items() if value}
        body = {**EXAMPLE, "metadata": {"name": name}, "spec": said}
        self.kubectl("apply", "-f", "-", stdin=body, namespace=namespace)

    def look_now(self, backend: str) -> None:
        """Have the operator look at a TelephonyBackend now, and not within the minute."""
        written = self.get("telephonybackend", backend)["metadata"]["resourceVersion"]
        self.annotate("telephonybackend", backend, f"reconcile-now=after-{written}")

    def annotate(self, kind: str, name: str, note: str) -> None:
        """Set an annotation with our prefix."""
        self.kubectl("annotate", kind, name, "--overwrite", f"kazoo-operator.io/{note}")

    def get(self, kind: str, name: str, namespace: str = HOME) -> dict[str, Any]:
        """The object, as the API server has it."""
        found = self.plane.read(f"{kind}s", namespace, name)
        if found is None:
            raise KubectlFailed(f"there is no {kind} {name}")
        return found

    def until(self, kind: str, name: str, reason: str, namespace: str = HOME) -> dict[str, Any]:
        """Wait until Ready carries `reason` at the object's generation; returns its status."""

        def seen() -> dict[str, Any] | None:
            body = self.get(kind, name, namespace)
            status: dict[str, Any] = body.get("status", {})
            same = status.get("observedGeneration") == body["metadata"]["generation"]
            return status if same and ready(status).get("reason") == reason else None

        try:
            return until(seen, f"{name} {reason}") or {}
        except Exception as error:
            said = self.operator.said()[-3000:]
            raise AssertionError(f"{error}\n{self.get(kind, name, namespace)}\n{said}") from None

    def writes(self, name: str) -> int:
        """How often the operator wrote the status of an object."""
        user = service_account_user(HOME, "kazoo-operator")
        return len(audit_writes(self.plane.audit_log, user=user, name=name, refused=False))


def ready(status: dict[str, Any]) -> dict[str, Any]:
    """The condition Ready."""
    return next((one for one in status.get("conditions", []) if one["type"] == "Ready"), {})


@pytest.fixture(scope="module")
def town(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    with ExitStack() as stack:
        for namespace in (HOME, TENANT, STRANGER):
            plane.kubectl("create", "namespace", namespace)
            stack.callback(plane.kubectl, "delete", "namespace", namespace, "--wait=false")
        kazoos = {name: stack.enter_context(running_sandbox()) for name in ("eu", "us")}
        kubeconfig = Party(plane, HOME, kazoos["eu"], folder).account("kazoo-operator")
        for namespace in (TENANT, STRANGER):
            _let_in(plane, namespace)
        arguments = [word for name in (HOME, TENANT, STRANGER) for word in ("--namespace", name)]
        operator = OperatorProcess(kubeconfig, folder / "operator.log", {}, arguments=tuple(arguments))
        made = Town(plane, kazoos, operator)
        operator.start()
        stack.callback(operator.stop)
        yield made
        said = operator.said() + operator.metrics()
        assert "Traceback" not in said, said[-5000:]
        for namespace in (HOME, TENANT, STRANGER):
            said += made.kubectl("get", "kazoo,events", "-o", "yaml", namespace=namespace)
        assert "BackendNotReady" in said, "events and conditions are among it"
        keys = {sandbox.ready["reseller"]["apiKey"] for sandbox in kazoos.values()} | made.keys
        encoded = {base64.b64encode(key.encode()).decode() for key in keys}
        assert [key for key in keys | encoded if key in said] == []


def _let_in(plane: ControlPlane, namespace: str) -> None:
    """The operator of the home namespace has the shipped rights in another one too."""
    api, name = "rbac.authorization.k8s.io/v1", "kazoo-operator"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": HOME}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    role = {"apiVersion": api, "kind": "Role", "metadata": {"name": name}, "rules": shipped_rules(namespace)}
    binding = {"kind": "RoleBinding", "metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    bodies = {"apiVersion": "v1", "kind": "List", "items": [role, {"apiVersion": api, **binding}]}
    plane.kubectl("--namespace", namespace, "apply", "-f", "-", input=json.dumps(bodies))


def realms(sandbox: SandboxProcess) -> set[str]:
    """The realms of all accounts."""
    return {str(document.get("realm")) for document in sandbox.accounts().values()}


def test_one_operator_serves_two_kazoos_and_says_what_they_are(town: Town) -> None:
    town.backend("eu")
    town.backend("us", realmTemplate="{name}.us.example.com")
    town.account("both", "eu")
    town.account("both-too", "us", name="Acme both", realm="both.pbx.example.com")
    town.account("template", "us", name="Made of it", realm=None)
    for name in ("both", "both-too", "template"):
        town.until("account", name, "Ready")
    assert "both.pbx.example.com" in realms(town.kazoos["eu"]) & realms(town.kazoos["us"])
    assert "made-of-it.us.example.com" in realms(town.kazoos["us"]) - realms(town.kazoos["eu"])
    status = town.until("telephonybackend", "eu", "Ready")
    told = {name: status[name] for name in ("level", "version", "writeMode")}
    assert told == {"level": "Reseller", "version": "5.0.0", "writeMode": "Merge"}
    assert status["accountID"] == town.kazoos["eu"].ready["reseller"]["accountID"]
    row = re.split(r"\s{2,}", town.kubectl("get", "kztb", "eu", "--no-headers").strip())
    assert row[:6] == ["eu", town.kazoos["eu"].url, "Reseller", "5.0.0", "True", "Ready"]
    told_by_metrics = town.operator.metrics()
    assert 'kazoo_api_requests_total{backend="telephony-home/eu",code="201"' in told_by_metrics
    assert 'kazoo_backend_ready{backend="telephony-home/eu"} 1.0' in told_by_metrics


def test_a_namespace_that_is_not_allowed_is_told_so_and_let_in_by_a_change(town: Town) -> None:
    town.backend("eu", allowedNamespaces=[TENANT])
    town.account("tenant", "eu", TENANT)
    town.account("stranger", "eu", STRANGER)
    town.until("account", "tenant", "Ready", TENANT)
    status = town.until("account", "stranger", "InvalidSpec", STRANGER)
    assert "does not allow the namespace telephony-stranger" in ready(status)["message"]
    assert "stranger.pbx.example.com" not in realms(town.kazoos["eu"])
    town.backend("eu", allowedNamespaces=[TENANT, STRANGER])
    town.until("account", "stranger", "Ready", STRANGER)


def test_a_key_rotated_in_its_secret_is_used_without_a_restart_or_a_failed_write(town: Town) -> None:
    town.backend("eu")
    town.account("rotated", "eu")
    town.until("account", "rotated", "Ready")
    key = new_key(town.kazoos["eu"])
    town.secret("eu", key)
    before = len(town.kazoos["eu"].calls("PUT", "/api_auth"))
    town.look_now("eu")
    until(lambda: len(town.kazoos["eu"].calls("PUT", "/api_auth")) > before, "a login by the new key")
    town.kubectl(
        "patch", "account", "rotated", "--type=merge", "-p", '{"spec": {"timezone": "Europe/Berlin"}}'
    )
    town.until("account", "rotated", "Ready")
    answers = [call["status"] for call in town.kazoos["eu"].calls("PUT", "/api_auth")]
    assert answers[before:] == [201]
    assert {status for _, status in town.kazoos["eu"].writes()} <= {200, 201}
    town.kazoos["eu"].ready["reseller"]["apiKey"] = key


def new_key(sandbox: SandboxProcess) -> str:
    """Give the reseller another API key; its old one lets nobody in any more."""

    who = sandbox.ready["admin"]
    word = hashlib.md5(f"{who['username']}:{who['password']}".encode(), usedforsecurity=False).hexdigest()
    login = {"credentials": word, "method": "md5", "account_realm": sandbox.ready["realm"]}
    token = sandbox._send("PUT", "user_auth", login, {})["auth_token"]
    path = f"accounts/{sandbox.ready['reseller']['accountID']}/api_key"
    return str(sandbox._send("PUT", path, {}, {"X-Auth-Token": token})["data"]["api_key"])


@pytest.mark.parametrize("lost", ["secret", "telephonybackend"])
def test_what_is_lost_under_living_objects_is_named_and_they_wake_when_it_is_back(
    town: Town, lost: str
) -> None:
    town.backend("eu")
    town.account(f"without-{lost}", "eu")
    known = town.until("account", f"without-{lost}", "Ready")
    creations = len(town.kazoos["eu"].writes())
    town.kubectl("delete", lost, "eu")
    if lost == "secret":
        town.look_now("eu")
        status = town.until("telephonybackend", "eu", "SecretNotFound")
        assert "there is no Secret telephony-home/eu" in ready(status)["message"]
    status = town.until("account", f"without-{lost}", "BackendNotReady")
    assert "TelephonyBackend telephony-home/eu" in ready(status)["message"]
    assert status["accountID"] == known["accountID"]
    town.backend("eu")
    if lost == "secret":
        town.look_now("eu")
    assert town.until("account", f"without-{lost}", "Ready")["accountID"] == known["accountID"]
    assert len(town.kazoos["eu"].writes()) == creations, "nothing was made anew"


def test_a_kazoo_that_is_down_is_told_once_by_each_object_and_wakes_them_all(town: Town) -> None:
    town.backend("us", realmTemplate="{name}.us.example.com")
    names = [f"down-{number}" for number in range(8)]
    for name in names:
        town.account(name, "us")
    for name in names:
        town.until("account", name, "Ready")
    before = {name: town.writes(name) for name in names}
    town.kazoos["us"].fault({"status": 503}, ".", ".", times=100_000)
    town.look_now("us")
    for name in names:
        town.until("account", name, "BackendNotReady")
    town.kazoos["us"].control("DELETE", "faults")
    for name in names:
        town.until("account", name, "Ready")
    assert {name: town.writes(name) - before[name] for name in names} == dict.fromkeys(names, 2)


def test_nothing_outside_the_root_account_is_touched(town: Town) -> None:
    sandbox = town.kazoos["us"]
    reseller = sandbox.ready["reseller"]["accountID"]
    root = sandbox.crossbar("PUT", f"accounts/{reseller}", {"name": "Fenced", "realm": "fenced.example.com"})
    outside = sandbox.crossbar("PUT", f"accounts/{reseller}", {"name": "Out", "realm": "out.example.com"})
    town.backend("fenced", "us", rootAccount={"realm": "fenced.example.com"})
    assert town.until("telephonybackend", "fenced", "Ready")["accountID"] == root["id"]
    town.account("inside", "fenced")
    assert town.until("account", "inside", "Ready")["parentAccountID"] == root["id"]
    writes = len(sandbox.writes("."))
    town.account("by-id", "fenced", parentRef={"accountID": outside["id"]})
    town.account(
        "adopter", "fenced", name="Out", realm="out.example.com", adopt=True, accountID=outside["id"]
    )
    for name in ("by-id", "adopter"):
        town.until("account", name, "OutsideSubtree")
    assert len(sandbox.writes(".")) == writes


def test_a_url_that_leads_to_a_metadata_service_or_holds_a_password_is_refused(town: Town) -> None:
    for url in (
        "http://169.254.169.254/latest",
        "https://ada:secret@kazoo.example.com",
        "ftp://kazoo.example.com",
    ):
        with pytest.raises(KubectlFailed, match="KZ17"):
            town.backend("bad", "us", url=url, insecureHTTP=True)


def test_deletions_are_remembered_in_status_and_approved_on_the_backend(town: Town) -> None:
    town.backend("deleting", "us")
    for name in ("one", "two"):
        town.account(f"gone-{name}", "deleting", name=f"Gone {name}", deletionPolicy="Delete")
    ids = [town.until("account", f"gone-{name}", "Ready")["accountID"] for name in ("one", "two")]
    for name in ("one", "two"):
        town.annotate("account", f"gone-{name}", f"confirm-delete=Gone {name}")
    town.kubectl("delete", "account", "gone-one", "--timeout=120s")
    (noted,) = town.get("telephonybackend", "deleting")["status"]["deletions"]
    assert noted["accountID"] == ids[0]
    town.kubectl("delete", "account", "gone-two", "--wait=false")
    status = town.until("account", "gone-two", "DeletionLimit")
    wanted = re.search("sha256:[0-9a-f]{64}", ready(status)["message"])
    assert wanted is not None
    town.annotate("telephonybackend", "deleting", f"approve-deletions={wanted[0]}")
    until(_gone(town, "gone-two"), "the end of what was approved")
    noted = town.get("telephonybackend", "deleting")["status"]["deletions"]
    assert [one["accountID"] for one in noted] == ids


def _gone(town: Town, name: str) -> Callable[[], bool]:
    return lambda: not town.kubectl("get", "account", name, "--ignore-not-found", "-o", "name").strip()

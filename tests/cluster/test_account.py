"""An Account from apply to Ready, counted by the API server's audit log and by KAZOO's journal."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.conftest import EXAMPLE, NAMESPACE, Stage
from tools.cluster import KubectlFailed
from tools.stack import OperatorProcess, free_port, until

pytestmark = pytest.mark.cluster


def test_an_account_becomes_ready_with_its_balance_and_shows_in_kubectl_get_kazoo(stage: Stage) -> None:
    stage.apply("shown")
    found = stage.until_ready("shown")
    (account_id,) = [
        account_id for account_id, held in stage.sandbox.accounts().items() if held["name"] == "Acme shown"
    ]
    status = found["status"]
    assert status["accountID"] == account_id
    assert (status["realm"], status["balance"]) == ("shown.pbx.example.com", "0.00")
    assert (status["currency"], status["moneyKind"]) == ("USD", "Allotted")
    assert status["parent"] == stage.sandbox.ready["reseller"]["realm"]
    table = stage.plane.kubectl("get", "kazoo", "-n", NAMESPACE)
    head, row = table.splitlines()[0].split(), next(line for line in table.splitlines() if "shown" in line)
    assert head == ["NAME", "ACCOUNT-ID", "REALM", "PARENT", "READY", "REASON", "BALANCE", "AGE"]
    assert [word in row for word in (account_id, "shown.pbx.example.com", "True", "Ready", "0.00")] == [
        True
    ] * 5
    stage.plane.kubectl("wait", "--for=condition=Ready", "kzacct/shown", "-n", NAMESPACE, "--timeout=120s")


def test_each_step_of_a_life_costs_the_writes_it_must(stage: Stage) -> None:
    stage.apply("counted", resyncInterval="30s")
    stage.until_ready("counted")
    assert stage.writes("counted") == ["patch status"]
    assert stage.sandbox.writes() == [("PUT", 201)]

    contacts = {"billing": {"phone": "+14085550199"}}
    stage.apply("counted", resyncInterval="30s", contacts=contacts)
    stage.until_ready("counted")
    assert stage.writes("counted") == ["patch status"] * 2
    assert stage.sandbox.writes() == [("PUT", 201), ("PATCH", 200)]

    balances = len(stage.sandbox.calls("GET", "/ledgers/total"))
    until(lambda: len(stage.sandbox.calls("GET", "/ledgers/total")) > balances, "a resync")
    generation = stage.get("counted")["metadata"]["resourceVersion"]
    stage.plane.kubectl("label", "accounts", "counted", "-n", NAMESPACE, "touched=yes")
    until(lambda: "touched" in stage.get("counted")["metadata"].get("labels", {}), "the label")
    assert stage.get("counted")["metadata"]["resourceVersion"] != generation
    assert stage.writes("counted") == ["patch status"] * 2
    assert stage.sandbox.writes() == [("PUT", 201), ("PATCH", 200)]

    stage.plane.kubectl("delete", "accounts", "counted", "-n", NAMESPACE, "--timeout=120s")
    stage.apply("after")
    stage.until_ready("after")
    assert stage.writes("counted") == ["patch status"] * 2
    assert stage.sandbox.writes() == [("PUT", 201), ("PATCH", 200), ("PUT", 201)]


def test_a_deleted_object_leaves_its_account_and_the_same_manifest_attaches_again(stage: Stage) -> None:
    stage.apply("kept")
    first = stage.until_ready("kept")["status"]["accountID"]
    stage.plane.kubectl("delete", "accounts", "kept", "-n", NAMESPACE, "--timeout=120s")
    stage.apply("kept")
    assert stage.until_ready("kept")["status"]["accountID"] == first
    assert stage.sandbox.writes() == [("PUT", 201)]


def test_a_status_that_was_wiped_is_written_again_without_a_write_to_kazoo(stage: Stage) -> None:
    stage.apply("wiped")
    before = stage.until_ready("wiped")["status"]
    stage.plane.kubectl(
        *("patch", "accounts", "wiped", "-n", NAMESPACE, "--subresource=status", "--type=json"),
        *("-p", '[{"op": "remove", "path": "/status"}]'),
    )
    after = stage.until_ready("wiped")["status"]
    times = [
        condition.pop("lastTransitionTime") for side in (before, after) for condition in side["conditions"]
    ]
    assert len(times) == 10
    assert after == before
    assert stage.sandbox.writes() == [("PUT", 201)]


@pytest.mark.parametrize(
    ("method", "path", "do"),
    [
        ("GET", "/search$", {"hang": True}),
        ("PUT", "/accounts/", {"hang": True}),
        ("PUT", "/accounts/", {"hang": True, "afterCommit": True}),
        ("GET", "/v2/accounts/[0-9a-f]{32}$", {"hang": True}),
        ("GET", "/ledgers/total$", {"hang": True}),
    ],
    ids=[
        "before-the-create",
        "in-the-create",
        "after-the-create",
        "before-the-read-back",
        "before-the-status",
    ],
)
def test_a_kill_around_each_write_of_a_creation_leaves_one_account(
    stage: Stage, request: pytest.FixtureRequest, method: str, path: str, do: dict[str, object]
) -> None:
    name = f"killed-{request.node.callspec.id}"
    calm = _undisturbed(stage)
    stage.sandbox.fault(do, method, path)
    stage.apply(name)
    until(lambda: stage.hangs(method, path), "the hanging call")
    stage.operator.kill()
    stage.sandbox.control("DELETE", "faults")
    stage.operator.start()
    stage.until_ready(name)
    _one_account_like(stage, name, calm)
    assert stage.writes(name) == ["patch status"]


def test_a_kill_with_the_status_on_its_way_leaves_one_account(stage: Stage) -> None:
    calm = _undisturbed(stage)
    stage.sandbox.fault({"delay": 4}, "GET", "/ledgers/total$")
    stage.apply("killed-patching")
    until(lambda: stage.hangs("GET", "/ledgers/total$"), "the balance being asked for")
    server = stage.plane.pids["kube-apiserver"]
    assert server is not None
    os.kill(server, signal.SIGSTOP)
    try:
        until(lambda: not stage.hangs("GET", "/ledgers/total$"), "the balance")
        time.sleep(0.5)  # nothing shows that a patch went to a server that stands still
        OperatorProcess.kill(stage.operator)
    finally:
        os.kill(server, signal.SIGCONT)
    stage.operator.start()
    stage.until_ready("killed-patching")
    _one_account_like(stage, "killed-patching", calm)
    # A patch that was stored for a client that is gone may be answered, and logged, as a failure.
    assert set(stage.writes("killed-patching")) == {"patch status"}
    accepted = stage.writes("killed-patching", refused=False)
    assert len(accepted) <= 1, "the late one or the next life's, and never both"


def test_a_kill_after_the_status_leaves_nothing_to_do(stage: Stage) -> None:
    calm = _undisturbed(stage)
    stage.apply("killed-after")
    stage.until_ready("killed-after")
    stage.operator.kill()
    stage.operator.start()
    stage.apply("killed-after", resyncInterval="1h")
    stage.until_ready("killed-after")
    _one_account_like(stage, "killed-after", calm)
    assert stage.writes("killed-after") == ["patch status"] * 2
    assert stage.sandbox.writes() == [("PUT", 201)] * 2


def _undisturbed(stage: Stage) -> dict[str, Any]:
    """The status of an account that was made in peace."""
    stage.apply("calm")
    found: dict[str, Any] = stage.until_ready("calm")["status"]
    return found


def _one_account_like(stage: Stage, name: str, calm: dict[str, Any]) -> None:
    """One account stands for `name`, with its mark, and the status says what that of `calm` says."""
    found = {key: held for key, held in stage.sandbox.accounts().items() if held["name"] == f"Acme {name}"}
    ((account_id, document),) = found.items()
    assert len(document["flags"]) == 1 and document["flags"][0].endswith(f"/{NAMESPACE}/{name}")
    status = stage.get(name)["status"]
    generation = status["observedGeneration"]
    expected = json.loads(json.dumps(calm).replace("calm", name).replace(calm["accountID"], account_id))
    expected["observedGeneration"] = generation
    for ours, theirs in zip(status["conditions"], expected["conditions"], strict=True):
        ours.pop("lastTransitionTime"), theirs.pop("lastTransitionTime")
        theirs["observedGeneration"] = generation
    assert status == expected


def test_an_answer_lost_after_the_creation_leaves_one_account(stage: Stage) -> None:
    stage.sandbox.fault({"status": 500, "afterCommit": True}, "PUT", "/accounts/")
    stage.apply("lost")
    stage.until_ready("lost")
    mine = [held for held in stage.sandbox.accounts().values() if held["name"] == "Acme lost"]
    assert len(mine) == 1
    assert stage.sandbox.writes() == [("PUT", 500)]


def test_a_creation_that_takes_long_says_so_and_outlives_sigterm(stage: Stage) -> None:
    stage.sandbox.fault({"delay": 20}, "PUT", "/accounts/")
    stage.apply("slow")
    creating = stage.until_reason("slow", "Creating")
    assert {"Reconciling", "Ready"} <= {found["type"] for found in creating["status"]["conditions"]}
    began = time.monotonic()
    assert stage.operator.stop() == 0
    assert time.monotonic() - began > 2, "the creation was waited for"
    assert stage.until_ready("slow")["status"]["balance"] == "0.00"
    assert stage.writes("slow") == ["patch status"] * 2
    assert stage.sandbox.writes() == [("PUT", 201)]


def test_sigterm_ends_an_idle_operator_at_once_with_exit_code_0(stage: Stage) -> None:
    stage.apply("idle")
    stage.until_ready("idle")
    began = time.monotonic()
    assert stage.operator.stop() == 0
    assert time.monotonic() - began < 10


def test_sigterm_gives_up_a_call_that_hangs_before_kubernetes_would_kill_the_pod(stage: Stage) -> None:
    stage.apply("waiting")
    stage.until_ready("waiting")
    stage.sandbox.fault({"hang": True}, "GET", "/ledgers/total$")
    stage.apply("waiting", resyncInterval="1h")
    until(lambda: stage.hangs("GET", "/ledgers/total$"), "the hanging call")
    began = time.monotonic()
    assert stage.operator.stop() == 0
    assert time.monotonic() - began < 30, "of which the grace is 8 s (tests/kube/test_serve.py)"


def test_metrics_name_what_happened(stage: Stage) -> None:
    stage.apply("metered")
    stage.until_ready("metered")
    text = stage.operator.metrics()
    assert 'controller_runtime_reconcile_total{controller="account",result="success"}' in text
    assert (
        'kazoo_api_requests_total{backend="settings",code="201",method="PUT",route="/accounts/{id}"} 1.0'
        in text
    )
    assert stage.operator.probe("healthz")[0] == 200


def test_an_unreachable_backend_is_told_and_the_process_lives(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(KAZOO_URL=f"http://127.0.0.1:{free_port()}")
    stage.operator.start()
    stage.apply("away")
    found = stage.until_reason("away", "BackendUnavailable")
    assert {condition["type"] for condition in found["status"]["conditions"]} == {
        "Ready",
        "Reconciling",
        "Synced",
    }
    assert stage.operator.is_ready()


def test_a_backend_that_comes_back_is_used_again(stage: Stage) -> None:
    stage.sandbox.fault({"status": 503}, "GET", "/v2/accounts", times=40)
    stage.apply("recovered")
    stage.until_reason("recovered", "BackendUnavailable")
    stage.sandbox.control("DELETE", "faults")
    stage.until_ready("recovered")
    assert stage.sandbox.writes() == [("PUT", 201)]


def test_what_speaks_no_crossbar_is_called_nonsense(stage: Stage) -> None:
    stage.sandbox.fault({"body": "<html>hi</html>", "contentType": "text/html"}, ".", "/v2/", times=50)
    stage.apply("nonsense")
    message = stage.until_reason("nonsense", "BackendNonsense")["status"]["conditions"][0]["message"]
    assert "check the URL" in message


def test_wrong_credentials_say_so_and_never_show_the_key(new_stage: Callable[..., Stage]) -> None:
    key = "0badc0de" * 8
    stage = new_stage(KAZOO_API_KEY=key, KAZOO_API_KEY_FILE="")
    del stage.operator.environment["KAZOO_API_KEY_FILE"]
    stage.operator.start()
    stage.apply("refused")
    found = stage.until_reason("refused", "Unauthorized")
    assert "API key" in stage.condition("refused")["message"]
    assert key not in json.dumps(found) + stage.operator.said() + stage.operator.metrics()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"realm": "ACME.example.com"}, "spec.realm"),
        ({"timezone": "UTC"}, "spec.timezone"),
        ({"address": {"street": "1 Main St"}}, "spec.address.city"),
        ({"resyncInterval": "1s"}, "between 30s and 24h"),
        ({"colour": "red"}, "colour"),
        ({"name": ""}, "spec.name"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_the_api_server_refuses_what_the_schema_forbids(
    new_stage: Callable[..., Stage], spec: dict[str, object], said: str
) -> None:
    stage = new_stage()
    with pytest.raises(KubectlFailed) as refused:
        stage.apply("invalid", **spec)
    assert said in str(refused.value)


def test_the_realm_is_immutable_and_may_be_null(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage()
    stage.apply("static")
    for realm in ("other.pbx.example.com", None):
        with pytest.raises(KubectlFailed) as refused:
            stage.apply("static", realm=realm)
        assert "KZ020" in str(refused.value)
        assert "spec.realm" in str(refused.value)
    stage.apply("nameless", realm=None)
    stage.apply("nameless", realm="later.pbx.example.com")


def test_a_rule_beyond_the_schema_stalls_the_object_once(stage: Stage) -> None:
    stage.apply("martian", timezone="Mars/Olympus_Mons")
    stage.until_reason("martian", "InvalidSpec")
    message = stage.condition("martian", "Stalled")["message"]
    assert "spec.timezone" in message and "America/Los_Angeles" in message and "KZ026" in message
    stage.apply("other")
    stage.until_ready("other")
    assert stage.writes("martian") == ["patch status"]
    assert stage.sandbox.writes() == [("PUT", 201)]
    stage.apply("martian", timezone="Europe/Berlin")
    stage.until_ready("martian")


def test_kubectl_explain_reads_well(new_stage: Callable[..., Stage]) -> None:
    text = " ".join(new_stage().plane.kubectl("explain", "account.spec.realm").split())
    assert "SIP realm that phones register with" in text
    assert "Example: acme.pbx.example.com" in text


def test_a_burst_converges_with_one_write_for_each_object(stage: Stage) -> None:
    names = [f"burst-{number}" for number in range(60)]
    manifests = [
        {
            **EXAMPLE,
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {**EXAMPLE["spec"], "name": name, "realm": f"{name}.example.com"},
        }
        for name in names
    ]
    stage.names.extend(names)
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    stage.plane.kubectl("create", "-f", "-", input=text)
    assert set(stage.until_all_ready()) == set(names)
    assert stage.sandbox.writes() == [("PUT", 201)] * len(names)
    assert [stage.writes(name) for name in names] == [["patch status"]] * len(names)

"""An account's whole life on a real API server: hierarchy, drift, adoption, deletion, kills in between."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kazoo_operator.kinds import discover
from tests.cluster.conftest import NAMESPACE, ROOT, Stage
from tools.cluster import ControlPlane, KubectlFailed
from tools.examples import backend_secret, examples_for
from tools.stack import OperatorProcess, until

pytestmark = pytest.mark.cluster

TREE = {
    "top": {},
    **{f"mid-{number}": {"parentRef": {"name": "top"}} for number in range(9)},
    **{f"leaf-{number}": {"parentRef": {"name": f"mid-{number % 9}"}} for number in range(90)},
}


def test_a_tree_of_100_accounts_in_random_order_converges_and_survives_a_restart(stage: Stage) -> None:
    names = list(TREE)
    random.Random(11).shuffle(names)
    stage.apply_all({name: TREE[name] for name in names})
    held = stage.until_all_ready()
    assert set(held) == set(names)
    state = stage.sandbox.control("GET", "state")["accounts"]
    for name, spec in TREE.items():
        above = spec.get("parentRef", {}).get("name")
        if above:
            assert state[held[name]["accountID"]]["tree"][-1] == held[above]["accountID"]
            assert held[name]["parent"] == above
    assert stage.sandbox.writes() == [("PUT", 201)] * 100
    for name in names:
        waited = stage.writes(name)
        assert waited in (["patch status"], ["patch status"] * 2), "one for Ready, one for a wait at most"

    stage.operator.kill()
    before = {name: len(stage.writes(name)) for name in names}
    stage.apply_all({name: {**TREE[name], "language": "de-DE"} for name in names})
    stage.operator.start()
    stage.until_all_ready()
    for name in names:
        assert len(stage.writes(name)) == before[name] + 1, "no false ParentNotReady at a restart"
    assert stage.sandbox.writes() == [("PUT", 201)] * 100 + [("PATCH", 200)] * 100


def test_a_child_is_parked_until_its_parent_is_there(stage: Stage) -> None:
    stage.apply("early", parentRef={"name": "late"})
    found = stage.until_reason("early", "ParentNotReady")
    assert stage.condition("early", "Reconciling")["status"] == "True"
    assert found["status"]["steps"][0]["state"] == "Pending"
    calls = len(stage.sandbox.calls())
    stage.apply("late")
    late = stage.until_ready("late")
    early = stage.until_ready("early")
    assert early["status"]["parentAccountID"] == late["status"]["accountID"]
    assert stage.writes("early") == ["patch status"] * 2
    assert len(stage.sandbox.calls()) > calls


def test_a_cycle_is_named_and_heals_when_a_member_is_replaced(stage: Stage) -> None:
    stage.apply("yin", parentRef={"name": "yang"})
    stage.apply("yang", parentRef={"name": "yin"})
    for name in ("yin", "yang"):
        stage.until_reason(name, "HierarchyCycle")
        assert stage.condition(name, "Stalled")["status"] == "True"
    stage.delete("yang")
    stage.until_gone("yang")
    stage.apply("yang")
    for name in ("yang", "yin"):
        stage.until_ready(name)


def test_drift_is_put_back_on_request_and_an_event_tells_both_values(stage: Stage) -> None:
    stage.apply("drifting", resyncInterval="24h")
    account_id = stage.until_ready("drifting")["status"]["accountID"]
    stage.edit(account_id, {"timezone": "Etc/UTC"})
    stage.annotate("drifting", reconcile_now="1")
    until(lambda: stage.document(account_id)["timezone"] == "America/Los_Angeles", "the repair")
    until(lambda: any(reason == "DriftCorrected" for reason, _ in stage.events("drifting")), "the event")
    (text,) = [text for reason, text in stage.events("drifting") if reason == "DriftCorrected"]
    assert "Etc/UTC" in text and "America/Los_Angeles" in text
    assert stage.writes("drifting") == ["patch status"], "nothing in status moved"


def test_drift_is_found_within_one_resync(stage: Stage) -> None:
    stage.apply("watched", resyncInterval="30s", driftPolicy="Report")
    account_id = stage.until_ready("watched")["status"]["accountID"]
    stage.edit(account_id, {"timezone": "Etc/UTC"})
    until(lambda: stage.get("watched")["status"].get("drift"), "the drift in status")
    (drift,) = stage.get("watched")["status"]["drift"]
    assert drift == {"path": "timezone", "desired": "America/Los_Angeles", "observed": "Etc/UTC"}
    assert stage.condition("watched", "DriftDetected")["status"] == "True"
    assert stage.condition("watched")["status"] == "True"
    assert stage.document(account_id)["timezone"] == "Etc/UTC"
    assert stage.writes("watched") == ["patch status"] * 2


def test_suspended_and_observing_objects_write_nothing(stage: Stage) -> None:
    stage.apply("paused", suspend=True)
    stage.until_reason("paused", "Suspended")
    assert stage.condition("paused", "Stalled")["reason"] == "Suspended"
    stage.apply("seen")
    account_id = stage.until_ready("seen")["status"]["accountID"]
    stage.apply("eye", realm="seen.pbx.example.com", managementPolicy="ObserveOnly", address=None)
    eye = stage.until_ready("eye")["status"]
    assert eye["accountID"] == account_id
    assert [drift["path"] for drift in eye["drift"]] == ["name"]
    assert stage.sandbox.writes() == [("PUT", 201)]


def test_a_taken_realm_is_adopted_only_on_request(stage: Stage) -> None:
    stage.apply("old")
    account_id = stage.until_ready("old")["status"]["accountID"]
    stage.delete("old")
    stage.until_gone("old")
    stage.edit(account_id, {"flags": ["crm/7"]})
    stage.apply("new", realm="old.pbx.example.com")
    message = stage.until_reason("new", "NotAdopted")["status"]["conditions"][0]["message"]
    assert "adopt: true" in message
    stage.apply("new", realm="old.pbx.example.com", adopt=True)
    assert stage.until_ready("new")["status"]["accountID"] == account_id
    assert stage.document(account_id)["flags"][0] == "crm/7"
    assert len(stage.sandbox.accounts()) == 3


def test_a_confirmed_deletion_costs_one_write_and_the_policy_holds_the_finalizer(stage: Stage) -> None:
    stage.apply("mortal", deletionPolicy="Delete")
    account_id = stage.until_ready("mortal")["status"]["accountID"]
    assert stage.get("mortal")["metadata"]["finalizers"] == ["kazoo-operator.io/account"]
    assert stage.writes("mortal") == ["patch ", "patch status"]
    stage.apply("mortal", deletionPolicy="Retain")
    until(lambda: not stage.get("mortal")["metadata"].get("finalizers"), "the finalizer's end")
    stage.apply("mortal", deletionPolicy="Delete")
    until(lambda: stage.get("mortal")["metadata"].get("finalizers"), "the finalizer's return")
    stage.until_ready("mortal")
    stage.annotate("mortal", confirm_delete="Acme mortal")
    before = len(stage.writes("mortal"))
    stage.delete("mortal")
    stage.until_gone("mortal")
    assert len(stage.writes("mortal")) == before + 1
    assert account_id not in stage.sandbox.accounts()
    assert stage.sandbox.writes()[-1] == ("DELETE", 200)
    assert len(stage.sandbox.calls("DELETE")) == 1


def test_an_unconfirmed_deletion_waits_says_how_and_takes_the_wrong_name_for_none(stage: Stage) -> None:
    stage.apply("careful", deletionPolicy="Delete")
    account_id = stage.until_ready("careful")["status"]["accountID"]
    stage.delete("careful")
    until(lambda: stage.condition("careful").get("reason") == "DeletionNotConfirmed", "the question")
    assert "confirm-delete: Acme careful" in stage.condition("careful")["message"]
    stage.annotate("careful", confirm_delete="acme-careful")
    until(lambda: "acme-careful" in stage.condition("careful")["message"], "the wrong name told")
    assert account_id in stage.sandbox.accounts()
    stage.annotate("careful", confirm_delete="Acme careful")
    stage.until_gone("careful")
    assert account_id not in stage.sandbox.accounts()


def test_children_go_first_whatever_is_deleted_first(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(KAZOO_OPERATOR_MAX_DELETIONS_PER_HOUR="9")
    stage.operator.start()
    stage.apply("trunk", deletionPolicy="Delete")
    stage.apply("branch", deletionPolicy="Delete", parentRef={"name": "trunk"})
    ids = {name: stage.until_ready(name)["status"]["accountID"] for name in ("trunk", "branch")}
    for name in ids:
        stage.annotate(name, confirm_delete=f"Acme {name}")
    stage.delete("trunk")
    until(lambda: stage.condition("trunk").get("reason") == "HasDescendants", "the wait")
    assert "Acme branch" in stage.condition("trunk")["message"]
    stage.delete("branch")
    stage.until_gone("branch")
    stage.until_gone("trunk")
    assert not set(ids.values()) & set(stage.sandbox.accounts())


def test_a_second_deletion_in_the_hour_needs_an_approval(stage: Stage) -> None:
    for name in ("first", "second"):
        stage.apply(name, deletionPolicy="Delete")
        stage.until_ready(name)
        stage.annotate(name, confirm_delete=f"Acme {name}")
        stage.delete(name)
    until(lambda: not (stage.exists("first") and stage.exists("second")), "one deletion")
    (left,) = [name for name in ("first", "second") if stage.exists(name)]
    until(lambda: stage.condition(left).get("reason") == "DeletionLimit", "the limit")
    stage.operator.kill()
    stage.operator.start()
    digest = re.search("sha256:[0-9a-f]{64}", stage.condition(left)["message"])
    assert digest is not None and stage.exists(left), "the memory outlives the process"
    stage.annotate(left, approve_deletions=digest[0])
    stage.until_gone(left)


def test_a_lost_account_is_made_anew_on_request(stage: Stage) -> None:
    stage.apply("lost-one", resyncInterval="24h")
    lost = stage.until_ready("lost-one")["status"]["accountID"]
    stage.sandbox.crossbar("DELETE", f"accounts/{lost}")
    stage.annotate("lost-one", reconcile_now="1")
    stage.until_reason("lost-one", "ExternallyDeleted")
    stage.annotate("lost-one", recreate=lost)
    assert stage.until_ready("lost-one")["status"]["accountID"] != lost


@pytest.mark.parametrize(
    ("method", "path", "do"),
    [
        ("PATCH", "/accounts/", {"hang": True}),
        ("PATCH", "/accounts/", {"hang": True, "afterCommit": True}),
        ("PATCH", "/callflows/", {"hang": True}),
        ("PATCH", "/callflows/", {"hang": True, "afterCommit": True}),
    ],
    ids=["before-the-patch", "after-the-patch", "before-the-routing", "after-the-routing"],
)
def test_a_kill_around_each_write_of_an_update_leaves_the_end_state(
    stage: Stage, request: pytest.FixtureRequest, method: str, path: str, do: dict[str, object]
) -> None:
    name = f"updated-{request.node.callspec.id}"
    stage.apply(name)
    account_id = stage.until_ready(name)["status"]["accountID"]
    stage.sandbox.fault(do, method, path)
    stage.apply(name, timezone="Europe/Berlin", outboundRouting="Own")
    until(lambda: stage.hangs(method, path), "the hanging call")
    stage.operator.kill()
    stage.sandbox.control("DELETE", "faults")
    stage.operator.start()
    stage.until_ready(name)
    state = stage.sandbox.control("GET", "state")["accounts"][account_id]
    assert state["account"]["timezone"] == "Europe/Berlin"
    (callflow,) = state["callflows"]
    assert callflow["flow"]["module"] == "resources"
    assert stage.writes(name) == ["patch status"] * 2


@pytest.mark.parametrize("do", [{"hang": True}, {"hang": True, "afterCommit": True}], ids=["before", "after"])
def test_a_kill_around_the_deletion_leaves_no_account_and_no_object(
    stage: Stage, request: pytest.FixtureRequest, do: dict[str, object]
) -> None:
    name = f"killed-{request.node.callspec.id}-deletion"
    stage.apply(name, deletionPolicy="Delete")
    account_id = stage.until_ready(name)["status"]["accountID"]
    stage.annotate(name, confirm_delete=f"Acme {name}")
    stage.sandbox.fault(do, "DELETE", "/accounts/")
    stage.delete(name)
    until(lambda: stage.hangs("DELETE", "/accounts/"), "the hanging call")
    stage.operator.kill()
    stage.sandbox.control("DELETE", "faults")
    stage.operator.start()
    stage.until_gone(name)
    assert account_id not in stage.sandbox.accounts()


def test_a_namespace_that_was_deleted_attaches_again_from_its_manifests(
    plane: ControlPlane, new_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = new_stage()
    environment = {**stage.operator.environment, "KAZOO_OPERATOR_OWNER": "restored"}
    operator = OperatorProcess(
        Path(plane.kubeconfig), tmp_path / "tenant.log", environment, ("--namespace", "tenant")
    )
    manifests = stage.manifests({"above": {}, "below": {"parentRef": {"name": "above"}}}, "tenant")
    stage.operator = operator
    held = []
    try:
        operator.start()
        for _ in range(2):
            plane.kubectl("create", "namespace", "tenant")
            plane.kubectl("apply", "-f", "-", input=manifests)
            plane.kubectl(
                "wait", "--for=condition=Ready", "accounts", "--all", "-n", "tenant", "--timeout=120s"
            )
            found = plane.kubectl(
                "get", "accounts", "-n", "tenant", "-o", "jsonpath={.items[*].status.accountID}"
            )
            held.append(found)
            plane.kubectl("delete", "namespace", "tenant", "--timeout=120s")
    finally:
        operator.stop()
    assert held[0] == held[1] and len(held[0].split()) == 2
    assert stage.sandbox.writes() == [("PUT", 201)] * 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({}, {"parentRef": {"name": "a"}}, "KZ151"),
        ({"parentRef": {"name": "a"}}, {}, "KZ151"),
        ({"parentRef": {"name": "a"}}, {"parentRef": {"realm": "a.example.com"}}, "KZ151"),
        ({}, {"realm": "b.example.com"}, "KZ020"),
        ({}, {"realm": "b.example.com", "allowRealmChange": "x.example.com->b.example.com"}, "KZ020"),
        ({}, {"callRestrictions": {"emergency": "Deny"}}, "KZ107"),
        ({}, {"callRestrictions": {"a.b": "Deny"}}, "KZ104"),
        ({}, {"controlCenter": {"balance": {"show": False, "credit": True}}}, "KZ116"),
        ({}, {"accountID": "0" * 32}, "KZ154"),
        ({}, {"address": None}, "KZ092"),
        ({}, {"parentRef": {"name": "a", "realm": "a.example.com"}}, "exactly one of"),
        ({}, {"parentRef": {}}, "exactly one of"),
        ({}, {"callRestrictions": {"international": "deny"}}, "Unsupported value"),
        ({}, {"allowRealmChange": "a -> b"}, "allowRealmChange"),
        ({}, {"driftIgnore": ["name", "name"]}, "driftIgnore"),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
def test_the_api_server_refuses_what_the_rules_forbid(
    new_stage: Callable[..., Stage], old: dict[str, Any], new: dict[str, Any], said: str
) -> None:
    stage = new_stage()
    stage.apply("ruled", **old)
    with pytest.raises(KubectlFailed) as refused:
        stage.apply("ruled", **new)
    assert said in str(refused.value)


def test_the_api_server_takes_what_the_rules_allow(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage()
    stage.apply("moved")
    consent = "moved.pbx.example.com->new.pbx.example.com"
    stage.apply("moved", realm="new.pbx.example.com", allowRealmChange=consent)
    stage.apply("eye", managementPolicy="ObserveOnly", address={"city": "Oslo"})
    nulls = (
        '{"spec": {"callRestrictions": null, "parentRef": null, "driftIgnore": null, "controlCenter": null}}'
    )
    stage.plane.kubectl("patch", "accounts", "eye", "-n", NAMESPACE, "--type=merge", "-p", nulls)
    stage.apply("rich", **json.loads((Path(__file__).parent / "rich.json").read_text()))


def test_the_examples_converge_as_one_set_on_a_telephony_backend(
    new_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = new_stage()
    for name in ("KAZOO_URL", "KAZOO_API_KEY_FILE"):
        del stage.operator.environment[name]
    adopted = yaml.safe_load((ROOT / "examples/03-adopted/account.yaml").read_text())["spec"]
    reseller = stage.sandbox.ready["reseller"]["accountID"]
    by_hand = {"name": "By hand", "realm": adopted["realm"], "timezone": "Etc/UTC"}
    made = stage.sandbox.crossbar("PUT", f"accounts/{reseller}", by_hand)
    stage.operator.start()
    secret = backend_secret(stage.sandbox.ready["reseller"]["apiKey"])
    stage.plane.kubectl("apply", "-n", NAMESPACE, "-f", "-", input=secret)
    examples = examples_for(stage.sandbox.url, tmp_path)
    listed = stage.plane.kubectl("apply", "-n", NAMESPACE, "-R", "-f", str(examples), "-o", "name")
    names = [name.split("/")[1] for name in listed.split() if name.startswith("account.")]
    others = [name for name in listed.split() if not name.startswith("account.")]
    stage.names.extend(names)
    ids = {stage.until_ready(name)["status"]["accountID"] for name in names}
    assert len(ids) == len(names) >= 6
    assert made["id"] in ids
    assert {name.split(".")[0] for name in others} == {kind.singular for kind in discover()} - {"account"}
    stage.plane.kubectl("wait", "--for=condition=Ready", "-n", NAMESPACE, "--timeout=120s", *others)

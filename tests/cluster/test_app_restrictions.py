"""AppRestrictions on a real API server: what is blocked, what is refused, and what status tells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.conftest import Stage
from tests.cluster.money import Money, manifest
from tools.cluster import ControlPlane, KubectlFailed
from tools.stack import until

pytestmark = pytest.mark.cluster

KIND = "AppRestrictions"


@pytest.fixture
def money(stage: Stage) -> Money:
    return Money(stage)


def catalogue(money: Money) -> dict[str, str]:
    """Id -> name of the apps on offer."""
    return {one["id"]: one["name"] for one in money.stage.sandbox.control("GET", "state")["apps"]}


def blocked(money: Money, account_id: str) -> set[str]:
    """The names on an account's blacklist."""
    names = catalogue(money)
    return {names[one] for one in money.state(account_id)["blacklist"]}


def account(money: Money, name: str) -> str:
    """An account with its apps restricted; its id."""
    apps = manifest(KIND, name, mode="Restricted", allowedApps=["voip", "fax"], resyncInterval="30s")
    money.apply_together([apps, manifest("Account", name)])
    return str(money.until(KIND, name)["accountID"])


def test_a_new_app_is_blocked_within_one_resync(money: Money) -> None:
    account_id = account(money, "newcomer")
    assert len(blocked(money, account_id)) == 7
    master = money.stage.sandbox.ready["accountID"]
    order = {"accountID": master, "document": "app", "merge": {"name": "newcomer"}}
    money.stage.sandbox.control("POST", "documents", order)
    until(lambda: "newcomer" in blocked(money, account_id), "a resync with its jitter, and a pass")
    until(lambda: money.status(KIND, "newcomer")["blockedCount"] == 8, "its place in status")
    assert ("DriftCorrected", True) in {
        (reason, "newcomer" in text) for reason, text in money.stage.events("newcomer")
    }


def test_status_has_the_four_layers_and_full_and_reset_give_back_what_was_taken(money: Money) -> None:
    account_id = account(money, "layers")
    status = money.status(KIND, "layers")
    shown = {one["name"]: one for one in status["apps"]}
    assert shown["fax"] == {"name": "fax", "planned": True, "blacklisted": False, "installed": False}
    assert shown["pbxs"] == {"name": "pbxs", "planned": True, "blacklisted": True}
    assert status["allowed"] == ["fax", "voip"] and len(status["blocked"]) == status["blockedCount"] == 7
    usable = next(one for one in status["conditions"] if one["type"] == "AppsUsable")
    assert (usable["status"], usable["reason"]) == ("False", "AppsNotUsable")
    assert "fax is not installed" in usable["message"]
    titles, row = money.kubectl("get", "kzapp").strip().splitlines()
    assert titles.split() == ["NAME", "ACCOUNT", "MODE", "ALLOWED", "BLOCKED", "READY", "REASON", "AGE"]
    assert row.split()[1:7] == ["layers.pbx.example.com", "Restricted", "2", "7", "True", "Ready"]
    money.apply(KIND, "layers", mode="Full", deletionPolicy="Reset")
    money.until(KIND, "layers")
    assert blocked(money, account_id) == set()
    money.apply(KIND, "layers", mode="Restricted", allowedApps=["voip"], deletionPolicy="Reset")
    money.until(KIND, "layers")
    assert len(blocked(money, account_id)) == 8
    money.kubectl("delete", "kzapp", "layers", "--timeout=120s")
    assert blocked(money, account_id) == set()


REFUSED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("KZ120", {"mode": "Restricted", "allowedApps": ["fax"]}),
    ("KZ120", {"mode": "Restricted"}),
    ("KZ142", {"mode": "Restricted", "allowedApps": ["voip", "0" * 32]}),
    ("Duplicate", {"mode": "Restricted", "allowedApps": ["voip", "voip"]}),
    ("at most 200", {"mode": "Restricted", "allowedApps": ["voip", *(f"app-{n}" for n in range(200))]}),
    ("Full", {"mode": "Blocked"}),
)


def test_the_api_server_refuses_what_can_never_be(plane: ControlPlane) -> None:
    for said, spec in REFUSED:
        body = json.dumps(manifest(KIND, "refused", **spec))
        with pytest.raises(KubectlFailed, match=said):
            plane.kubectl("create", "--dry-run=server", "-f", "-", input=body)


def test_bad_input_is_told_with_its_remedy_and_nothing_is_half_done(money: Money) -> None:
    account_id = account(money, "bad")
    before = blocked(money, account_id)
    money.apply(KIND, "bad", mode="Restricted", allowedApps=["voip", "viop"])
    money.until(KIND, "bad", "InvalidSpec")
    ready = next(one for one in money.status(KIND, "bad")["conditions"] if one["type"] == "Ready")
    assert "viop" in ready["message"] and "write voip" in ready["message"]
    reseller = {"accountID": money.stage.sandbox.ready["reseller"]["accountID"]}
    master = {"accountID": money.stage.sandbox.ready["accountID"]}
    said = {"mode": "Restricted", "allowedApps": ["voip"]}
    money.apply(KIND, "second", accountRef={"name": "bad"}, **said)
    money.apply(KIND, "own", accountRef=reseller, **said)
    money.apply(KIND, "outside", accountRef=master, **said)
    money.until(KIND, "second", "Conflict")
    money.until(KIND, "own", "Forbidden")
    money.until(KIND, "outside", "OutsideSubtree")
    assert blocked(money, account_id) == before
    assert len(money.stage.sandbox.writes("/apps_store/blacklist")) == 1
    money.apply(KIND, "bad", mode="Restricted", allowedApps=["voip"])
    money.until(KIND, "bad")
    assert len(blocked(money, account_id)) == 8

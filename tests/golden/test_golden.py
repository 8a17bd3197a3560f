"""The golden plans: what `plan` prints for sets of files, word for word."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.registry import Policy
from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.ledger import Grant
from kazoo_operator.core.money import from_text
from kazoo_operator.core.report import Report
from kazoo_operator.core.report_markdown import markdown
from kazoo_operator.core.report_text import plain
from kazoo_operator.declaration import declared, declared_backends
from kazoo_operator.kinds import discover
from kazoo_operator.manifests import load
from kazoo_operator.manifests.judgement import judge
from kazoo_operator.plan_by_backend import Plans, Reached
from tests.engine.apps import block
from tests.engine.conftest import World
from tests.planning.conftest import apply, clock, world
from tests.planning.money import assign

__all__ = ["clock", "world"]

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/manifests.yaml"))
REWRITE = os.environ.get("GOLDEN") == "rewrite"
FORMS = {
    "plan.txt": plain,
    "plan.json": lambda report: json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n",
    "plan.md": markdown,
}

URL = "https://kazoo.example.com"
TODAY = date(2026, 11, 28)


async def prepare(world: World, folder: Path) -> None:
    """Bring KAZOO to where the plan is made."""
    path = folder / "kazoo.yaml"
    told: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    root = world.sandbox.identity.reseller.account_id
    for data in told.get("made", ()):
        await world.call("PUT", f"accounts/{root}", data)
    bodies = [
        {"metadata": {"name": name, "namespace": "team"}, "spec": spec}
        for name, spec in told.get("applied", {}).items()
    ]
    reasons = await apply(world, *(Resource.of("Account", body) for body in bodies))
    assert set(reasons) <= {"Ready", ""}
    for realm, merge in told.get("edited", {}).items():
        (account_id,) = await world.accounts(realm)
        await world.edit(account_id, merge)
    for realm, merge in told.get("limits", {}).items():
        (account_id,) = await world.accounts(realm)
        await world.control(
            "POST", "documents", {"accountID": account_id, "document": "limits", "merge": merge}
        )
    for realm, names in told.get("blocked", {}).items():
        (account_id,) = await world.accounts(realm)
        await block(world, account_id, *names)
    for realm, plan in told.get("plans", {}).items():
        await assign(world, plan, realm)
    for realm, grant in told.get("booked", {}).items():
        (account_id,) = await world.accounts(realm)
        entry = Grant(grant["id"], from_text(grant["amount"]), grant["date"]).entry(account_id, "USD")
        data = {**entry, "amount": float(entry["amount"])}
        await world.as_master("PUT", f"accounts/{account_id}/ledgers/credit", data)


async def planned(world: World, folder: Path) -> Report:
    """The plan for the files of a folder, by the steps of the command line."""
    loaded = load([str(folder / "manifests.yaml")])
    objects, at_fault = declared(loaded.documents, judge(loaded, day=TODAY), "default")
    assert at_fault == () and loaded.unreadable == ()
    named = [replace(one, place=replace(one.place, file="manifests.yaml")) for one in objects]
    key = SecretStr(world.sandbox.identity.reseller.api_key)
    async with Crossbar(
        world.sandbox.url, lambda: key, requests_per_second=10_000, may_write=lambda: False
    ) as backend:
        reached = Reached(URL, backend, Policy("{name}.pbx.example.com"))
        backends = declared_backends(loaded.documents, "default")
        report = await Plans(discover(), reached, backends, at_fault, TODAY).report(named)
    return replace(report, backend=URL)


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
async def test_the_plan_is_as_it_was_reviewed(world: World, folder: Path) -> None:
    await prepare(world, folder)
    report = await planned(world, folder)
    for name, form in FORMS.items():
        text = re.sub(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", "<account id>", form(report))
        # It names accounts by their ids.
        text = re.sub(r"(quoteDigest\W+)sha256:[0-9a-f]{64}", r"\1<digest>", text)
        text = re.sub(r"\b[0-9]{6}-<account id>", "<ledger id>", text)
        if REWRITE:
            (folder / name).write_text(text, encoding="utf-8")
        assert text == (folder / name).read_text(encoding="utf-8"), "GOLDEN=rewrite writes it anew"


def test_each_action_and_each_ending_is_among_them() -> None:
    plans = [json.loads((folder / "plan.json").read_text(encoding="utf-8")) for folder in CASES]
    actions = {one["action"] for plan in plans for one in plan["objects"]}
    assert actions == {"create", "update", "none", "blocked"}
    assert len({plan["digest"] for plan in plans}) == len(CASES)

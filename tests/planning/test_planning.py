"""What the plan for one object says, over both releases of KAZOO; each plan is proved to write nothing."""

from __future__ import annotations

import re

import pytest

from kazoo_operator.core.finding import Severity
from kazoo_operator.core.report import PlannedObject
from kazoo_operator.core.wizard import SECTIONS
from kazoo_operator.kinds import trunk_limits
from kazoo_operator.kinds.account import fields as account_fields
from kazoo_operator.kinds.credit_policy import fields as credit_fields
from tests.engine.conftest import SPEC, World

from .conftest import Plan, account, apply, changed, named, reasons

TABLES = (account_fields.TABLE, trunk_limits.TABLE, credit_fields.TABLE)


def notes(one: PlannedObject) -> list[tuple[str, Severity]]:
    """What is said about the object beside the rules of the catalogue."""
    return [(str(note.rule), note.severity) for note in one.findings if not note.rule.startswith("KZ")]


async def only_account(world: World, realm: str = "acme.pbx.example.com") -> str:
    (found,) = await world.accounts(realm)
    return found


async def test_a_new_account_is_planned_with_all_that_its_spec_says(plan: Plan) -> None:
    one = named(await plan(account(controlCenter={"preset": "SubAccount"}, callRestrictions={})))
    assert one.action == "create" and one.below == "reseller.sandbox.example"
    found = changed(one)
    assert found["name"] == (None, "Acme Dental")
    assert found["address.country"] == (None, "US")
    assert found["controlCenter.creditCard"] == (None, False)
    assert found["outboundRouting"] == (None, "Platform"), "routing is part of the making"
    assert found["enabled"] == (None, True), "a start value is told too"
    assert "callRestrictions" not in found and "flags" not in found and "adopt" not in found
    assert {change.path for change in one.changes if change.irreversible} == {"realm", "address.country"}


async def test_a_realm_that_is_left_out_is_shown_as_the_template_makes_it(plan: Plan) -> None:
    one = named(await plan(account(realm=None), realm_template="{name}.pbx.example.com"))
    assert changed(one)["realm"] == (None, "acme-dental.pbx.example.com")


async def test_without_a_template_a_realm_is_asked_for(plan: Plan) -> None:
    one = named(await plan(account(realm=None)))
    assert one.action == "blocked" and reasons(one) == ["InvalidSpec"]
    assert "KZ021" in one.errors[0].message


async def test_what_was_applied_has_no_change_whoever_owns_it(world: World, plan: Plan) -> None:
    await apply(world, account(), owner="some-cluster")
    assert named(await plan(account())).action == "none"
    other = account("other", realm="other.pbx.example.com", name="Other")
    await apply(world, other, owner="another-cluster")
    assert [one.action for one in (await plan(account(), other)).objects] == ["none", "none"]


async def test_a_changed_spec_is_an_update_of_exactly_these_fields(world: World, plan: Plan) -> None:
    await apply(world, account())
    one = named(await plan(account(timezone="Asia/Tokyo", callRestrictions={"international": "Deny"})))
    assert one.action == "update"
    assert changed(one) == {
        "timezone": ("America/Los_Angeles", "Asia/Tokyo"),
        "callRestrictions.international": ("Allow", "Deny"),
    }
    assert not any(change.irreversible for change in one.changes)


async def test_a_changed_realm_is_irreversible_and_needs_consent(world: World, plan: Plan) -> None:
    await apply(world, account())
    new = {"realm": "new.pbx.example.com"}
    one = named(await plan(account(**new)))
    assert one.action == "blocked" and reasons(one) == ["InvalidSpec"]
    assert "allowRealmChange: acme.pbx.example.com->new.pbx.example.com" in one.errors[0].message
    one = named(await plan(account(**new, allowRealmChange="acme.pbx.example.com->new.pbx.example.com")))
    assert one.action == "update"
    assert [(change.path, change.irreversible) for change in one.changes] == [("realm", True)]


async def test_a_changed_country_is_marked_too(world: World, plan: Plan) -> None:
    await apply(world, account())
    one = named(await plan(account(address={**SPEC["address"], "country": "DE", "city": "Berlin"})))
    assert [(change.path, change.irreversible) for change in one.changes] == [
        ("address.city", False),
        ("address.country", True),
    ]


def test_every_field_has_its_place_in_the_steps() -> None:
    asked = [path for _, paths in SECTIONS for path in paths]
    known = {row.spec for table in TABLES for row in table}
    known |= {"callRestrictions", "outboundRouting", "parentRef", "adopt", "grants", "autoRecharge.enabled"}
    known |= {"mode", "allowedApps"}
    assert len(asked) == len(set(asked)) and set(asked) == known


async def test_an_account_that_nobody_manages_is_not_adopted_silently(world: World, plan: Plan) -> None:
    made = await world.call("PUT", f"accounts/{world.sandbox.identity.reseller.account_id}", FOREIGN)
    one = named(await plan(account()))
    assert one.action == "blocked" and reasons(one) == ["NotAdopted"]
    assert made["id"] in one.errors[0].message and "adopt: true" in one.errors[0].message


FOREIGN = {
    "name": "Acme Dental",
    "realm": "acme.pbx.example.com",
    "timezone": "America/Los_Angeles",
    "language": "en-US",
}


async def test_an_adoption_is_shown_with_what_it_writes(world: World, plan: Plan) -> None:
    made = await world.call("PUT", f"accounts/{world.sandbox.identity.reseller.account_id}", FOREIGN)
    one = named(await plan(account(adopt=True)))
    assert one.action == "update" and one.takes_over == made["id"]
    assert "address.street" in changed(one) and "adopt" not in changed(one)
    assert "outboundRouting" not in changed(one), "an adopted account's routing is its own"


async def test_an_adoption_that_changes_nothing_else_says_so(world: World, plan: Plan) -> None:
    await apply(world, account())
    account_id = await only_account(world)
    await world.edit(account_id, {"flags": []})
    one = named(await plan(account(adopt=True)))
    assert one.action == "update" and changed(one) == {"adopt": (False, True)}
    assert one.takes_over == account_id


async def test_the_mark_of_another_object_keeps_the_realm(world: World, plan: Plan) -> None:
    await apply(world, account())
    one = named(await plan(account("other")), "other")
    assert one.action == "blocked" and reasons(one) == ["RealmTaken"]
    assert "kazoo-operator/cluster/team/acme" in one.errors[0].message


async def test_a_realm_of_an_account_elsewhere_in_kazoo_is_not_seen_and_said_nothing_about(
    plan: Plan,
) -> None:
    """The credential cannot see it: `docs/plan.md` says so."""
    assert named(await plan(account(realm="admin.sandbox.example"))).action == "create"


async def test_a_name_that_is_taken_is_rejected_before_kazoo_does(world: World, plan: Plan) -> None:
    await apply(world, account())
    one = named(await plan(account("other", name="ACME-dental", realm="o.pbx.example.com")), "other")
    assert one.action == "blocked" and reasons(one) == ["Rejected"]
    assert "choose another name" in one.errors[0].message


async def test_a_broken_spec_is_blocked_with_the_findings_of_the_rules(plan: Plan) -> None:
    one = named(await plan(account(timezone="Mars/Phobos", language="english", nonsense=1)))
    assert one.action == "blocked" and one.changes == ()
    assert sorted(reasons(one)) == ["KZ026", "SCHEMA", "SCHEMA"]
    assert {finding.path for finding in one.errors} == {"spec.timezone", "spec.language", "spec.nonsense"}


async def test_a_class_that_kazoo_does_not_list_is_blocked(plan: Plan) -> None:
    one = named(await plan(account(callRestrictions={"internation": "Deny"})))
    assert one.action == "blocked"
    told = [(finding.rule, finding.severity) for finding in one.findings if finding.rule == "KZ141"]
    assert told == [("KZ141", Severity.ERROR)], "what KAZOO says stands alone"
    assert any("international" in finding.hint for finding in one.errors)


async def test_fields_in_drift_ignore_are_left_out(world: World, plan: Plan) -> None:
    await apply(world, account(driftIgnore=["timezone"]))
    await world.edit(await only_account(world), {"timezone": "Etc/UTC"})
    assert named(await plan(account(driftIgnore=["timezone"]))).action == "none"
    assert changed(named(await plan(account()))) == {"timezone": ("Etc/UTC", "America/Los_Angeles")}


async def test_denied_emergency_calls_are_repaired_whatever_the_policies(world: World, plan: Plan) -> None:
    await apply(world, account())
    await world.edit(await only_account(world), {"call_restriction": {"emergency": {"action": "deny"}}})
    spec = {"driftPolicy": "Report", "driftIgnore": ["callRestrictions.emergency"]}
    one = named(await plan(account(**spec)))
    assert one.action == "update" and changed(one) == {"callRestrictions.emergency": ("Deny", "Allow")}


DENIED = {"call_restriction": {"emergency": {"action": "deny"}, "did_us": {"action": "deny"}}}


@pytest.mark.parametrize(
    "spec",
    [
        {"timezone": "Mars/Phobos"},
        {"nonsense": 1},
        {"callRestrictions": {"internation": "Deny"}},
        {"parentRef": {"name": "acme"}},
        {"parentRef": {"realm": "acme.pbx.example.com"}},
        {"realm": "new.pbx.example.com"},
        {"name": "Taken"},
    ],
    ids=str,
)
async def test_a_blocked_object_shows_that_emergency_calls_are_allowed_all_the_same(
    world: World, plan: Plan, spec: dict[str, object]
) -> None:
    await apply(world, account(), account("taken", name="Taken", realm="taken.pbx.example.com"))
    account_id = await only_account(world)
    await world.edit(account_id, DENIED)
    one = named(await plan(account(**spec)))
    assert one.action == "blocked" and one.errors
    assert changed(one) == {"callRestrictions.emergency": ("Deny", "Allow")}
    (told,) = [finding for finding in one.findings if finding.path == "spec.callRestrictions.emergency"]
    assert (told.rule, told.severity) == ("KZ107", Severity.WARNING)
    await apply(world, account(**spec), listed=True)
    assert (await world.document(account_id))["call_restriction"] == {
        "emergency": {"action": "inherit"},
        "did_us": {"action": "deny"},
    }
    assert named(await plan(account(**spec))).changes == ()


async def test_the_second_of_two_with_one_name_has_its_emergency_calls_allowed(
    world: World, plan: Plan
) -> None:
    await apply(world, account("taken", name="Taken", realm="taken.pbx.example.com"))
    await world.edit(await only_account(world, "taken.pbx.example.com"), DENIED)
    files = (account(name="New"), account("taken", name="new", realm="taken.pbx.example.com"))
    report = await plan(*files)
    assert reasons(named(report, "taken")) == ["Rejected"]
    assert changed(named(report, "taken")) == {"callRestrictions.emergency": ("Deny", "Allow")}


async def test_the_root_account_has_its_emergency_calls_allowed_while_its_object_is_blocked(
    world: World, plan: Plan
) -> None:
    root = world.sandbox.identity.reseller
    files = account(
        "root", name="reseller", realm=root.realm, adopt=True, accountID=root.account_id, address=None
    )
    mark = {"flags": ["kazoo-operator/cluster/team/root"]}
    await world.edit(root.account_id, {**DENIED, **mark})
    one = named(await plan(files), "root")
    assert one.action == "blocked"
    assert changed(one) == {"callRestrictions.emergency": ("Deny", "Allow")}


@pytest.mark.parametrize("spec", [{"suspend": True}, {"managementPolicy": "ObserveOnly"}], ids=str)
@pytest.mark.parametrize("timezone", ["Mars/Phobos", "Etc/UTC"])
async def test_no_emergency_calls_are_allowed_where_nothing_may_be_written(
    world: World, plan: Plan, spec: dict[str, object], timezone: str
) -> None:
    await apply(world, account())
    await world.edit(await only_account(world), DENIED)
    one = named(await plan(account(timezone=timezone, **spec)))
    assert one.changes == () and "KZ107" not in [finding.rule for finding in one.findings]


async def test_a_blocked_object_leaves_an_account_alone_that_bears_another_mark_too(
    world: World, plan: Plan
) -> None:
    await apply(world, account())
    account_id = await only_account(world)
    marks = ["kazoo-operator/cluster/team/acme", "kazoo-operator/cluster/team/other"]
    await world.edit(account_id, {**DENIED, "flags": marks})
    one = named(await plan(account(timezone="Mars/Phobos")))
    assert one.action == "blocked" and one.changes == ()


async def test_drift_under_report_is_planned_with_a_note(world: World, plan: Plan) -> None:
    await apply(world, account())
    one = named(await plan(account(driftPolicy="Report", timezone="Asia/Tokyo")))
    assert one.action == "update"
    assert notes(one) == [("DriftDetected", Severity.WARNING)]


@pytest.mark.parametrize("there", [True, False])
async def test_a_suspended_object_has_no_change_and_a_note(world: World, plan: Plan, there: bool) -> None:
    if there:
        await apply(world, account())
    report = await plan(account(suspend=True, timezone="Asia/Tokyo"))
    one = named(report)
    assert one.action == "none" and report.exit_code == 0
    assert notes(one) == [("Suspended", Severity.WARNING)]


async def test_an_object_that_only_observes_has_no_change_and_is_told_what_differs(
    world: World, plan: Plan
) -> None:
    await apply(world, account())
    watching = {"managementPolicy": "ObserveOnly", "timezone": "Asia/Tokyo"}
    one = named(await plan(account("watcher", **watching)), "watcher")
    assert one.action == "none"
    assert notes(one) == [("DriftDetected", Severity.WARNING)]
    note = one.findings[-1]
    assert note.severity == "warning" and "timezone: KAZOO shows America/Los_Angeles" in note.message
    one = named(await plan(account(managementPolicy="ObserveOnly", realm="no.pbx.example.com")))
    assert one.action == "none" or reasons(one) == ["AccountNotFound"]


async def test_an_account_to_take_over_that_is_not_there_is_told(plan: Plan) -> None:
    one = named(await plan(account(adopt=True, accountID="0" * 32)))
    assert one.action == "blocked" and reasons(one) == ["AccountNotFound"]


async def test_a_parent_outside_the_subtree_is_told(world: World, plan: Plan) -> None:
    master = world.sandbox.identity.master.account_id
    one = named(await plan(account(parentRef={"accountID": master})))
    assert one.action == "blocked"
    assert reasons(one) == ["OutsideSubtree"] or reasons(one) == ["ParentNotReady"]
    assert one.errors[0].path == "spec.parentRef"


async def test_marks_of_two_owners_for_one_object_are_told(world: World, plan: Plan) -> None:
    await apply(world, account(), owner="east")
    await apply(world, account(realm="west.pbx.example.com", name="West"), owner="west")
    one = named(await plan(account()))
    assert any("east, west" in finding.message for finding in one.findings)


async def test_a_half_built_account_is_told_as_the_operator_tells_it(world: World, plan: Plan) -> None:
    await world.fault({"cut": "late"})
    await apply(world, account())
    one = named(await plan(account()))
    assert one.action == "blocked" and reasons(one) == ["HalfBuilt"]
    assert re.search(r"recreate: [0-9a-f]{32}", one.errors[0].message)


async def test_the_digest_speaks_of_what_is_done_and_of_nothing_else(world: World, plan: Plan) -> None:
    first, again = await plan(account()), await plan(account())
    assert first.digest == again.digest and re.fullmatch("sha256:[0-9a-f]{64}", first.digest)
    assert first.digest == (await plan(account(driftPolicy="Correct"))).digest
    assert first.digest != (await plan(account(timezone="Asia/Tokyo"))).digest
    everything = await plan(account(), root_account=SPEC.get("root"))
    assert everything.digest == first.digest

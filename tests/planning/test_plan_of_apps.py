"""What a plan says about AppRestrictions: which are allowed, in place of which, and what stays blocked."""

from __future__ import annotations

from tests.engine.apps import apps, block, blocked
from tests.engine.conftest import World

from .conftest import Plan, account, apply, changed, reasons
from .money import of_kind


async def test_apps_of_an_account_that_is_there_show_what_is_allowed(world: World, plan: Plan) -> None:
    await apply(world, account())
    one = of_kind(await plan(account(), apps("voip", "fax")), "AppRestrictions")
    assert one.action == "update" and one.title == "acme.pbx.example.com"
    assert changed(one) == {"allowedApps": ("all", ["fax", "voip"])}


async def test_apps_of_an_account_that_is_still_to_be_made_are_planned_with_it(
    world: World, plan: Plan
) -> None:
    report = await plan(apps("voip", accountRef={"realm": "acme.pbx.example.com"}), account())
    one = of_kind(report, "AppRestrictions")
    assert [(found.key.kind, found.action) for found in report.objects] == [
        ("Account", "create"),
        ("AppRestrictions", "update"),
    ]
    assert changed(one) == {"allowedApps": ("all", ["voip"])}


async def test_what_was_applied_changes_nothing(world: World, plan: Plan) -> None:
    await apply(world, account(), apps("voip"))
    report = await plan(account(), apps("voip"))
    assert [one.action for one in report.objects] == ["none", "none"]
    assert report.exit_code == 0


async def test_an_unknown_app_is_blocked_with_the_near_one(world: World, plan: Plan) -> None:
    for there in (False, True):
        one = of_kind(await plan(account(), apps("voip", "faxx")), "AppRestrictions")
        assert one.action == "blocked" and reasons(one) == ["KZ123"]
        assert one.errors[0].hint == "write fax"
        if not there:
            await apply(world, account())


async def test_full_tells_what_stays_blocked_for_no_file_remembers_who_blocked_it(
    world: World, plan: Plan
) -> None:
    await apply(world, account())
    (account_id,) = await world.accounts()
    await block(world, account_id, "fax", "pbxs")
    one = of_kind(await plan(account(), apps()), "AppRestrictions")
    assert one.action == "none"
    (said,) = one.findings
    assert said.rule == "KZ161" and "fax, pbxs" in said.message
    assert await blocked(world, account_id) == ["fax", "pbxs"]


async def test_apps_of_the_credentials_own_account_cannot_be_planned(world: World, plan: Plan) -> None:
    reseller = world.sandbox.identity.reseller.account_id
    one = of_kind(await plan(apps("voip", accountRef={"accountID": reseller})), "AppRestrictions")
    assert one.action == "blocked" and reasons(one) == ["Forbidden"]


async def test_of_two_that_keep_one_account_the_second_is_a_conflict_whatever_it_says(
    world: World, plan: Plan
) -> None:
    await apply(world, account())
    second = apps("voip", "viop", called="second", accountRef={"realm": "acme.pbx.example.com"})
    report = await plan(account(), apps("voip"), second)
    assert of_kind(report, "AppRestrictions").action == "update"
    one = of_kind(report, "AppRestrictions", "second")
    assert one.action == "blocked" and reasons(one) == ["Conflict"]

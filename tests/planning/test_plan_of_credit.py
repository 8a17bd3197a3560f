"""What a plan says about CreditPolicy: alert and recharge, and the grants that would be booked for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.report import Report
from kazoo_operator.core.report_text import plain
from tests.engine.attached import keep, ready_account
from tests.engine.conftest import World

from .conftest import Plan, account, apply, changed, planned, reasons
from .money import NOW, TODAY, credit, grant, of_kind


@pytest.fixture
def plan(world: World) -> Plan:
    """Plans as of the real day."""

    async def of(*resources: Resource, **options: Any) -> Report:
        return await planned(world, *resources, day=NOW, **options)

    return of


async def test_grants_that_are_not_booked_are_told_in_honest_words(world: World, plan: Plan) -> None:
    await apply(world, account())
    said = grant(description="Initial credit")
    report = await plan(account(), credit(said, lowBalanceAlert={"threshold": "25"}))
    one = of_kind(report, "CreditPolicy")
    assert one.action == "update" and one.charges["recurring"] == "0.00"
    assert changed(one) == {
        "grants[initial]": (None, said),
        "lowBalanceAlert.enabled": (None, True),
        "lowBalanceAlert.threshold": (None, "25.00"),
    }
    assert [change.path for change in one.changes if change.irreversible] == ["grants[initial]"]
    text = plain(report)
    assert "! grants[initial]" in text and f"+25.00 USD on {TODAY}: an allotment" in text
    assert "(Initial credit)" in text and "    Credit\n" in text


async def test_a_debit_takes_and_a_grant_to_the_root_account_is_real_money(world: World, plan: Plan) -> None:
    root = {"realm": world.sandbox.identity.reseller.realm}
    key = world.sandbox.identity.master.api_key
    back = grant("back", "5.50", type="Debit")
    report = await plan(credit(grant(), back, accountRef=root), key=key)
    one = of_kind(report, "CreditPolicy")
    words = {change.path: change.words for change in one.changes}
    assert words["grants[back]"].startswith(f"-5.50 USD on {TODAY}: real money")
    assert words["grants[initial]"].startswith(f"+25.00 USD on {TODAY}: real money")


async def test_what_is_booked_is_not_planned_again(world: World, plan: Plan) -> None:
    engine = world.real_time_engine()
    await ready_account(world, engine)
    await keep(engine, credit(grant()))
    assert of_kind(await plan(account(), credit(grant())), "CreditPolicy").action == "none"
    one = of_kind(await plan(account(), credit(grant(), grant("more", "3"))), "CreditPolicy")
    assert list(changed(one)) == ["grants[more]"]


async def test_a_grant_that_is_booked_otherwise_is_blocked_and_the_alert_is_written_all_the_same(
    world: World, plan: Plan
) -> None:
    engine = world.real_time_engine()
    await ready_account(world, engine)
    await keep(engine, credit(grant()))
    other = credit(grant(amount="26"), lowBalanceAlert={"threshold": "25"})
    report = await plan(account(), other)
    one = of_kind(report, "CreditPolicy")
    assert one.action == "blocked" and reasons(one) == ["GrantMismatch"]
    assert set(changed(one)) == {"lowBalanceAlert.enabled", "lowBalanceAlert.threshold"}
    assert "blocked, but for what stands here" in plain(report)
    assert (await keep(engine, other)).condition("Ready")["reason"] == "GrantMismatch"
    assert of_kind(await plan(account(), other), "CreditPolicy").changes == ()


@pytest.mark.parametrize("there", [True, False])
async def test_a_cap_and_an_early_date_block_before_anything_is_booked(
    world: World, plan: Plan, there: bool
) -> None:
    if there:
        await apply(world, account())
    capped = credit(grant(amount="40"), caps={"maxBalance": "30"})
    assert reasons(of_kind(await plan(account(), capped), "CreditPolicy")) == ["CapExceeded"]
    if not there:
        early = credit({**grant(), "date": "2026-01-31"})
        assert reasons(of_kind(await plan(account(), early), "CreditPolicy")) == ["InvalidSpec"]


async def test_a_new_account_and_its_credit_are_one_plan(plan: Plan) -> None:
    report = await plan(credit(grant(), autoRecharge={"threshold": "10", "amount": "50"}), account())
    assert [(one.key.kind, one.action) for one in report.objects] == [
        ("Account", "create"),
        ("CreditPolicy", "update"),
    ]
    assert set(changed(of_kind(report, "CreditPolicy"))) == {
        "grants[initial]",
        "autoRecharge.enabled",
        "autoRecharge.threshold",
        "autoRecharge.amount",
    }


async def test_what_the_parent_does_not_have_is_denied_or_told_in_the_order_of_the_files(
    world: World, plan: Plan
) -> None:
    root = world.sandbox.identity.reseller.account_id
    entry = {
        "amount": 30,
        "source": {"service": "adjustments", "id": "given"},
        "usage": {"type": "credit", "quantity": 0, "unit": "USD"},
    }
    await world.as_master("PUT", f"accounts/{root}/ledgers/credit", entry)
    branch = account("branch", name="Branch", realm="branch.pbx.example.com")
    files = (
        account(),
        branch,
        credit(grant()),
        credit(grant(), called="branch", accountRef={"name": "branch"}),
    )
    for there in (False, True):
        if there:
            await apply(world, account(), branch)
        report = await plan(*files, budget_policy="Deny")
        assert of_kind(report, "CreditPolicy").action == "update"
        assert reasons(of_kind(report, "CreditPolicy", "branch")) == ["BudgetExceeded"]
        warned = of_kind(await plan(*files), "CreditPolicy", "branch")
        assert warned.action == "update" and "BudgetExceeded" in {one.rule for one in warned.findings}


async def test_what_the_same_plan_gives_the_parent_may_go_to_its_children(world: World, plan: Plan) -> None:
    child = account(
        "child", name="Child", realm="child.pbx.example.com", parentRef={"realm": "acme.pbx.example.com"}
    )
    await apply(world, account(), child)
    above, below = (
        credit(grant(amount="30.00")),
        credit(grant(), called="child", accountRef={"name": "child"}),
    )
    root = world.sandbox.identity.reseller.account_id
    entry = {
        "amount": 60,
        "source": {"service": "adjustments", "id": "given"},
        "usage": {"type": "credit", "quantity": 0, "unit": "USD"},
    }
    await world.as_master("PUT", f"accounts/{root}/ledgers/credit", entry)
    given = await plan(account(), child, above, below, budget_policy="Deny")
    assert of_kind(given, "CreditPolicy", "child").action == "update"
    more = credit(grant(amount="31.00"), called="child", accountRef={"name": "child"})
    beyond = await plan(account(), child, above, more, budget_policy="Deny")
    assert reasons(of_kind(beyond, "CreditPolicy", "child")) == ["BudgetExceeded"]


async def test_grants_of_a_customer_of_another_reseller_are_left_to_that_one(
    world: World, plan: Plan
) -> None:
    root = {"realm": world.sandbox.identity.reseller.realm}
    one = of_kind(await plan(credit(grant(), accountRef=root)), "CreditPolicy")
    assert one.action == "blocked" and reasons(one) == ["NotReseller"]
    done = await keep(world.real_time_engine(), credit(grant(), accountRef=root))
    assert done.condition("Ready")["reason"] == "NotReseller"


async def test_a_date_in_the_future_is_refused(world: World, plan: Plan) -> None:
    await apply(world, account())
    tomorrow = (NOW + timedelta(days=1)).isoformat()
    one = of_kind(await plan(account(), credit({**grant(), "date": tomorrow})), "CreditPolicy")
    assert one.action == "blocked" and one.changes == () and one.errors[0].rule.startswith("KZ")

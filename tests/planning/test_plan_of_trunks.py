"""What a plan says about TrunkLimits: what changes, what it costs, whose bill rises, and who consented."""

from __future__ import annotations

import pytest

from kazoo_operator.core.money import to_text
from kazoo_operator.core.report_text import plain
from tests.engine.attached import keep, ready_account
from tests.engine.conftest import World

from .conftest import Plan, account, apply, changed, reasons
from .money import ENOUGH, PLAN, assign, of_kind, trunks


def money(report: object, kind: str = "TrunkLimits", name: str = "acme") -> tuple[str | None, str | None]:
    """What an object costs at once, and a month."""
    told = of_kind(report, kind, name).charges  # type: ignore[arg-type]
    return told["today"], told["recurring"]


async def test_limits_of_an_account_that_is_there_show_what_differs(world: World, plan: Plan) -> None:
    await apply(world, account())
    report = await plan(account(), trunks(inbound=5, maxCalls=9))
    one = of_kind(report, "TrunkLimits")
    assert one.action == "update" and one.title == "acme.pbx.example.com"
    assert changed(one) == {"inbound": (0, 5), "maxCalls": (-1, 9)}
    assert one.charges["recurring"] == "0.00" and one.charges["payer"] is None
    assert [(found.key.kind, found.action) for found in report.objects] == [
        ("Account", "none"),
        ("TrunkLimits", "update"),
    ]


async def test_five_two_way_trunks_at_24_99_are_124_95_a_month(world: World, plan: Plan) -> None:
    await assign(world, PLAN)
    await apply(world, account())
    report = await plan(account(), trunks(twoWay=5, charges=ENOUGH))
    one = of_kind(report, "TrunkLimits")
    assert one.action == "update" and changed(one) == {"twoWay": (0, 5)}
    assert money(report) == ("10.00", "124.95")
    assert one.charges["payer"] == "reseller.sandbox.example"
    assert one.charges["currency"] == "USD" and one.charges["authoritative"] is False
    (share,) = one.charges["payers"]
    assert share["firstMonth"] == "12.495", "three of the thirty days of November are left"
    assert report.as_json()["charges"]["recurring"] == "124.95"
    text = plain(report)
    assert "limits/twoway_trunks  0 x 24.99 -> 5 x 24.99: +124.95" in text
    assert "Charges: +124.95 USD a month, 10.00 USD at once, by our own estimate." in text
    assert "KAZOO asks before charging that account, and for no other." in text


async def test_without_consent_it_is_blocked_with_the_digest_that_status_shows(
    world: World, plan: Plan
) -> None:
    await assign(world, PLAN)
    engine = world.engine()
    await ready_account(world, engine)
    report = await plan(account(), trunks(twoWay=5))
    one = of_kind(report, "TrunkLimits")
    assert one.action == "blocked" and reasons(one) == ["ChargesNotAccepted"] and report.exit_code == 1
    assert one.changes == () and [change.path for change in one.withheld] == ["twoWay"]
    assert money(report) == ("10.00", "124.95"), "the price is told all the same"
    done = await keep(engine, trunks(twoWay=5))
    digest = done.status["pendingQuote"]["digest"]
    assert one.charges["quoteDigest"] == digest and digest in one.errors[0].message
    consent = {"accept": "Quote", "quoteDigest": digest}
    assert of_kind(await plan(account(), trunks(twoWay=5, charges=consent)), "TrunkLimits").action == "update"
    other = of_kind(await plan(account(), trunks(twoWay=6, charges=consent)), "TrunkLimits")
    assert other.action == "blocked" and other.charges["quoteDigest"] != digest


async def test_limits_of_an_account_that_is_still_to_be_made_are_planned_with_it(
    world: World, plan: Plan
) -> None:
    await assign(world, PLAN)
    report = await plan(trunks(twoWay=5, charges=ENOUGH), account())
    assert [(one.key.kind, one.action) for one in report.objects] == [
        ("Account", "create"),
        ("TrunkLimits", "update"),
    ]
    assert money(report) == ("10.00", "124.95")
    by_realm = {"accountRef": {"realm": "acme.pbx.example.com"}}
    again = await plan(trunks(twoWay=5, charges=ENOUGH, **by_realm), account())
    assert of_kind(again, "TrunkLimits").action == "update"
    refused = of_kind(await plan(trunks(twoWay=5), account()), "TrunkLimits")
    assert refused.action == "blocked" and "accept: UpTo" in refused.errors[0].message


@pytest.mark.parametrize("said", ["name", "accountID", "realm"])
async def test_an_account_that_is_not_among_the_files_is_found(world: World, plan: Plan, said: str) -> None:
    await apply(world, account())
    (account_id,) = await world.accounts()
    words = {"name": "acme", "accountID": account_id, "realm": "acme.pbx.example.com"}
    one = of_kind(await plan(trunks("x", inbound=1, accountRef={said: words[said]})), "TrunkLimits", "x")
    assert one.action == "update" and changed(one) == {"inbound": (0, 1)}


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ({"name": "nobody"}, "AccountNotReady"),
        ({"realm": "nobody.example.com"}, "AccountNotReady"),
        ({"accountID": "0" * 32}, "AccountNotReady"),
        ({"accountID": "{master}"}, "OutsideSubtree"),
    ],
)
async def test_where_there_is_no_account_it_is_blocked_as_the_operator_says(
    world: World, plan: Plan, reference: dict[str, str], reason: str
) -> None:
    master = world.sandbox.identity.master.account_id
    said = {name: word.format(master=master) for name, word in reference.items()}
    one = of_kind(await plan(trunks(inbound=1, accountRef=said)), "TrunkLimits")
    assert one.action == "blocked" and reasons(one) == [reason]
    assert one.errors[0].path == "spec.accountRef" and one.changes == ()


async def test_it_waits_for_an_account_that_is_blocked(plan: Plan) -> None:
    report = await plan(account(timezone="Mars/Phobos"), trunks(inbound=1))
    assert reasons(of_kind(report, "TrunkLimits")) == ["AccountNotReady"]


@pytest.mark.parametrize("there", [True, False])
async def test_of_two_that_keep_one_account_the_second_in_the_files_is_blocked(
    world: World, plan: Plan, there: bool
) -> None:
    if there:
        await apply(world, account())
    first, second = trunks("z", inbound=1), trunks("a", accountRef={"realm": "acme.pbx.example.com"})
    report = await plan(account(), first, second)
    assert of_kind(report, "TrunkLimits", "z").action == "update"
    other = of_kind(report, "TrunkLimits", "a")
    assert other.action == "blocked" and reasons(other) == ["Conflict"]
    assert "team/z" in other.errors[0].message


async def test_each_who_pays_is_told_and_an_unknown_price_is_no_zero(world: World, plan: Plan) -> None:
    await assign(world, PLAN)
    await apply(world, account())
    odd = {"limits": {"twoway_trunks": {"rate": 30, "surprise": 1}}}
    await assign(world, odd, "acme.pbx.example.com")
    report = await plan(account(), trunks(twoWay=5, charges=ENOUGH))
    one = of_kind(report, "TrunkLimits")
    payers = {share["account"]: share["recurring"] for share in one.charges["payers"]}
    assert payers == {"reseller.sandbox.example": "124.95", "acme.pbx.example.com": None}
    assert any("acme.pbx.example.com" in found.message for found in one.findings)


async def test_what_cannot_be_priced_is_null_and_blocked(world: World, plan: Plan) -> None:
    await assign(world, {"limits": {"twoway_trunks": {"rate": 30, "cascade": True, "surprise": 1}}})
    await apply(world, account())
    report = await plan(account(), trunks(twoWay=5))
    one = of_kind(report, "TrunkLimits")
    assert one.action == "blocked" and reasons(one) == ["ChargesNotAccepted"]
    assert money(report) == (None, None)
    assert report.as_json()["charges"]["recurring"] is None
    assert "surprise" in one.errors[0].message and "not known in full" in plain(report)


async def test_fewer_trunks_need_no_consent_and_cost_less(world: World, plan: Plan) -> None:
    await assign(world, PLAN)
    engine = world.engine()
    await ready_account(world, engine)
    await keep(engine, trunks(twoWay=5, charges=ENOUGH))
    report = await plan(account(), trunks(twoWay=2))
    assert of_kind(report, "TrunkLimits").action == "update"
    assert money(report) == ("0.00", "-74.97")


async def test_tiers_are_priced_together_in_the_sum(world: World, plan: Plan) -> None:
    await assign(world, {"limits": {"twoway_trunks": {"rates": {"5": 30, "100": 20}, "cascade": True}}})
    second = account("branch", name="Branch", realm="branch.pbx.example.com")
    await apply(world, account(), second)
    report = await plan(
        account(),
        second,
        trunks(twoWay=5, charges=ENOUGH),
        trunks("branch", accountRef={"name": "branch"}, twoWay=5, charges=ENOUGH),
    )
    assert money(report)[1] == money(report, name="branch")[1] == "150.00"
    assert report.total.recurring is not None and to_text(report.total.recurring) == "200.00"
    assert "the changes would be +300.00 USD a month each by itself" in plain(report)


async def test_a_master_is_told_that_kazoo_will_not_ask(world: World, plan: Plan) -> None:
    await assign(world, PLAN)
    reseller, key = world.sandbox.identity.reseller.realm, world.sandbox.identity.master.api_key
    report = await plan(trunks(accountRef={"realm": reseller}, twoWay=5), key=key)
    assert "KAZOO will not ask before charging" in plain(report)
    one = of_kind(report, "TrunkLimits")
    assert one.action == "blocked" and money(report)[1] == "124.95"
    assert one.charges["payer"] == reseller


async def test_limits_of_a_customer_of_another_reseller_are_left_to_that_one(
    world: World, plan: Plan
) -> None:
    await apply(world, account())
    (between,) = await world.accounts()
    await world.call("PUT", f"accounts/{between}", {"name": "Leaf", "realm": "leaf.pbx.example.com"})
    await world.as_master("PUT", f"accounts/{between}/reseller")
    leaf = {"accountRef": {"realm": "leaf.pbx.example.com"}}
    engine = world.engine()
    assert (await keep(engine, trunks("leaf", inbound=1, **leaf))).condition("Ready")[
        "reason"
    ] == "NotReseller"
    one = of_kind(await plan(trunks("leaf", inbound=1, **leaf)), "TrunkLimits", "leaf")
    assert one.action == "blocked" and reasons(one) == ["NotReseller"]


@pytest.mark.parametrize("spec", [{"suspend": True}, {"managementPolicy": "ObserveOnly"}], ids=str)
async def test_nothing_is_planned_where_nothing_is_written(
    world: World, plan: Plan, spec: dict[str, object]
) -> None:
    await apply(world, account())
    one = of_kind(await plan(account(), trunks(inbound=3, **spec)), "TrunkLimits")
    assert one.action == "none" and one.changes == ()
    assert {found.rule for found in one.findings} & {"Suspended", "DriftDetected"}


async def test_a_new_account_is_priced_where_a_plan_counts_accounts(world: World, plan: Plan) -> None:
    await apply(world, account("branch", name="Branch", realm="branch.pbx.example.com"))
    await assign(world, {"accounts": {"account": {"rate": 5, "cascade": True}}})
    report = await plan(account())
    accepted = await plan(account(charges=ENOUGH), trunks())
    if world.compat == "4.3":
        assert money(report, "Account") == ("0.00", "0.00"), "4.3 counts no accounts"
        return
    one = of_kind(report, "Account")
    assert one.action == "blocked" and reasons(one) == ["ChargesNotAccepted"]
    assert money(report, "Account") == ("0.00", "5.00") and one.changes == ()
    assert "realm" in [change.path for change in one.withheld]
    engine = world.engine()
    waits = await keep(engine, account())
    assert waits.condition("Ready")["reason"] == "ChargesNotAccepted"
    quote = one.charges["quoteDigest"]
    assert waits.status["pendingQuote"]["digest"] == quote
    assert any(quote in found.message for found in one.findings)
    agreed = await plan(account(charges={"accept": "Quote", "quoteDigest": quote}))
    assert of_kind(agreed, "Account").action == "create", "one account more is consented to by its realm"
    assert of_kind(accepted, "Account").action == "create"
    assert of_kind(accepted, "TrunkLimits").action == "none", "nothing differs from what a new account has"

"""Bills of a whole reseller: one change at a time, every one counted, and none that nobody consented to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kazoo_operator.core.outcome import Pass
from tests.engine.attached import keep, many, ready_account
from tests.engine.conftest import Watching, World, account, after
from tests.engine.test_trunk_limits import assign, limits, trunks
from tests.faults.lives import Call, Life

ACCOUNTS = 20
WILLING = {"accept": "UpTo", "maxRecurringIncrease": "100000", "maxOneTime": "100000"}
LIMITS = r"/accounts/\w{32}/limits$"


def trunks_of(number: int, **more: Any) -> Any:
    return trunks(f"a{number}", accountRef={"name": f"a{number}"}, **more)


async def cascaded(world: World) -> dict[str, int]:
    """What the reseller's bill counts below it."""
    reseller = world.sandbox.identity.reseller.account_id
    summary = await world.call("GET", f"accounts/{reseller}/services/summary")
    found: dict[str, int] = summary["quantities"]["cascade"].get("limits", {})
    return found


async def journal(world: World) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = (await world.control("GET", "requests"))["requests"]
    return calls


async def reprice(world: World, rate: float) -> None:
    """The plan of the reseller costs something else from now on."""
    plans = (await world.control("GET", "state"))["plans"]
    gold = next(held for held in plans if held.get("name") == "gold")
    merge = {"id": gold["id"], "plan": {"limits": {"twoway_trunks": {"rate": rate}}}}
    master = world.sandbox.identity.master.account_id
    await world.control("POST", "documents", {"accountID": master, "document": "plan", "merge": merge})


class InFlight:
    """How many billable writes are on their way at once, at most."""

    def __init__(self) -> None:
        self.now = self.most = self.count = 0

    async def __call__(self, call: Call) -> None:
        if call.name == "write":
            self.now += 1 if call.moment == "before" else -1
            self.most = max(self.most, self.now)
            self.count += call.moment == "before"


async def test_changes_of_twenty_accounts_below_one_reseller_go_one_at_a_time_and_all_are_counted(
    world: World,
) -> None:
    await assign(world)
    accounts = await many(world, world.engine(), ACCOUNTS)
    await world.control("DELETE", "requests")
    flying = InFlight()
    life = Life(world, flying)
    await world.fault({"delay": 0.02, "afterCommit": True}, "POST", LIMITS, times=100)

    async def one(number: int, **more: Any) -> Pass:
        found = await life.engine.reconcile(trunks_of(number, charges=WILLING, **more), Watching())
        assert found.outcome.reason == "Ready", found.outcome.message
        return found

    await asyncio.gather(*(one(number, twoWay=number + 1, inbound=2) for number in range(ACCOUNTS)))
    assert (flying.most, flying.count) == (1, 2 * ACCOUNTS), "asked first, then accepted, one by one"
    assert await cascaded(world) == {"twoway_trunks": sum(range(1, ACCOUNTS + 1)), "inbound_trunks": 40}
    _each_is_seen_on_the_bill_before_the_next(await journal(world), accounts)
    await asyncio.gather(*(one(number, generation=2, twoWay=1, inbound=0) for number in range(ACCOUNTS)))
    assert flying.most == 1
    assert await cascaded(world) == {"twoway_trunks": ACCOUNTS}
    assert await world.writes("/services/reconciliation$") == []


def _each_is_seen_on_the_bill_before_the_next(calls: list[dict[str, Any]], accounts: list[str]) -> None:
    """Between the last write to one account and the first to another, the bill of the first is looked at."""
    written, looked = "", True
    order = []
    for call in calls:
        account_id = call["path"].split("/")[3] if call["path"].startswith("/v2/accounts/") else ""
        if call["method"] == "POST" and call["path"].endswith("/limits"):
            if account_id != written:
                assert looked, f"{account_id} was written before the bill of {written} was seen"
                order.append(account_id)
            written, looked = account_id, False
        elif call["path"].endswith("/services/summary") and account_id == written:
            looked = True
    assert sorted(order) == sorted(accounts)


@pytest.mark.parametrize("last", ["write", "read"])
async def test_a_bill_that_a_dead_life_left_wrong_is_put_right_at_the_next_resync_by_one_reconciliation(
    world: World, last: str
) -> None:
    await assign(world)
    await ready_account(world, world.engine())
    await world.fault({"unbilled": True}, method="POST", path=LIMITS, times=2)

    async def hook(call: Call) -> None:
        """Cuts the life at the answer to the change, or when it looks at the bill after it."""
        moment = "after" if last == "write" else "before"
        if life.calls.count("write") == 2 and (call.name, call.moment) == (last, moment):
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

    life = Life(world, hook)
    task = asyncio.create_task(life.engine.reconcile(trunks(twoWay=5, charges=WILLING), Watching()))
    await asyncio.wait({task})
    assert task.cancelled()
    assert await cascaded(world) == {}
    engine = world.engine()
    done = await keep(engine, trunks(twoWay=5, charges=WILLING))
    assert done.was_ready
    assert await cascaded(world) == {"twoway_trunks": 5}
    assert len(await world.writes("/services/reconciliation$")) == 1
    assert (await engine.reconcile(done, Watching())).outcome.reason == "Ready"
    assert len(await world.writes("/services/reconciliation$")) == 1
    assert len(await world.writes(LIMITS)) == 2


async def test_trunks_that_a_dead_life_took_away_unbilled_are_taken_off_the_bill(world: World) -> None:
    await assign(world)
    await ready_account(world, world.engine())
    done = await keep(world.engine(), trunks(twoWay=5, charges=WILLING))
    assert await cascaded(world) == {"twoway_trunks": 5}
    await world.fault({"unbilled": True}, method="POST", path=LIMITS)

    async def hook(call: Call) -> None:
        if (call.name, call.moment) == ("write", "after"):
            raise asyncio.CancelledError

    none = after(done, await world.engine().reconcile(done, Watching()), 2, twoWay=0)
    with pytest.raises(asyncio.CancelledError):
        await Life(world, hook).engine.reconcile(none, Watching())
    assert await cascaded(world) == {"twoway_trunks": 5}
    engine = world.engine()
    found = await engine.reconcile(none, Watching())
    assert (found.outcome.reason, [event.reason for event in found.events]) == ("Ready", ["BillRepaired"])
    assert await cascaded(world) == {}
    await world.control("DELETE", "requests")
    assert (await engine.reconcile(after(none, found), Watching())).outcome.reason == "Ready"
    assert not [call for call in await journal(world) if "/services/" in call["path"]], "it has no trunks"


async def test_accounts_that_are_billed_are_made_one_at_a_time_with_other_bills(world: World) -> None:
    await assign(world)
    await many(world, world.engine(), 2)
    await assign(world, {"plan": {"accounts": {"account": {"rate": 5, "cascade": True}}}})
    await world.control("DELETE", "requests")
    flying, billed = InFlight(), world.compat == "5.0"

    async def hook(call: Call) -> None:
        if call.name == "create_account":
            flying.now += 1 if call.moment == "before" else -1
            flying.most, flying.count = max(flying.most, flying.now), flying.count + 1
            await asyncio.sleep(0.05)
        elif call.name == "write" and call.moment == "before" and billed:
            assert flying.now == 0, "trunks are changed while an account is made"

    life = Life(world, hook)
    new = [
        account(f"n{one}", name=f"New {one}", realm=f"n{one}.pbx.example.com", charges=WILLING)
        for one in range(3)
    ]
    passes = [life.engine.reconcile(one, Watching()) for one in new]
    passes += [life.engine.reconcile(trunks_of(one, twoWay=3, charges=WILLING), Watching()) for one in (0, 1)]
    found = await asyncio.gather(*passes)
    assert [one.outcome.reason for one in found] == ["Ready"] * 5
    assert flying.count == 6
    assert flying.most == (1 if billed else 3), "4.3 counts no accounts"
    assert await cascaded(world) == {"twoway_trunks": 6}
    assert await world.writes("/services/reconciliation$") == []


async def test_without_consent_no_request_ever_carries_acceptance(world: World) -> None:
    await assign(world)
    engine = world.engine()
    await many(world, engine, 3)
    never: list[Any] = [None, {"accept": "Never"}, {"accept": "Never", "maxRecurringIncrease": "99999"}]
    for generation, two_way in enumerate((5, 1, 7, 0, 3), 1):
        for number, charges in enumerate(never):
            said = {"charges": charges} if charges else {}
            one = trunks_of(number, generation=generation, twoWay=two_way, inbound=generation, **said)
            await engine.reconcile(one, Watching())
        await reprice(world, 10 + generation)
    # What KAZOO asks about and we have no price for is no exception.
    await world.fault({"status": 402, "message": "accept charges"}, method="POST", path=LIMITS, times=3)
    for number in range(3):
        await engine.reconcile(trunks_of(number, generation=9, outbound=4), Watching())
    calls = await journal(world)
    assert [call for call in calls if call["acceptCharges"]] == []
    assert [call["status"] for call in calls if call["path"].endswith("/limits") and call["status"] == 402]
    assert "twoway_trunks" not in await cascaded(world)


async def test_a_price_that_changed_since_the_quote_is_asked_about_again(world: World) -> None:
    engine = world.engine()
    await assign(world)
    account_id = await ready_account(world, engine)
    asked = await engine.reconcile(trunks(twoWay=5), Watching())
    old = asked.fields["pendingQuote"]["digest"]
    await reprice(world, 25.49)
    consent = {"accept": "Quote", "quoteDigest": old}
    found = await engine.reconcile(trunks(generation=2, twoWay=5, charges=consent), Watching())
    assert found.outcome.reason == "ChargesNotAccepted"
    quote = found.fields["pendingQuote"]
    assert quote["digest"] != old
    assert quote["recurring"] == "127.45"
    assert await world.writes(LIMITS) == []
    consent = {"accept": "Quote", "quoteDigest": quote["digest"]}
    agreed = await engine.reconcile(trunks(generation=3, twoWay=5, charges=consent), Watching())
    assert agreed.outcome.reason == "Ready", agreed.outcome.message
    assert (await limits(world, account_id))["twoway_trunks"] == 5


@pytest.mark.parametrize("accept", ["Quote", "UpTo"])
async def test_a_price_that_changes_while_the_change_is_on_its_way_is_not_accepted(
    world: World, accept: str
) -> None:
    await assign(world)
    account_id = await ready_account(world, world.engine())
    asked = await world.engine().reconcile(trunks(twoWay=5), Watching())
    old = asked.fields["pendingQuote"]["digest"]
    consent = {"accept": "Quote", "quoteDigest": old}
    if accept == "UpTo":
        consent = {"accept": "UpTo", "maxRecurringIncrease": "124.95", "maxOneTime": "10.00"}

    async def hook(call: Call) -> None:
        if (call.name, call.moment) == ("write", "before"):
            await reprice(world, 99)

    found = await Life(world, hook).engine.reconcile(trunks(twoWay=5, charges=consent), Watching())
    assert found.outcome.reason == "ChargesNotAccepted", found.outcome.message
    assert found.fields["pendingQuote"]["digest"] != old
    assert found.fields["pendingQuote"]["recurring"] == "495.00"
    assert [call for call in await journal(world) if call["acceptCharges"]] == []
    assert (await limits(world, account_id)).get("twoway_trunks", 0) == 0

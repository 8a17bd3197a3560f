"""What a backend asks of each account is planned as it is carried out."""

from __future__ import annotations

from kazoo_operator.core.report import Action
from tests.engine.conftest import World
from tests.planning.conftest import Plan, account, apply, named


async def test_an_account_below_a_reseller_without_a_whitelabel_is_blocked(world: World, plan: Plan) -> None:
    reseller = world.sandbox.identity.reseller.account_id
    assert (await plan(account(), require_whitelabel=True)).objects[0].action is Action.CREATE
    await world.call("DELETE", f"accounts/{reseller}/whitelabel")
    blocked = named(await plan(account(), require_whitelabel=True), "acme")
    assert blocked.action is Action.BLOCKED
    assert any("requireWhitelabel" in finding.message for finding in blocked.findings)
    assert await apply(world, account(), require_whitelabel=True) == ["InvalidSpec"]
    assert (await plan(account())).objects[0].action is Action.CREATE

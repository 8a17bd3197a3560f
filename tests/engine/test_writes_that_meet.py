"""An Account and a CreditPolicy write the same document: one at a time, and nothing is lost."""

from __future__ import annotations

import asyncio

from tests.engine.attached import attached, ready_account
from tests.engine.conftest import Watching, World, account


async def test_writes_of_one_document_do_not_overlap(world: World) -> None:
    engine = world.real_time_engine()
    account_id = await ready_account(world, engine)
    await world.fault({"delay": 0.2}, method="PATCH", path="/accounts/", times=2)
    alert = attached("CreditPolicy", lowBalanceAlert={"threshold": "25"})
    changed = account(generation=2, status=world.objects.get(account().key).status, timezone="Asia/Tokyo")
    began = asyncio.get_running_loop().time()
    one, other = await asyncio.gather(
        engine.reconcile(changed, Watching()), engine.reconcile(alert, Watching())
    )
    assert asyncio.get_running_loop().time() - began >= 0.4
    assert (one.outcome.reason, other.outcome.reason) == ("Ready", "Ready")
    document = await world.document(account_id)
    assert document["timezone"] == "Asia/Tokyo"
    assert document["notifications"]["low_balance"]["threshold"] == 25

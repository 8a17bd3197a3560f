"""Estimates before changes, against the 402 and the bills afterwards, in a sandbox with resellers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from kazoo_operator.core import money
from kazoo_operator.core.pricing.payers import Payer, who_pays
from kazoo_operator.core.pricing.quote import digest, quote_of, read_quote
from kazoo_operator.core.pricing.summary import Delta
from kazoo_operator.sandbox import running_sandbox
from tests.core.test_two_evaluators import documents
from tests.sandbox.client import Client

DAY = date(2026, 11, 28)
ABOVE = {"reseller": "master", "customer": "reseller", "dealer": "reseller", "shop": "dealer"}
"""Account -> the one above it; the reseller and the dealer are resellers, and sell to what is below them."""
TRUNKS = ("inbound_trunks", "outbound_trunks", "twoway_trunks")

trunks = st.fixed_dictionaries({name: st.integers(0, 12) for name in TRUNKS})
changes = st.lists(st.tuples(st.sampled_from(sorted(ABOVE)), trunks), min_size=2, max_size=5)
sold = st.fixed_dictionaries(
    {}, optional={name: st.lists(documents, min_size=1, max_size=2) for name in ABOVE}
)


@dataclass
class Tree:
    """The accounts of a running sandbox, by name."""

    master: Client
    ids: dict[str, str] = field(default_factory=dict)

    async def build(self, plans: dict[str, list[dict[str, Any]]]) -> None:
        self.ids["master"] = self.master.master
        for name, parent in ABOVE.items():
            self.ids[name] = await self.master.create(name, self.ids[parent])
        for name in ("reseller", "dealer"):
            await self.master.promote(self.ids[name])
        for name, bought in plans.items():
            await self.assign(name, bought)

    async def assign(self, name: str, bought: list[dict[str, Any]]) -> None:
        """Plans of the account's reseller, assigned to it."""
        made = []
        for document in bought:
            merge = {"name": "a plan", **document}
            order = {"accountID": self.ids[ABOVE[name]], "document": "plan", "merge": merge}
            answer = await self.master.post("/sandbox/documents", body=order)
            made.append(answer.body["value"]["id"])
        answer = await self.master.post(f"/v2/accounts/{self.ids[name]}/services", {"add": made})
        assert answer.status == 200, answer

    async def summary(self, name: str) -> Any:
        answer = await self.master.get(f"/v2/accounts/{self.ids[name]}/services/summary")
        return json.loads(answer.text, parse_float=Decimal)["data"]

    async def chain(self, name: str) -> list[tuple[str, Any]]:
        """The account and all above it, with what each is billed."""
        names = [name]
        while names[-1] in ABOVE:
            names.append(ABOVE[names[-1]])
        return [(one, await self.summary(one)) for one in names]

    async def limit(self, name: str, counts: dict[str, int], accept: bool) -> Any:
        """Change trunks as the account's reseller does, who is billed for them."""
        asker = await self.master.as_account(self.ids[ABOVE[name]])
        body = {"data": counts, "accept_charges": accept}
        answer = await asker.request("POST", f"/v2/accounts/{self.ids[name]}/limits", body=body)
        return answer.status, json.loads(answer.text, parse_float=Decimal)["data"]


@settings(max_examples=12)
@given(sold, changes)
def test_each_402_and_each_bill_is_what_was_estimated(plans: Any, wanted: Any) -> None:
    asyncio.run(estimated_and_done(plans, wanted))


async def estimated_and_done(plans: Any, wanted: Any) -> None:
    async with running_sandbox() as sandbox, aiohttp.ClientSession(sandbox.url) as session:
        master = await Client(session, sandbox).log_in(sandbox.identity.master.api_key)
        tree = Tree(master)
        await tree.build(plans)
        held = {name: dict.fromkeys(TRUNKS, 0) for name in ABOVE}
        for name, counts in wanted:
            await one_change(tree, name, held[name], counts)
            held[name] = counts


async def one_change(tree: Tree, name: str, before: dict[str, int], after: dict[str, int]) -> None:
    deltas = [Delta("limits", trunk, after[trunk] - before[trunk]) for trunk in TRUNKS]
    payers = who_pays(await tree.chain(name), deltas, DAY)
    assert [payer.estimate.unknown for payer in payers] == [()] * len(payers)
    await asked_as_estimated(tree, name, after, {payer.account: payer for payer in payers})
    status, _ = await tree.limit(name, after, accept=True)
    assert status == 200
    for payer in payers:
        invoices = (await tree.summary(payer.account))["invoices"]
        total = sum((one["summary"]["recurring"] for one in invoices), Decimal(0))
        assert payer.estimate.after == money.from_number(total)


async def asked_as_estimated(tree: Tree, name: str, after: dict[str, int], payers: dict[str, Payer]) -> None:
    """KAZOO asks its caller exactly where that one's estimate says so, and with the same quote."""
    asker = ABOVE[name]
    mine = payers[asker].estimate
    status, data = await tree.limit(name, after, accept=False)
    assert (status == 402) is mine.kazoo_asks
    if status == 402:
        told, expected = read_quote(data), quote_of(mine)
        assert (told.today, told.recurring) == (expected.today, expected.recurring)
        assert digest(name, "USD", {asker: told}) == digest(name, "USD", {asker: expected})

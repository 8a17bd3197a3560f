"""Transactions: without a payment processor the list is empty, and a sale finds nobody to make it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import IN_BOTH, Client

UNKNOWN = "0" * 32


@pytest.fixture
async def acme(master: Client) -> str:
    return await master.create("Acme", master.reseller)


@IN_BOTH
async def test_the_list_is_empty_and_any_id_crashes(master: Client, acme: str) -> None:
    path = f"/v2/accounts/{acme}/transactions"
    answer = await master.get(path)
    assert (answer.status, answer.data, answer.body["page_size"]) == (200, [], 0)
    assert (await master.get(f"{path}/{UNKNOWN}")).body["message"] == "init failed"
    assert (await master.get(f"{path}?created_from=1")).status == 400
    assert (await master.get(f"/v2/accounts/{UNKNOWN}/transactions")).status == 404
    assert (await master.get("/v2/transactions")).status == 404


@IN_BOTH
@pytest.mark.parametrize("kind", ["sale", "refund"])
@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        ({"amount": 5}, 500, "invalid_bookkeeper"),
        ({"amount": "5"}, 500, "invalid_bookkeeper"),
        ({}, 400, "required"),
        ({"amount": "five"}, 400, "required"),
        ({"amount": 0}, 400, "minimum"),
        ({"amount": -5}, 400, "minimum"),
    ],
)
async def test_a_sale_or_refund_is_judged_and_never_made(
    master: Client, acme: str, kind: str, data: Any, status: int, said: str
) -> None:
    answer = await master.put(f"/v2/accounts/{acme}/transactions/{kind}", data)
    assert answer.status == status
    assert said in (answer.body["message"], *answer.data.get("amount", {}))
    assert (await master.get(f"/v2/accounts/{acme}/ledgers/total")).data == {"amount": 0.0}


@IN_BOTH
async def test_only_the_reseller_and_the_master_may_sell(
    master: Client, reseller: Client, nobody: Client, acme: str
) -> None:
    path = f"/v2/accounts/{acme}/transactions/sale"
    other = await master.create("Other", master.reseller)
    statuses = [
        (await client.put(path, {"amount": 5})).status
        for client in (
            master, reseller, await master.as_account(acme), await master.as_account(other), nobody,
        )
    ]  # fmt: skip
    assert statuses == [500, 500, 403, 403, 401]
    assert (await master.put("/v2/transactions/sale", {"amount": 5})).status == 404
    assert (await master.put(f"/v2/accounts/{acme}/transactions/credit", {"amount": 5})).status == 405

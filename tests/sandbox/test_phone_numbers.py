"""Phone numbers: as far as a bill counts them."""

from __future__ import annotations

import pytest

from tests.sandbox.client import IN_BOTH, Client
from tests.sandbox.credentials import hashed

NUMBER = "+14155550100"


@IN_BOTH
async def test_a_number_is_created_once_listed_and_deleted(master: Client) -> None:
    acme, bolt = await master.create("Acme"), await master.create("Bolt")
    path = f"/v2/accounts/{acme}/phone_numbers"
    assert (await master.get(path)).data == {"numbers": {}, "cascade_quantity": 0}
    created = await master.put(f"{path}/4155550100", {"note": "x"})
    assert (created.status, created.data["id"], created.data["note"]) == (201, NUMBER, "x")
    again = await master.put(f"/v2/accounts/{bolt}/phone_numbers/{NUMBER}", {})
    assert (again.status, again.body["message"]) == (409, "number_exists")
    assert list((await master.get(path)).data["numbers"]) == [NUMBER]
    assert (await master.get(f"{path}/{NUMBER}")).data == created.data
    assert (await master.get(f"/v2/accounts/{bolt}/phone_numbers/{NUMBER}")).status == 404
    assert (await master.delete(f"{path}/{NUMBER}")).status == 200
    assert (await master.delete(f"{path}/{NUMBER}")).status == 404
    assert (await master.put(f"/v2/accounts/{bolt}/phone_numbers/{NUMBER}", {})).status == 201


@IN_BOTH
async def test_the_numbers_of_a_deleted_account_are_free(master: Client) -> None:
    acme, bolt = await master.create("Acme"), await master.create("Bolt")
    await master.put(f"/v2/accounts/{acme}/phone_numbers/{NUMBER}", {})
    await master.delete(f"/v2/accounts/{acme}")
    assert (await master.put(f"/v2/accounts/{bolt}/phone_numbers/{NUMBER}", {})).status == 201


@IN_BOTH
async def test_only_the_master_adds_numbers(master: Client, reseller: Client) -> None:
    acme = await reseller.create("Acme", reseller.reseller)
    answer = await reseller.put(f"/v2/accounts/{acme}/phone_numbers/{NUMBER}", {})
    assert (answer.status, answer.body["message"]) == (403, "unauthorized")
    beside = await master.create("Beside")
    foreign = await reseller.put(f"/v2/accounts/{beside}/phone_numbers/{NUMBER}", {})
    assert (foreign.status, foreign.body["message"]) == (403, "forbidden")


@IN_BOTH
@pytest.mark.parametrize("number", ["911", "1000", "hello"])
async def test_what_has_no_international_form_cannot_be_a_number(master: Client, number: str) -> None:
    answer = await master.put(f"/v2/accounts/{master.reseller}/phone_numbers/{number}", {})
    assert (answer.status, answer.body["message"]) == (404, "not_reconcilable")


@IN_BOTH
async def test_a_number_belongs_to_an_account(master: Client) -> None:
    assert (await master.put(f"/v2/phone_numbers/{NUMBER}", {})).status == 404
    await master.put(f"/v2/accounts/{master.reseller}/phone_numbers/{NUMBER}", {})
    assert (await master.get(f"/v2/phone_numbers/{NUMBER}")).status == 404


@IN_BOTH
async def test_what_else_kazoo_does_with_numbers_is_not_built(master: Client) -> None:
    path = f"/v2/accounts/{master.reseller}/phone_numbers"
    assert (await master.patch(f"{path}/{NUMBER}", {})).status == 501
    assert (await master.put(f"{path}/{NUMBER}/activate", {})).status == 501
    assert (await master.post(f"{path}/classifiers", {})).status == 405


@IN_BOTH
async def test_a_user_may_name_the_account_by_a_number_before_anything_else(master: Client) -> None:
    acme = await master.create("Acme")
    await master.put(f"/v2/accounts/{acme}/phone_numbers/{NUMBER}", {})
    person = {"first_name": "A", "last_name": "B", "username": "ada", "password": "x"}
    await master.put(f"/v2/accounts/{acme}/users", person)
    login = {"credentials": hashed("ada", "x"), "phone_number": "415-555-0100", "account_name": "nobody"}
    assert (await master.put("/v2/user_auth", login)).status == 401
    answer = await master.put("/v2/user_auth", {**login, "phone_number": "4155550100"})
    assert (answer.status, answer.data["account_id"]) == (201, acme)

"""Users, devices and numbers are billed: who is asked for consent, and what is counted."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.sandbox.services import Services
from tests.sandbox.client import IN_4_3, IN_BOTH, Answer, Client

ADA = {"first_name": "Ada", "last_name": "Byron"}
SEATS = {"users": {"_all": {"rate": 4, "cascade": True}}}


@pytest.fixture
async def acme(reseller: Client) -> str:
    return await reseller.create("Acme", reseller.reseller)


def sell(client: Client, plan: dict[str, Any], account: str | None = None, vendor: str | None = None) -> None:
    """Assign a plan of that price list to an account, the reseller if none is named."""
    world, vendor = client.sandbox.world, vendor or client.master
    world.service_plans.save(vendor, "seats", {"name": "Seats", "plan": plan}, 0)
    world.services.save(Services(account or client.reseller, {"seats": {"vendor_id": vendor}}))


def differences(answer: Answer) -> dict[str, Any]:
    """Of a 402: how many more are billable, by item."""
    assert (answer.status, answer.body["message"]) == (402, "accept charges"), answer
    items = [item for invoice in answer.data for item in invoice["items"]]
    return {item["name"]: item["changes"]["difference"]["billable"] for item in items if "changes" in item}


@IN_BOTH
async def test_a_new_user_asks_for_consent_and_is_counted_once_it_is_given(
    reseller: Client, acme: str
) -> None:
    sell(reseller, SEATS)
    path = f"/v2/accounts/{acme}/users"
    assert differences(await reseller.put(path, ADA)) == {"users": 1}
    assert (await reseller.get(path)).data == []
    assert (await reseller.put(f"{path}?accept_charges=true", ADA)).status == 201
    assert reseller.sandbox.world.quantities.below(reseller.reseller) == {"users": {"user": 1}}


@IN_BOTH
async def test_disabled_users_deletions_and_the_master_are_never_asked(
    master: Client, reseller: Client, acme: str
) -> None:
    sell(reseller, SEATS)
    path = f"/v2/accounts/{acme}/users"
    assert (await reseller.put(path, {**ADA, "enabled": False})).status == 201
    created = await master.put(path, ADA)
    assert created.status == 201
    below = master.sandbox.world.quantities.below
    assert below(reseller.reseller) == {"users": {"user": 1}}
    assert (await reseller.delete(f"{path}/{created.data['id']}")).status == 200
    assert below(reseller.reseller) == {}


async def test_a_post_of_a_user_counts_as_an_addition_and_a_patch_is_never_asked(
    master: Client, reseller: Client, acme: str
) -> None:
    sell(reseller, {"users": {"user": {"rate": 4, "cascade": True}, "admin": {"rate": 9, "cascade": True}}})
    user = (await master.put(f"/v2/accounts/{acme}/users", ADA)).data["id"]
    path = f"/v2/accounts/{acme}/users/{user}"
    assert differences(await reseller.post(path, ADA)) == {"users/user": 1}
    promotion = {**ADA, "priv_level": "admin"}
    assert differences(await reseller.post(path, promotion)) == {"users/admin": 1, "users/user": -1}
    assert (await reseller.get(path)).data["priv_level"] == "user"
    assert (await reseller.patch(path, {"priv_level": "admin"})).status == 200
    assert reseller.sandbox.world.quantities.below(reseller.reseller) == {"users": {"admin": 1}}


@IN_4_3
async def test_a_post_of_a_user_asks_for_nothing_in_4_3(master: Client, reseller: Client, acme: str) -> None:
    sell(reseller, SEATS)
    user = (await master.put(f"/v2/accounts/{acme}/users", ADA)).data["id"]
    path = f"/v2/accounts/{acme}/users/{user}"
    assert (await reseller.post(path, {**ADA, "priv_level": "admin"})).status == 200


@pytest.mark.parametrize(
    ("compat", "expected"), [("5.0", {"accounts": 1, "users": 1}), ("4.3", {"users": 1})]
)
async def test_the_consent_for_a_new_user_also_speaks_of_one_account_more_in_5_0(
    reseller: Client, acme: str, expected: dict[str, int]
) -> None:
    sell(reseller, {**SEATS, "accounts": {"_all": {"rate": 7, "cascade": True}}})
    assert differences(await reseller.put(f"/v2/accounts/{acme}/users", ADA)) == expected


@IN_BOTH
async def test_a_plan_that_hangs_on_a_user_joins_the_bill_of_its_account(master: Client, acme: str) -> None:
    itself = await master.as_account(acme)
    sell(master, {"users": {"user": {"rate": 4}}}, acme, master.reseller)
    world = master.sandbox.world
    more = {"plan": {"users": {"admin": {"rate": 3}, "user": {"activation_charge": 2}}}}
    world.service_plans.save(master.reseller, "more", more, 0)
    user = {**ADA, "service": {"plans": {"more": {"vendor_id": master.reseller}}}}
    path = f"/v2/accounts/{acme}/users"
    asked = await itself.put(path, user)
    assert [charge["total"] for charge in asked.data[0]["activation_charges"]] == [2.0]
    assert (await itself.put(f"{path}?accept_charges=true", user)).status == 201
    assert differences(await itself.put(path, {**ADA, "priv_level": "admin"})) == {"users/admin": 1}


@IN_BOTH
async def test_a_new_device_asks_for_consent_by_its_type(reseller: Client, acme: str) -> None:
    sell(reseller, {"devices": {"_all": {"rate": 2, "cascade": True, "exceptions": ["cellphone"]}}})
    path = f"/v2/accounts/{acme}/devices"
    assert (await reseller.put(path, {"name": "Mobile", "device_type": "cellphone"})).status == 201
    desk = {"name": "Desk", "device_type": "softphone"}
    assert differences(await reseller.put(path, desk)) == {"devices": 1}
    created = await reseller.put(f"{path}?accept_charges=true", desk)
    counted = reseller.sandbox.world.quantities.below
    assert counted(reseller.reseller) == {"devices": {"cellphone": 1, "softphone": 1}}
    await reseller.delete(f"{path}/{created.data['id']}")
    assert counted(reseller.reseller) == {"devices": {"cellphone": 1}}


@IN_BOTH
async def test_a_number_that_the_master_adds_is_counted_by_class_and_carrier(
    master: Client, acme: str
) -> None:
    sell(master, {"phone_numbers": {"_all": {"rate": 1, "cascade": True}}})
    path = f"/v2/accounts/{acme}/phone_numbers/+14155550100"
    assert (await master.put(path, {})).status == 201
    counted = master.sandbox.world.quantities.below
    assert counted(master.reseller) == {
        "number_carriers": {"knm_inventory": 1},
        "phone_numbers": {"did_us": 1},
    }
    await master.delete(path)
    assert counted(master.reseller) == {}


@IN_BOTH
async def test_a_user_that_was_not_billed_is_there_and_not_counted(
    master: Client, reseller: Client, acme: str
) -> None:
    await master.fault({"unbilled": True}, path="/users")
    assert (await master.put(f"/v2/accounts/{acme}/users", ADA)).status == 201
    assert master.sandbox.world.users.counted(acme) == {"user": 1}
    assert master.sandbox.world.quantities.own(acme) == {}

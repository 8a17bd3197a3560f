"""Devices: as far as a bill counts them."""

from __future__ import annotations

import pytest

from tests.sandbox.client import IN_BOTH, Client

UNKNOWN = "0" * 32


@pytest.fixture
async def devices(master: Client) -> str:
    return f"/v2/accounts/{await master.create('Acme')}/devices"


@IN_BOTH
async def test_a_device_lives_from_its_create_to_its_delete(master: Client, devices: str) -> None:
    created = await master.put(devices, {"name": "Desk", "device_type": "softphone"})
    assert (created.status, created.data["device_type"], created.data["enabled"]) == (201, "softphone", True)
    path = f"{devices}/{created.data['id']}"
    assert created.headers["Location"] == path
    assert (await master.get(path)).data == created.data
    patched = await master.patch(path, {"device_type": "cellphone"})
    assert (patched.data["name"], patched.data["device_type"]) == ("Desk", "cellphone")
    posted = await master.post(path, {"name": "Hall"})
    assert (posted.data["name"], "device_type" in posted.data) == ("Hall", False)
    row = {"id": created.data["id"], "name": "Hall", "enabled": True, "flags": []}
    assert (await master.get(devices)).data == [row]
    deleted = await master.delete(path)
    assert (deleted.status, deleted.data["_read_only"]) == (200, {"deleted": True})
    assert (await master.get(path)).status == 404
    assert (await master.get(devices)).data == []


@IN_BOTH
async def test_a_bad_device_is_400(master: Client, devices: str) -> None:
    answer = await master.put(devices, {"device_type": 5})
    assert (answer.status, set(answer.data)) == (400, {"name", "device_type"})


@IN_BOTH
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_an_unknown_device_is_404(master: Client, devices: str, method: str) -> None:
    data = None if method == "GET" else {"name": "Desk"}
    answer = await master.request(method, f"{devices}/{UNKNOWN}", data)
    assert (answer.status, answer.data["cause"]) == (404, UNKNOWN)


@IN_BOTH
async def test_devices_of_others_are_403_and_those_below_are_not(master: Client, reseller: Client) -> None:
    acme = await reseller.create("Acme", reseller.reseller)
    foreign = await master.create("Foreign")
    for account, status in ((acme, 201), (reseller.reseller, 201), (foreign, 403)):
        assert (await reseller.put(f"/v2/accounts/{account}/devices", {"name": "Desk"})).status == status


@IN_BOTH
async def test_devices_of_each_type_are_counted_and_end_with_their_account(master: Client) -> None:
    acme = await master.create("Acme")
    for kind in ({"device_type": "softphone"}, {"device_type": "softphone"}, {}):
        await master.put(f"/v2/accounts/{acme}/devices", {"name": "Desk", **kind})
    counted = master.sandbox.world.devices.counted
    assert counted(acme) == {"softphone": 2, "sip_device": 1}
    await master.delete(f"/v2/accounts/{acme}")
    assert counted(acme) == {}

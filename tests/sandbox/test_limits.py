"""Limits: what is stored, what is shown, who may change them, and how a change is guarded."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.sandbox.client import IN_4_3, IN_BOTH, Client

UNKNOWN = "0" * 32
DEFAULTS = {"allow_prepay": True, "authz_resource_types": []}
OF_THE_SYSTEM = {
    "allow_postpay": False, "allow_prepay": True, "authz_resource_types": [], "burst_trunks": 0,
    "enabled": True, "inbound_trunks": 0, "max_postpay_ammount": 0, "outbound_trunks": 0,
    "reserve_ammount": 0, "soft_limit_inbound": False, "soft_limit_outbound": False, "twoway_trunks": 0,
}  # fmt: skip
LEAKED = {"allow_postpay": False, "max_postpay_amount": 0}


@pytest.fixture
async def acme(master: Client) -> str:
    return await master.create("Acme")


def limits_of(account: str) -> str:
    return f"/v2/accounts/{account}/limits"


async def stored(client: Client, account: str, **fields: Any) -> str:
    answer = await client.post(limits_of(account), fields)
    assert answer.status == 200, answer
    return str(answer.body["revision"])


@IN_BOTH
async def test_limits_that_nobody_made_are_the_defaults_without_a_revision(
    master: Client, acme: str, compat: str
) -> None:
    answer = await master.get(limits_of(acme))
    assert answer.data == {"id": "limits", **(DEFAULTS if compat == "5.0" else OF_THE_SYSTEM)}
    assert "revision" not in answer.body
    assert "ETag" not in answer.headers
    assert (await master.state())[acme]["limits"] == {}


@IN_BOTH
async def test_a_document_that_other_code_made_lacks_even_allow_prepay(master: Client, acme: str) -> None:
    world = master.sandbox.world
    with world.store.transaction():
        world.limits.made(acme)
        world.limits.made(acme)
    answer = await master.get(limits_of(acme))
    assert answer.data == {"id": "limits", **LEAKED}
    assert answer.body["revision"].startswith("1-")


async def test_a_post_answers_without_the_members_that_a_get_leaks(master: Client, acme: str) -> None:
    posted = await master.post(limits_of(acme), {"twoway_trunks": 2})
    assert posted.data == {"id": "limits", "twoway_trunks": 2, **DEFAULTS}
    assert (await master.get(limits_of(acme))).data == posted.data | LEAKED


@IN_4_3
async def test_4_3_stores_the_defaults_of_the_whole_system(master: Client, acme: str) -> None:
    posted = await master.post(limits_of(acme), {"twoway_trunks": 2})
    assert posted.data == {"id": "limits", **OF_THE_SYSTEM, "twoway_trunks": 2}
    assert (await master.get(limits_of(acme))).data == posted.data | LEAKED


@IN_BOTH
async def test_a_post_replaces_what_other_tools_stored(master: Client, acme: str) -> None:
    await stored(master, acme, note="theirs", calls=0, inbound_trunks=4)
    await stored(master, acme, outbound_trunks=1)
    found = (await master.get(limits_of(acme))).data
    assert found["outbound_trunks"] == 1
    assert "note" not in found
    assert "calls" not in found, "no cap: zero would be no calls at all"
    assert found.get("inbound_trunks", 0) == 0


@IN_BOTH
@pytest.mark.parametrize(
    ("trunks", "stored_in"),
    [(-1, ["4.3"]), (-2, []), (0, ["4.3", "5.0"]), ("5", ["4.3", "5.0"]), (True, []), (None, [])],
)
async def test_trunks_may_be_minus_one_in_4_3(
    master: Client, acme: str, compat: str, trunks: object, stored_in: list[str]
) -> None:
    answer = await master.post(limits_of(acme), {"burst_trunks": trunks})
    assert answer.status == (200 if compat in stored_in else 400)
    assert ("burst_trunks" in answer.data) is True, "stored, or named in the errors"


@IN_BOTH
async def test_numbers_are_converted_and_rounded(master: Client, acme: str) -> None:
    posted = await master.post(limits_of(acme), {"calls": "7", "twoway_trunks": 5.6, "allow_prepay": "false"})
    assert [posted.data[key] for key in ("calls", "twoway_trunks", "allow_prepay")] == [7, 6, False]


async def test_the_private_members_cannot_be_set(master: Client, acme: str) -> None:
    sent = {"allow_postpay": True, "max_postpay_amount": 50, "id": "mine", "_rev": "1-x", "pvt_type": "x"}
    assert (await master.post(limits_of(acme), sent)).data == {"id": "limits", **DEFAULTS}
    assert (await master.get(limits_of(acme))).data == {"id": "limits", **DEFAULTS, **LEAKED}


@IN_BOTH
async def test_flags_in_the_data_are_stored_as_limits(master: Client, acme: str) -> None:
    await stored(master, acme, accept_charges=True, calls=1)
    assert (await master.get(limits_of(acme))).data["accept_charges"] is True


@IN_BOTH
@pytest.mark.parametrize(
    ("who", "allowed"),
    [("master", True), ("the reseller", True), ("between", False), ("itself", False), ("beside", False)],
)
async def test_below_a_reseller_only_the_reseller_and_the_master_may_change_limits(
    master: Client, reseller: Client, who: str, allowed: bool
) -> None:
    between = await master.create("Between", master.reseller)
    acme = await master.create("Acme", between)
    other = await master.create("Other", master.reseller)
    clients = {
        "master": master,
        "the reseller": reseller,
        "between": await master.as_account(between),
        "itself": await master.as_account(acme),
        "beside": await master.as_account(other),
    }
    answer = await clients[who].post(limits_of(acme), {"calls": 3})
    assert answer.status == (200 if allowed else 403)
    assert allowed or answer.data == {"message": "forbidden"}
    assert (await master.state())[acme]["limits"].get("calls") == (3 if allowed else None)
    assert (await clients[who].get(limits_of(acme))).status == (403 if who == "beside" else 200)


@IN_BOTH
async def test_where_the_master_is_the_reseller_an_account_may_change_its_own_limits(
    master: Client, acme: str
) -> None:
    below = await master.create("Below", acme)
    client = await master.as_account(acme)
    assert (await client.post(limits_of(acme), {"calls": 3})).status == 200
    assert (await client.post(limits_of(below), {"calls": 4})).status == 200


@IN_BOTH
async def test_a_reseller_may_not_change_its_own_limits_below_another_reseller(
    master: Client, reseller: Client
) -> None:
    inner = await reseller.create("Inner", master.reseller)
    await master.create("First", inner)
    client = await master.as_account(inner)
    assert (await client.post(limits_of(inner), {"calls": 3})).status == 403
    assert (await reseller.post(limits_of(master.reseller), {"calls": 3})).status == 200, "below the master"


@IN_BOTH
async def test_if_match_guards_a_change(master: Client, acme: str) -> None:
    path = limits_of(acme)
    first = await stored(master, acme, calls=1)
    current = await stored(master, acme, calls=2)
    stale = await master.post(path, {"calls": 3}, headers={"If-Match": f'"{first}"'})
    assert (stale.status, stale.text) == (412, "")
    assert (await master.get(path)).data["calls"] == 2
    good = await master.post(path, {"calls": 4}, headers={"If-Match": f'"{current}"'})
    assert (good.status, good.data["calls"]) == (200, 4)


@IN_BOTH
async def test_if_match_never_fits_limits_that_nobody_made(master: Client, acme: str) -> None:
    answer = await master.post(limits_of(acme), {"calls": 3}, headers={"If-Match": "*"})
    assert answer.status == 412
    assert (await master.state())[acme]["limits"] == {}


@IN_BOTH
async def test_the_revision_moves_without_a_change_and_answers_if_none_match(
    master: Client, acme: str
) -> None:
    path = limits_of(acme)
    first = await stored(master, acme, calls=1)
    again = await stored(master, acme, calls=1)
    assert (first[:2], again[:2]) == ("1-", "2-")
    tag = (await master.get(path)).headers["ETag"]
    assert tag == f'"{again}"'
    assert (await master.get(path, headers={"If-None-Match": tag})).status == 304
    assert (await master.get(path, headers={"If-None-Match": f'"{first}"'})).status == 200


@IN_BOTH
@pytest.mark.parametrize(
    ("account", "token", "data", "status"),
    [
        (UNKNOWN, True, {"calls": 1}, 404),
        (UNKNOWN, False, {"calls": 1}, 404),
        ("", True, {"calls": 1}, 500),
        ("acme", False, {"calls": 1}, 401),
        ("acme", True, [], 500),
        ("acme", True, {"calls": {}}, 400),
    ],
)
async def test_other_refusals(
    master: Client, nobody: Client, acme: str, account: str, token: bool, data: Any, status: int
) -> None:
    path = limits_of(acme if account == "acme" else account) if account else "/v2/limits"
    client = master if token else nobody
    assert (await client.post(path, data)).status == status
    if status not in (400, 500) or not account:
        assert (await client.get(path)).status == status
    assert (await master.state())[acme]["limits"] == {}


async def test_a_half_built_account_has_no_limits_yet(master: Client) -> None:
    await master.fault({"cut": "late"})
    with pytest.raises(aiohttp.ClientError):
        await master.post(f"/v2/accounts/{master.master}?verb=put", {"name": "Acme"})
    (acme,) = (await master.get(f"/v2/accounts/{master.master}/search?t=account&q=name&v=acme")).row_ids
    for answer in (await master.get(limits_of(acme)), await master.post(limits_of(acme), {"calls": 1})):
        assert (answer.status, answer.body["message"]) == (503, "datastore missing view")


@IN_BOTH
async def test_an_edit_behind_kazoos_back_knows_no_rules(master: Client, acme: str) -> None:
    await stored(master, acme, calls=1)
    merge = {"calls": None, "twoway_trunks": -7, "allow_postpay": True, "max_postpay_amount": 12.5}
    order = {"accountID": acme, "document": "limits", "merge": merge}
    answer = await master.post("/sandbox/documents", body=order)
    found = (await master.get(limits_of(acme))).data
    assert answer.body["value"] == found == (await master.state())[acme]["limits"]
    assert "calls" not in found
    assert (found["twoway_trunks"], found["allow_postpay"], found["max_postpay_amount"]) == (-7, True, 12.5)


@IN_BOTH
async def test_an_edit_of_limits_is_billed(master: Client, acme: str) -> None:
    order = {"accountID": acme, "document": "limits", "merge": {"twoway_trunks": 3}}
    assert (await master.post("/sandbox/documents", body=order)).status == 200
    world = master.sandbox.world
    assert world.quantities.own(acme)["limits"] == {"twoway_trunks": 3}
    assert world.quantities.below(master.master)["limits"] == {"twoway_trunks": 3}


@IN_BOTH
async def test_limits_go_with_their_account(master: Client, acme: str) -> None:
    await stored(master, acme, calls=1)
    await master.delete(f"/v2/accounts/{acme}")
    assert (await master.get(limits_of(acme))).status == 404
    assert master.sandbox.world.limits.get(acme) is None

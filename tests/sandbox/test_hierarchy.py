"""Who stands above and beside an account, and its API key."""

from __future__ import annotations

import re

from tests.sandbox.client import IN_4_3, IN_BOTH, Client


@IN_BOTH
async def test_the_tree_goes_from_the_caller_down_to_the_parent(master: Client, compat: str) -> None:
    acme = await master.create("Acme", flags=["f"])
    kid = await master.create("Kid", acme)
    grand = await master.create("Grand", kid)
    as_acme = await master.as_account(acme)
    answer = await master.get(f"/v2/accounts/{grand}/tree")
    assert [row["name"] for row in answer.data] == ["Sandbox Master", "Acme", "Kid"]
    assert [row["id"] for row in (await as_acme.get(f"/v2/accounts/{grand}/tree")).data] == [acme, kid]
    assert (await as_acme.get(f"/v2/accounts/{kid}/tree")).row_ids == [acme]
    assert (await as_acme.get(f"/v2/accounts/{acme}/tree")).data == []
    assert (await master.get(f"/v2/accounts/{master.master}/tree")).data == []
    shown = {"id": acme, "name": "Acme"}
    shown |= {"realm": "acme.example.org", "flags": ["f"]} if compat == "4.3" else {}
    assert answer.data[1] == shown


@IN_BOTH
async def test_the_parents_are_the_same_in_few_words_but_for_the_own_account(
    master: Client, compat: str
) -> None:
    acme = await master.create("Acme")
    kid = await master.create("Kid", acme)
    as_kid = await master.as_account(kid)
    assert (await master.get(f"/v2/accounts/{kid}/parents")).data == [
        {"id": master.master, "name": "Sandbox Master"}, {"id": acme, "name": "Acme"},
    ]  # fmt: skip
    own = (await as_kid.get(f"/v2/accounts/{kid}/parents")).row_ids
    assert own == ([master.master, acme] if compat == "5.0" else [])


async def test_the_parents_of_5_0_crash_in_a_cluster_of_more_than_fifty_accounts(master: Client) -> None:
    for number in range(49):
        account = await master.create(f"n{number}", master.reseller)
    path = f"/v2/accounts/{account}/parents"
    crash = await master.get(path)
    assert (crash.status, crash.body["message"]) == (500, "init failed")
    assert (await master.get(f"{path}?paginate=false")).row_ids == [master.master, master.reseller]


@IN_4_3
async def test_the_parents_of_4_3_do_not(master: Client) -> None:
    for number in range(49):
        account = await master.create(f"n{number}", master.reseller)
    assert (await master.get(f"/v2/accounts/{account}/parents")).row_ids == [master.master, master.reseller]


@IN_BOTH
async def test_siblings_are_the_children_of_the_parent_but_not_for_oneself(
    master: Client, compat: str
) -> None:
    acme = await master.create("Acme")
    a, b = await master.create("a", acme), await master.create("b", acme)
    order = [b, a] if compat == "5.0" else [a, b]
    assert (await master.get(f"/v2/accounts/{a}/siblings")).row_ids == order
    own = await (await master.as_account(a)).get(f"/v2/accounts/{a}/siblings")
    assert (own.status, own.body["message"]) == (403, "forbidden")
    assert (await master.get(f"/v2/accounts/{master.master}/siblings")).data == []


@IN_BOTH
async def test_the_key_is_read_by_the_account_and_those_above(master: Client, nobody: Client) -> None:
    acme = await master.create("Acme")
    kid = await master.create("Kid", acme)
    path = f"/v2/accounts/{acme}/api_key"
    answer = await master.get(path)
    assert re.fullmatch("[0-9a-f]{64}", answer.data["api_key"])
    assert answer.headers["ETag"] == f'"{answer.body["revision"]}"'
    itself = await nobody.log_in(answer.data["api_key"])
    assert (await itself.get(path)).data == answer.data
    assert (await master.get(f"/v2/accounts/{acme}?include_api_key=true")).data["api_key"] == answer.data[
        "api_key"
    ]
    assert (await (await master.as_account(kid)).get(path)).status == 403
    assert (await nobody.get(path)).status == 401

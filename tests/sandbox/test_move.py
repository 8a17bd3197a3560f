"""Moving an account: who may, what moves along, and the parent that is not there."""

from __future__ import annotations

import pytest

from tests.sandbox.client import IN_BOTH, Client

UNKNOWN = "0" * 32


async def above(client: Client, account: str) -> list[str]:
    """The ids from the master down to the parent."""
    answer = await client.get(f"/v2/accounts/{account}/tree")
    return answer.row_ids


@IN_BOTH
async def test_what_stands_below_moves_along_and_is_counted_above(master: Client) -> None:
    top, side = await master.create("Top"), await master.create("Side")
    acme = await master.create("Acme", top)
    kid = await master.create("Kid", acme)
    answer = await master.post(f"/v2/accounts/{acme}/move", {"to": side})
    assert (answer.status, answer.data["id"]) == (200, acme)
    assert await above(master, acme) == [master.master, side]
    assert await above(master, kid) == [master.master, side, acme]
    assert (await master.get(f"/v2/accounts/{top}/descendants")).data == []
    assert set((await master.get(f"/v2/accounts/{side}/descendants")).row_ids) == {acme, kid}
    counts = [
        (await master.read(account)).get("descendants_count", 0) for account in (master.master, top, side)
    ]
    assert counts == [5, 0, 2]


@IN_BOTH
async def test_a_move_changes_who_is_reseller_and_who_may_act(master: Client, reseller: Client) -> None:
    acme = await master.create("Acme")
    kid = await master.create("Kid", acme)
    own = await master.create("Own", acme)
    await master.create("First", own)
    await master.promote(own)
    assert (await reseller.get(f"/v2/accounts/{kid}")).status == 403
    await master.post(f"/v2/accounts/{acme}/move", {"to": reseller.reseller})
    for account in (acme, kid, own):
        assert (await reseller.read(account))["reseller_id"] == reseller.reseller
    first = (await master.get(f"/v2/accounts/{own}/children")).row_ids[0]
    assert (await master.read(first))["reseller_id"] == own
    await master.post(f"/v2/accounts/{acme}/move", {"to": master.master})
    assert (await master.read(kid))["reseller_id"] == master.master
    assert (await reseller.get(f"/v2/accounts/{kid}")).status == 403


@IN_BOTH
async def test_a_move_to_a_parent_that_does_not_exist_is_taken_and_the_tree_is_lost(master: Client) -> None:
    top = await master.create("Top")
    acme = await master.create("Acme", top)
    owner = await master.as_account(top)
    answer = await master.post(f"/v2/accounts/{acme}/move", {"to": UNKNOWN})
    assert answer.status == 200
    assert (await owner.get(f"/v2/accounts/{acme}")).status == 403
    assert master.master not in await above(master, acme)
    listed = (await master.get(f"/v2/accounts/{master.master}/descendants?paginate=false")).row_ids
    assert acme not in listed
    assert (await master.post(f"/v2/accounts/{acme}/move", {"to": top})).status == 200
    assert await above(owner, acme) == [top]


@IN_BOTH
@pytest.mark.parametrize("target", ["a b", " ", '","', ["x", None], {"a": "b"}, 7, True, "ä\n"])
async def test_a_target_that_is_no_id_is_one_unknown_parent(master: Client, target: object) -> None:
    acme = await master.create("Acme")
    kid = await master.create("Kid", acme)
    assert (await master.post(f"/v2/accounts/{acme}/move", {"to": target})).status == 200
    accounts = master.sandbox.world.accounts
    assert accounts.get(acme).tree == (str(target),)
    assert accounts.get(kid).tree == (str(target), acme)
    assert {one.id for one in accounts.subtree(str(target))} == {acme, kid}


@IN_BOTH
async def test_an_empty_target_moves_nothing(master: Client) -> None:
    acme = await master.create("Acme", master.reseller)
    before = (await master.get(f"/v2/accounts/{acme}")).body
    assert (await master.post(f"/v2/accounts/{acme}/move", {"to": ""})).status == 200
    assert await above(master, acme) == [master.master, master.reseller]
    assert (await master.get(f"/v2/accounts/{acme}")).body["revision"] == before["revision"]


@IN_BOTH
async def test_only_a_superduper_admin_moves_and_never_into_its_own_subtree(
    master: Client, reseller: Client
) -> None:
    acme = await reseller.create("Acme", reseller.reseller)
    kid = await reseller.create("Kid", acme)
    for client, account, to in (
        (reseller, kid, reseller.reseller), (master, acme, kid), (master, acme, acme),
        (master, master.master, acme),
    ):  # fmt: skip
        answer = await client.post(f"/v2/accounts/{account}/move", {"to": to})
        assert (answer.status, answer.body["message"]) == (403, "forbidden")
    assert await above(master, kid) == [master.master, reseller.reseller, acme]


@IN_BOTH
@pytest.mark.parametrize("data", [{}, {"to": None}, {"into": UNKNOWN}])
async def test_a_move_needs_a_target(master: Client, data: dict[str, str]) -> None:
    acme = await master.create("Acme")
    answer = await master.post(f"/v2/accounts/{acme}/move", data)
    assert (answer.status, answer.data) == (400, {"to": {"required": {"message": "Field 'to' is required"}}})
    assert (await master.post(f"/v2/accounts/{UNKNOWN}/move", data)).status == 404


@IN_BOTH
async def test_what_an_account_costs_moves_to_the_bills_of_its_new_ancestors(master: Client) -> None:
    top, side = await master.create("Top"), await master.create("Side")
    acme = await master.create("Acme", top)
    kid = await master.create("Kid", acme)
    await master.put(f"/v2/accounts/{kid}/users", {"first_name": "A", "last_name": "B"})
    below = master.sandbox.world.quantities.below
    assert below(top) == {"users": {"user": 1}}
    await master.post(f"/v2/accounts/{acme}/move", {"to": side})
    assert (below(top), below(side)) == ({}, {"users": {"user": 1}})


@IN_BOTH
async def test_if_match_guards_a_move(master: Client) -> None:
    acme, top = await master.create("Acme"), await master.create("Top")
    path = f"/v2/accounts/{acme}/move"
    answer = await master.post(path, {"to": top}, headers={"If-Match": '"1-x"'})
    assert (answer.status, await above(master, acme)) == (412, [master.master])

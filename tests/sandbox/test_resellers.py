"""Promoting and demoting resellers: who may, whom it reaches, and the trap of KAZOO 5.0."""

from __future__ import annotations

from tests.sandbox.client import IN_4_3, IN_BOTH, Client

LOST = {"created", "enabled", "reseller_id", "is_reseller", "billing_mode"}


async def resellers(client: Client, *accounts: str) -> list[str]:
    return [(await client.read(account))["reseller_id"] for account in accounts]


@IN_BOTH
async def test_a_promotion_reaches_everybody_below(master: Client) -> None:
    acme = await master.create("Acme")
    kid = await master.create("Kid", acme)
    grand = await master.create("Grand", kid)
    answer = await master.put(f"/v2/accounts/{acme}/reseller")
    assert (answer.status, answer.data["is_reseller"]) == (201, True)
    assert answer.headers["Location"] == f"/v2/accounts/{acme}/reseller/{acme}"
    assert await resellers(master, acme, kid, grand) == [master.master, acme, acme]
    assert (await master.get(f"/v2/accounts/{grand}")).body["revision"].startswith("2-")
    await master.promote(kid)
    assert await resellers(master, acme, kid, grand) == [master.master, acme, kid]
    late = await master.create("Late", acme)
    assert await resellers(master, late) == [acme]


@IN_BOTH
async def test_a_demotion_gives_them_back_to_the_one_above(master: Client) -> None:
    acme = await master.create("Acme")
    kid = await master.create("Kid", acme)
    grand = await master.create("Grand", kid)
    await master.promote(acme)
    await master.promote(kid)
    refused = await master.delete(f"/v2/accounts/{acme}/reseller")
    assert (refused.status, refused.body["message"]) == (500, "account_has_descendants")
    answer = await master.delete(f"/v2/accounts/{kid}/reseller")
    assert (answer.status, answer.data["is_reseller"], answer.data["_read_only"]) == (
        200, False, {"deleted": True},
    )  # fmt: skip
    assert await resellers(master, acme, kid, grand) == [master.master, acme, acme]
    await master.delete(f"/v2/accounts/{acme}/reseller")
    assert await resellers(master, acme, kid, grand) == [master.master] * 3
    assert (await master.read(kid))["is_reseller"] is False


@IN_BOTH
async def test_doing_it_twice_changes_nothing(master: Client) -> None:
    acme = await master.create("Acme")
    revisions = []
    for method in ("PUT", "PUT", "DELETE", "DELETE"):
        answer = await master.request(method, f"/v2/accounts/{acme}/reseller")
        revisions.append(answer.body["revision"][0])
    assert revisions == ["2", "2", "3", "3"]


@IN_BOTH
async def test_a_reseller_below_refuses_both_ways(master: Client) -> None:
    acme = await master.create("Acme")
    kid = await master.create("Kid", acme)
    await master.promote(kid)
    for method in ("PUT", "DELETE"):
        answer = await master.request(method, f"/v2/accounts/{acme}/reseller")
        assert (answer.status, answer.body["message"]) == (500, "account_has_descendants")
    assert await resellers(master, acme, kid) == [master.master] * 2


@IN_BOTH
async def test_a_wrong_if_match_is_412_and_changes_nothing(master: Client) -> None:
    acme = await master.create("Acme")
    path = f"/v2/accounts/{acme}/reseller"
    assert (await master.put(path, headers={"If-Match": '"1-x"'})).status == 412
    assert (await master.read(acme))["is_reseller"] is False
    right = (await master.get(f"/v2/accounts/{acme}")).headers["ETag"]
    assert (await master.put(path, headers={"If-Match": right})).status == 201


@IN_BOTH
async def test_only_the_master_promotes_and_nobody_the_master(
    master: Client, reseller: Client, nobody: Client
) -> None:
    acme = await reseller.create("Acme", reseller.reseller)
    for method in ("PUT", "DELETE"):
        for who in (reseller, await master.as_account(acme)):
            answer = await who.request(method, f"/v2/accounts/{acme}/reseller")
            assert (answer.status, answer.body["message"]) == (403, "forbidden")
        assert (await master.request(method, f"/v2/accounts/{master.master}/reseller")).status == 403
        assert (await nobody.request(method, f"/v2/accounts/{acme}/reseller")).status == 401
    assert (await master.read(acme))["is_reseller"] is False


async def test_a_reseller_promoted_without_children_cannot_make_one_in_5_0(master: Client) -> None:
    acme = await master.create("Acme")
    await master.promote(acme)
    itself = await master.as_account(acme)
    for who in (itself, master, itself):
        answer = await who.put(f"/v2/accounts/{acme}", {"name": "Kid", "realm": "kid.example.org"})
        assert (answer.status, answer.data["realm"]) == (201, "kid.example.org")
        assert not LOST & set(answer.data)
        assert answer.body["revision"].startswith("1-")
        assert answer.headers["Location"] == f"/v2/accounts/{acme}/{answer.data['id']}"
        assert (await master.get(f"/v2/accounts/{answer.data['id']}")).status == 404
    assert (await master.get(f"/v2/accounts/{acme}/children")).data == []


async def test_the_remedy_is_to_demote_it_to_make_a_child_and_to_promote_it_again(master: Client) -> None:
    acme = await master.create("Acme")
    await master.promote(acme)
    await master.delete(f"/v2/accounts/{acme}/reseller")
    first = await master.create("First", acme)
    await master.promote(acme)
    second = await master.create("Second", acme)
    assert await resellers(master, first, second) == [acme, acme]


async def test_a_child_before_the_promotion_is_enough_and_the_built_in_reseller_has_had_one(
    master: Client, reseller: Client
) -> None:
    acme = await master.create("Acme")
    first = await master.create("First", acme)
    await master.promote(acme)
    await master.delete(f"/v2/accounts/{first}")
    assert "created" in (await master.put(f"/v2/accounts/{acme}", {"name": "Second"})).data
    answer = await reseller.put(f"/v2/accounts/{reseller.reseller}", {"name": "Third"})
    assert "created" in answer.data


@IN_4_3
async def test_a_fresh_reseller_of_4_3_makes_children(master: Client) -> None:
    acme = await master.create("Acme")
    await master.promote(acme)
    kid = await master.create("Kid", acme)
    assert await resellers(master, kid) == [acme]

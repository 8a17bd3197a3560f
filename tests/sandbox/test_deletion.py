"""Deleting accounts: what is refused, and that nothing is left."""

from __future__ import annotations

from tests.sandbox.client import IN_BOTH, Client

FLOW = {"numbers": ["no_match"], "flow": {"module": "offnet"}}


@IN_BOTH
async def test_a_deleted_account_is_shown_once_more_and_gone(master: Client, compat: str) -> None:
    account = await master.create("Acme", org="Acme Inc")
    await master.put(f"/v2/accounts/{account}/callflows", FLOW)
    stored = (await master.state())[account]["account"]
    answer = await master.delete(f"/v2/accounts/{account}")
    assert answer.status == 200
    added = {"created", "is_reseller", "reseller_id", "superduper_admin", "wnm_allow_additions"}
    added |= {"enabled"} if compat == "5.0" else set()
    left = {key: value for key, value in stored.items() if key not in added}
    assert answer.data == {**left, "_read_only": {"deleted": True}}
    for path in ("", "/children", "/callflows", "/ledgers/total"):
        gone = await master.get(f"/v2/accounts/{account}{path}")
        assert (gone.status, gone.data["cause"]) == (404, account)
    assert (await master.delete(f"/v2/accounts/{account}")).status == 404
    assert account not in await master.state()


@IN_BOTH
async def test_a_deleted_account_leaves_lists_and_searches_and_frees_its_name_and_realm(
    master: Client,
) -> None:
    account = await master.create("Acme", master.reseller)
    assert (await master.read(master.reseller))["descendants_count"] == 1
    await master.delete(f"/v2/accounts/{account}")
    own = f"/v2/accounts/{master.master}"
    assert (await master.get(f"{own}/descendants")).row_ids == [master.reseller]
    for query in ("q=name&v=acme", "q=realm&v=acme", f"q=id&v={account}"):
        assert (await master.get(f"{own}/search?t=account&{query}")).data == []
    assert "descendants_count" not in await master.read(master.reseller)
    again = await master.create("Acme", master.reseller)
    assert again != account
    total = await master.get(f"/v2/accounts/{again}/ledgers/total")
    assert total.data == {"amount": 0.0}
    assert (await master.get(f"/v2/accounts/{again}/callflows")).data == []


@IN_BOTH
async def test_the_token_and_the_key_of_a_deleted_account_are_worth_nothing(
    master: Client, nobody: Client
) -> None:
    account = await master.create("Acme")
    itself = await master.as_account(account)
    key = (await itself.get(f"/v2/accounts/{account}/api_key")).data["api_key"]
    assert (await itself.delete("/v2/account")).status == 200
    assert (await itself.get("/v2/account")).status == 401
    assert (await itself.get(f"/v2/accounts/{master.master}")).status == 401
    assert (await nobody.put("/v2/api_auth", {"api_key": key})).status == 404


@IN_BOTH
async def test_an_account_with_others_below_it_is_refused_with_500_until_they_are_gone(
    master: Client,
) -> None:
    account = await master.create("Acme")
    child = await master.create("Kid", account)
    for _ in range(2):
        refused = await master.delete(f"/v2/accounts/{account}")
        assert (refused.status, refused.body["message"]) == (500, "account_has_descendants")
        assert refused.data == {"message": "account has descendants"}
    assert (await master.delete(f"/v2/accounts/{child}")).status == 200
    assert (await master.delete(f"/v2/accounts/{account}")).status == 200


@IN_BOTH
async def test_an_orphan_of_a_cut_create_does_not_hold_its_parent(master: Client) -> None:
    account = await master.create("Acme")
    await master.fault({"cut": "early"}, "PUT")
    before = set(await master.state())
    answer = await no_answer(master, f"/v2/accounts/{account}")
    (orphan,) = set(await master.state()) - before
    assert answer
    assert (await master.delete(f"/v2/accounts/{account}")).status == 200
    assert (await master.delete(f"/v2/accounts/{orphan}")).status == 200
    assert set(await master.state()) == {master.master, master.reseller}


async def no_answer(client: Client, path: str) -> bool:
    """Whether the connection of a create is reset; the session must not send it twice."""
    client.session._retry_connection = False
    try:
        await client.put(path, {"name": "Kid"})
    except OSError:
        return True
    return False


@IN_BOTH
async def test_the_master_has_no_delete(master: Client, reseller: Client, compat: str) -> None:
    for path in (f"/v2/accounts/{master.master}", "/v2/account"):
        answer = await master.delete(path)
        assert (answer.status, answer.body["message"]) == (405, "invalid_method")
    assert (await reseller.delete(f"/v2/accounts/{master.master}")).status == 405
    tunnelled = await master.post(f"/v2/accounts/{master.master}?verb=delete", {})
    assert tunnelled.status == 405
    assert ("Content-Type" in tunnelled.headers) == (compat == "4.3")


@IN_BOTH
async def test_any_if_match_keeps_a_delete_from_happening(master: Client) -> None:
    account = await master.create("Acme")
    path = f"/v2/accounts/{account}"
    right = (await master.get(path)).headers["ETag"]
    for tag in (right, '"1-x"'):
        answer = await master.delete(path, headers={"If-Match": tag})
        assert (answer.status, answer.text) == (412, "")
    assert (await master.get(path)).status == 200


@IN_BOTH
async def test_an_open_port_request_is_a_fault_on_order(master: Client) -> None:
    account = await master.create("Acme")
    await master.fault({"status": 500, "message": "account_has_active_port"}, "DELETE")
    answer = await master.delete(f"/v2/accounts/{account}")
    assert (answer.status, answer.body["message"]) == (500, "account_has_active_port")
    assert answer.data == {"message": "Account has active port request"}
    assert (await master.delete(f"/v2/accounts/{account}")).status == 200


@IN_BOTH
async def test_strangers_and_children_delete_nobody(master: Client, nobody: Client) -> None:
    account = await master.create("Acme")
    child, stranger = await master.create("Kid", account), await master.create("Stranger")
    for who in (await master.as_account(child), await master.as_account(stranger)):
        assert (await who.delete(f"/v2/accounts/{account}")).status == 403
    assert (await nobody.delete(f"/v2/accounts/{account}")).status == 401


@IN_BOTH
async def test_a_verb_in_the_data_of_a_create_deletes_the_parent_in_the_path(master: Client) -> None:
    account = await master.create("Acme")
    await master.put(f"/v2/accounts/{account}", {"name": "Kid", "verb": "delete"})
    assert (await master.get(f"/v2/accounts/{account}")).status == 404


async def test_the_built_in_reseller_can_be_deleted_and_a_reset_brings_it_back(master: Client) -> None:
    assert (await master.delete(f"/v2/accounts/{master.reseller}")).status == 200
    await master.post("/sandbox/reset")
    assert (await master.read(master.reseller))["is_reseller"] is True


@IN_BOTH
async def test_an_account_that_comes_back_under_its_old_id_finds_nothing_of_the_old_one(
    master: Client,
) -> None:
    account = await master.create("Acme")
    await master.put(f"/v2/accounts/{account}/callflows", FLOW)
    await master.promote(account)
    await master.delete(f"/v2/accounts/{account}")
    assert await master.create("Acme", id=account) == account
    state = (await master.state())[account]
    assert (state["callflows"], len(state["ledgers"]), state["account"]["is_reseller"]) == ([], 1, False)
    kid = await master.create("Kid", account)
    assert (await master.read(kid))["reseller_id"] == master.master

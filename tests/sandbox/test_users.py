"""Users: documents and their credentials, and what neither tells."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.sandbox.client import IN_4_3, IN_BOTH, Client
from tests.sandbox.credentials import logged_in

UNKNOWN = "0" * 32
ADA = {"first_name": "Ada", "last_name": "Byron", "username": "Ada", "password": "Passw0rd-1"}


async def created(client: Client, account: str, **fields: Any) -> str:
    """A user with what Ada has and these fields, by its id."""
    answer = await client.put(f"/v2/accounts/{account}/users", {**ADA, **fields})
    assert answer.status == 201, answer
    return str(answer.data["id"])


@pytest.fixture
async def account(master: Client) -> str:
    return await master.create("Acme")


async def test_a_create_fills_in_defaults_and_hides_the_password(master: Client, account: str) -> None:
    answer = await master.put(f"/v2/accounts/{account}/users", ADA)
    assert answer.data["username"] == "ada"
    assert answer.data["priv_level"] == "user"
    assert answer.data["hotdesk"] == {
        "enabled": False,
        "keep_logged_in_elsewhere": False,
        "require_pin": False,
    }
    assert "password" not in answer.data
    assert answer.headers["Location"] == f"/v2/accounts/{account}/users/{answer.data['id']}"
    read = await master.get(f"/v2/accounts/{account}/users/{answer.data['id']}")
    assert read.data == answer.data
    assert ADA["password"] not in str((await master.state())[account])


@IN_BOTH
async def test_defaults_also_go_into_objects_that_are_sent(master: Client, account: str) -> None:
    fields = {"media": {"encryption": {"methods": ["srtp"]}}, "call_forward": {"number": "+14085550100"}}
    user = await created(master, account, **fields)
    data = (await master.get(f"/v2/accounts/{account}/users/{user}")).data
    assert data["media"] == {
        "audio": {},
        "encryption": {"enforce_security": False, "methods": ["srtp"]},
        "video": {"codecs": []},
    }
    assert data["call_forward"]["substitute"] is True


@IN_BOTH
async def test_a_username_is_unique_in_its_account_only(master: Client, account: str) -> None:
    await created(master, account)
    taken = await master.put(f"/v2/accounts/{account}/users", {**ADA, "username": "ADA"})
    assert (taken.status, taken.data) == (
        400,
        {"username": {"unique": {"message": "Username must be unique within account", "cause": "ada"}}},
    )
    await created(master, await master.create("Bolt"))


@IN_BOTH
async def test_a_deleted_user_frees_its_name_and_its_token_goes_on_working(
    master: Client, account: str
) -> None:
    user = await created(master, account)
    ada = await logged_in(master, "ada", "Passw0rd-1", "acme.example.org")
    path = f"/v2/accounts/{account}/users/{user}"
    deleted = await master.delete(path)
    assert (deleted.status, deleted.data["_read_only"]) == (200, {"deleted": True})
    assert (await master.get(path)).status == 404
    assert (await master.get(f"/v2/accounts/{account}/users")).data == []
    assert (await ada.get(f"/v2/accounts/{account}")).status == 200
    await created(master, account)


@IN_BOTH
async def test_a_new_password_makes_the_tokens_of_the_user_worthless(master: Client, account: str) -> None:
    user = await created(master, account)
    ada = await logged_in(master, "ada", "Passw0rd-1", "acme.example.org")
    await master.patch(f"/v2/accounts/{account}/users/{user}", {"last_name": "King"})
    assert (await ada.get("/v2/account")).status == 200
    await master.patch(f"/v2/accounts/{account}/users/{user}", {"password": "An0ther-1"})
    answer = await ada.get(f"/v2/accounts/{account}")
    assert (answer.status, answer.body["message"]) == (401, "invalid_credentials")
    await logged_in(master, "ada", "An0ther-1", "acme.example.org")


@IN_BOTH
async def test_a_post_without_a_level_demotes_and_one_without_a_name_drops_the_credentials(
    master: Client, account: str
) -> None:
    user = await created(master, account, priv_level="admin")
    path = f"/v2/accounts/{account}/users/{user}"
    name = {"first_name": "Ada", "last_name": "Byron"}
    assert (await master.post(path, {**name, "username": "ada"})).data["priv_level"] == "user"
    assert (await master.post(path, name)).status == 200
    with pytest.raises(AssertionError, match="invalid_credentials"):
        await logged_in(master, "ada", "Passw0rd-1", "acme.example.org")


async def test_a_password_without_a_name_invents_one(master: Client, account: str) -> None:
    person = {"first_name": "Ada", "last_name": "Byron", "password": "x"}
    answer = await master.put(f"/v2/accounts/{account}/users", person)
    assert answer.data["username"].startswith("user_")


@IN_BOTH
async def test_a_plain_user_may_make_itself_administrator(master: Client, account: str) -> None:
    user = await created(master, account)
    ada = await logged_in(master, "ada", "Passw0rd-1", "acme.example.org")
    answer = await ada.patch(f"/v2/accounts/{account}/users/{user}", {"priv_level": "admin"})
    assert (answer.status, answer.data["priv_level"]) == (200, "admin")


@IN_BOTH
async def test_if_match_guards_a_patch_and_a_delete(master: Client, account: str) -> None:
    path = f"/v2/accounts/{account}/users/{await created(master, account)}"
    stale = (await master.get(path)).headers["ETag"]
    assert (await master.patch(path, {"last_name": "King"}, headers={"If-Match": stale})).status == 200
    assert (await master.patch(path, {"last_name": "Byron"}, headers={"If-Match": stale})).status == 412
    assert (await master.delete(path, headers={"If-Match": stale})).status == 412
    assert (await master.get(path)).data["last_name"] == "King"
    right = (await master.get(path)).headers["ETag"]
    assert (await master.delete(path, headers={"If-Match": right})).status == 200


async def test_if_match_on_a_post_is_always_412_and_writes_nothing(master: Client, account: str) -> None:
    path = f"/v2/accounts/{account}/users/{await created(master, account)}"
    right = (await master.get(path)).headers["ETag"]
    answer = await master.post(path, {**ADA, "last_name": "King"}, headers={"If-Match": right})
    assert (answer.status, answer.text) == (412, "")
    after = await master.get(path)
    assert (after.data["last_name"], after.headers["ETag"]) == ("Byron", right)


@IN_4_3
async def test_if_match_on_a_post_works_in_4_3(master: Client, account: str) -> None:
    path = f"/v2/accounts/{account}/users/{await created(master, account)}"
    right = (await master.get(path)).headers["ETag"]
    answer = await master.post(path, {**ADA, "last_name": "King"}, headers={"If-Match": right})
    assert (answer.status, answer.data["last_name"]) == (200, "King")


async def test_users_are_listed_by_name_from_the_last_to_the_first(master: Client, account: str) -> None:
    people = [("Bo", "Adams"), ("Ada", "byron"), ("Cy", "Byron"), ("Di", "Zed")]
    for first, last in people:
        fields = {"first_name": first, "last_name": last, "username": first, "timezone": "UTC"}
        await created(master, account, **fields)
    path = f"/v2/accounts/{account}/users"
    rows = (await master.get(path)).data
    assert [row["first_name"] for row in rows] == ["Di", "Cy", "Ada", "Bo"]
    assert rows[0]["timezone"] == "UTC"
    page = await master.get(f"{path}?page_size=3&ascending=true")
    following = await master.get(f"{path}?ascending=true&start_key={page.body['next_start_key']}")
    assert [row["first_name"] for row in following.data] == ["Di"]


@IN_BOTH
async def test_what_is_switched_on_is_listed_as_a_feature(master: Client, account: str) -> None:
    await created(
        master, account, hotdesk={"enabled": True}, caller_id={"internal": {"number": "101"}},
        vm_to_email_enabled=False,
    )  # fmt: skip
    row = (await master.get(f"/v2/accounts/{account}/users")).data[0]
    assert row["features"] == ["hotdesk", "caller_id"]


@IN_BOTH
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_user_is_404(master: Client, account: str, method: str) -> None:
    data = None if method == "GET" else {"first_name": "A", "last_name": "B"}
    answer = await master.request(method, f"/v2/accounts/{account}/users/{UNKNOWN}", data)
    assert (answer.status, answer.body["message"]) == (404, "bad_identifier")
    assert answer.data["cause"] == UNKNOWN


@pytest.mark.parametrize(("compat", "status"), [("5.0", 400), ("4.3", 404)])
async def test_a_patch_of_an_unknown_user_is_judged_first_in_5_0(
    master: Client, account: str, status: int
) -> None:
    assert (await master.patch(f"/v2/accounts/{account}/users/{UNKNOWN}", {})).status == status


@pytest.mark.parametrize(
    ("compat", "kinds"), [("5.0", {"minLength"}), ("4.3", {"minLength", "wrong_format"})]
)
async def test_of_several_faults_of_one_field_5_0_tells_one(
    master: Client, account: str, kinds: set[str]
) -> None:
    answer = await master.put(f"/v2/accounts/{account}/users", {**ADA, "email": "x"})
    assert (answer.status, set(answer.data["email"])) == (400, kinds)


@IN_BOTH
async def test_users_of_others_are_403_and_parents_and_the_account_itself_may_do_all(
    master: Client, reseller: Client
) -> None:
    acme = await reseller.create("Acme", reseller.reseller)
    user = await created(reseller, acme)
    itself = await master.as_account(acme)
    stranger = await master.as_account(await master.create("Stranger"))
    path = f"/v2/accounts/{acme}/users/{user}"
    for client, status in ((master, 200), (reseller, 200), (itself, 200), (stranger, 403)):
        assert (await client.get(path)).status == status
        assert (await client.patch(path, {"last_name": "King"})).status == status
    refused = await stranger.put(f"/v2/accounts/{acme}/users", ADA)
    assert (refused.status, refused.body["message"]) == (403, "forbidden")


@IN_BOTH
async def test_users_end_with_their_account_and_an_unfinished_account_has_no_list(
    master: Client, account: str
) -> None:
    await created(master, account)
    await master.delete(f"/v2/accounts/{account}")
    await master.fault({"cut": "late"})
    master.session._retry_connection = False
    with pytest.raises(aiohttp.ClientError):
        await master.create("Half")
    half = next(id_ for id_, held in (await master.state()).items() if held["account"]["name"] == "Half")
    assert (await master.get(f"/v2/accounts/{half}/users")).status == 503
    assert account not in await master.state()


@IN_BOTH
async def test_enabled_users_are_counted_by_their_level(master: Client, account: str) -> None:
    for name, fields in (("a", {}), ("b", {"priv_level": "admin"}), ("c", {"enabled": False}), ("d", {})):
        await created(master, account, username=name, **fields)
    user = next(user for user in master.sandbox.world.users.of(account) if user.document["username"] == "d")
    await master.delete(f"/v2/accounts/{account}/users/{user.id}")
    assert master.sandbox.world.users.counted(account) == {"user": 1, "admin": 1}

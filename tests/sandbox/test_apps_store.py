"""Apps: what an account is offered, what it installs, what those above it block, and what that costs."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.sandbox.app import STOCK
from tests.sandbox.client import IN_BOTH, Client
from tests.sandbox.credentials import hashed, logged_in

UNKNOWN = "0" * 32
PRICED = {
    "account_apps": {"fax": {"rate": 5, "cascade": True}},
    "user_apps": {"fax": {"rate": 0, "cascade": True}},
}
"""A plan that bills an app, and its users at price 0."""


@pytest.fixture
async def branch(reseller: Client) -> str:
    """An account of the built-in reseller."""
    return await reseller.create("Branch", reseller.reseller)


@pytest.fixture
async def itself(reseller: Client, branch: str) -> Client:
    """A client of that account."""
    return await reseller.as_account(branch)


@pytest.fixture
async def apps(master: Client) -> dict[str, str]:
    """The ids of the catalogue by name."""
    state = (await master.get("/sandbox/state")).body
    return {app["name"]: app["id"] for app in state["apps"]}


def store_of(account: str, *rest: str) -> str:
    return "/".join(["/v2/accounts", account, "apps_store", *rest])


async def names(client: Client, account: str) -> set[str]:
    """The names in the list of an account."""
    answer = await client.get(store_of(account))
    assert answer.status == 200, answer
    return {row["name"] for row in answer.data}


async def blocked(client: Client, account: str, *ids: str, **envelope: Any) -> int:
    """Replace the blacklist of an account; the status."""
    body = {"data": {"blacklist": list(ids)}, **envelope}
    return (await client.post(store_of(account, "blacklist"), body=body)).status


async def edited(client: Client, account: str, document: str, merge: dict[str, Any]) -> Any:
    """An edit behind KAZOO's back; what came of it."""
    order = {"accountID": account, "document": document, "merge": merge}
    answer = await client.post("/sandbox/documents", body=order)
    assert answer.status == 200, answer
    return answer.body["value"]


async def sold(client: Client, vendor: str, account: str, **document: Any) -> None:
    """Assign a new plan of the vendor to an account."""
    plan = await edited(client, vendor, "plan", {"name": "Apps", "plan": {}, **document})
    answer = await client.post(f"/v2/accounts/{account}/services", {"add": [plan["id"]]})
    assert answer.status == 200, answer


# the catalogue


@IN_BOTH
async def test_a_fresh_sandbox_offers_its_catalogue_to_everybody(
    master: Client, reseller: Client, branch: str, itself: Client
) -> None:
    for client, account in (
        (master, master.master),
        (reseller, reseller.reseller),
        (itself, branch),
        (master, branch),
    ):
        assert await names(client, account) == set(STOCK)


async def test_a_list_is_whole_and_has_neither_a_revision_nor_a_tag(
    master: Client, apps: dict[str, str]
) -> None:
    answer = await master.get(store_of(master.master) + "?page_size=2")
    assert len(answer.data) == len(STOCK)
    assert not {"revision", "page_size", "start_key"} & set(answer.body)
    assert "ETag" not in answer.headers
    (voip,) = (row for row in answer.data if row["name"] == "voip")
    assert (voip["id"], voip["account_id"]) == (apps["voip"], master.master)
    assert (voip["users"], voip["masqueradable"], voip["i18n"]["en-US"]["label"]) == ([], True, "SmartPBX")
    assert not {"allowed_users", "phase", "extends", "published"} & set(voip)


async def test_ids_of_apps_are_the_same_at_every_start(master: Client, apps: dict[str, str]) -> None:
    await master.post("/sandbox/reset")
    state = (await master.get("/sandbox/state")).body
    assert {app["name"]: app["id"] for app in state["apps"]} == apps
    assert set(apps) == set(STOCK)


@IN_BOTH
async def test_one_app_is_told_whole(itself: Client, branch: str, apps: dict[str, str]) -> None:
    answer = await itself.get(store_of(branch, apps["voip"]))
    told = {key: answer.data[key] for key in ("id", "name", "published", "authority", "price")}
    assert told == {
        "id": apps["voip"], "name": "voip", "published": True, "authority": "master_account", "price": 0,
    }  # fmt: skip
    unknown = await itself.get(store_of(branch, UNKNOWN))
    assert (unknown.status, unknown.body["message"]) == (404, "bad_identifier")
    assert unknown.data == {"details": UNKNOWN, "message": "bad identifier"}


@IN_BOTH
async def test_a_new_app_of_the_catalogue_is_offered_to_everybody(
    master: Client, branch: str, itself: Client
) -> None:
    app = await edited(master, master.master, "app", {"name": "dialer", "tags": ["sales"]})
    (row,) = (row for row in (await itself.get(store_of(branch))).data if row["name"] == "dialer")
    assert (row["id"], row["tags"]) == (app["id"], ["sales"])
    again = await edited(master, master.master, "app", {"name": "dialer", "published": False})
    assert again["id"] == app["id"]
    assert "dialer" not in await names(itself, branch)
    assert "dialer" in await names(master, master.master), "the master is offered everything"


async def test_an_app_of_another_account_is_offered_to_nobody_without_a_plan(
    master: Client, branch: str, itself: Client
) -> None:
    await edited(master, master.reseller, "app", {"name": "dialer"})
    assert await names(itself, branch) == set(STOCK)
    assert await names(master, master.master) == set(STOCK)


@IN_BOTH
async def test_who_may_look_at_the_apps_of_an_account(
    master: Client, reseller: Client, nobody: Client, branch: str, apps: dict[str, str]
) -> None:
    beside = await master.as_account(await master.create("Beside", master.reseller))
    for path in (store_of(branch), store_of(branch, apps["voip"])):
        assert [(await client.get(path)).status for client in (master, reseller, beside, nobody)] == [
            200, 200, 403, 401,
        ]  # fmt: skip
    assert (await master.get(store_of(UNKNOWN))).status == 404
    assert (await master.get("/v2/apps_store")).status == 500
    assert (await reseller.get("/v2/apps_store")).status == 403


# installing


@IN_BOTH
async def test_to_install_or_uninstall_twice_is_a_400(
    itself: Client, branch: str, apps: dict[str, str]
) -> None:
    path = store_of(branch, apps["voip"])
    for method in ("POST", "DELETE"):
        answer = await itself.request(method, path, {"allowed_users": "all"})
        assert (answer.status, answer.body["message"]) == (400, "Application is not installed")
        assert answer.data == {}
    installed = await itself.put(path, {"allowed_users": "all"})
    assert (installed.status, installed.data) == (201, {"allowed_users": "all", "name": "voip"})
    assert installed.headers["Location"] == f"{path}/apps_store"
    again = await itself.put(path, {"allowed_users": "admins"})
    assert (again.status, again.body["message"], again.data) == (400, "Application already installed", {})
    assert (await itself.state())[branch]["apps"] == {apps["voip"]: installed.data}
    gone = await itself.delete(path)
    assert (gone.status, gone.data) == (200, {})
    assert (await itself.delete(path)).status == 400
    assert (await itself.state())[branch]["apps"] == {}


@IN_BOTH
async def test_a_post_replaces_the_permission_and_the_list_shows_it(
    itself: Client, branch: str, apps: dict[str, str]
) -> None:
    path = store_of(branch, apps["voip"])
    await itself.put(path, {"allowed_users": "all", "note": "x"})
    answer = await itself.post(path, {"allowed_users": "specific", "users": ["ada"]})
    assert (answer.status, answer.data) == (
        200, {"allowed_users": "specific", "users": ["ada"], "name": "voip"},
    )  # fmt: skip
    (row,) = (row for row in (await itself.get(store_of(branch))).data if row["name"] == "voip")
    assert (row["allowed_users"], row["users"]) == ("specific", ["ada"])
    whole = (await itself.get(path)).data
    assert (whole["authority"], "note" in whole) == ("app_store", False)


@IN_BOTH
async def test_an_unknown_app_is_403_to_whoever_writes(itself: Client, branch: str) -> None:
    for method in ("PUT", "POST", "DELETE"):
        answer = await itself.request(method, store_of(branch, UNKNOWN), {"allowed_users": "all"})
        assert (answer.status, answer.data) == (403, {"details": UNKNOWN, "message": "forbidden"})


@IN_BOTH
@pytest.mark.parametrize("data", [{}, {"allowed_users": "everybody"}, {"allowed_users": 5}])
async def test_unknown_users_are_answered_with_the_whole_document_and_stored_nowhere(
    itself: Client, branch: str, apps: dict[str, str], data: dict[str, Any]
) -> None:
    await itself.put(store_of(branch, apps["fax"]), {"allowed_users": "all"})
    before = (await itself.state())[branch]["apps"]
    answer = await itself.put(store_of(branch, apps["voip"]), data)
    assert (answer.status, answer.data) == (201, {"id": "apps_store", "apps": before})
    changed = await itself.post(store_of(branch, apps["fax"]), data)
    assert (changed.status, changed.data) == (200, {"id": "apps_store", "apps": before})
    assert (await itself.state())[branch]["apps"] == before
    assert (await itself.put(store_of(branch, apps["voip"]), [])).status == 500


@IN_BOTH
async def test_a_blocked_app_takes_unknown_users_and_then_cannot_be_unblocked(
    reseller: Client, itself: Client, branch: str, apps: dict[str, str]
) -> None:
    assert await blocked(reseller, branch, apps["voip"]) == 200
    installed = await itself.put(store_of(branch, apps["voip"]), {"allowed_users": "everybody"})
    assert installed.data == {"allowed_users": "everybody", "name": "voip"}
    answer = await reseller.post(store_of(branch, "blacklist"), {"blacklist": []})
    assert (answer.status, answer.data["id"]) == (200, "apps_store")
    assert (await reseller.state())[branch]["blacklist"] == [apps["voip"]]
    assert (await itself.delete(store_of(branch, apps["voip"]))).status == 200
    assert await blocked(reseller, branch) == 200


@IN_BOTH
async def test_whoever_may_act_on_an_account_installs(
    master: Client, reseller: Client, nobody: Client, itself: Client, branch: str, apps: dict[str, str]
) -> None:
    beside = await master.as_account(await master.create("Beside", master.reseller))
    path = store_of(branch, apps["voip"])
    for client in (master, reseller, itself):
        assert (await client.put(path, {"allowed_users": "all"})).status == 201
        assert (await client.delete(path)).status == 200
    assert (await beside.put(path, {"allowed_users": "all"})).status == 403
    assert (await nobody.put(path, {"allowed_users": "all"})).status == 401
    assert (await master.put(store_of(UNKNOWN, apps["voip"]), {"allowed_users": "all"})).status == 404


# the blacklist


@IN_BOTH
async def test_a_post_of_the_blacklist_replaces_it_and_without_the_member_clears_it(
    reseller: Client, branch: str
) -> None:
    path = store_of(branch, "blacklist")
    for sent, kept in (
        ({"blacklist": ["b", "nosuch", "b"]}, ["b", "nosuch", "b"]),
        ({"blacklist": ["a"]}, ["a"]),
        ({}, []),
        ({"blacklist": "text"}, "text"),
        ({"blacklist": None}, []),
        ({"blacklist": [1], "other": 5}, [1]),
    ):
        posted = await reseller.post(path, sent)
        assert (posted.status, posted.data) == (200, {"blacklist": kept})
        read = await reseller.get(path)
        assert read.data == posted.data
        assert read.body["revision"] == posted.body["revision"]
        assert (await reseller.state())[branch]["blacklist"] == kept
    assert (await reseller.post(path, [])).status == 500


@IN_BOTH
async def test_only_those_strictly_above_an_account_see_and_change_its_blacklist(
    master: Client, reseller: Client, nobody: Client, branch: str, itself: Client
) -> None:
    below = await itself.create("Below", branch)
    beside = await master.as_account(await master.create("Beside", master.reseller))
    for client, account, status in (
        (master, branch, 200),
        (reseller, branch, 200),
        (itself, branch, 403),
        (beside, branch, 403),
        (nobody, branch, 401),
        (itself, below, 200),
        (reseller, below, 200),
        (reseller, master.reseller, 403),
        (master, master.reseller, 200),
        (master, master.master, 403),
        (master, UNKNOWN, 404),
    ):
        assert (await client.get(store_of(account, "blacklist"))).status == status, account
        assert await blocked(client, account, "x") == status, account
    assert (await master.get("/v2/apps_store/blacklist")).status == 500


@IN_BOTH
async def test_the_list_of_an_account_hides_what_is_blocked_and_that_of_its_reseller_does_not(
    reseller: Client, branch: str, itself: Client, apps: dict[str, str]
) -> None:
    assert await blocked(reseller, branch, apps["fax"], "nosuch") == 200
    assert await names(itself, branch) == set(STOCK) - {"fax"}
    assert await names(reseller, branch) == set(STOCK) - {"fax"}, "whoever asks: it is the account's list"
    assert await names(reseller, reseller.reseller) == set(STOCK)
    found = (await itself.get(store_of(branch, apps["fax"]))).data
    assert (found["published"], found["authority"]) == (False, "app_store_blacklist")
    installed = await itself.put(store_of(branch, apps["fax"]), {"allowed_users": "all"})
    assert installed.status == 201, "what is blocked may be installed all the same"
    assert await blocked(reseller, branch) == 200
    assert await names(itself, branch) == set(STOCK)


@IN_BOTH
async def test_a_blacklist_that_nobody_wrote_is_empty_and_has_a_revision(
    reseller: Client, branch: str
) -> None:
    path = store_of(branch, "blacklist")
    fresh = await reseller.get(path)
    assert (fresh.data, fresh.body["revision"][:2]) == ({"blacklist": []}, "1-")
    assert await blocked(reseller, branch) == 200
    assert (await reseller.get(path)).data == fresh.data


@IN_BOTH
async def test_if_match_guards_a_blacklist(reseller: Client, branch: str) -> None:
    path = store_of(branch, "blacklist")
    first = (await reseller.get(path)).headers["ETag"]
    good = await reseller.post(path, {"blacklist": ["a"]}, headers={"If-Match": first})
    stale = await reseller.post(path, {"blacklist": ["b"]}, headers={"If-Match": first})
    assert (good.status, stale.status) == (200, 412)
    assert (await reseller.get(path)).data == {"blacklist": ["a"]}


@IN_BOTH
async def test_the_409_of_a_first_blacklist_is_a_fault_on_order(
    reseller: Client, branch: str, apps: dict[str, str]
) -> None:
    await reseller.fault({"status": 409}, "POST", "apps_store/blacklist")
    refused = await reseller.post(store_of(branch, "blacklist"), {"blacklist": [apps["fax"]]})
    assert (refused.status, refused.body["message"]) == (409, "datastore_conflict")
    assert await blocked(reseller, branch, apps["fax"]) == 200


@IN_BOTH
async def test_an_edit_of_a_blacklist_behind_kazoos_back_knows_no_rules(
    reseller: Client, branch: str, itself: Client, apps: dict[str, str]
) -> None:
    await edited(reseller, branch, "blacklist", {"blacklist": [apps["fax"], 5]})
    assert (await reseller.get(store_of(branch, "blacklist"))).data == {"blacklist": [apps["fax"], 5]}
    assert "fax" not in await names(itself, branch)
    await edited(reseller, branch, "blacklist", {"blacklist": None, "apps": {apps["voip"]: {"name": "voip"}}})
    state = (await reseller.state())[branch]
    assert (state["blacklist"], state["apps"]) == ([], {apps["voip"]: {"name": "voip"}})


@IN_BOTH
async def test_apps_go_with_their_account(master: Client, apps: dict[str, str]) -> None:
    acme = await master.create("Acme", id="a" * 32)
    assert await blocked(master, acme, apps["fax"]) == 200
    await edited(master, acme, "app", {"name": "dialer"})
    await master.delete(f"/v2/accounts/{acme}")
    await master.create("Acme", id="a" * 32)
    state = (await master.get("/sandbox/state")).body
    assert state["accounts"][acme]["blacklist"] == []
    assert {app["name"] for app in state["apps"]} == set(STOCK)


# service plans and whitelabels


@IN_BOTH
async def test_a_service_plan_publishes_and_withdraws_apps(
    master: Client, reseller: Client, branch: str, itself: Client, apps: dict[str, str]
) -> None:
    await edited(master, master.master, "app", {"name": "dialer", "published": False})
    dialer = (await edited(master, master.master, "app", {"name": "dialer"}))["id"]
    said = {apps["fax"]: {"enabled": False}, dialer: {"enabled": True}, apps["voip"]: {}, UNKNOWN: {}}
    await sold(master, master.reseller, branch, applications=said)
    assert await names(itself, branch) == set(STOCK) - {"fax"} | {"dialer"}
    assert (await itself.get(store_of(branch, apps["fax"]))).data["authority"] == "service_plan"
    assert (await reseller.get(f"/v2/accounts/{branch}/services/summary")).data["applications"] == said
    assert await blocked(reseller, branch, dialer) == 200
    assert "dialer" not in await names(itself, branch)


@IN_BOTH
async def test_an_account_whose_plans_say_nothing_is_offered_what_its_reseller_is(
    master: Client, reseller: Client, branch: str, itself: Client, apps: dict[str, str]
) -> None:
    said = {apps["fax"]: {"enabled": False}}
    await sold(master, master.master, master.reseller, applications=said)
    assert await names(reseller, reseller.reseller) == set(STOCK) - {"fax"}
    assert await names(itself, branch) == set(STOCK) - {"fax"}
    await sold(master, master.reseller, branch, applications={apps["pbxs"]: {"enabled": False}})
    assert await names(itself, branch) == set(STOCK) - {"pbxs"}, "only its own now"
    assert await names(master, await master.create("Acme")) == set(STOCK)


@IN_BOTH
async def test_a_plan_offers_an_app_of_its_vendor(master: Client, branch: str, itself: Client) -> None:
    app = (await edited(master, master.reseller, "app", {"name": "dialer"}))["id"]
    named = {"vendor_id": master.reseller, "enabled": True}
    await sold(master, master.reseller, branch, applications={app: named})
    (row,) = (row for row in (await itself.get(store_of(branch))).data if row["name"] == "dialer")
    assert (row["id"], row["account_id"]) == (app, master.reseller)
    await edited(master, master.reseller, "plan", {"name": "Apps", "applications": {app: {"enabled": False}}})
    assert await names(itself, branch) == set(STOCK)


@IN_BOTH
async def test_a_whitelabel_hides_the_app_for_porting_except_from_resellers(
    master: Client, reseller: Client, branch: str, itself: Client
) -> None:
    await edited(master, master.master, "app", {"name": "port"})
    path = "/v2/accounts/{}/whitelabel"
    assert (await itself.put(path.format(branch), {"hide_port": True})).status == 201
    assert (await reseller.post(path.format(master.reseller), {"hide_port": True})).status == 200
    assert "port" not in await names(itself, branch)
    assert "port" in await names(reseller, reseller.reseller)


# logging in


@IN_BOTH
async def test_who_logs_in_with_a_key_is_told_the_apps_of_the_account(
    reseller: Client, nobody: Client, branch: str, apps: dict[str, str]
) -> None:
    assert await blocked(reseller, branch, apps["fax"]) == 200
    key = (await reseller.get(f"/v2/accounts/{branch}/api_key")).data["api_key"]
    told = (await nobody.put("/v2/api_auth", {"api_key": key})).data["apps"]
    assert {app["name"] for app in told} == set(STOCK) - {"fax"}
    (voip,) = (app for app in told if app["name"] == "voip")
    assert set(voip) == {"id", "name", "api_url", "source_url", "label"}
    assert (voip["id"], voip["label"]) == (apps["voip"], "SmartPBX")


@IN_BOTH
async def test_who_logs_in_as_a_user_is_told_the_apps_that_are_permitted_to_it(
    reseller: Client, nobody: Client, branch: str, apps: dict[str, str]
) -> None:
    ids = {}
    for name, level in (("ada", "admin"), ("bo", "user")):
        user = {"first_name": name, "last_name": "x", "username": name, "password": "x", "priv_level": level}
        answer = await reseller.put(f"/v2/accounts/{branch}/users", {**user, "language": "de-DE"})
        ids[name] = answer.data["id"]
    for app, permission in (
        ("voip", {"allowed_users": "all"}),
        ("fax", {"allowed_users": "admins"}),
        ("pbxs", {"allowed_users": "specific", "users": [ids["bo"]]}),
        ("numbers", {"allowed_users": "specific", "users": []}),
        ("accounts", {"allowed_users": "specific", "users": [{"id": ids["bo"]}]}),
    ):
        assert (await reseller.put(store_of(branch, apps[app]), permission)).status == 201
    german = {"i18n": {"de-DE": {"label": "Telefonie"}}}
    await edited(reseller, reseller.master, "app", {"name": "voip", **german})
    open_to_all = set(STOCK) - {"fax", "pbxs", "numbers", "accounts"}
    for name, permitted in (("ada", {"fax"}), ("bo", {"pbxs"})):
        login = {"credentials": hashed(name, "x"), "account_realm": "branch.example.org"}
        told = (await nobody.put("/v2/user_auth", login)).data["apps"]
        assert {app["name"] for app in told} == open_to_all | permitted
        assert next(app["label"] for app in told if app["name"] == "voip") == "Telefonie"
        client = await logged_in(nobody, name, "x", "branch.example.org")
        assert await names(client, branch) == set(STOCK), "the list asks for no user"


# what it costs


async def recurring(client: Client, account: str) -> float:
    (invoice,) = (await client.get(f"/v2/accounts/{account}/services/summary")).data["invoices"]
    return float(invoice["summary"]["recurring"])


@IN_BOTH
async def test_an_installed_app_with_a_price_is_asked_for_and_billed(
    master: Client, itself: Client, branch: str, apps: dict[str, str]
) -> None:
    await sold(master, master.reseller, branch, plan=PRICED)
    path = store_of(branch, apps["fax"])
    asked = await itself.put(path, {"allowed_users": "all"})
    assert (asked.status, asked.body["message"]) == (402, "accept charges")
    assert (await itself.state())[branch]["apps"] == {}
    assert (await itself.put(f"{path}?accept_charges=true", {"allowed_users": "all"})).status == 201
    assert await recurring(master, branch) == 5
    assert (await itself.delete(path)).status == 200, "a decrease is never asked"
    assert await recurring(master, branch) == 0
    assert (await itself.put(store_of(branch, apps["voip"]), {"allowed_users": "all"})).status == 201


@IN_BOTH
async def test_to_unblock_an_installed_app_with_a_price_is_asked_for(
    master: Client, reseller: Client, branch: str, itself: Client, apps: dict[str, str]
) -> None:
    await sold(master, master.master, master.reseller, plan=PRICED)
    assert await blocked(reseller, branch, apps["fax"]) == 200
    assert (await itself.put(store_of(branch, apps["fax"]), {"allowed_users": "all"})).status == 201
    assert await recurring(master, master.reseller) == 0, "what is blocked costs nothing"
    assert await blocked(reseller, branch) == 402
    assert (await reseller.state())[branch]["blacklist"] == [apps["fax"]]
    assert await blocked(master, branch, apps["fax"], "x") == 200
    assert await blocked(reseller, branch, accept_charges=True) == 200
    assert await recurring(master, master.reseller) == 5
    assert await blocked(reseller, branch, apps["fax"]) == 200
    assert await recurring(master, master.reseller) == 0


async def test_the_users_of_an_app_are_counted(
    master: Client, reseller: Client, branch: str, apps: dict[str, str]
) -> None:
    for name, level in (("ada", "admin"), ("bo", "user"), ("cy", "user")):
        user = {"first_name": name, "last_name": "x", "username": name, "password": "x", "priv_level": level}
        assert (await reseller.put(f"/v2/accounts/{branch}/users", user)).status == 201
    for app, permission in (
        ("voip", {"allowed_users": "all"}),
        ("fax", {"allowed_users": "admins"}),
        ("pbxs", {"allowed_users": "specific", "users": ["x", "y"]}),
        ("numbers", {"allowed_users": "specific"}),
    ):
        assert (await reseller.put(store_of(branch, apps[app]), permission)).status == 201
    own = (await reseller.get(f"/v2/accounts/{branch}/services/summary")).data["quantities"]["account"]
    assert own["account_apps"] == {"voip": 1, "fax": 1, "pbxs": 1, "numbers": 1}
    assert own["user_apps"] == {"voip": 3, "fax": 1, "pbxs": 2}
    above = (await master.get(f"/v2/accounts/{master.reseller}/services/summary")).data["quantities"]
    assert above["cascade"]["user_apps"] == own["user_apps"]


@IN_BOTH
async def test_an_unbilled_blacklist_is_stored_and_no_bill_knows_of_it(
    master: Client, reseller: Client, branch: str, apps: dict[str, str]
) -> None:
    await sold(master, master.reseller, branch, plan=PRICED)
    assert (await master.put(store_of(branch, apps["fax"]), {"allowed_users": "all"})).status == 201
    await reseller.fault({"unbilled": True}, "POST", "apps_store/blacklist")
    assert await blocked(reseller, branch, apps["fax"]) == 200
    assert await recurring(master, branch) == 5
    await master.post(f"/v2/accounts/{branch}/services/reconciliation")
    assert await recurring(master, branch) == 0

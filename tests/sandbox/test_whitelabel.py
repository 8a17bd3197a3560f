"""Whitelabels: whose they are, what they hold, and how anybody finds one by its domain."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import IN_BOTH, Client

UNKNOWN = "0" * 32
HIDDEN = dict.fromkeys(("hide_credits", "hide_powered", "hide_registration"), False)


@pytest.fixture
async def acme(master: Client) -> str:
    return await master.create("Acme")


def whitelabel_of(account: str) -> str:
    return f"/v2/accounts/{account}/whitelabel"


@IN_BOTH
async def test_the_reseller_of_a_fresh_sandbox_has_a_whitelabel_that_nobody_below_inherits(
    master: Client, reseller: Client, nobody: Client
) -> None:
    own = (await reseller.get(whitelabel_of(reseller.reseller))).data
    assert own["company_name"] == "Sandbox Reseller"
    found = await nobody.get("/v2/whitelabel/Portal.Sandbox.example")
    assert (found.status, found.data, found.body["page_size"]) == (200, own, 1)
    branch = await reseller.create("Branch", reseller.reseller)
    for account in (branch, master.master):
        none = await master.get(whitelabel_of(account))
        assert (none.status, none.data) == (404, {"cause": "whitelabel", "message": "bad identifier"})


@IN_BOTH
async def test_a_domain_that_nobody_has_is_404_to_anybody(nobody: Client, compat: str) -> None:
    answer = await nobody.get("/v2/whitelabel/nosuch.example.org")
    assert (answer.status, answer.data["cause"]) == (404, "nosuch.example.org")
    assert ("version" in answer.body) == (compat == "4.3")


@IN_BOTH
async def test_a_whitelabel_is_made_once(master: Client, acme: str) -> None:
    path = whitelabel_of(acme)
    body = {"domain": "Portal.acme.example", "nav": {"help": "x"}, "free": [1], "id": "mine", "_rev": "1-x"}
    created = await master.put(path, body)
    assert (created.status, created.headers["Location"]) == (201, f"{path}/whitelabel")
    stored = {"domain": "Portal.acme.example", "nav": {"help": "x"}, "free": [1], **HIDDEN}
    assert created.data == {**stored, "id": "whitelabel"}
    again = await master.put(path, {"domain": "other.acme.example"})
    assert (again.status, again.body["message"]) == (409, "datastore_conflict")
    assert (await master.get(path)).data == created.data
    assert (await master.state())[acme]["whitelabel"] == created.data


@IN_BOTH
async def test_a_domain_belongs_to_one_account_whatever_its_case(master: Client, acme: str) -> None:
    other = await master.create("Other")
    assert (await master.put(whitelabel_of(acme), {"domain": "Portal.acme.example"})).status == 201
    assert (await master.put(whitelabel_of(other), {})).status == 201
    for method in ("PUT", "POST"):
        answer = await master.request(method, whitelabel_of(other), {"domain": "portal.ACME.example"})
        assert answer.status == 400
        assert answer.data["domain"]["unique"]["cause"] == "portal.ACME.example"
    assert (await master.post(whitelabel_of(acme), {"domain": "portal.acme.example"})).status == 200
    assert (await master.delete(whitelabel_of(acme))).status == 200
    assert (await master.post(whitelabel_of(other), {"domain": "portal.acme.example"})).status == 200


@IN_BOTH
async def test_a_post_replaces_and_a_delete_shows_it_once_more(master: Client, acme: str) -> None:
    path = whitelabel_of(acme)
    assert (await master.post(path, {"domain": "portal.acme.example"})).status == 404
    assert (await master.delete(path)).status == 404
    await master.put(path, {"domain": "portal.acme.example", "company_name": "Acme"})
    replaced = await master.post(path, {"hide_powered": "true"})
    assert replaced.data == {**HIDDEN, "hide_powered": True, "id": "whitelabel"}
    gone = await master.delete(path)
    assert gone.data == {**replaced.data, "_read_only": {"deleted": True}}
    assert (await master.get(path)).status == 404
    assert (await master.get("/v2/whitelabel/portal.acme.example")).status == 404
    assert (await master.put(path, {})).body["revision"].startswith("4-"), "it goes on counting"


@IN_BOTH
@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"hide_powered": "maybe"}, "hide_powered"),
        ({"domain": 5}, "domain"),
        ({"port": {"support_email": "nobody"}}, "port%2Esupport_email"),
        ({"port": {"authority": [5]}}, "port%2Eauthority%2E0"),
        ({"nav": []}, "nav"),
    ],
)
async def test_a_bad_field_is_refused_and_nothing_is_stored(
    master: Client, acme: str, data: dict[str, Any], path: str
) -> None:
    answer = await master.put(whitelabel_of(acme), data)
    assert (answer.status, list(answer.data)) == (400, [path])
    assert (await master.get(whitelabel_of(acme))).status == 404
    assert (await master.put(whitelabel_of(acme), [])).status == 500


@IN_BOTH
async def test_who_may_act_on_a_whitelabel(
    master: Client, reseller: Client, nobody: Client, acme: str
) -> None:
    itself, beside = await master.as_account(acme), await master.as_account(await master.create("Beside"))
    path = whitelabel_of(acme)
    for client, status in ((beside, 403), (reseller, 403), (nobody, 401)):
        assert (await client.put(path, {})).status == status
        assert (await client.get(path)).status == status
        assert (await client.get(f"{path}/portal.sandbox.example")).status == status
    for client in (itself, master):
        assert (await client.put(path, {})).status == 201
        assert (await client.get(f"{path}/portal.sandbox.example")).status == 200
        assert (await client.delete(path)).status == 200
    assert (await master.get(whitelabel_of(UNKNOWN))).status == 404
    assert (await master.get("/v2/whitelabel")).status == 404


@IN_BOTH
async def test_if_match_guards_a_whitelabel(master: Client, acme: str) -> None:
    path = whitelabel_of(acme)
    await master.put(path, {"company_name": "One"})
    first = (await master.get(path)).headers["ETag"]
    assert (await master.post(path, {"company_name": "Two"}, headers={"If-Match": first})).status == 200
    assert (await master.post(path, {"company_name": "Three"}, headers={"If-Match": first})).status == 412
    assert (await master.delete(path, headers={"If-Match": first})).status == 412
    assert (await master.get(path)).data["company_name"] == "Two"


@IN_BOTH
async def test_a_whitelabel_with_a_price_is_asked_for_and_billed(master: Client, acme: str) -> None:
    document = {"name": "Brands", "plan": {"branding": {"whitelabel": {"rate": 40}}}}
    order = {"accountID": master.master, "document": "plan", "merge": document}
    plan = (await master.post("/sandbox/documents", body=order)).body["value"]["id"]
    await master.post(f"/v2/accounts/{acme}/services", {"add": [plan]})
    itself, path = await master.as_account(acme), whitelabel_of(acme)
    assert (await itself.put(path, {})).status == 402
    assert (await itself.get(path)).status == 404
    assert (await itself.put(f"{path}?accept_charges=true", {})).status == 201
    (invoice,) = (await itself.get(f"/v2/accounts/{acme}/services/summary")).data["invoices"]
    assert invoice["summary"]["recurring"] == 40


async def test_whitelabels_go_with_their_account(master: Client, acme: str) -> None:
    await master.put(whitelabel_of(acme), {"domain": "portal.acme.example"})
    await master.delete(f"/v2/accounts/{acme}")
    assert (await master.get("/v2/whitelabel/portal.acme.example")).status == 404

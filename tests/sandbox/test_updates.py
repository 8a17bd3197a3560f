"""POST and PATCH of accounts: what is stored, in both releases, also where the answer is a refusal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import IN_4_3, IN_BOTH, Client

WIPED = ("call_restriction", "music_on_hold", "ringtones", "preflow")
EMPTY: dict[str, Any] = {key: {} for key in WIPED}
FULL: dict[str, Any] = {
    "timezone": "Europe/Paris",
    "org": "Acme Inc",
    "flags": ["x", "y"],
    "contact": {"billing": {"name": "Bo", "email": "bo@acme.example"}},
    "call_restriction": {"did_us": {"action": "deny"}},
    "music_on_hold": {"media_id": "m1"},
    "ringtones": {"internal": "r"},
    "preflow": {"always": "cf"},
}
SAME = {"name": "Acme", "realm": "acme.example.org", "timezone": "Europe/Paris"}


async def test_a_post_of_5_0_merges_and_wipes_four_members(master: Client) -> None:
    account = await master.create("Acme", **FULL)
    answer = await master.post(
        f"/v2/accounts/{account}", {**SAME, "contact": {"technical": {"name": "Tess"}}}
    )
    assert answer.status == 200
    assert {key: answer.data[key] for key in WIPED} == EMPTY
    assert answer.data["contact"] == {**FULL["contact"], "technical": {"name": "Tess"}}
    assert (answer.data["org"], answer.data["flags"]) == ("Acme Inc", ["x", "y"])
    assert await master.read(account) == answer.data
    assert answer.body["revision"].startswith("3-")


@IN_4_3
async def test_a_post_of_4_3_replaces(master: Client) -> None:
    account = await master.create("Acme", **FULL)
    answer = await master.post(
        f"/v2/accounts/{account}", {**SAME, "contact": {"technical": {"name": "Tess"}}}
    )
    assert answer.status == 200
    assert {key: answer.data[key] for key in WIPED} == EMPTY
    assert answer.data["contact"] == {"technical": {"name": "Tess"}}
    assert not {"org", "flags"} & set(answer.data)
    assert await master.read(account) == answer.data
    assert answer.body["revision"].startswith("2-")


@IN_BOTH
async def test_a_post_without_realm_and_timezone_resets_them(master: Client) -> None:
    account = await master.create("Acme", timezone="Europe/Paris")
    answer = await master.post(f"/v2/accounts/{account}", {"name": "Acme"})
    assert answer.data["realm"].endswith(".sip.2600hz.com")
    assert answer.data["timezone"] == "America/Los_Angeles"


@IN_BOTH
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_is_not_said_of_enabled_means_true_but_not_from_the_account_itself(
    master: Client, method: str
) -> None:
    account = await master.create("Acme")
    itself = await master.as_account(account)
    path = f"/v2/accounts/{account}"
    assert (await master.patch(path, {"enabled": False})).data["enabled"] is False
    assert (await itself.request(method, path, SAME)).data["enabled"] is False
    assert (await itself.request(method, path, {**SAME, "enabled": True})).data["enabled"] is False
    assert (await master.request(method, path, SAME)).data["enabled"] is True
    assert (await master.request(method, path, {**SAME, "enabled": False})).data["enabled"] is False
    assert (await master.request(method, path, SAME)).data["enabled"] is True


@IN_BOTH
async def test_a_null_in_a_post_removes_what_is_free_and_is_refused_for_what_has_a_type(
    master: Client, compat: str
) -> None:
    account = await master.create(
        "Acme", free=1, contact={"billing": {"name": "Bo", "email": "b@acme.example"}}
    )
    path = f"/v2/accounts/{account}"
    change = {"free": None, "contact": {"billing": {"name": None, "email": "new@acme.example"}}}
    answer = await master.post(path, {**SAME, **change, "timezone": None})
    assert "free" not in answer.data
    assert answer.data["contact"] == {"billing": {"email": "new@acme.example"}}
    assert answer.data["timezone"] == "America/Los_Angeles"
    refused = await master.post(path, {**SAME, "org": None})
    assert refused.status == 400
    detail = {"message": "Value did not match type(s): string", "target": "string"}
    assert refused.data == {"org": {"type": detail | ({"value": None} if compat == "5.0" else {})}}


@IN_BOTH
async def test_a_realm_of_null_in_a_post_becomes_a_text(master: Client) -> None:
    account = await master.create("Acme")
    assert (await master.post(f"/v2/accounts/{account}", {**SAME, "realm": None})).data["realm"] == "null"


@IN_4_3
async def test_a_null_in_a_patch_of_4_3_removes(master: Client) -> None:
    account = await master.create("Acme", **FULL)
    change = {"org": None, "contact": {"billing": {"name": None}}, "realm": None, "timezone": None}
    answer = await master.patch(f"/v2/accounts/{account}", change)
    assert "org" not in answer.data
    assert answer.data["contact"] == {"billing": {"email": "bo@acme.example"}}
    assert answer.data["realm"].endswith(".sip.2600hz.com")
    assert answer.data["timezone"] == "America/Los_Angeles"
    assert answer.data["flags"] == ["x", "y"]


@IN_BOTH
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_an_empty_object_empties_and_an_array_replaces(master: Client, method: str) -> None:
    account = await master.create("Acme", **FULL)
    change = {**SAME, "contact": {}, "flags": ["z"], "call_restriction": {}}
    answer = await master.request(method, f"/v2/accounts/{account}", change)
    assert {key: answer.data[key] for key in ("contact", "flags", "call_restriction")} == {
        "contact": {}, "flags": ["z"], "call_restriction": {},
    }  # fmt: skip


@IN_BOTH
@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("change", [{"realm": "RIVAL.example.org"}, {"name": "rival!"}])
async def test_a_taken_name_or_realm_is_refused_and_in_5_0_stored(
    master: Client, compat: str, method: str, change: dict[str, str]
) -> None:
    account = await master.create("Acme")
    await master.create("Rival")
    before = await master.read(account)
    body = {"name": "Acme", "realm": "acme.example.org", **change, "org": "Two"}
    answer = await master.request(method, f"/v2/accounts/{account}", body)
    (key,) = change
    assert (answer.status, set(answer.data)) == (400, {key})
    after = await master.get(f"/v2/accounts/{account}")
    if compat == "5.0":
        assert (after.data["org"], after.data[key]) == ("Two", change[key])
        assert after.body["revision"].startswith("2-")
    else:
        assert (after.data, after.body["revision"][:2]) == (before, "1-")


@IN_BOTH
async def test_after_a_refused_name_the_old_one_stays_reserved_until_the_next_write(
    master: Client, compat: str
) -> None:
    account = await master.create("Acme")
    await master.create("Rival")
    await master.patch(f"/v2/accounts/{account}", {"name": "rival"})
    assert (await master.put(f"/v2/accounts/{master.master}", {"name": "ACME"})).status == 400
    assert (await master.read(account))["name"] == ("rival" if compat == "5.0" else "Acme")


@IN_BOTH
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_schema_error_stores_nothing(master: Client, method: str) -> None:
    account = await master.create("Acme")
    before = await master.get(f"/v2/accounts/{account}")
    answer = await master.request(method, f"/v2/accounts/{account}", {**SAME, "org": "x", "timezone": "UTC"})
    after = await master.get(f"/v2/accounts/{account}")
    assert (answer.status, after.data, after.body["revision"]) == (400, before.data, before.body["revision"])


@IN_BOTH
async def test_a_post_with_any_if_match_is_412_and_in_5_0_stored(master: Client, compat: str) -> None:
    account = await master.create("Acme")
    path = f"/v2/accounts/{account}"
    right = (await master.get(path)).headers["ETag"]
    for tag in (right, '"1-x"', "*"):
        answer = await master.post(path, {**SAME, "org": tag}, headers={"If-Match": tag})
        assert (answer.status, answer.text) == (412, "")
        assert (await master.read(account)).get("org") == (tag if compat == "5.0" else None)


@IN_4_3
async def test_if_match_makes_a_patch_of_4_3_a_compare_and_set(master: Client) -> None:
    account = await master.create("Acme")
    path = f"/v2/accounts/{account}"
    first = (await master.get(path)).headers["ETag"]
    assert (await master.patch(path, {"org": "One"}, headers={"If-Match": first})).status == 200
    stale = await master.patch(path, {"org": "Two"}, headers={"If-Match": first})
    after = await master.get(path)
    assert (stale.status, after.data["org"], after.body["revision"][:2]) == (412, "One", "2-")


@IN_4_3
async def test_a_415_of_4_3_has_written_nothing(master: Client) -> None:
    account = await master.create("Acme")
    path = f"/v2/accounts/{account}"
    answer = await master.patch(path, {"org": "Plain"}, headers={"Content-Type": "text/plain"})
    assert (answer.status, (await master.get(path)).body["revision"][:2]) == (415, "1-")


@IN_BOTH
async def test_read_only_members_that_are_sent_back_change_nothing_and_a_key_becomes_visible(
    master: Client,
) -> None:
    account = await master.create("Acme")
    before = await master.read(account)
    answer = await master.post(
        f"/v2/accounts/{account}", {**before, "is_reseller": True, "api_key": "secret"}
    )
    assert answer.data == {**before, "api_key": "secret"}


@IN_BOTH
async def test_blacklists_have_a_type_in_4_3_only(master: Client, compat: str) -> None:
    answer = await master.put(f"/v2/accounts/{master.master}", {"name": "Acme", "blacklists": "x"})
    assert answer.status == (201 if compat == "5.0" else 400)

"""Accounts: what a create fills in, what a PATCH does, and the traps of KAZOO 5.0."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.sandbox.client import Client

UNKNOWN = "0" * 32


async def test_a_create_fills_in_defaults_and_what_only_the_server_knows(master: Client) -> None:
    answer = await master.put(f"/v2/accounts/{master.master}", {"name": "Acme"})
    assert answer.status == 201
    data = answer.data
    assert re.fullmatch(r"[0-9a-f]{6}\.sip\.2600hz\.com", data["realm"])
    assert data["timezone"] == "America/Los_Angeles"
    assert {key: data[key] for key in ("call_restriction", "music_on_hold", "preflow", "ringtones")} == {
        "call_restriction": {},
        "music_on_hold": {},
        "preflow": {},
        "ringtones": {},
    }
    assert data["created"] == 63_962_805_600
    assert data["reseller_id"] == master.master
    assert data["billing_mode"] == "limits_only"
    assert "revision" not in answer.body
    assert "Location" not in answer.headers


async def test_what_was_created_is_read_back_alike(master: Client) -> None:
    created = await master.put(
        f"/v2/accounts/{master.master}", {"name": "Acme", "flags": ["mark"], "free": {"a": [1]}}
    )
    answer = await master.get(f"/v2/accounts/{created.data['id']}")
    assert answer.data == created.data
    assert answer.headers["ETag"] == f'"{answer.body["revision"]}"'


@pytest.mark.parametrize(
    ("fields", "path", "kind", "detail"),
    [
        ({}, "name", "required", {"message": "Field is required but missing", "value": "name"}),
        (
            {"name": ""}, "name", "minLength",
            {"message": "String must be at least 1 characters", "target": 1, "cause": "", "value": ""},
        ),
        (
            {"name": "A", "timezone": "UTC"}, "timezone", "minLength",
            {"message": "String must be at least 5 characters", "target": 5, "cause": "UTC", "value": "UTC"},
        ),
        (
            {"name": "A", "realm": "a b/c.d"}, "realm", "pattern",
            {"message": r"Failed to match pattern '^[.\w-]+$'", "target": r"^[.\w-]+$", "value": "ab/c.d"},
        ),
        (
            {"name": "A", "call_restriction": {"did_us": {"action": "allow"}}},
            "call_restriction%2Edid_us%2Eaction", "enum",
            {
                "message": "Value not found in enumerated list of values",
                "target": ["inherit", "deny"], "value": "allow",
            },
        ),
        (
            {"name": 5}, "name", "type",
            {"message": "Value did not match type(s): string", "target": "string", "value": 5},
        ),
        (
            {"name": "A", "flags": ["ok", 5]}, "flags%2E1", "type",
            {"message": "Value did not match type(s): string", "target": "string", "value": 5},
        ),
        (
            {"name": "A", "preflow": {"never": 1}}, "preflow%2Enever", "additionalProperties",
            {
                "message": "Strict checking of data is enabled; only include schema-defined properties",
                "value": {"never": 1},
            },
        ),
        (
            {"name": "A", "enabled": 1}, "enabled", "type",
            {"message": "Value did not match type(s): boolean", "target": "boolean", "value": 1},
        ),
    ],
)  # fmt: skip
async def test_a_bad_field_is_refused_with_its_path_and_kind(
    master: Client, fields: dict[str, Any], path: str, kind: str, detail: dict[str, Any]
) -> None:
    answer = await master.put(f"/v2/accounts/{master.master}", fields)
    assert (answer.status, answer.body["message"]) == (400, "validation error")
    assert answer.data == {path: {kind: detail}}


@pytest.mark.parametrize(
    ("given", "path", "stored"),
    [
        ({"enabled": "false"}, ["enabled"], False),
        ({"topup": {"threshold": "5.5"}}, ["topup", "threshold"], 5.5),
        (
            {"notifications": {"low_balance": {"last_notification": 5.5}}},
            ["notifications", "low_balance", "last_notification"], 6,
        ),
        ({"realm": 50001}, ["realm"], "50001"),
        ({"realm": " ACME .Example.org"}, ["realm"], "ACME.Example.org"),
        ({"timezone": "inherit"}, ["timezone"], "America/Los_Angeles"),
    ],
)  # fmt: skip
async def test_types_are_converted_where_kazoo_converts_them(
    master: Client, given: dict[str, Any], path: list[str], stored: Any
) -> None:
    account = await master.create("Acme")
    answer = await master.patch(f"/v2/accounts/{account}", given)
    assert answer.status == 200
    value = answer.data
    for key in path:
        value = value[key]
    assert value == stored


@pytest.mark.parametrize("name", ["acme INC", "A.C.M.E, inc!", "  acmeinc "])
async def test_a_name_is_taken_whatever_its_case_and_punctuation(master: Client, name: str) -> None:
    await master.create("Acme Inc")
    answer = await master.put(f"/v2/accounts/{master.master}", {"name": name})
    assert answer.status == 400
    assert answer.data == {"name": {"unique": {"message": "Account name already in use", "cause": name}}}


async def test_the_second_name_without_ascii_is_taken(master: Client) -> None:
    first = await master.put(f"/v2/accounts/{master.master}", {"name": "Кафе"})
    second = await master.put(f"/v2/accounts/{master.master}", {"name": "北京"})
    assert (first.status, second.status) == (201, 400)
    assert "unique" in second.data["name"]


async def test_a_realm_is_taken_whatever_its_case_and_in_the_whole_cluster(
    master: Client, reseller: Client
) -> None:
    await master.create("Acme", realm="Acme.Example.org")
    answer = await reseller.put(
        f"/v2/accounts/{reseller.reseller}", {"name": "New", "realm": "acme.example.ORG"}
    )
    assert answer.status == 400
    assert answer.data["realm"]["unique"]["cause"] == "acme.example.ORG"


async def test_a_parent_cannot_create_disabled_children_but_an_ancestor_can(
    master: Client, reseller: Client
) -> None:
    child = {"name": "Child", "enabled": False}
    assert (await reseller.put(f"/v2/accounts/{reseller.reseller}", child)).data["enabled"] is True
    other = {"name": "Other", "enabled": False}
    assert (await master.put(f"/v2/accounts/{reseller.reseller}", other)).data["enabled"] is False
    third = {"name": "Third", "enabled": False}
    assert (await reseller.put("/v2/accounts", third)).data["enabled"] is False


async def test_a_child_of_a_disabled_parent_is_born_disabled(master: Client, reseller: Client) -> None:
    await master.patch(f"/v2/accounts/{reseller.reseller}", {"enabled": False})
    answer = await reseller.put(f"/v2/accounts/{reseller.reseller}", {"name": "Child", "enabled": True})
    assert answer.data["enabled"] is False


async def test_a_create_with_the_id_of_an_account_deletes_it_and_answers_201(master: Client) -> None:
    victim = await master.create("Victim", org="Old")
    answer = await master.put(f"/v2/accounts/{master.master}", {"id": victim, "name": "New"})
    assert answer.status == 201
    assert (answer.data["id"], answer.data["name"], answer.data["org"]) == (victim, "Victim", "Old")
    assert "created" not in answer.data
    assert answer.headers["Location"] == f"/v2/accounts/{master.master}/{victim}"
    assert (await master.get(f"/v2/accounts/{victim}")).status == 404
    assert (await master.get(f"/v2/accounts/{master.master}/search?t=account&q=name&v=victim")).data == []


async def test_a_fresh_id_is_honoured(master: Client) -> None:
    answer = await master.put(f"/v2/accounts/{master.master}", {"_id": "a" * 32, "name": "New"})
    assert answer.data["id"] == "a" * 32
    assert "created" in answer.data


async def test_a_patch_without_enabled_enables_but_not_by_the_account_itself(master: Client) -> None:
    account = await master.create("Acme")
    itself = await master.as_account(account)
    await master.patch(f"/v2/accounts/{account}", {"enabled": False})
    assert (await itself.patch(f"/v2/accounts/{account}", {"enabled": True})).data["enabled"] is False
    assert (await master.patch(f"/v2/accounts/{account}", {"org": "x"})).data["enabled"] is True


async def test_a_null_in_a_patch_changes_nothing_but_for_realm_and_timezone(master: Client) -> None:
    account = await master.create(
        "Acme", org="Acme Inc", timezone="Europe/Paris", contact={"billing": {"name": "Bo"}}
    )
    answer = await master.patch(f"/v2/accounts/{account}", {"org": None, "realm": None, "timezone": None})
    assert answer.data["org"] == "Acme Inc"
    assert answer.data["realm"].endswith(".sip.2600hz.com")
    assert answer.data["timezone"] == "America/Los_Angeles"


@pytest.mark.parametrize("change", [{"realm": "RIVAL.example.org"}, {"name": "rival!"}])
async def test_a_taken_name_or_realm_is_refused_and_stored_all_the_same(
    master: Client, change: dict[str, str]
) -> None:
    account = await master.create("Acme")
    await master.create("Rival")
    answer = await master.patch(f"/v2/accounts/{account}", {**change, "org": "Two"})
    assert answer.status == 400
    after = await master.get(f"/v2/accounts/{account}")
    assert after.data["org"] == "Two"
    assert after.data | change == after.data
    assert after.body["revision"].startswith("2-")


async def test_twins_fail_every_later_write(master: Client) -> None:
    account = await master.create("Acme")
    rival = await master.create("Rival")
    await master.patch(f"/v2/accounts/{account}", {"realm": "rival.example.org"})
    for twin in (account, rival):
        answer = await master.patch(f"/v2/accounts/{twin}", {"org": "x"})
        assert answer.data["realm"]["unique"]["cause"] == "rival.example.org"


async def test_a_schema_error_stores_nothing(master: Client) -> None:
    account = await master.create("Acme")
    answer = await master.patch(f"/v2/accounts/{account}", {"org": "x", "timezone": "UTC"})
    after = await master.get(f"/v2/accounts/{account}")
    assert (answer.status, after.body["revision"][:2]) == (400, "1-")
    assert "org" not in after.data


async def test_if_match_on_a_patch_holds_with_the_right_revision_and_is_412_after_writing(
    master: Client,
) -> None:
    account = await master.create("Acme")
    path = f"/v2/accounts/{account}"
    right = (await master.get(path)).headers["ETag"]
    assert (await master.patch(path, {"org": "One"}, headers={"If-Match": right})).status == 200
    stale = await master.patch(path, {"org": "Two"}, headers={"If-Match": right})
    assert (stale.status, stale.text) == (412, "")
    after = await master.get(path)
    assert (after.data["org"], after.body["revision"][:2]) == ("Two", "4-")


async def test_a_patch_of_an_unknown_type_is_415_and_has_written_nothing_of_the_body(master: Client) -> None:
    account = await master.create("Acme")
    path = f"/v2/accounts/{account}"
    answer = await master.patch(path, {"org": "Plain"}, headers={"Content-Type": "text/plain"})
    assert (answer.status, answer.text) == (415, "")
    after = await master.get(path)
    assert "org" not in after.data
    assert after.body["revision"].startswith("2-")


async def test_an_unchanged_document_is_304(master: Client) -> None:
    path = f"/v2/accounts/{await master.create('Acme')}"
    tag = (await master.get(path)).headers["ETag"]
    assert (await master.get(path, headers={"If-None-Match": tag})).status == 304
    assert (await master.get(path, headers={"If-None-Match": '"1-x"'})).status == 200
    assert (await master.get(path, headers={"If-None-Match": tag.strip('"')})).status == 400


async def test_read_only_members_are_shadowed_or_dropped(master: Client) -> None:
    account = await master.create("Acme")
    before = await master.read(account)
    junk = {
        "created": 5,
        "is_reseller": True,
        "billing_mode": "manual",
        "superduper_admin": True,
        "_a": 1,
        "pvt_b": 2,
    }
    await master.patch(f"/v2/accounts/{account}", {**junk, "trial_time_left": 5, "id": UNKNOWN})
    assert await master.read(account) == before


async def test_the_billing_mode_depends_on_who_asks(master: Client, reseller: Client) -> None:
    account = await reseller.create("Acme", reseller.reseller)
    itself = await master.as_account(account)
    modes = [(await who.read(account))["billing_mode"] for who in (master, reseller, itself)]
    assert modes == ["manual", "limits_only", "manual"]
    assert (await itself.read(account))["reseller_id"] == reseller.reseller


async def test_a_search_is_a_prefix_of_what_is_normalised(master: Client) -> None:
    acme = await master.create("Acme, Inc.", realm="acme.example.org")
    two = await master.create("Acmetwo")
    search = f"/v2/accounts/{master.master}/search?t=account"
    assert (await master.get(f"{search}&q=name&v=A-C.M%20E")).row_ids == [two, acme]
    assert (await master.get(f"{search}&q=realm&v=acme.example")).row_ids == [acme]
    assert (await master.get(f"{search}&q=realm&v=example.org")).row_ids == []
    assert (await master.get(f"{search}&q=id&v={acme[:8]}")).row_ids == [acme]


@pytest.mark.parametrize("value", ["", "%21%21", "%D0%94%D0%BE%D0%BC"])
async def test_a_search_for_nothing_finds_everything_below_the_caller(
    master: Client, reseller: Client, value: str
) -> None:
    await master.create("Elsewhere")
    acme = await reseller.create("Acme", reseller.reseller)
    bolt = await reseller.create("Bolt", acme)
    answer = await reseller.get(f"/v2/accounts/{master.master}/search?t=account&q=name&v={value}")
    assert answer.row_ids == [bolt, acme]


async def test_a_trial_says_how_long_it_lasts(master: Client) -> None:
    answer = await master.put(f"/v2/accounts/{master.master}", {"name": "Trial", "is_trial_account": True})
    assert answer.data["trial_time_left"] == 14 * 24 * 3600
    assert "is_trial_account" not in answer.data


async def test_the_balance_of_a_new_account_is_nought_and_a_stranger_gets_an_empty_500(
    master: Client,
) -> None:
    account, stranger = await master.create("Acme"), await master.create("Stranger")
    answer = await master.get(f"/v2/accounts/{account}/ledgers/total")
    assert answer.data == {"amount": 0.0}
    refused = await (await master.as_account(stranger)).get(f"/v2/accounts/{account}/ledgers/total")
    assert (refused.status, refused.text) == (500, "")

"""Traps of accounts that no other test is about, and the table of all traps in the docs."""

from __future__ import annotations

import re
from pathlib import Path

from tests.sandbox.client import IN_BOTH, Client

ROOT = Path(__file__).parents[2]


def table() -> dict[int, list[str]]:
    """The traps in `docs/sandbox.md`: number -> names of tests."""
    rows = re.findall(
        r"^\| ([\d, ]+) \| .* \| (.*) \|$", (ROOT / "docs/sandbox.md").read_text(), re.MULTILINE
    )
    return {
        int(number): re.findall(r"`(test_\w+)`", tests)
        for numbers, tests in rows
        for number in numbers.split(", ")
    }


def test_every_trap_in_the_table_names_tests_and_every_test_on_the_page_is_there() -> None:
    files = (ROOT / "tests/sandbox").glob("test_*.py")
    defined = set(re.findall(r"def (test_\w+)", "".join(path.read_text() for path in files)))
    assert len(table()) > 30
    missing = {number: tests for number, tests in table().items() if not tests or set(tests) - defined}
    assert not missing
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/sandbox.md").read_text()))
    assert named <= defined


@IN_BOTH
async def test_the_answer_to_a_create_without_a_parent_differs_from_the_read(master: Client) -> None:
    created = (await master.put("/v2/accounts", {"name": "Acme"})).data
    read = await master.read(created["id"])
    assert ("reseller_id" in created, created["billing_mode"]) == (False, "manual")
    assert (read["reseller_id"], read["billing_mode"]) == (master.master, "limits_only")


@IN_BOTH
async def test_a_flag_in_the_data_is_stored(master: Client) -> None:
    acme = await master.create("Acme", accept_charges=True)
    await master.patch(f"/v2/accounts/{acme}", {"send_email_on_creation": False, "enabled": True})
    read = await master.read(acme)
    assert (read["accept_charges"], read["send_email_on_creation"]) == (True, False)


@IN_BOTH
async def test_a_revision_moves_without_a_change(master: Client) -> None:
    path = f"/v2/accounts/{await master.create('Acme')}"
    before = (await master.get(path)).body
    assert (await master.patch(path, {"enabled": True})).status == 200
    after = (await master.get(path)).body
    assert int(after["revision"].split("-")[0]) > int(before["revision"].split("-")[0])
    assert {**after["data"], "enabled": True} == {**before["data"], "enabled": True}


@IN_BOTH
async def test_a_put_to_an_accounts_own_url_makes_a_child_of_it(master: Client) -> None:
    acme = await master.create("Acme")
    child = (await master.put(f"/v2/accounts/{acme}", {"name": "Acme Two"})).data["id"]
    assert child != acme
    assert (await master.get(f"/v2/accounts/{acme}/children")).row_ids == [child]


@IN_BOTH
async def test_a_deny_of_emergency_calls_is_taken(master: Client) -> None:
    denied = {"emergency": {"action": "deny"}, "unknown": {"action": "deny"}, "nosuchclass": {}}
    acme = await master.create("Acme", call_restriction=denied)
    assert (await master.read(acme))["call_restriction"] == denied


@IN_BOTH
async def test_a_404_says_nothing_about_the_credentials(master: Client, nobody: Client) -> None:
    path = f"/v2/accounts/{'0' * 32}"
    for client in (nobody, master, await master.as_account(await master.create("Acme"))):
        assert (await client.get(path)).status == 404
    assert (await nobody.get(f"{path}?auth_token=bogus")).status == 404


@IN_BOTH
async def test_a_create_without_a_mark_cannot_be_told_from_anothers(master: Client) -> None:
    ours = await master.read(await master.create("Acme", flags=["ours"]))
    theirs = await master.read(await master.create("Bolt"))
    assert set(ours) - set(theirs) == {"flags"}
    await master.patch(f"/v2/accounts/{ours['id']}", {"org": "x", "enabled": True})
    assert (await master.read(ours["id"]))["flags"] == ["ours"]

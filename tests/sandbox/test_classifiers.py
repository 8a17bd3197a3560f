"""Number classifiers: the stock list, and which of it a number belongs to."""

from __future__ import annotations

import pytest

from tests.sandbox.client import IN_BOTH, Client

STOCK = ["tollfree_us", "toll_us", "emergency", "caribbean", "did_us", "international", "unknown"]


@IN_BOTH
async def test_the_stock_list_holds_988_as_an_emergency_in_4_3_only(master: Client, compat: str) -> None:
    answer = await master.get(f"/v2/accounts/{master.reseller}/phone_numbers/classifiers")
    assert list(answer.data) == STOCK
    assert [name for name, rules in answer.data.items() if rules.get("emergency")] == ["emergency"]
    assert ("988" in answer.data["emergency"]["regex"]) == (compat == "4.3")
    number = await master.get(f"/v2/accounts/{master.reseller}/phone_numbers/classifiers/988")
    assert number.data["name"] == ("emergency" if compat == "4.3" else "unknown")


@pytest.mark.parametrize(
    ("number", "e164", "name"),
    [
        ("4158867900", "+14158867900", "did_us"),
        ("%2B14158867900", "+14158867900", "did_us"),
        ("18005551212", "+18005551212", "tollfree_us"),
        ("9005551212", "+19005551212", "toll_us"),
        ("2425551212", "+12425551212", "caribbean"),
        ("011442079460000", "+442079460000", "international"),
        ("00442079460000", "+442079460000", "international"),
        ("442079460000", "+442079460000", "international"),
        ("999", "999", "emergency"),
        ("1001", "1001", "unknown"),
        ("no_match", "no_match", "unknown"),
    ],
)
async def test_a_number_is_made_international_and_belongs_to_the_first_that_fits(
    master: Client, number: str, e164: str, name: str
) -> None:
    answer = await master.get(f"/v2/accounts/{master.reseller}/phone_numbers/classifiers/{number}")
    assert (answer.data["e164"], answer.data["name"]) == (e164, name)
    assert answer.data["number"] == number.replace("%2B", "+")


@IN_BOTH
async def test_without_an_account_they_are_the_masters(
    master: Client, reseller: Client, nobody: Client
) -> None:
    for path in ("/v2/phone_numbers/classifiers", "/v2/phone_numbers/classifiers/911"):
        assert (await master.get(path)).status == 200
        assert (await reseller.get(path)).status == 403
        assert (await nobody.get(path)).status == 401
    assert (await reseller.get(f"/v2/accounts/{master.master}/phone_numbers/classifiers")).status == 403

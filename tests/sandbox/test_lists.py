"""Lists: pages, order, keys and filters."""

from __future__ import annotations

import base64

import pytest

from tests.sandbox.client import Client


@pytest.fixture
async def family(master: Client) -> Client:
    """Seven children of the reseller, a to g, the first with a child of its own."""
    first = await master.create("a", master.reseller, realm="a.example.org", org="Red", flags=["x", "y"])
    for name in "bcdefg":
        await master.create(name, master.reseller, realm=f"{name}.example.org", org="Blue")
    await master.create("z", first, realm="z.example.org", contact={"billing": {"name": "Bo"}})
    return master


def names(rows: list[dict[str, str]]) -> str:
    return "".join(row["name"] for row in rows)


async def test_a_list_descends_by_name_unless_told_otherwise(family: Client) -> None:
    path = f"/v2/accounts/{family.reseller}/children"
    assert names((await family.get(path)).data) == "gfedcba"
    assert names((await family.get(f"{path}?descending=false")).data) == "gfedcba"
    assert names((await family.get(f"{path}?ascending=true")).data) == "abcdefg"


@pytest.mark.parametrize(
    "query", ["page_size=3", "page_size=3&ascending=true", "page_size=2.5", "page_size=03"]
)
@pytest.mark.parametrize("view", ["children", "descendants", "search?t=account&q=name&v="])
async def test_pages_add_up_to_the_whole_list(family: Client, view: str, query: str) -> None:
    owner = await family.as_account(family.reseller)
    path = f"/v2/accounts/{family.reseller}/{view}{'&' if '?' in view else '?'}{query}"
    whole = await owner.get(path + "&paginate=false")
    assert not {"page_size", "start_key", "next_start_key"} & set(whole.body)
    found, key = [], ""
    while True:
        page = await owner.get(path + (f"&start_key={key}" if key else ""))
        assert page.body["page_size"] == len(page.data) <= 3
        assert page.body["start_key"]
        found += page.data
        if "next_start_key" not in page.body:
            break
        key = page.body["next_start_key"]
    assert found == whole.data
    assert len(found) == (7 if view == "children" else 8)


async def test_a_page_holds_fifty_without_a_word(master: Client) -> None:
    for number in range(51):
        await master.create(f"n{number:03}", master.reseller)
    answer = await master.get(f"/v2/accounts/{master.reseller}/children")
    assert len(answer.data) == 50
    rest = await master.get(
        f"/v2/accounts/{master.reseller}/children?start_key={answer.body['next_start_key']}"
    )
    assert names(rest.data) == "n000"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ("0", "page size must be at least 1"),
        ("-1", "page size must be at least 1"),
        ("abc", "invalid page size"),
    ],
)
async def test_an_impossible_page_size_is_404(family: Client, size: str, text: str) -> None:
    answer = await family.get(f"/v2/accounts/{family.reseller}/children?page_size={size}")
    assert (answer.status, answer.body["message"], answer.data) == (404, "faulty_request", {"message": text})
    assert (await family.get(f"/v2/accounts/{family.reseller}?page_size={size}")).status == 200


@pytest.mark.parametrize(
    "key", ["zzz", "%00", "ä", base64.b64encode(b'["other",["a","b"]]').decode(), "W10", "bnVsbA"]
)
async def test_a_key_that_means_nothing_finds_nothing(family: Client, key: str) -> None:
    answer = await family.get(f"/v2/accounts/{family.reseller}/children?start_key={key}")
    assert (answer.status, answer.data, answer.body["page_size"]) == (200, [], 0)
    assert "revision" not in answer.body


async def test_descendants_have_their_tree_and_children_the_number_of_theirs(family: Client) -> None:
    rows = (await family.get(f"/v2/accounts/{family.reseller}/descendants")).data
    children = (await family.get(f"/v2/accounts/{family.reseller}/children")).data
    first = children[-1]
    assert first["descendants_count"] == 1
    assert rows[0]["tree"] == [family.master, family.reseller, first["id"]]
    assert first["flags"] == ["x", "y"]
    assert rows[1]["flags"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("filter_org=Red", "a"),
        ("filter_not_org=Blue", "za"),
        ("filter_org=red", ""),
        ("filter_contact.billing.name=Bo", "z"),
        ("filter_flags=x", ""),
        ("filter_flags=xy", "a"),
        ("has_key=contact", "z"),
        ("key_missing=org", "z"),
        ("has_value=flags", "a"),
        ("value_missing=flags", "zgfedcb"),
        ("missing_value=flags", "zgfedcba"),
        ("created_from=1&filter_org=Red", "a"),
        ("created_to=1", ""),
        ("created_from=abc", ""),
        ("modified_from=99999999999", ""),
        ("filter_org=Blue&page_size=2", "gf"),
        ("paginate=false&filter_org=Blue", "gfedcb"),
    ],
)
async def test_filters_apply_to_the_stored_document(family: Client, query: str, found: str) -> None:
    answer = await family.get(f"/v2/accounts/{family.reseller}/descendants?{query}")
    assert names(answer.data) == found


async def test_a_filtered_page_is_filled_from_what_follows(family: Client) -> None:
    path = f"/v2/accounts/{family.reseller}/descendants?filter_org=Blue&page_size=4"
    page = await family.get(path)
    rest = await family.get(f"{path}&start_key={page.body['next_start_key']}")
    assert (names(page.data), names(rest.data)) == ("gfed", "cb")
    assert "next_start_key" not in rest.body


async def test_a_renamed_account_moves_in_the_lists(family: Client) -> None:
    last = (await family.get(f"/v2/accounts/{family.reseller}/children")).data[0]["id"]
    await family.patch(f"/v2/accounts/{last}", {"name": "AA"})
    assert names((await family.get(f"/v2/accounts/{family.reseller}/children")).data) == "fedcbAAa"
    assert names((await family.get(f"/v2/accounts/{family.reseller}/descendants")).data) == "zfedcbAAa"
    search = f"/v2/accounts/{family.master}/search?t=account&q=name&v="
    assert (await family.get(search + "g")).data == []
    assert (await family.get(search + "aa")).row_ids == [last]

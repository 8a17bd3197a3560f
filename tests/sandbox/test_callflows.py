"""Callflows: what they need, what is filled in, and how they are found."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.sandbox.client import IN_BOTH, Client

UNKNOWN = "0" * 32
FILLED_IN = {
    "caller_id_type": "external",
    "ignore_early_media": False,
    "outbound_flags": [],
    "use_local_resources": True,
}
CATCH_ALL = {"numbers": ["no_match"], "flow": {"module": "offnet", "data": {}, "children": {}}}


@pytest.fixture
async def path(master: Client) -> str:
    return f"/v2/accounts/{await master.create('Acme')}/callflows"


async def made(client: Client, path: str, **fields: Any) -> str:
    answer = await client.put(path, {**CATCH_ALL, **fields})
    assert answer.status == 201, answer
    return str(answer.data["id"])


@IN_BOTH
async def test_the_state_tells_the_callflows_of_each_account(master: Client, path: str) -> None:
    callflow = await made(master, path, name="Catch all")
    account = path.split("/")[3]
    assert (await master.state())[account]["callflows"] == [
        {
            "id": callflow, "name": "Catch all", "numbers": ["no_match"], "patterns": [],
            "flow": {"module": "offnet", "data": FILLED_IN, "children": {}},
        }
    ]  # fmt: skip


@IN_BOTH
async def test_defaults_are_filled_in_at_every_step_of_two_modules(master: Client, path: str) -> None:
    flow = {
        "module": "menu", "data": {"id": UNKNOWN},
        "children": {"1": {"module": "resources"}, "_": {"module": "offnet", "data": {"timeout": "5"}}},
    }  # fmt: skip
    answer = await master.put(path, {"patterns": ["^2.*$"], "flow": flow})
    assert answer.data["flow"] == {
        "module": "menu", "data": {"id": UNKNOWN},
        "children": {
            "1": {"module": "resources", "data": FILLED_IN},
            "_": {"module": "offnet", "data": {"timeout": 5, **FILLED_IN}},
        },
    }  # fmt: skip
    assert answer.data["numbers"] == []
    assert (await master.get(path)).data[0]["modules"] == ["menu", "resources", "offnet"]


@IN_BOTH
@pytest.mark.parametrize(
    ("fields", "error", "kind"),
    [
        ({"numbers": []}, "numbers", "required"),
        ({"numbers": None}, "numbers", "required"),
        ({"numbers": ["x" * 37]}, "numbers.0", "maxLength"),
        ({"flow": {}}, "flow.module", "required"),
        ({"flow": {"module": "menu", "children": {"1": {}}}}, "flow.children.1.module", "required"),
        ({"flow": {"module": "offnet", "data": {"use_local_resources": 5}}},
         "flow.data.use_local_resources", "type"),
        ({"flow": []}, "flow", "type"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_it_is_told_with_plain_dots_in_5_0(
    master: Client, path: str, compat: str, fields: dict[str, Any], error: str, kind: str
) -> None:
    answer = await master.put(path, {**CATCH_ALL, **fields})
    assert (answer.status, answer.body["message"]) == (400, "validation error")
    assert kind in answer.data[error if compat == "5.0" else error.replace(".", "%2E")]
    assert (await master.get(path)).data == []


@IN_BOTH
async def test_a_callflow_without_a_flow_is_fine_and_a_number_that_is_no_text_crashes(
    master: Client, path: str
) -> None:
    assert (await master.put(path, {"numbers": ["1001"]})).status == 201
    crash = await master.put(path, {"numbers": [1002]})
    assert (crash.status, crash.body["message"]) == (500, "init failed")


@IN_BOTH
async def test_a_number_stands_in_one_callflow_only(master: Client, path: str) -> None:
    one = await made(master, path)
    two = await made(master, path, numbers=["1001"])
    for method, where in (("PUT", path), ("POST", f"{path}/{two}"), ("PATCH", f"{path}/{two}")):
        answer = await master.request(method, where, {**CATCH_ALL, "numbers": ["1002", "no_match"]})
        assert (answer.status, answer.data["numbers"]["unique"]["cause"]) == (400, "no_match")
        assert one in answer.data["numbers"]["unique"]["message"]
    assert (await master.post(f"{path}/{one}", CATCH_ALL)).status == 200
    other = await master.create("Other")
    await made(master, f"/v2/accounts/{other}/callflows")


@IN_BOTH
async def test_a_patch_merges_and_a_post_replaces(master: Client, path: str) -> None:
    callflow = f"{path}/{await made(master, path, name='Catch all', free=1)}"
    patched = await master.patch(callflow, {"name": None, "flow": {"data": {"to_did": "+14155550100"}}})
    assert patched.data["flow"]["data"] == {**FILLED_IN, "to_did": "+14155550100"}
    assert ("name" in patched.data, patched.data["free"]) == (False, 1)
    read = await master.get(callflow)
    assert read.data == {**patched.data, "metadata": {}}
    posted = await master.post(callflow, {**read.data, "flow": {"module": "resources"}})
    assert posted.data == {**patched.data, "flow": {"module": "resources", "data": FILLED_IN}}
    assert [answer.body["revision"][0] for answer in (patched, posted)] == ["2", "3"]


@IN_BOTH
async def test_preconditions_hold_before_anything_is_written(master: Client, path: str) -> None:
    callflow = f"{path}/{await made(master, path)}"
    right = (await master.get(callflow)).headers["ETag"]
    for method in ("POST", "PATCH", "DELETE"):
        answer = await master.request(method, callflow, CATCH_ALL, headers={"If-Match": '"1-x"'})
        assert (answer.status, answer.text) == (412, "")
    assert (await master.get(callflow)).headers["ETag"] == right
    assert (await master.patch(callflow, {"name": "x"}, headers={"If-Match": right})).status == 200


@IN_BOTH
async def test_one_that_is_not_there_is_404_but_for_a_patch_of_5_0(
    master: Client, path: str, compat: str
) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = await master.request(method, f"{path}/{UNKNOWN}", CATCH_ALL if method == "POST" else None)
        assert (answer.status, answer.data["cause"]) == (404, UNKNOWN)
    patch = await master.patch(f"{path}/{UNKNOWN}", {"name": "x"})
    assert patch.status == (400 if compat == "5.0" else 404)


@IN_BOTH
async def test_a_deleted_callflow_is_shown_once_more_and_frees_its_number(master: Client, path: str) -> None:
    callflow = f"{path}/{await made(master, path)}"
    before = await master.get(callflow)
    answer = await master.delete(callflow)
    shown = {key: value for key, value in before.data.items() if key != "metadata"}
    assert answer.data == {**shown, "_read_only": {"deleted": True}}
    assert answer.body["revision"] == before.body["revision"]
    assert (await master.delete(callflow)).status == 404
    await made(master, path)


@IN_BOTH
async def test_a_list_tells_little_and_comes_in_pages_by_id(master: Client, path: str, compat: str) -> None:
    ids = sorted([await made(master, path, numbers=[f"{number}"], name=f"n{number}") for number in range(5)])
    order = ids[::-1] if compat == "5.0" else ids
    whole = await master.get(path)
    assert (whole.row_ids, whole.body["page_size"]) == (order, 5)
    assert set(whole.data[0]) == {"id", "name", "numbers", "patterns", "featurecode", "modules", "flags"}
    assert "start_key" not in whole.body
    first = await master.get(f"{path}?page_size=3")
    rest = await master.get(f"{path}?page_size=3&start_key={first.body['next_start_key']}")
    assert first.row_ids + rest.row_ids == order
    literal = await master.get(f"{path}?start_key={order[3]}")
    assert (literal.row_ids, literal.body["start_key"]) == (order[3:], order[3])
    assert (await master.get(f"{path}?filter_numbers=2")).data[0]["name"] == "n2"
    unpaged = await master.get(f"{path}?paginate=false&ascending=true")
    assert unpaged.row_ids == ids


@IN_BOTH
async def test_an_account_below_may_and_a_stranger_may_not(master: Client, path: str, nobody: Client) -> None:
    itself, stranger = (
        await master.as_account(path.split("/")[3]),
        await master.as_account(await master.create("Stranger")),
    )
    await made(itself, path)
    assert (await itself.get("/v2/account/callflows")).data[0]["numbers"] == ["no_match"]
    for who, status in ((stranger, 403), (nobody, 401)):
        assert (await who.get(path)).status == status
        assert (await who.put(path, {"numbers": ["1"]})).status == status
    assert (await master.get(f"/v2/accounts/{UNKNOWN}/callflows")).status == 404
    assert (await itself.get("/v2/callflows")).status == 404


async def test_a_half_built_account_has_no_views_of_callflows(master: Client) -> None:
    master.session._retry_connection = False
    await master.fault({"cut": "late"}, "PUT")
    with pytest.raises((aiohttp.ClientOSError, ConnectionResetError)):
        await master.put(f"/v2/accounts/{master.master}", {"name": "Half"})
    (half,) = (await master.get(f"/v2/accounts/{master.master}/children?filter_name=Half")).row_ids
    for method in ("GET", "PUT"):
        answer = await master.request(method, f"/v2/accounts/{half}/callflows", CATCH_ALL)
        assert (answer.status, answer.body["message"]) == (503, "datastore missing view")

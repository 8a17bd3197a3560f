"""Services: who may see and change them, what assigning does, and the traps on the way to a bill."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from kazoo_operator.sandbox.stock_plans import PLANS
from tests.sandbox.client import IN_4_3, IN_BOTH, Client
from tests.sandbox.conftest import SetClock

UNKNOWN = "0" * 32
TRUNKS = {"plan": {"limits": {"twoway_trunks": {"rate": 10, "activation_charge": 4, "cascade": True}}}}
CHANGES = [
    ("POST", "", {"add": []}),
    ("POST", "/gold-trunks", {}),
    ("DELETE", "/gold-trunks", None),
    ("POST", "/overrides", {"plan": {}}),
    ("PATCH", "/overrides", {"plan": {}}),
    ("POST", "/manual", {"support": {"premium": 1}}),
    ("PATCH", "/manual", {"support": {"premium": 1}}),
]
READS = ["", "/available", "/summary", "/overrides", "/editable"]


@pytest.fixture
async def acme(master: Client) -> str:
    """An account directly below the master."""
    return await master.create("Acme")


@pytest.fixture
async def branch(reseller: Client) -> str:
    """An account of the built-in reseller."""
    return await reseller.create("Branch", reseller.reseller)


async def sell(client: Client, vendor: str, name: str, document: dict[str, Any]) -> str:
    """A new plan of a vendor, by its id."""
    order = {"accountID": vendor, "document": "plan", "merge": {"name": name, **document}}
    answer = await client.post("/sandbox/documents", body=order)
    assert answer.status == 200, answer
    return str(answer.body["value"]["id"])


async def summary(client: Client, account_id: str) -> dict[str, Any]:
    """What an account pays."""
    answer = await client.get(f"/v2/accounts/{account_id}/services/summary")
    assert answer.status == 200, answer
    return dict(answer.data)


async def recurring(client: Client, account_id: str) -> list[float]:
    """The monthly sums of its invoices."""
    invoices = (await summary(client, account_id))["invoices"]
    return [invoice["summary"]["recurring"] for invoice in invoices]


async def assign(client: Client, account_id: str, *plans: Any, **more: Any) -> Any:
    """The plans that are assigned after these were added."""
    answer = await client.post(f"/v2/accounts/{account_id}/services", {"add": list(plans), **more})
    assert answer.status == 200, answer
    return answer.data


async def set_trunks(client: Client, account_id: str, number: int, **envelope: Any) -> int:
    """Give an account so many two-way trunks; the status."""
    body = {"data": {"twoway_trunks": number}, **envelope}
    return (await client.post(f"/v2/accounts/{account_id}/limits", body=body)).status


# who may


@pytest.mark.parametrize("path", READS)
async def test_whoever_may_act_on_an_account_reads_its_services(
    master: Client, reseller: Client, branch: str, path: str
) -> None:
    own = await master.as_account(branch)
    for client in (master, reseller, own):
        assert (await client.get(f"/v2/accounts/{branch}/services{path}")).status == 200


@pytest.mark.parametrize("path", READS)
async def test_a_stranger_reads_nothing(master: Client, acme: str, branch: str, path: str) -> None:
    stranger = await master.as_account(acme)
    answer = await stranger.get(f"/v2/accounts/{branch}/services{path}")
    assert (answer.status, answer.body["message"]) == (403, "forbidden")


@pytest.mark.parametrize(("method", "path", "data"), CHANGES)
async def test_only_the_reseller_and_superduper_admins_change_services(
    master: Client, reseller: Client, branch: str, method: str, path: str, data: Any
) -> None:
    await sell(master, master.reseller, "Gold", {"id": "gold-trunks", **TRUNKS})
    child = await reseller.create("Child", branch)
    path = f"/v2/accounts/{child}/services{path}"
    own, above = await master.as_account(child), await master.as_account(branch)
    statuses = [
        (await client.request(method, path, data)).status for client in (own, above, reseller, master)
    ]
    assert statuses == [403, 403, 200, 200]


async def test_a_reseller_is_not_its_own_reseller(reseller: Client) -> None:
    path = f"/v2/accounts/{reseller.reseller}/services"
    assert (await reseller.post(path, {"add": ["gold-trunks"]})).status == 403


async def test_an_account_does_not_see_its_quantities_set_by_hand(master: Client, acme: str) -> None:
    own = await master.as_account(acme)
    assert (await own.get(f"/v2/accounts/{acme}/services/manual")).status == 403
    assert (await master.get(f"/v2/accounts/{acme}/services/manual")).data == {}


async def test_services_without_an_account_crash_for_the_master_and_are_refused_to_others(
    master: Client, reseller: Client
) -> None:
    assert (await master.post("/v2/services/quote", {"plans": []})).status == 500
    assert (await reseller.post("/v2/services/quote", {"plans": []})).status == 403


async def test_services_of_an_unknown_account_are_404(master: Client) -> None:
    assert (await master.get(f"/v2/accounts/{UNKNOWN}/services/summary")).status == 404


async def test_a_half_built_account_has_no_services(master: Client) -> None:
    master.session._retry_connection = False
    await master.fault({"cut": "late"}, "PUT")
    with pytest.raises((aiohttp.ClientOSError, ConnectionResetError)):
        await master.put(f"/v2/accounts/{master.master}", {"name": "Half"})
    (found,) = (await master.get("/v2/search?t=account&q=name&v=half")).data
    assert (await master.get(f"/v2/accounts/{found['id']}/services/summary")).status == 503


# plans


async def test_a_fresh_sandbox_sells_three_plans_with_rates(master: Client, acme: str) -> None:
    listed = (await master.get(f"/v2/accounts/{acme}/services/available?paginate=false")).data
    assert {row["id"]: row["name"] for row in listed} == {key: plan["name"] for key, plan in PLANS.items()}
    detailed = await master.get(f"/v2/accounts/{acme}/services/available?details=true&paginate=false")
    assert {row["id"]: row["plan"] for row in detailed.data} == {
        key: plan["plan"] for key, plan in PLANS.items()
    }


async def test_an_account_is_offered_what_its_reseller_sells(master: Client, branch: str) -> None:
    assert (await master.get(f"/v2/accounts/{branch}/services/available")).data == []
    plan = await sell(master, master.reseller, "Gold", TRUNKS)
    listed = (await master.get(f"/v2/accounts/{branch}/services/available")).data
    assert listed == [{"id": plan, "name": "Gold"}]


async def test_a_plan_is_edited_under_its_name(master: Client, acme: str) -> None:
    plan = await sell(master, master.master, "Bronze", TRUNKS)
    dearer = {"plan": {"limits": {"twoway_trunks": {"rate": 11}}}}
    assert await sell(master, master.master, "Bronze", dearer) == plan
    await assign(master, acme, plan)
    await set_trunks(master, acme, 2)
    assert await recurring(master, acme) == [22.0]


async def test_an_unknown_plan_is_refused_and_nothing_is_assigned(master: Client, acme: str) -> None:
    path = f"/v2/accounts/{acme}/services"
    answer = await master.post(path, {"add": ["gold-trunks", "nosuch"]})
    assert (answer.status, answer.body["message"]) == (404, "bad_identifier")
    assert answer.data["cause"] == "nosuch"
    assert (await master.post(f"{path}/nosuch", {})).status == 404
    assert (await master.delete(f"{path}/nosuch")).status == 404
    assert (await master.get(path)).data == {}


async def test_plans_is_another_name_of_add_that_checks_nothing(master: Client, acme: str) -> None:
    answer = await master.post(f"/v2/accounts/{acme}/services", {"plans": ["nosuch"]})
    assert answer.data == {"nosuch": {"vendor_id": master.master, "overrides": {}}}
    assert await recurring(master, acme) == []


async def test_assigning_twice_keeps_what_is_not_said_again(master: Client, acme: str) -> None:
    given = {"plan": {"limits": {"twoway_trunks": {"rate": 1}}}}
    await assign(master, acme, {"id": "gold-trunks", "overrides": given, "contract": {"months": 12}})
    again = await assign(master, acme, "gold-trunks")
    kept = {"vendor_id": master.master, "overrides": given, "contract": {"months": 12}}
    assert again == {"gold-trunks": kept}


async def test_one_plan_is_assigned_and_taken_away_by_its_path(master: Client, acme: str) -> None:
    path = f"/v2/accounts/{acme}/services/gold-trunks"
    given = {"plan": {"limits": {"twoway_trunks": {"rate": 1}}}}
    assigned = await master.post(path, {"overrides": given})
    assert assigned.data == {"gold-trunks": {"vendor_id": master.master, "overrides": given}}
    assert (await master.delete(path)).data == {}
    assert (await master.delete(path)).data == {}


async def test_deleting_a_plan_that_is_not_assigned_changes_nothing(master: Client, acme: str) -> None:
    await assign(master, acme, "gold-trunks")
    answer = await master.post(f"/v2/accounts/{acme}/services", {"delete": ["gold-seats"]})
    assert answer.status == 200
    assert list(answer.data) == ["gold-trunks"]


@pytest.mark.parametrize(
    "data", [{"add": "gold-trunks"}, {"add": [7, {"name": "x"}, None]}, {"overrides": []}]
)
async def test_a_body_of_other_types_assigns_nothing(master: Client, acme: str, data: Any) -> None:
    answer = await master.post(f"/v2/accounts/{acme}/services", data)
    assert (answer.status, answer.data) == (200, {})


@IN_BOTH
async def test_a_plan_with_an_unknown_strategy_is_answered_with_itself_and_not_stored(
    master: Client, acme: str
) -> None:
    strange = {"merge": {"strategy": "lucky"}, **TRUNKS}
    plan = await sell(master, master.master, "Strange", strange)
    answer = await master.post(f"/v2/accounts/{acme}/services", {"add": [plan]})
    assert (answer.status, answer.data) == (200, {"name": "Strange", "id": plan, **strange})
    assert (await master.get(f"/v2/accounts/{acme}/services")).data == {}


async def test_overrides_price_only_below_plan(master: Client, acme: str) -> None:
    path = f"/v2/accounts/{acme}/services/overrides"
    await assign(master, acme, "gold-trunks")
    await set_trunks(master, acme, 1)
    without_effect = {"limits": {"twoway_trunks": {"rate": 0}}}
    assert (await master.post(path, without_effect)).data == without_effect
    assert await recurring(master, acme) == [29.99]
    assert (await master.post(path, {"plan": without_effect})).data == {"plan": without_effect}
    assert await recurring(master, acme) == [0.0]


async def test_a_patch_of_overrides_merges_and_nulls_remove(master: Client, acme: str) -> None:
    path = f"/v2/accounts/{acme}/services/overrides"
    await master.post(path, {"plan": {"a": {"x": {"rate": 1}}}})
    patched = await master.patch(path, {"plan": {"a": None, "b": {"y": {"rate": 2}}}})
    assert patched.data == {"plan": {"b": {"y": {"rate": 2}}}}
    assert (await master.get(path)).data == patched.data


async def test_an_overridden_plan_that_makes_no_sense_is_still_a_bill(master: Client, acme: str) -> None:
    await assign(master, acme, "gold-trunks", overrides={"plan": {"limits": 7, "users": {"_all": "dear"}}})
    assert await recurring(master, acme) == [0.0]


# quantities set by hand


async def test_quantities_set_by_hand_replace_and_an_empty_map_changes_nothing(
    master: Client, acme: str
) -> None:
    path = f"/v2/accounts/{acme}/services/manual"
    await master.post(path, {"support": {"premium": 1}})
    assert (await master.post(path, {"support": {"basic": 2}})).data == {"support": {"basic": 2}}
    assert (await master.post(path, {})).data == {"support": {"basic": 2}}
    assert (await master.patch(path, {"support": {"basic": None}})).data == {"support": {}}


@IN_BOTH
async def test_the_first_quantities_set_by_hand_for_a_reseller_are_lost_in_5_0(
    master: Client, compat: str
) -> None:
    path = f"/v2/accounts/{master.reseller}/services/manual"
    answer = await master.post(path, {"support": {"premium": 1}})
    stored = (await master.get(path)).data
    lost = compat == "5.0"
    assert answer.status == 200
    assert (answer.data, stored) == ((None, {}) if lost else ({"support": {"premium": 1}},) * 2)
    await master.patch(path, {"support": {"basic": 1}})
    assert "basic" in (await master.get(path)).data["support"]


# bills


async def test_a_bill_is_due_when_the_month_ends(master: Client, acme: str) -> None:
    cycle = (await summary(master, acme))["billing_cycle"]
    assert cycle == {"next": 62_167_219_200 + 1_796_083_200, "period": 1, "unit": "month"}  # 2026-12-01


async def test_the_year_of_a_bill_ends_too(master: Client, acme: str, clock: SetClock) -> None:
    own = await master.as_account(acme)
    clock.now = 1_797_000_000.0  # 2026-12-11
    own = await (await own.log_in(own.sandbox.identity.master.api_key)).as_account(acme)
    cycle = (await summary(own, acme))["billing_cycle"]
    assert cycle["next"] == 62_167_219_200 + 1_798_761_600  # 2027-01-01


async def test_a_summary_makes_the_limits_document(master: Client, acme: str) -> None:
    path = f"/v2/accounts/{acme}/limits"
    assert "allow_prepay" in (await master.get(path)).data
    assert (await summary(master, acme))["limits"] == {"id": "limits"}
    assert (await master.get(path)).data == {
        "id": "limits", "allow_postpay": False, "max_postpay_amount": 0,
    }  # fmt: skip


async def test_everybody_above_is_billed_by_cascade(master: Client, reseller: Client, branch: str) -> None:
    own = await sell(master, master.reseller, "Dear", {"plan": {"limits": {"twoway_trunks": {"rate": 50}}}})
    await assign(master, reseller.reseller, "gold-trunks")
    await assign(reseller, branch, own)
    assert await set_trunks(master, branch, 2) == 200
    assert await recurring(master, branch) == [100.0]
    assert await recurring(master, reseller.reseller) == [59.98]


async def test_a_deleted_account_leaves_the_bills_above(
    master: Client, reseller: Client, branch: str
) -> None:
    await assign(master, reseller.reseller, "gold-trunks")
    await set_trunks(master, branch, 2)
    await master.delete(f"/v2/accounts/{branch}")
    assert await recurring(master, reseller.reseller) == [0.0]
    assert (await summary(master, reseller.reseller))["quantities"]["cascade"] == {}


async def test_a_moved_account_takes_its_trunks_along(master: Client, reseller: Client, branch: str) -> None:
    child = await reseller.create("Child", branch)
    await set_trunks(master, child, 2)
    moved = await master.post(f"/v2/accounts/{branch}/move", {"to": master.master})
    assert moved.status == 200
    below = {
        account: (await summary(master, account))["quantities"]["cascade"]
        for account in (branch, reseller.reseller)
    }
    assert below[branch]["limits"] == {"twoway_trunks": 2}
    assert "limits" not in below[reseller.reseller]


# the 402


async def test_a_402_at_price_zero_asks_all_the_same(master: Client, reseller: Client, branch: str) -> None:
    free = {"plan": {"limits": {"twoway_trunks": {"rate": 0, "cascade": True}}}}
    await assign(master, reseller.reseller, await sell(master, master.master, "Free", free))
    answer = await reseller.post(f"/v2/accounts/{branch}/limits", {"twoway_trunks": 1})
    assert (answer.status, answer.body["message"]) == (402, "accept charges")
    assert answer.data[0]["summary"] == {"today": 0.0, "recurring": 0.0}
    assert (await set_trunks(reseller, branch, 1, accept_charges=True)) == 200
    assert (await set_trunks(reseller, branch, 0)) == 200


async def test_whose_token_asks_decides_about_a_402(master: Client, reseller: Client, branch: str) -> None:
    await assign(master, reseller.reseller, "gold-trunks")
    assert await set_trunks(reseller, branch, 1) == 402
    assert await set_trunks(master, branch, 1) == 200


async def test_a_refused_charge_stores_nothing(master: Client, reseller: Client, branch: str) -> None:
    await assign(master, reseller.reseller, "gold-trunks")
    before = await summary(master, reseller.reseller)
    assert await set_trunks(reseller, branch, 3) == 402
    assert await summary(master, reseller.reseller) == before
    assert "twoway_trunks" not in (await master.get(f"/v2/accounts/{branch}/limits")).data


async def test_a_402_comes_before_a_precondition(master: Client, reseller: Client, branch: str) -> None:
    await assign(master, reseller.reseller, "gold-trunks")
    path, stale = f"/v2/accounts/{branch}/limits", {"If-Match": '"1-0"'}
    refused = [
        await reseller.post(path, body={"data": {"twoway_trunks": 1}, "accept_charges": ok}, headers=stale)
        for ok in (False, True)
    ]
    assert [answer.status for answer in refused] == [402, 412]
    assert await recurring(master, reseller.reseller) == [0.0]


async def test_consent_inside_the_data_is_stored_with_the_limits(
    master: Client, reseller: Client, branch: str
) -> None:
    await assign(master, reseller.reseller, "gold-trunks")
    path = f"/v2/accounts/{branch}/limits"
    answer = await reseller.post(path, {"twoway_trunks": 1, "accept_charges": True})
    assert (answer.status, answer.data["accept_charges"]) == (200, True)
    assert (await reseller.get(path)).data["accept_charges"] is True


# bills that miss a write


async def test_an_unbilled_write_is_stored_and_no_bill_knows_of_it(
    master: Client, reseller: Client, branch: str
) -> None:
    await assign(master, reseller.reseller, "gold-trunks")
    await master.fault({"unbilled": True}, "POST")
    assert await set_trunks(master, branch, 2) == 200
    assert (await master.get(f"/v2/accounts/{branch}/limits")).data["twoway_trunks"] == 2
    assert (await summary(master, branch))["quantities"]["account"].get("limits") is None
    assert await recurring(master, reseller.reseller) == [0.0]


@pytest.mark.parametrize("reconciled", ["branch", "reseller"])
async def test_a_reconciliation_repairs_an_unbilled_write(
    master: Client, reseller: Client, branch: str, reconciled: str
) -> None:
    await assign(master, reseller.reseller, "gold-trunks")
    await master.fault({"unbilled": True}, "POST")
    await set_trunks(master, branch, 2)
    account = branch if reconciled == "branch" else reseller.reseller
    answer = await master.post(f"/v2/accounts/{account}/services/reconciliation")
    assert (answer.status, "data" in answer.body) == (200, False)
    assert await recurring(master, reseller.reseller) == [59.98]


async def test_the_next_change_below_the_reseller_repairs_an_unbilled_write(
    master: Client, reseller: Client, branch: str
) -> None:
    other = await reseller.create("Other", reseller.reseller)
    await assign(master, reseller.reseller, "gold-trunks")
    await master.fault({"unbilled": True}, "POST")
    await set_trunks(master, branch, 2)
    await set_trunks(master, other, 1)
    assert await recurring(master, reseller.reseller) == [3 * 29.99]


async def test_only_billable_writes_use_up_the_fault(master: Client, acme: str) -> None:
    await master.fault({"unbilled": True})
    await master.patch(f"/v2/accounts/{acme}", {"org": "Acme Inc."})
    await set_trunks(master, acme, 1)
    assert "limits" not in (await summary(master, acme))["quantities"]["account"]


async def test_to_wait_for_the_bill_is_broken_and_leaves_the_write_unbilled(
    master: Client, acme: str
) -> None:
    await assign(master, acme, "gold-trunks")
    path = f"/v2/accounts/{acme}/limits?wait_for_service_update=true"
    assert (await master.post(path, {"twoway_trunks": 2})).data["twoway_trunks"] == 2
    assert await recurring(master, acme) == [0.0]


# top-ups


async def test_whoever_may_act_on_an_account_tops_it_up_and_twice_is_twice(master: Client, acme: str) -> None:
    own, path = await master.as_account(acme), f"/v2/accounts/{acme}/services/topup"
    entries = [(await own.post(path, {"amount": 0.5})).data["ledger"] for _ in range(2)]
    assert [(entry["amount"], entry["executor"]["trigger"]) for entry in entries] == [(0.5, "manual")] * 2
    assert entries[0]["id"] != entries[1]["id"]
    assert (await master.get(f"/v2/accounts/{acme}/ledgers/total")).data == {"amount": 1.0}


async def test_a_stranger_tops_nothing_up(master: Client, acme: str, branch: str) -> None:
    stranger = await master.as_account(acme)
    assert (await stranger.post(f"/v2/accounts/{branch}/services/topup", {"amount": 5})).status == 403


@pytest.mark.parametrize("data", [{}, {"amount": 0}, {"amount": -5}])
async def test_a_top_up_of_nothing_is_refused(master: Client, acme: str, data: Any) -> None:
    answer = await master.post(f"/v2/accounts/{acme}/services/topup", data)
    assert (answer.status, list(answer.data["amount"])) == (400, ["required"])
    assert (await master.get(f"/v2/accounts/{acme}/ledgers/total")).data == {"amount": 0.0}


# the rest


async def test_plans_without_a_name_are_not_one_another(master: Client, acme: str) -> None:
    order = {"accountID": master.master, "document": "plan", "merge": TRUNKS}
    made = [(await master.post("/sandbox/documents", body=order)).body["value"]["id"] for _ in range(2)]
    listed = (await master.get(f"/v2/accounts/{acme}/services/available?paginate=false")).row_ids
    assert set(made) < set(listed)
    assert len(set(made)) == 2


@pytest.mark.parametrize(
    "plans", [{"gold-trunks": {"vendor_id": 7, "overrides": "cheap"}}, {"x": 1}, [1], "x"]
)
async def test_strange_plans_of_a_user_are_passed_over(master: Client, acme: str, plans: Any) -> None:
    user = {"first_name": "A", "last_name": "B", "service": {"plans": plans}}
    assert (await master.put(f"/v2/accounts/{acme}/users", user)).status == 201
    assert await recurring(master, acme) == []


async def test_the_state_has_plans_and_assignments(master: Client, acme: str) -> None:
    await assign(master, acme, "gold-seats")
    state = (await master.get("/sandbox/state")).body
    assert [plan["id"] for plan in state["plans"]] == sorted(PLANS)
    assert {plan["vendor_id"] for plan in state["plans"]} == {master.master}
    assert list(state["accounts"][acme]["plans"]) == ["gold-seats"]


async def test_a_reset_forgets_plans_assignments_and_quantities(master: Client) -> None:
    await sell(master, master.master, "Gone", TRUNKS)
    await assign(master, master.reseller, "gold-trunks")
    await set_trunks(master, master.reseller, 2)
    await master.post("/sandbox/reset")
    assert [plan["id"] for plan in (await master.get("/sandbox/state")).body["plans"]] == sorted(PLANS)
    told = await summary(master, master.reseller)
    assert told["plans"] == {}
    assert "limits" not in told["quantities"]["account"]


@IN_4_3
async def test_accounts_are_not_counted_in_4_3(master: Client, acme: str) -> None:
    assert (await summary(master, acme))["quantities"]["account"] == {}
    assert "accounts" not in (await summary(master, master.master))["quantities"]["cascade"]

"""Every field of an Account's document: written, read back, put right, and nothing else touched."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.core.documents import NO_MATCH, get
from kazoo_operator.core.outcome import Reason, State
from tests.engine.conftest import Watching, World, account, after, until_ready

FIELDS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"callRestrictions": {"international": "Deny", "toll_us": "Deny"}},
        {
            "call_restriction.international.action": "deny",
            "call_restriction.toll_us.action": "deny",
        },
    ),
    (
        {
            "callerID": {
                "internal": {"name": "Front", "number": "100"},
                "external": {"name": "Acme", "number": "+14085550100"},
                "emergency": {"name": "Acme HQ", "number": "+14085550111"},
            }
        },
        {
            "caller_id.internal.name": "Front",
            "caller_id.internal.number": "100",
            "caller_id.external.name": "Acme",
            "caller_id.external.number": "+14085550100",
            "caller_id.emergency.name": "Acme HQ",
            "caller_id.emergency.number": "+14085550111",
        },
    ),
    ({"callerIDPrivacy": "Number"}, {"caller_id_options.outbound_privacy": "number"}),
    (
        {"controlCenter": {"preset": "SubAccount", "inbound": True}},
        {
            "ui_restrictions.myaccount.user.show_tab": True,
            "ui_restrictions.myaccount.account.show_tab": True,
            "ui_restrictions.myaccount.billing.show_tab": False,
            "ui_restrictions.myaccount.balance.show_tab": False,
            "ui_restrictions.myaccount.balance.show_credit": False,
            "ui_restrictions.myaccount.balance.show_minutes": False,
            "ui_restrictions.myaccount.service_plan.show_tab": False,
            "ui_restrictions.myaccount.transactions.show_tab": False,
            "ui_restrictions.myaccount.inbound.show_tab": True,
            "ui_restrictions.myaccount.outbound.show_tab": False,
            "ui_restrictions.myaccount.twoway.show_tab": False,
            "ui_restrictions.myaccount.errorTracker.show_tab": True,
        },
    ),
]


@pytest.mark.parametrize(("spec", "held"), FIELDS, ids=[next(iter(spec)) for spec, _ in FIELDS])
@pytest.mark.parametrize("later", [False, True], ids=["at-the-creation", "as-a-change"])
async def test_a_field_reaches_kazoo_and_is_then_left_alone(
    world: World, spec: dict[str, Any], held: dict[str, Any], later: bool
) -> None:
    engine, resource = world.engine(), account(**({} if later else spec))
    found = await until_ready(engine, resource)
    if later:
        resource = after(resource, found, generation=2, **spec)
        found = await until_ready(engine, resource)
    account_id = found.fields["accountID"]
    document = await world.document(account_id)
    assert {path: get(document, path) for path in held} == held
    written = await world.writes("")
    assert (await engine.reconcile(after(resource, found), Watching())).outcome.reason is Reason.READY
    assert await world.writes("") == written
    kept = after(resource, found, generation=3, **dict.fromkeys(spec))
    assert (await engine.reconcile(kept, Watching())).outcome.reason is Reason.READY
    assert await world.document(account_id) == document, "a field that leaves the spec is left as it is"


async def test_a_restriction_that_leaves_the_map_is_lifted_and_foreign_keys_stay(world: World) -> None:
    engine, resource = world.engine(), account(callRestrictions={"international": "Deny"})
    found = await until_ready(engine, resource)
    account_id = found.fields["accountID"]
    await world.edit(
        account_id, {"call_restriction": {"zzz": {"action": "deny"}, "caribbean": {"action": "deny"}}}
    )
    resource = after(resource, found, generation=2, callRestrictions={})
    assert (await engine.reconcile(resource, Watching())).outcome.reason is Reason.READY
    actions = {
        name: held["action"] for name, held in (await world.document(account_id))["call_restriction"].items()
    }
    assert actions == {"international": "inherit", "caribbean": "inherit", "zzz": "deny"}


async def test_an_unknown_classifier_names_its_near_match_and_nothing_is_made(world: World) -> None:
    found = await world.engine().reconcile(account(callRestrictions={"internation": "Deny"}), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.INVALID_SPEC, State.STALLED)
    assert "spec.callRestrictions.internation" in found.outcome.message
    assert "write international" in found.outcome.message
    assert await world.writes("/accounts/") == []


async def test_closed_groups_is_no_classifier_and_yet_clean(world: World) -> None:
    found = await until_ready(world.engine(), account(callRestrictions={"closed_groups": "Deny"}))
    document = await world.document(found.fields["accountID"])
    assert document["call_restriction"]["closed_groups"] == {"action": "deny"}


async def test_denying_emergency_calls_is_refused(world: World) -> None:
    found = await world.engine().reconcile(account(callRestrictions={"emergency": "Deny"}), Watching())
    assert found.outcome.reason is Reason.INVALID_SPEC
    assert "KZ107" in found.outcome.message
    assert await world.writes("") == []


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"callRestrictions": {"international": "Deny"}},
        {"driftPolicy": "Report"},
        {"driftIgnore": ["callRestrictions.emergency"], "callRestrictions": {}},
        {"driftIgnore": ["callRestrictions"], "callRestrictions": {}},
    ],
    ids=["unmanaged", "managed", "report", "ignored", "all-ignored"],
)
async def test_a_live_deny_of_emergency_calls_is_always_repaired(world: World, spec: dict[str, Any]) -> None:
    engine, resource = world.engine(), account(**spec)
    found = await until_ready(engine, resource)
    account_id = found.fields["accountID"]
    await world.edit(account_id, {"call_restriction": {"emergency": {"action": "deny"}}})
    again = await engine.reconcile(after(resource, found), Watching())
    assert again.outcome.reason is Reason.READY
    assert (await world.document(account_id))["call_restriction"]["emergency"] == {"action": "inherit"}
    (event,) = again.events
    assert (event.reason, event.warning) == ("DriftCorrected", True)
    assert "callRestrictions.emergency" in event.message


async def test_a_deny_of_emergency_stands_while_nothing_may_be_written(world: World) -> None:
    engine, resource = world.engine(), account()
    found = await until_ready(engine, resource)
    account_id = found.fields["accountID"]
    await world.edit(account_id, {"call_restriction": {"emergency": {"action": "deny"}}})
    for spec in ({"suspend": True}, {"managementPolicy": "ObserveOnly"}):
        await engine.reconcile(after(resource, found, generation=2, **spec), Watching())
    assert (await world.document(account_id))["call_restriction"]["emergency"] == {"action": "deny"}


@pytest.mark.parametrize(
    ("routing", "module"),
    [(None, "offnet"), ("Platform", "offnet"), ("Own", "resources"), ("Reseller", "resources")],
)
async def test_routing_stands_in_the_callflow_of_what_matches_nothing(
    world: World, routing: str | None, module: str
) -> None:
    engine, resource = world.engine(), account(outboundRouting=routing)
    found = await until_ready(engine, resource)
    account_id = found.fields["accountID"]
    (callflow,) = await world.callflows(account_id)
    assert callflow["numbers"] == ["no_match"]
    assert callflow["flow"]["module"] == module
    hunted = callflow["flow"].get("data", {}).get("hunt_account_id")
    assert hunted == (found.fields["resellerID"] if routing == "Reseller" else None)
    assert found.fields["steps"] == [
        {"name": "Account", "state": "Done"},
        {"name": "Routing", "state": "Done"},
    ]
    await engine.reconcile(after(resource, found), Watching())
    assert await world.writes("/callflows") == [("PUT", 201)]


@pytest.mark.parametrize(
    ("old", "new"),
    [("Platform", "Reseller"), ("Reseller", "Own"), ("Own", "Platform"), ("Reseller", "Platform")],
)
async def test_routing_is_changed_in_place(world: World, old: str, new: str) -> None:
    engine, resource = world.engine(), account(outboundRouting=old)
    resource = after(resource, await until_ready(engine, resource), generation=2, outboundRouting=new)
    found = await engine.reconcile(resource, Watching())
    assert found.outcome.reason is Reason.READY
    assert await world.writes("/callflows") == [("PUT", 201), ("PATCH", 200)]
    again = await engine.reconcile(after(resource, found), Watching())
    assert again.outcome.reason is Reason.READY
    assert len(await world.writes("/callflows")) == 2


async def test_unmanaged_routing_makes_no_callflow(world: World) -> None:
    found = await until_ready(world.engine(), account(outboundRouting="Unmanaged"))
    assert await world.callflows(found.fields["accountID"]) == []


async def test_without_a_word_about_routing_a_callflow_is_made_only_where_there_is_none(world: World) -> None:
    engine, resource = world.engine(), account(outboundRouting="Unmanaged")
    found = await until_ready(engine, resource)
    account_id = found.fields["accountID"]
    backend = world.open[0]
    flow = {"numbers": ["1001"], "flow": {"module": "offnet", "data": {}, "children": {}}}
    await backend.make(account_id, NO_MATCH, flow)
    resource = after(resource, found, generation=2, outboundRouting=None)
    assert (await engine.reconcile(resource, Watching())).outcome.reason is Reason.READY
    assert [held["numbers"] for held in await world.callflows(account_id)] == [["1001"]]


async def test_an_answer_lost_after_the_callflow_was_made_makes_no_second(world: World) -> None:
    await world.fault({"status": 500, "afterCommit": True}, "PUT", "/callflows$")
    engine, resource = world.engine(), account()
    first = await engine.reconcile(resource, Watching())
    assert first.outcome.reason is Reason.BACKEND_UNAVAILABLE
    assert [step["state"] for step in first.fields["steps"]] == ["Done", "Pending"]
    found = await engine.reconcile(after(resource, first), Watching())
    assert found.outcome.reason is Reason.READY
    assert len(await world.callflows(found.fields["accountID"])) == 1
    assert await world.writes("/callflows") == [("PUT", 500)]


async def test_a_callflow_that_kazoo_refuses_fails_the_routing_and_not_the_account(
    world: World,
) -> None:
    await world.fault({"status": 400, "message": "validation error"}, "PUT", "/callflows$")
    found = await world.engine().reconcile(account(), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.REJECTED, State.STALLED)
    account_step, routing = found.fields["steps"]
    assert (account_step["state"], routing["state"]) == ("Done", "Failed")
    assert routing["message"] == found.outcome.message


@pytest.mark.parametrize("status", [404, 403, 405])
async def test_classifiers_that_kazoo_does_not_tell_are_named_where_they_are_needed(
    world: World, status: int
) -> None:
    await world.fault({"status": status}, "GET", "/classifiers$", times=9)
    found = await world.engine().reconcile(account(callRestrictions={"international": "Deny"}), Watching())
    assert found.outcome.reason is Reason.BACKEND_UNAVAILABLE
    assert "classifiers" in found.outcome.message
    assert await world.writes("/accounts/") == []


async def test_without_classifiers_a_live_deny_of_emergency_calls_is_repaired_all_the_same(
    world: World,
) -> None:
    engine, resource = world.engine(), account()
    found = await until_ready(engine, resource)
    await world.edit(found.fields["accountID"], {"call_restriction": {"emergency": {"action": "deny"}}})
    await world.fault({"status": 404}, "GET", "/classifiers$", times=9)
    again = await engine.reconcile(after(resource, found), Watching())
    assert again.outcome.reason is Reason.READY
    document = await world.document(found.fields["accountID"])
    assert document["call_restriction"]["emergency"] == {"action": "inherit"}


@pytest.mark.parametrize("routing", [None, "Platform"])
async def test_a_callflow_that_was_deleted_behind_our_back_is_made_again(
    world: World, routing: str | None
) -> None:
    engine, resource = world.engine(), account(outboundRouting=routing)
    found = await until_ready(engine, resource)
    account_id = found.fields["accountID"]
    (callflow,) = await world.callflows(account_id)
    await world.call("DELETE", f"accounts/{account_id}/callflows/{callflow['id']}")
    assert await world.callflows(account_id) == []
    again = await engine.reconcile(after(resource, found), Watching())
    assert [event.reason for event in again.events] == ["DriftCorrected"]
    assert len(await world.callflows(account_id)) == 1

"""What may not be touched is not touched, and the condition says why and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.outcome import Reason, Return, State
from tests.engine.conftest import Clock, Watching, World, account, until_ready


async def _made(world: World, **spec: Any) -> tuple[Resource, str]:
    found = await until_ready(world.engine(), account(**spec))
    return account(status=found.fields, **spec), found.fields["accountID"]


async def test_an_account_that_another_object_manages_is_left_alone(world: World) -> None:
    await _made(world)
    found = await world.engine().reconcile(account("other"), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.REALM_TAKEN, State.STALLED)
    assert "kazoo-operator/cluster/team/acme" in found.outcome.message
    assert await world.writes() == [("PUT", 201)]


async def test_the_same_object_under_another_owner_is_told_how_to_take_over(world: World) -> None:
    await _made(world)
    found = await world.engine(owner="rebuilt").reconcile(account(), Watching())
    assert found.outcome.reason is Reason.REALM_TAKEN
    assert "KAZOO_OPERATOR_OWNER=cluster" in found.outcome.message
    assert await world.writes() == [("PUT", 201)]


async def test_an_unmarked_account_is_not_adopted_by_itself(world: World) -> None:
    _, account_id = await _made(world)
    await world.edit(account_id, {"flags": ["vip"]})
    found = await world.engine().reconcile(account(), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.NOT_ADOPTED, State.STALLED)
    assert account_id in found.outcome.message
    assert await world.writes() == [("PUT", 201)]


async def test_a_mark_that_vanished_while_status_knows_the_account_is_written_again(world: World) -> None:
    resource, account_id = await _made(world)
    await world.edit(account_id, {"flags": ["vip"]})
    found = await world.engine().reconcile(resource, Watching())
    assert found.outcome.reason is Reason.READY
    (document,) = (await world.accounts()).values()
    assert document["flags"] == ["vip", "kazoo-operator/cluster/team/acme"]


async def test_a_realm_outside_our_tree_is_taken(world: World) -> None:
    master = world.sandbox.identity.master
    await until_ready(world.engine(key=master.api_key, owner="master"), account())
    found = await world.engine().reconcile(account(), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.REALM_TAKEN, State.STALLED)
    assert "acme.pbx.example.com" in found.outcome.message
    assert [status for method, status in await world.writes() if method == "PUT"] == [201, 400]


async def test_an_account_that_is_gone_is_not_made_anew(world: World) -> None:
    resource, _ = await _made(world)
    await world.control("POST", "reset")
    found = await world.engine().reconcile(resource, Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.EXTERNALLY_DELETED, State.STALLED)
    assert await world.accounts() == {}


async def test_a_name_that_is_taken_is_rejected_in_the_users_words(world: World) -> None:
    await _made(world)
    found = await world.engine().reconcile(
        account("second", name="ACME-Dental", realm="second.pbx.example.com"), Watching()
    )
    assert (found.outcome.reason, found.outcome.state) == (Reason.REJECTED, State.STALLED)
    assert "spec.name" in found.outcome.message
    assert found.outcome.comes_back is Return.AT_RESYNC


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"timezone": "Mars/Olympus"}, "spec.timezone"),
        ({"timezone": "UTC"}, 'did you mean "Etc/UTC"?'),
        ({"realm": "ACME.example.com"}, "spec.realm"),
        ({"realm": "acme example.com"}, "spec.realm"),
        ({"language": "en-us"}, "en-US"),
        ({"address": {"street": "1 Main St"}}, "spec.address.city: is required"),
        ({"contacts": {"billing": {"phone": "911"}}}, "spec.contacts.billing.phone"),
        ({"contacts": {"billing": {"email": "bo"}}}, "spec.contacts.billing.email"),
        ({"name": "Acme\u200bDental"}, "spec.name"),
        ({"resyncInterval": "1s"}, "between 30s and 24h"),
        ({"colour": "red"}, "spec.colour"),
        ({"name": 5}, "spec.name"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_an_invalid_spec_names_field_and_remedy_and_asks_kazoo_nothing(
    world: World, spec: dict[str, Any], said: str
) -> None:
    found = await world.engine().reconcile(account(**spec), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.INVALID_SPEC, State.STALLED)
    assert found.outcome.comes_back is Return.ON_CHANGE
    assert said in found.outcome.message
    assert (await world.control("GET", "requests"))["requests"] == []


async def test_a_realm_other_than_the_one_in_status_is_refused(world: World) -> None:
    resource, _ = await _made(world)
    resource.spec["realm"] = "new.pbx.example.com"
    found = await world.engine().reconcile(resource, Watching())
    assert found.outcome.reason is Reason.INVALID_SPEC
    assert "KZ020" in found.outcome.message
    del resource.status["realm"], resource.status["accountID"]
    again = await world.engine().reconcile(resource, Watching())
    assert again.outcome.reason is Reason.INVALID_SPEC
    assert await world.writes() == [("PUT", 201)]


async def test_a_wrong_key_says_so_and_shows_no_key(world: World) -> None:
    key = "0123456789abcdef" * 4
    found = await world.engine(key=key).reconcile(account(), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.UNAUTHORIZED, State.STALLED)
    assert "API key" in found.outcome.message
    assert key not in found.outcome.message


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        ({"status": 503}, Reason.BACKEND_UNAVAILABLE),
        ({"body": "<html>login</html>", "contentType": "text/html"}, Reason.BACKEND_NONSENSE),
        ({"body": "[1, 2]", "contentType": "application/json"}, Reason.BACKEND_NONSENSE),
        ({"status": 429}, Reason.RATE_LIMITED),
        ({"status": 403}, Reason.FORBIDDEN),
        ({"reset": True}, Reason.BACKEND_UNAVAILABLE),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_a_backend_in_trouble_gives_a_reason_and_recovers(
    world: World, do: dict[str, Any], reason: Reason
) -> None:
    resource, _ = await _made(world)
    await world.fault(do, method="GET", path="/accounts/[0-9a-f]{32}$", times=4)
    found = await world.engine().reconcile(resource, Watching())
    assert found.outcome.reason is reason
    assert found.fields == {}, "what was known before stays in status"
    await world.control("DELETE", "faults")
    assert (await until_ready(world.engine(), resource)).fields == resource.status


async def test_a_change_that_does_not_stick_is_not_repeated_hot(world: World) -> None:
    resource, account_id = await _made(world)
    resource.spec["contacts"] = {"billing": {"phone": "+14085550177"}}
    await world.fault(
        {"body": '{"data": {}, "status": "success"}', "contentType": "application/json"}, method="PATCH"
    )
    found = await world.engine().reconcile(resource, Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.NOT_CONVERGING, State.STALLED)
    assert "spec.contacts.billing.phone" in found.outcome.message
    assert found.outcome.comes_back is Return.AT_RESYNC
    assert found.fields["accountID"] == account_id


async def test_an_edit_behind_our_back_is_put_right_and_foreign_fields_stay(world: World) -> None:
    resource, account_id = await _made(world)
    await world.edit(account_id, {"contact": {"billing": {"number": "+1999"}, "notes": "vip"}, "org": "Acme"})
    assert (await world.engine().reconcile(resource, Watching())).outcome.reason is Reason.READY
    (document,) = (await world.accounts()).values()
    assert document["contact"]["billing"]["number"] == "+14085550101"
    assert (document["contact"]["notes"], document["org"]) == ("vip", "Acme")
    assert await world.writes() == [("PUT", 201), ("PATCH", 200)]


async def test_the_root_account_of_the_settings_is_the_parent(world: World) -> None:
    reseller = world.sandbox.identity.reseller
    key = world.sandbox.identity.master.api_key
    engine = world.engine(key=key, policy={"root_account": reseller.realm})
    found = await until_ready(engine, account())
    assert found.fields["parent"] == reseller.realm
    assert found.fields["path"].count(" / ") == 1
    tree = (await world.control("GET", "state"))["accounts"][found.fields["accountID"]]["tree"]
    assert tree[-1] == reseller.account_id


async def test_a_root_account_that_does_not_exist_is_named(world: World) -> None:
    engine = world.engine(policy={"root_account": "nowhere.example.com"})
    found = await engine.reconcile(account(), Watching())
    assert found.outcome.reason is Reason.FORBIDDEN
    assert "nowhere.example.com" in found.outcome.message
    assert await world.writes() == []


async def test_a_twin_is_named_at_every_pass_and_never_deleted(world: World) -> None:
    resource, account_id = await _made(world)
    twin = await until_ready(world.engine(), account("other", name="Other", realm="other.pbx.example.com"))
    twin_id = twin.fields["accountID"]
    mark = {"flags": ["kazoo-operator/cluster/team/acme"], "realm": "acme.pbx.example.com"}
    await world.edit(twin_id, mark)
    engine = world.engine()
    for _ in range(2):
        found = await engine.reconcile(resource, Watching())
        assert (found.outcome.reason, found.outcome.state) == (Reason.REALM_TAKEN, State.STALLED)
        assert account_id in found.outcome.message and twin_id in found.outcome.message
        assert found.fields["accountID"] == account_id
    assert len(await world.accounts()) == 2
    await world.edit(twin_id, {"flags": [], "realm": "gone.pbx.example.com"})
    assert (await engine.reconcile(resource, Watching())).outcome.reason is Reason.READY
    assert [method for method, _ in await world.writes()] == ["PUT", "PUT"]


async def test_a_status_that_names_a_strangers_account_does_not_make_it_ours(world: World) -> None:
    _, account_id = await _made(world)
    await world.edit(account_id, {"flags": []})
    forged = account(
        "thief", name="Thief", realm="thief.pbx.example.com",
        status={"accountID": account_id, "realm": "thief.pbx.example.com"},
    )  # fmt: skip
    found = await world.engine().reconcile(forged, Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.NOT_ADOPTED, State.STALLED)
    assert await world.writes() == [("PUT", 201)]


@pytest.mark.parametrize("lost", [False, True], ids=["known", "status-lost"])
async def test_an_account_outside_the_root_account_is_not_touched(world: World, lost: bool) -> None:
    key = world.sandbox.identity.master.api_key
    made = await until_ready(world.engine(key=key), account())
    fenced = world.engine(key=key, policy={"root_account": world.sandbox.identity.reseller.realm})
    status = {} if lost else made.fields
    changed = account(generation=2, status=status, contacts={"billing": {"phone": "+14085550155"}})
    found = await fenced.reconcile(changed, Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.OUTSIDE_SUBTREE, State.STALLED)
    assert await world.writes() == [("PUT", 201)]


async def test_an_unmarked_account_outside_the_root_account_only_holds_the_realm(world: World) -> None:
    key = world.sandbox.identity.master.api_key
    made = await until_ready(world.engine(key=key), account())
    await world.edit(made.fields["accountID"], {"flags": []})
    fenced = world.engine(key=key, policy={"root_account": world.sandbox.identity.reseller.realm})
    found = await fenced.reconcile(account(), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.REALM_TAKEN, State.STALLED)


async def test_the_path_tells_what_stands_between_the_root_and_the_account(world: World) -> None:
    made = await until_ready(world.engine(), account())
    key = world.sandbox.identity.master.api_key
    seen = await until_ready(world.engine(key=key), account(status=made.fields))
    reseller = world.sandbox.identity.reseller
    assert seen.fields["parent"] == reseller.realm
    assert seen.fields["path"].count(" / ") == 2
    assert seen.fields["path"].endswith(made.fields["path"])


@pytest.mark.parametrize(
    "do", [{"status": 503}, {"body": '{"data": {}, "status": "success"}'}], ids=["fails", "does-not-stick"]
)
async def test_a_realm_edited_behind_our_back_is_repaired_at_last(world: World, do: dict[str, Any]) -> None:
    resource, account_id = await _made(world)
    await world.edit(account_id, {"realm": "moved.example.com"})
    await world.fault(do, method="PATCH")
    engine = world.engine()
    failed = await engine.reconcile(resource, Watching())
    assert failed.outcome.reason in (Reason.BACKEND_UNAVAILABLE, Reason.NOT_CONVERGING)
    again = account(status={**resource.status, **failed.fields})
    assert (await engine.reconcile(again, Watching())).outcome.reason is Reason.READY
    assert list(await world.accounts()) == [account_id]


async def test_a_name_that_is_taken_below_us_is_not_even_tried(world: World) -> None:
    _, account_id = await _made(world)
    other = {"realm": "beta.pbx.example.com"}
    beta = (await until_ready(world.engine(), account("beta", name="Beta", **other))).fields
    renamed = account("beta", generation=2, status=beta, name="Acme, Dental", **other)
    found = await world.engine().reconcile(renamed, Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.REJECTED, State.STALLED)
    assert "spec.name" in found.outcome.message and account_id in found.outcome.message
    assert [method for method, _ in await world.writes()] == ["PUT", "PUT"]


async def test_a_name_that_was_refused_and_yet_stored_is_taken_back(world: World) -> None:
    outside = world.engine(key=world.sandbox.identity.master.api_key, owner="master")
    await until_ready(outside, account())
    other = {"realm": "beta.pbx.example.com"}
    beta = (await until_ready(world.engine(), account("beta", name="Beta", **other))).fields
    renamed = account("beta", generation=2, status=beta, name="Acme, Dental", **other)
    engine = world.engine()
    for _ in range(2):
        found = await engine.reconcile(renamed, Watching())
        assert (found.outcome.reason, found.outcome.state) == (Reason.REJECTED, State.STALLED)
        (document,) = (await world.accounts("beta.pbx.example.com")).values()
        assert document["name"] == "Beta"


async def test_a_twin_of_another_owner_is_named_as_long_as_it_is_there(world: World) -> None:
    resource, account_id = await _made(world)
    other = account("other", name="Other", realm="other.pbx.example.com")
    twin_id = (await until_ready(world.engine(owner="rival"), other)).fields["accountID"]
    await world.edit(twin_id, {"realm": "ACME.pbx.example.com"})
    engine = world.engine()
    for _ in range(2):
        found = await engine.reconcile(resource, Watching())
        assert found.outcome.reason is Reason.REALM_TAKEN
        assert account_id in found.outcome.message and twin_id in found.outcome.message


async def test_a_balance_beyond_what_status_holds_is_nonsense(world: World) -> None:
    resource, _ = await _made(world)
    body = '{"data": {"amount": 12345678901.5}, "status": "success", "auth_token": "t"}'
    await world.fault({"body": body, "contentType": "application/json"}, "GET", "/ledgers/total$")
    found = await world.engine().reconcile(resource, Watching())
    assert found.outcome.reason is Reason.BACKEND_NONSENSE


async def test_a_url_that_leads_elsewhere_is_not_blamed_on_the_spec(world: World) -> None:
    await world.fault({"status": 410}, method="GET", path="/accounts/", times=9)
    found = await world.engine().reconcile(account(), Watching())
    assert found.outcome.reason is Reason.BACKEND_NONSENSE
    assert "URL" in found.outcome.message


async def test_a_realm_that_somebody_took_meanwhile_is_not_written_back(world: World) -> None:
    resource, account_id = await _made(world)
    await world.edit(account_id, {"realm": "moved.example.com"})
    stranger = await until_ready(world.engine(owner="rival"), account("stranger", name="Stranger"))
    found = await world.engine().reconcile(resource, Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.REALM_TAKEN, State.STALLED)
    assert stranger.fields["accountID"] in found.outcome.message
    assert [method for method, _ in await world.writes()] == ["PUT", "PUT"]


async def test_an_account_with_a_second_mark_is_contested_and_left_alone(world: World) -> None:
    resource, account_id = await _made(world)
    marks = ["kazoo-operator/cluster/team/acme", "kazoo-operator/rival/team/acme"]
    await world.edit(account_id, {"flags": marks, "timezone": "Etc/UTC"})
    for status in (resource.status, {}):
        found = await world.engine().reconcile(account(status=status), Watching())
        assert (found.outcome.reason, found.outcome.state) == (Reason.REALM_TAKEN, State.STALLED)
        assert marks[1] in found.outcome.message
    assert await world.writes() == [("PUT", 201)]


async def test_a_status_that_names_the_root_does_not_make_it_ours(world: World) -> None:
    root = world.sandbox.identity.reseller
    status = {"accountID": root.account_id, "realm": root.realm}
    found = await world.engine().reconcile(account(realm=root.realm, status=status), Watching())
    assert found.outcome.reason is Reason.NOT_ADOPTED
    assert await world.writes() == []


async def test_a_realm_from_the_template_is_repaired_too(world: World) -> None:
    policy = {"realm_template": "{name}.pbx.example.org"}
    made = await until_ready(world.engine(policy=policy), account(realm=None))
    await world.edit(made.fields["accountID"], {"realm": "evil.example.org"})
    found = await world.engine(policy=policy).reconcile(account(realm=None, status=made.fields), Watching())
    assert found.outcome.reason is Reason.READY
    assert found.fields["realm"] == "acme-dental.pbx.example.org"
    assert list(await world.accounts("acme-dental.pbx.example.org")) == [made.fields["accountID"]]


async def test_an_account_edited_to_our_realm_stalls_nobody_for_good(world: World) -> None:
    ours, account_id = await _made(world)
    other = account("other", name="Other", realm="other.pbx.example.com")
    theirs = (await until_ready(world.engine(), other)).fields
    await world.edit(theirs["accountID"], {"realm": "acme.pbx.example.com"})
    engine = world.engine()
    assert (await engine.reconcile(ours, Watching())).outcome.reason is Reason.READY
    again = account("other", name="Other", realm="other.pbx.example.com", status=theirs)
    assert (await engine.reconcile(again, Watching())).outcome.reason is Reason.READY
    assert list(await world.accounts()) == [account_id]


async def test_a_refused_name_is_rejected_until_the_spec_changes_without_a_write(
    world: World, clock: Clock
) -> None:
    outside = world.engine(key=world.sandbox.identity.master.api_key, owner="master")
    await until_ready(outside, account())
    other = {"realm": "beta.pbx.example.com"}
    beta = (await until_ready(world.engine(), account("beta", name="Beta", **other))).fields
    engine = world.engine()
    renamed = account("beta", generation=2, status=beta, name="Acme, Dental", **other)
    first = await engine.reconcile(renamed, Watching())
    written = await world.writes()
    # 5.0 stores what it refuses, so that it is put back.
    tries = 2 if world.compat == "5.0" else 1
    assert [method for method, _ in written].count("PATCH") == tries
    assert await engine.reconcile(renamed, Watching()) == first
    assert await world.writes() == written
    clock.now += 3601
    assert await engine.reconcile(renamed, Watching()) == first
    assert len(await world.writes()) == len(written) + tries, "once an hour it is tried again"
    better = account("beta", generation=3, status=beta, name="Beta Two", **other)
    assert (await engine.reconcile(better, Watching())).outcome.reason is Reason.READY


async def test_a_name_that_could_not_be_put_back_is_put_back_later(world: World) -> None:
    outside = world.engine(key=world.sandbox.identity.master.api_key, owner="master")
    await until_ready(outside, account())
    other = {"realm": "beta.pbx.example.com"}
    beta = (await until_ready(world.engine(), account("beta", name="Beta", **other))).fields
    engine = world.engine()
    renamed = account("beta", generation=2, status=beta, name="Acme, Dental", **other)
    first = await engine.reconcile(renamed, Watching())
    await world.edit(beta["accountID"], {"name": "Acme, Dental"})
    again = await engine.reconcile(renamed, Watching())
    assert (first.outcome.reason, again.outcome.reason) == (Reason.REJECTED, Reason.REJECTED)
    (document,) = (await world.accounts("beta.pbx.example.com")).values()
    assert document["name"] == "Beta"


async def test_an_object_applied_anew_with_another_realm_is_looked_at_again(world: World) -> None:
    await _made(world)
    found = await world.engine().reconcile(account(realm="new.pbx.example.com"), Watching())
    assert (found.outcome.reason, found.outcome.state) == (Reason.INVALID_SPEC, State.STALLED)
    assert found.outcome.comes_back is Return.AT_RESYNC


async def test_a_stuck_object_does_not_list_all_accounts_at_each_pass(world: World, clock: Clock) -> None:
    key = world.sandbox.identity.master.api_key
    made = await until_ready(world.engine(key=key), account())
    fenced = world.engine(key=key, policy={"root_account": world.sandbox.identity.reseller.realm})
    await world.control("DELETE", "requests")
    for _ in range(5):
        found = await fenced.reconcile(account(status=made.fields), Watching())
        assert found.outcome.reason is Reason.OUTSIDE_SUBTREE
        clock.now += 5
    journal = (await world.control("GET", "requests"))["requests"]
    assert len([call for call in journal if call["path"].endswith("/descendants")]) == 1

"""The client against scripted answers: what it sends, and what it makes of what comes back."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest
from aiohttp import web
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.errors import Nonsense, ServerFailure, TimedOut, Unreachable
from kazoo_operator.backend.protocol import AccountRow, Backend, Identity
from kazoo_operator.backend.rows import FORBIDDEN
from kazoo_operator.core.documents import ACCOUNT, Document
from tests.backend.scripted import ACCOUNT_ID, AUTH, KEY, Script, cut, envelope, raw, reset

ACCOUNT_PATH = f"/accounts/{ACCOUNT_ID}"
SEARCH = f"/accounts/{AUTH}/search"
DESCENDANTS = f"/accounts/{AUTH}/descendants"
TOTAL = f"{ACCOUNT_PATH}/ledgers/total"


def test_it_is_a_backend() -> None:
    backend: Backend = Crossbar("https://kazoo.example.com/", lambda: SecretStr(KEY))
    assert backend.url == "https://kazoo.example.com"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("kazoo.example.com", "must read like"),
        ("ftp://kazoo.example.com", "must read like"),
        ("https://", "must read like"),
        ("http://[::1", "must read like"),
        ("", "must read like"),
        ("https://ada:hunter2@kazoo.example.com", "user name or password"),
        ("https://kazoo.example.com/?key=hunter2", r"no \?"),
        ("https://kazoo.example.com/#hunter2", "no #"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        Crossbar(url, lambda: SecretStr(KEY))
    assert "hunter2" not in str(caught.value)


async def test_the_version_may_stand_in_the_url(kazoo: Script) -> None:
    kazoo.on("GET", ACCOUNT_PATH, envelope({"name": "Acme"}))
    async with Crossbar(f"{kazoo.url}/v2/", lambda: SecretStr(KEY)) as client:
        assert await client.read(ACCOUNT_ID, ACCOUNT) == {"name": "Acme"}


async def test_identity_is_that_of_the_login_and_costs_one_read(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("GET", f"/accounts/{AUTH}", envelope({"realm": "reseller.example.com"}))
    for _ in range(3):
        assert await client.identity() == Identity(AUTH, "Reseller", "reseller.example.com", True, False)
    assert (kazoo.logins, len(kazoo.seen)) == (1, 2)


async def test_a_read_lays_data_over_metadata_and_keeps_numbers_exact(
    kazoo: Script, client: Crossbar
) -> None:
    answer = envelope(
        {"name": "Acme", "enabled": True}, metadata={"enabled": False, "billing_mode": "normal", "t": 6.99}
    )
    kazoo.on("GET", ACCOUNT_PATH, answer)
    assert await client.read(ACCOUNT_ID, ACCOUNT) == {
        "name": "Acme",
        "enabled": True,
        "billing_mode": "normal",
        "t": Decimal("6.99"),
    }


async def test_a_document_lies_below_its_account_and_segments_are_quoted(
    kazoo: Script, client: Crossbar
) -> None:
    kazoo.on("GET", f"{ACCOUNT_PATH}/limits", envelope({"calls": 1}))
    assert await client.read(ACCOUNT_ID, Document("limits", "limits", "POST")) == {"calls": 1}
    kazoo.on("GET", "/accounts/a%2Fb%3Fc/x%20y", envelope({}))
    assert await client.read("a/b?c", Document("odd", "x y", "POST")) == {}


@pytest.mark.parametrize("account_id", ["", ".", ".."])
async def test_an_id_that_leads_elsewhere_is_never_sent(
    kazoo: Script, client: Crossbar, account_id: str
) -> None:
    with pytest.raises(ValueError, match="no segment"):
        await client.create_account(account_id, {"name": "Acme"})
    assert not kazoo.calls("PUT", "/accounts/")
    assert client.creates_in_flight == 0


@pytest.mark.parametrize("verb", ["PATCH", "POST"])
async def test_a_write_sends_data_in_its_envelope_with_the_token(
    kazoo: Script, client: Crossbar, verb: str
) -> None:
    kazoo.on(verb, ACCOUNT_PATH, envelope({"name": "Acme"}, metadata={"created": 1}))
    document = Document("account", "", verb)  # type: ignore[arg-type]
    data = {"name": "Acmé", "threshold": Decimal("2.50"), "nested": {"verb": "fine"}}
    assert await client.write(ACCOUNT_ID, document, data) == {"name": "Acme", "created": 1}
    (call,) = kazoo.calls(verb, ACCOUNT_PATH)
    assert call.body == {"data": {"name": "Acmé", "threshold": 2.5, "nested": {"verb": "fine"}}}
    assert (call.token, call.query) == ("token-1", {})


async def test_a_create_asks_for_no_mail_and_returns_the_data(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("PUT", ACCOUNT_PATH, envelope({"id": "c" * 32, "created": 63}, 201))
    assert await client.create_account(ACCOUNT_ID, {"name": "Acme"}) == {"id": "c" * 32, "created": 63}
    (call,) = kazoo.calls("PUT", ACCOUNT_PATH)
    assert (call.query, call.body) == ({"send_email_on_creation": "false"}, {"data": {"name": "Acme"}})


@pytest.mark.parametrize("name", [*sorted(FORBIDDEN), "_rev", "pvt_tree"])
async def test_a_member_that_steers_the_request_never_leaves_us(
    kazoo: Script, client: Crossbar, name: str
) -> None:
    with pytest.raises(ValueError, match=name):
        await client.create_account(ACCOUNT_ID, {"name": "Acme", name: "delete"})
    with pytest.raises(ValueError, match=name):
        await client.write(ACCOUNT_ID, ACCOUNT, {name: "delete"})
    assert kazoo.seen == []


async def test_a_cancelled_create_is_not_cut_and_is_waited_for(kazoo: Script, client: Crossbar) -> None:
    arrived, go = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await go.wait()
        answered.append(request.method)
        return await envelope({"id": "c" * 32}, 201)(request)

    answered: list[str] = []
    kazoo.on("PUT", ACCOUNT_PATH, slow)
    call = asyncio.create_task(client.create_account(ACCOUNT_ID, {"name": "Acme"}))
    await arrived.wait()
    assert client.creates_in_flight == 1
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert client.creates_in_flight == 1
    finish = asyncio.create_task(client.finish_creates())
    await asyncio.sleep(0)
    assert not finish.done()
    go.set()
    await finish
    assert (client.creates_in_flight, answered) == (0, ["PUT"])


async def test_closing_waits_for_creates(kazoo: Script) -> None:
    arrived, done = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(0.05)
        done.set()
        return await envelope({}, 201)(request)

    kazoo.on("PUT", ACCOUNT_PATH, slow)
    client = Crossbar(kazoo.url, lambda: SecretStr(KEY))
    call = asyncio.create_task(client.create_account(ACCOUNT_ID, {}))
    await arrived.wait()
    await client.close()
    assert done.is_set()
    await call


async def test_a_create_that_fails_after_its_caller_left_disturbs_nobody(
    kazoo: Script, client: Crossbar
) -> None:
    arrived = asyncio.Event()

    async def fail(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(0.01)
        return await reset(request)

    kazoo.on("PUT", ACCOUNT_PATH, fail)
    call = asyncio.create_task(client.create_account(ACCOUNT_ID, {}))
    await arrived.wait()
    call.cancel()
    await client.finish_creates()
    assert client.creates_in_flight == 0


async def test_a_create_that_waits_for_its_turn_can_still_be_called_off(kazoo: Script) -> None:
    kazoo.on("PUT", ACCOUNT_PATH, envelope({}, 201))
    async with Crossbar(kazoo.url, lambda: SecretStr(KEY), requests_per_second=0.001) as client:
        call = asyncio.create_task(client.create_account(ACCOUNT_ID, {}))  # the login took the only token
        while kazoo.logins == 0:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        assert client.creates_in_flight == 0
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert not kazoo.calls("PUT", ACCOUNT_PATH)


@pytest.mark.parametrize("broken", [reset, cut, raw("{}", 502)], ids=["reset", "cut", "502"])
async def test_a_create_whose_answer_is_lost_is_never_sent_again(
    kazoo: Script, client: Crossbar, broken: object
) -> None:
    kazoo.on("GET", ACCOUNT_PATH, envelope({}))
    await client.read(ACCOUNT_ID, ACCOUNT)  # the connection that breaks is one that was used before
    kazoo.on("PUT", ACCOUNT_PATH, broken)  # type: ignore[arg-type]
    with pytest.raises((Unreachable, ServerFailure)):
        await client.create_account(ACCOUNT_ID, {"name": "Acme"})
    assert len(kazoo.calls("PUT", ACCOUNT_PATH)) == 1


@pytest.mark.parametrize("broken", [reset, cut, raw("{}", 502)], ids=["reset", "cut", "502"])
async def test_a_patch_is_sent_once(kazoo: Script, client: Crossbar, broken: object) -> None:
    kazoo.on("PATCH", ACCOUNT_PATH, broken)  # type: ignore[arg-type]
    with pytest.raises((Unreachable, ServerFailure)):
        await client.write(ACCOUNT_ID, ACCOUNT, {"enabled": True})
    assert len(kazoo.calls("PATCH", ACCOUNT_PATH)) == 1


@pytest.mark.parametrize("broken", [reset, cut, raw("<html>", 502)], ids=["reset", "cut", "502"])
async def test_a_read_survives_two_failures_and_gives_up_after_three(
    kazoo: Script, client: Crossbar, broken: object
) -> None:
    kazoo.on("GET", ACCOUNT_PATH, broken, broken, envelope({"name": "Acme"}))  # type: ignore[arg-type]
    assert await client.read(ACCOUNT_ID, ACCOUNT) == {"name": "Acme"}
    kazoo.on("GET", TOTAL, broken)  # type: ignore[arg-type]
    with pytest.raises((Unreachable, ServerFailure)):
        await client.balance(ACCOUNT_ID)
    assert len(kazoo.calls("GET", TOTAL)) == 3


async def test_that_there_is_no_database_is_an_answer_and_is_not_asked_for_again(
    kazoo: Script, client: Crossbar
) -> None:
    told = json.dumps({"status": "error", "message": "datastore_missing_view", "data": {}})
    kazoo.on("GET", TOTAL, raw(told, 503))
    with pytest.raises(ServerFailure) as raised:
        await client.balance(ACCOUNT_ID)
    assert raised.value.lacks_databases
    assert len(kazoo.calls("GET", TOTAL)) == 1


async def test_the_pauses_between_tries_are_all_jitter_and_grow(
    kazoo: Script, client: Crossbar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shortest(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    drawn: list[tuple[float, float]] = []
    monkeypatch.setattr("kazoo_operator.backend.session.random.uniform", shortest)
    kazoo.on("GET", TOTAL, raw("{}", 503))
    with pytest.raises(ServerFailure):
        await client.balance(ACCOUNT_ID)
    assert drawn == [(0, 0.2), (0, 0.4)]


async def test_a_deadline_ends_a_call_and_is_not_tried_again(kazoo: Script) -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    kazoo.on("GET", ACCOUNT_PATH, never)
    kazoo.on("PUT", ACCOUNT_PATH, never)
    async with Crossbar(kazoo.url, lambda: SecretStr(KEY), deadline=0.3, create_deadline=0.4) as client:
        with pytest.raises(TimedOut, match=r"no answer within 0\.3 s"):
            await client.read(ACCOUNT_ID, ACCOUNT)
        with pytest.raises(TimedOut, match=r"within 0\.4 s"):
            await client.create_account(ACCOUNT_ID, {})
    assert len(kazoo.calls("GET", ACCOUNT_PATH)) == 1


async def test_an_answer_that_trickles_is_under_the_deadline_too(kazoo: Script) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b" ")
            await asyncio.sleep(0.01)
        return response

    kazoo.on("GET", ACCOUNT_PATH, trickle)
    async with Crossbar(kazoo.url, lambda: SecretStr(KEY), deadline=0.3) as client:
        with pytest.raises(TimedOut):
            await client.read(ACCOUNT_ID, ACCOUNT)


async def test_a_search_finds_the_very_realm_through_all_pages(kazoo: Script, client: Crossbar) -> None:
    def row(letter: str, realm: str) -> dict[str, object]:
        return {"id": letter * 32, "name": letter, "realm": realm, "descendants_count": 0}

    kazoo.on(
        "GET",
        SEARCH,
        envelope([row("1", "ab.example.com"), row("2", "ab.example.com.au")], next_start_key="g2wAAAAB"),
        envelope([row("3", "AB.example.com"), row("4", "a-b.example.com")]),
    )
    found = await client.find_by_realm("Ab.Example.com")
    assert [row.name for row in found] == ["1", "3"]
    first, second = kazoo.calls("GET", SEARCH)
    assert first.query == {"t": "account", "q": "realm", "v": "Ab.Example.com", "page_size": "200"}
    assert second.query == {**first.query, "start_key": "g2wAAAAB"}


@pytest.mark.parametrize("realm", ["", "  "])
async def test_an_empty_realm_is_not_searched_for(kazoo: Script, client: Crossbar, realm: str) -> None:
    with pytest.raises(ValueError, match="empty realm"):
        await client.find_by_realm(realm)
    assert kazoo.seen == []


async def test_descendants_are_read_once_each(kazoo: Script, client: Crossbar) -> None:
    acme = {"id": "1" * 32, "name": "Acme", "realm": "acme.example.com", "tree": [AUTH], "flags": ["x", 5]}
    bare = {"id": "2" * 32}
    kazoo.on(
        "GET",
        DESCENDANTS,
        envelope([acme], next_start_key="one+two/three=="),
        envelope([acme, bare], next_start_key="four"),
        envelope([]),
    )
    assert await client.descendants(AUTH) == (
        AccountRow("1" * 32, "Acme", "acme.example.com", ("x",), (AUTH,)),
        AccountRow("2" * 32, "", ""),
    )
    assert [call.query.get("start_key") for call in kazoo.calls("GET", DESCENDANTS)] == [
        None,
        "one+two/three==",
        "four",
    ]


@pytest.mark.parametrize(
    "listing",
    [
        envelope({}),
        envelope(["x"]),
        envelope([{"name": "no id"}]),
        envelope([{"id": ""}]),
        envelope([], next_start_key="again"),
        envelope([], next_start_key=5),
    ],
    ids=["object", "texts", "no-id", "empty-id", "endless", "number-key"],
)
async def test_a_listing_that_is_none_is_nonsense(kazoo: Script, client: Crossbar, listing: object) -> None:
    kazoo.on("GET", DESCENDANTS, listing)  # type: ignore[arg-type]
    with pytest.raises(Nonsense):
        await client.descendants(AUTH)


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        ("25.0", 250_000),
        ("25", 250_000),
        ("-0.5", -5000),
        ("6.9900000000000002132", 69_900),
        ("1e2", 1_000_000),
    ],
)
async def test_a_balance_is_in_units(kazoo: Script, client: Crossbar, amount: str, units: int) -> None:
    kazoo.on("GET", TOTAL, raw(f'{{"status": "success", "data": {{"amount": {amount}}}}}'))
    assert await client.balance(ACCOUNT_ID) == units


@pytest.mark.parametrize(
    "amount", ['"25"', "true", "null", "[]", "1e999999", "NaN", "1e99999999999999999999"]
)
async def test_a_balance_that_is_no_amount_is_nonsense(kazoo: Script, client: Crossbar, amount: str) -> None:
    kazoo.on("GET", TOTAL, raw(f'{{"status": "success", "data": {{"amount": {amount}}}}}'))
    with pytest.raises(Nonsense):
        await client.balance(ACCOUNT_ID)


async def test_what_is_observed_names_routes_not_accounts(kazoo: Script) -> None:
    notes: list[tuple[str, str, str]] = []
    kazoo.on("GET", TOTAL, envelope({"amount": 1}))
    kazoo.on("PATCH", ACCOUNT_PATH, reset)
    async with Crossbar(
        kazoo.url, lambda: SecretStr(KEY), observe=lambda *note: notes.append(note[:3])
    ) as client:
        await client.balance(ACCOUNT_ID)
        with pytest.raises(Unreachable):
            await client.write(ACCOUNT_ID, ACCOUNT, {})
    assert notes == [
        ("PUT", "/api_auth", "201"),
        ("GET", "/accounts/{id}/ledgers/total", "200"),
        ("PATCH", "/accounts/{id}", "unreachable"),
    ]


async def test_at_most_32_connections_are_open(kazoo: Script, client: Crossbar) -> None:
    full = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        if kazoo.at_once == 32:
            asyncio.get_running_loop().call_later(0.05, full.set)  # time for a 33rd to come
        await full.wait()
        return await envelope({})(request)

    ids = [f"{number:032x}" for number in range(100)]
    for account_id in ids:
        kazoo.on("GET", f"/accounts/{account_id}", slow)
    await asyncio.gather(*(client.read(account_id, ACCOUNT) for account_id in ids))
    assert kazoo.most_at_once == 32
    assert len(kazoo.connections) <= 32


async def test_json_that_a_write_cannot_carry_is_a_mistake_of_ours(client: Crossbar) -> None:
    with pytest.raises(TypeError):
        await client.write(ACCOUNT_ID, ACCOUNT, {"name": object()})
    with pytest.raises(ValueError, match="JSON"):
        await client.write(ACCOUNT_ID, ACCOUNT, {"name": float("nan")})

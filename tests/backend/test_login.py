"""Logging in: once for all, anew when refused, and with whatever key is there at that moment."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.errors import (
    BackendError,
    CredentialUnreadable,
    Forbidden,
    Nonsense,
    RateLimited,
    ServerFailure,
    Unauthorized,
    Unreachable,
)
from kazoo_operator.backend.login import Credential, SecretFile, Source, User
from kazoo_operator.core.documents import ACCOUNT
from tests.backend.scripted import ACCOUNT_ID, AUTH, KEY, Answer, Script, cut, envelope, raw, refusal, reset

ACCOUNT_PATH = f"/accounts/{ACCOUNT_ID}"
LOGIN = {"account_id": AUTH, "account_name": "Reseller", "is_reseller": True, "is_master_account": False}


def only_with(*tokens: str) -> Answer:
    """A document for these tokens; 401 for others, in the spelling of an expired one."""

    async def answer(request: web.Request) -> web.StreamResponse:
        good = request.headers["X-Auth-Token"] in tokens
        return await (envelope({"name": "Acme"}) if good else refusal(401, "invalid credentials"))(request)

    return answer


async def test_fifty_calls_share_one_login(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("GET", ACCOUNT_PATH, envelope({}))
    await asyncio.gather(*(client.read(ACCOUNT_ID, ACCOUNT) for _ in range(50)))
    assert kazoo.logins == 1
    assert {call.token for call in kazoo.calls("GET", ACCOUNT_PATH)} == {"token-1"}
    assert kazoo.calls("PUT", "/api_auth")[0].body == {"data": {"api_key": KEY}}
    assert kazoo.calls("PUT", "/api_auth")[0].token is None


async def test_an_expired_token_is_renewed_once_for_all(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("GET", ACCOUNT_PATH, only_with("token-2"))
    names = await asyncio.gather(*(client.read(ACCOUNT_ID, ACCOUNT) for _ in range(40)))
    assert names == [{"name": "Acme"}] * 40
    assert kazoo.logins == 2


async def test_a_write_is_sent_again_after_a_401_which_comes_before_any_work(
    kazoo: Script, client: Crossbar
) -> None:
    kazoo.on("PUT", ACCOUNT_PATH, refusal(401, "invalid_credentials"), envelope({"id": "c" * 32}, 201))
    assert await client.create_account(ACCOUNT_ID, {"name": "Acme"}) == {"id": "c" * 32}
    assert [call.token for call in kazoo.calls("PUT", ACCOUNT_PATH)] == ["token-1", "token-2"]


async def test_a_401_after_a_new_login_is_final(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("GET", ACCOUNT_PATH, only_with())
    with pytest.raises(Unauthorized, match="KAZOO answered 401: invalid credentials"):
        await client.read(ACCOUNT_ID, ACCOUNT)
    assert (kazoo.logins, len(kazoo.calls("GET", ACCOUNT_PATH))) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (refusal(404, "bad identifier", [KEY]), Unauthorized, "answered 404: it does not know this API key"),
        (refusal(404, "bad_identifier", [KEY]), Unauthorized, "answered 404: it does not know this API key"),
        (refusal(400, "validation error", {"api_key": {"minLength": {"value": KEY}}}), Unauthorized, "64"),
        (refusal(401, "invalid_credentials"), Unauthorized, "answered 401: invalid credentials"),
        (refusal(403, "forbidden"), Forbidden, "answered 403"),
        (refusal(404, "not_found"), ServerFailure, "answered 404: not found"),
        (refusal(500, "unspecified_fault"), ServerFailure, "answered 500"),
        (raw("<html>", 502), ServerFailure, "answered 502"),
        (raw("<html>"), Nonsense, "HTML"),
        (envelope(LOGIN, 201, auth_token=None), Nonsense, "without token"),
        (envelope(LOGIN, 201, auth_token=["x"]), Nonsense, "without token"),
        (envelope(LOGIN, 201, auth_token="a\r\nX-Auth-Token: b"), Nonsense, "without token"),
        (envelope({**LOGIN, "account_id": ".."}, 201), Nonsense, "without token or account"),
        (envelope({}, 201), Nonsense, "without token or account"),
        (envelope([], 201), Nonsense, "no object"),
        (reset, Unreachable, "closed the connection"),
        (cut, Unreachable, "closed the connection"),
    ],
)
async def test_a_refused_login_says_why_and_nothing_more(
    kazoo: Script, client: Crossbar, answer: Answer, error: type[BackendError], text: str
) -> None:
    kazoo.on("PUT", "/api_auth", answer)
    with pytest.raises(error, match=text) as caught:
        await client.read(ACCOUNT_ID, ACCOUNT)
    assert type(caught.value) is error
    assert getattr(caught.value, "fields", {}) == {}, "the answer repeats the key"
    assert (kazoo.logins, len(kazoo.seen)) == (1, 1)
    kazoo.on("PUT", "/api_auth", envelope(LOGIN, 201, auth_token="token-2"))
    kazoo.on("GET", ACCOUNT_PATH, only_with("token-2"))
    assert await client.read(ACCOUNT_ID, ACCOUNT) == {"name": "Acme"}, "the next call logs in anew"


async def test_a_login_can_be_rate_limited(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("PUT", "/api_auth", refusal(429, "too_many_requests"))
    with pytest.raises(RateLimited, match="KAZOO answered 429: too many requests"):
        await client.read(ACCOUNT_ID, ACCOUNT)


async def test_a_failed_login_reaches_all_who_wait(kazoo: Script, client: Crossbar) -> None:
    kazoo.keys.clear()
    results = await asyncio.gather(
        *(client.read(ACCOUNT_ID, ACCOUNT) for _ in range(20)), return_exceptions=True
    )
    assert {type(result) for result in results} == {Unauthorized}
    assert kazoo.logins == 1


async def test_a_caller_that_leaves_does_not_end_the_login_of_the_others(
    kazoo: Script, client: Crossbar
) -> None:
    arrived, go = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await go.wait()
        return await envelope(LOGIN, 201, auth_token="token-1")(request)

    kazoo.on("PUT", "/api_auth", slow)
    kazoo.on("GET", ACCOUNT_PATH, only_with("token-1"))
    first, second = (asyncio.create_task(client.read(ACCOUNT_ID, ACCOUNT)) for _ in range(2))
    await arrived.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go.set()
    assert await second == {"name": "Acme"}
    assert kazoo.logins == 1


async def test_closing_gives_up_a_login(kazoo: Script) -> None:
    arrived = asyncio.Event()

    async def never(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(60)
        return web.Response()

    kazoo.on("PUT", "/api_auth", never)
    client = Crossbar(kazoo.url, lambda: SecretStr(KEY))
    call = asyncio.create_task(client.identity())
    await arrived.wait()
    await client.close()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_rotated_key_is_read_at_the_next_login(kazoo: Script, tmp_path: Path) -> None:
    file, other = tmp_path / "api-key", "k" * 63 + "2"
    file.write_text(f"  {KEY}\n")
    kazoo.on("GET", ACCOUNT_PATH, only_with("token-1"), only_with("token-2"))
    async with Crossbar(kazoo.url, SecretFile(file)) as client:
        await client.read(ACCOUNT_ID, ACCOUNT)
        kazoo.keys = {other}
        file.write_text(other)
        kazoo.on("GET", ACCOUNT_PATH, only_with("token-2"))
        assert await client.read(ACCOUNT_ID, ACCOUNT) == {"name": "Acme"}
    assert [call.body["data"]["api_key"] for call in kazoo.calls("PUT", "/api_auth")] == [KEY, other]


async def test_identity_follows_a_key_of_another_account(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("GET", f"/accounts/{AUTH}", envelope({"realm": "one.example.com"}))
    assert (await client.identity()).realm == "one.example.com"
    other = {**LOGIN, "account_id": ACCOUNT_ID, "account_name": "Other"}
    kazoo.on("PUT", "/api_auth", envelope(other, 201, auth_token="token-other"))
    kazoo.on("GET", ACCOUNT_PATH, refusal(401, "invalid credentials"), envelope({"realm": "two.example.com"}))
    await client.read(ACCOUNT_ID, ACCOUNT)
    identity = await client.identity()
    assert (identity.account_id, identity.name, identity.realm) == (ACCOUNT_ID, "Other", "two.example.com")


async def test_a_key_that_cannot_be_read_is_said(kazoo: Script, tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe" * 32)
    for path, reason in (
        (tmp_path / "missing", "No such file"),
        (tmp_path, "Is a directory"),
        (binary, "not text"),
    ):
        async with Crossbar(kazoo.url, SecretFile(path)) as client:
            with pytest.raises(CredentialUnreadable, match=f"the API key cannot be read: .*{reason}"):
                await client.identity()
    assert kazoo.seen == []


PASSWORD = "Pass w0rd: "
USER = User("Ada@Example.com", "Acme, Inc.", lambda: SecretStr(PASSWORD))
# md5 of "ada@example.com:Pass w0rd: "
HASHED = "6f4d4ee961cfff051215e212608094ec"


@pytest.fixture
async def user(kazoo: Script) -> AsyncIterator[Crossbar]:
    kazoo.on("PUT", "/user_auth", envelope({**LOGIN, "owner_id": "o" * 32}, 201, auth_token="token-1"))
    kazoo.on("GET", ACCOUNT_PATH, only_with("token-1"))
    async with Crossbar(kazoo.url, USER, requests_per_second=10_000, deadline=5) as crossbar:
        yield crossbar


async def test_a_user_logs_in_with_a_hash_of_the_name_in_lower_case_and_the_very_password(
    kazoo: Script, user: Crossbar
) -> None:
    await asyncio.gather(*(user.read(ACCOUNT_ID, ACCOUNT) for _ in range(20)))
    (call,) = kazoo.calls("PUT", "/user_auth")
    assert call.body == {"data": {"credentials": HASHED, "method": "md5", "account_name": "Acme, Inc."}}
    assert (call.token, kazoo.logins) == (None, 0)


async def test_a_new_password_ends_the_token_and_is_read_at_the_next_login(
    kazoo: Script, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("old\n")
    kazoo.on("PUT", "/user_auth", *(envelope(LOGIN, 201, auth_token=f"token-{n}") for n in (1, 2)))
    kazoo.on("GET", ACCOUNT_PATH, only_with("token-1"))
    async with Crossbar(kazoo.url, User("ada", "Acme", SecretFile(file))) as crossbar:
        await crossbar.read(ACCOUNT_ID, ACCOUNT)
        file.write_text("new\n")
        kazoo.on("GET", ACCOUNT_PATH, only_with("token-2"))
        assert await crossbar.read(ACCOUNT_ID, ACCOUNT) == {"name": "Acme"}
    hashes = [call.body["data"]["credentials"] for call in kazoo.calls("PUT", "/user_auth")]
    assert hashes == [hashlib.md5(text).hexdigest() for text in (b"ada:old", b"ada:new")]


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (
            refusal(401, "invalid_credentials"),
            Unauthorized,
            "it does not know this user, this password or this",
        ),
        (refusal(401, "invalid_credentials", {"multi_factor_request": {}}), Unauthorized, "answered 401"),
        (
            refusal(400, "validation error", {"account": {"disabled": {"message": "account disabled"}}}),
            Unauthorized,
            "answered 400: the account of this user is disabled",
        ),
        (
            refusal(400, "validation error", {"account": {"expired": {"message": "account expired"}}}),
            Unauthorized,
            "answered 400: the account of this user is expired",
        ),
        (refusal(400, "validation error", {"credentials": {"required": {}}}), Unauthorized, "is not usable"),
        (refusal(404, "not_found"), ServerFailure, "answered 404: not found"),
        (refusal(429, "too_many_requests"), RateLimited, "answered 429"),
        (refusal(500, "unspecified_fault"), ServerFailure, "answered 500"),
        (raw("<html>", 502), ServerFailure, "answered 502"),
        (envelope({}, 201), Nonsense, "without token or account"),
        (reset, Unreachable, "closed the connection"),
    ],
)
async def test_a_refused_user_is_told_why_and_nothing_more(
    kazoo: Script, user: Crossbar, answer: Answer, error: type[BackendError], text: str
) -> None:
    kazoo.on("PUT", "/user_auth", answer)
    with pytest.raises(error, match=text) as caught:
        await user.read(ACCOUNT_ID, ACCOUNT)
    assert type(caught.value) is error
    assert len(kazoo.seen) == 1
    for said in (*everything(caught.value), repr(USER), repr(vars(user))):
        assert HASHED not in said
        assert PASSWORD not in said


async def test_a_password_that_cannot_be_read_is_said(kazoo: Script, tmp_path: Path) -> None:
    async with Crossbar(kazoo.url, User("ada", "Acme", SecretFile(tmp_path / "missing"))) as crossbar:
        with pytest.raises(CredentialUnreadable, match="the password cannot be read: No such file"):
            await crossbar.identity()
    assert kazoo.seen == []


ERRORS: list[tuple[str, Answer]] = [
    ("PUT", refusal(404, "bad identifier", [KEY])),
    ("PUT", refusal(400, "validation error", {"api_key": {"minLength": {"value": KEY, "cause": KEY}}})),
    ("PUT", raw(f"<html>{KEY}</html>", 502)),
    ("PUT", raw(f'{{"api_key": "{KEY}", cut')),
    ("PUT", reset),
    ("PUT", cut),
    *(("GET", refusal(status, "no", {"x": "token-1"})) for status in (400, 401, 403, 404, 409, 429, 500)),
    ("GET", raw('{"auth_token": "token-1", cut')),
    ("GET", raw("token-1 " * 3, 502)),
    ("GET", raw('{"status": "success", "auth_token": "token-1"}')),
    ("GET", raw("", 302, Location="/?auth_token=token-1")),
    ("GET", raw("token-1", **{"Content-Encoding": "gzip"})),
    ("GET", reset),
    ("GET", cut),
]


@pytest.mark.parametrize(("method", "answer"), ERRORS)
async def test_no_error_and_no_log_holds_a_secret(
    kazoo: Script, caplog: pytest.LogCaptureFixture, method: str, answer: Answer
) -> None:
    caplog.set_level(logging.DEBUG)
    kazoo.on(method, "/api_auth" if method == "PUT" else ACCOUNT_PATH, answer)
    client = Crossbar(kazoo.url, lambda: SecretStr(KEY))
    with pytest.raises(BackendError) as caught:
        await client.read(ACCOUNT_ID, ACCOUNT)
    await client.close()
    said = [*everything(caught.value), *(record.getMessage() for record in ours(caplog)), repr(vars(client))]
    for text in said:
        assert KEY not in text
        assert "token-1" not in text


async def test_a_call_is_logged_with_method_path_status_and_time(
    kazoo: Script, client: Crossbar, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kazoo.on("PATCH", ACCOUNT_PATH, envelope({"name": "secret name"}))
    await client.write(ACCOUNT_ID, ACCOUNT, {"name": "secret name"})
    lines = [record.getMessage() for record in ours(caplog)]
    assert [line.rsplit(" ", 2)[0] for line in lines] == ["PUT /api_auth 201", f"PATCH {ACCOUNT_PATH} 200"]
    assert all(line.endswith(" ms") for line in lines)


def ours(caplog: pytest.LogCaptureFixture) -> Iterator[logging.LogRecord]:
    return (record for record in caplog.records if not record.name.startswith("aiohttp."))


def everything(error: BaseException | None) -> Iterator[str]:
    """The texts of an error and of all that led to it."""
    while error is not None:
        yield from (str(error), repr(error), repr(vars(error)))
        error = error.__cause__ or error.__context__


async def test_a_refused_token_has_the_credential_read_anew(kazoo: Script) -> None:
    held, asked = ["c" * 64], []
    kazoo.on("GET", ACCOUNT_PATH, only_with("token-2"))

    async def renewed() -> Credential:
        asked.append(held[0])
        key = SecretStr(held[0])
        held[0] = KEY
        return lambda: key

    kazoo.keys.add("c" * 64)
    async with Crossbar(kazoo.url, Source(renewed)) as client:
        assert await client.read(ACCOUNT_ID, ACCOUNT) == {"name": "Acme"}
    assert asked == ["c" * 64, KEY]
    assert [call.body["data"]["api_key"] for call in kazoo.calls("PUT", "/api_auth")] == asked


async def test_another_credential_is_used_once_kazoo_has_granted_it(kazoo: Script) -> None:
    held = [KEY]

    async def renewed() -> Credential:
        key = SecretStr(held[0])
        return lambda: key

    kazoo.on("GET", ACCOUNT_PATH, envelope({}))
    async with Crossbar(kazoo.url, Source(renewed)) as client:
        await client.read(ACCOUNT_ID, ACCOUNT)
        held[0] = "d" * 64
        with pytest.raises(Unauthorized):
            await client.log_in_anew()
        await client.read(ACCOUNT_ID, ACCOUNT)
        kazoo.keys.add("d" * 64)
        await client.log_in_anew()
        await client.read(ACCOUNT_ID, ACCOUNT)
    assert [call.token for call in kazoo.calls("GET", ACCOUNT_PATH)] == ["token-1", "token-1", "token-3"]


@pytest.mark.parametrize(("told", "version"), [("5.0.0", "5.0.0"), (None, ""), (5, ""), ("5\n", "")])
async def test_the_version_is_what_the_envelope_tells(
    kazoo: Script, client: Crossbar, told: Any, version: str
) -> None:
    kazoo.on("GET", f"/accounts/{AUTH}", envelope({}, version=told))
    assert (await client.greet()).version == version


async def test_a_user_may_name_the_account_by_its_realm(kazoo: Script) -> None:
    kazoo.on("PUT", "/user_auth", envelope(LOGIN, 201, auth_token="token-1"))
    kazoo.on("GET", ACCOUNT_PATH, envelope({}))
    user = User("ada", "", lambda: SecretStr(PASSWORD), realm="acme.example.com")
    async with Crossbar(kazoo.url, user) as crossbar:
        await crossbar.read(ACCOUNT_ID, ACCOUNT)
    (call,) = kazoo.calls("PUT", "/user_auth")
    assert (call.body["data"]["account_realm"], "account_name" in call.body["data"]) == (
        "acme.example.com",
        False,
    )

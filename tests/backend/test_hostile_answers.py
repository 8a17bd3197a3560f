"""Answers that no KAZOO should give, and those that a crashing one, a proxy or a stranger does give."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.errors import (
    BackendError,
    ChargesNotAccepted,
    Conflict,
    Forbidden,
    Invalid,
    Nonsense,
    NotFound,
    RateLimited,
    Refused,
    ServerFailure,
    Unreachable,
)
from kazoo_operator.backend.transport import MAX_BODY
from kazoo_operator.core.documents import ACCOUNT
from tests.backend.scripted import ACCOUNT_ID, KEY, Answer, Script, cut, envelope, raw, refusal, reset

ACCOUNT_PATH = f"/accounts/{ACCOUNT_ID}"
HTML = "<html><body>502 Bad Gateway</body></html>"
DEEP = "[" * 100 + "]" * 100
VERY_DEEP = '{"status": "success", "data": ' + '{"a":' * 100_000 + "1" + "}" * 100_001


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (raw(HTML), Nonsense, "answered 200 with HTML"),
        (raw(""), Nonsense, "answered 200 with an empty body"),
        (raw("  \n"), Nonsense, "an empty body"),
        (raw('{"status": "success", "data": {"na'), Nonsense, "a body that is no JSON"),
        (raw(b"\xff\xfe\x00"), Nonsense, "a body that is no JSON"),
        (raw(b"\x00" * 100), Nonsense, "a body that is no JSON"),
        (raw('{"status": "success", "data": {"n": NaN}}'), Nonsense, "a body that is no JSON"),
        (raw('{"data": {"n": ' + "9" * 5000 + "}}"), Nonsense, "a body that is no JSON"),
        (raw("[]"), Nonsense, "JSON that is no envelope"),
        (raw('"success"'), Nonsense, "JSON that is no envelope"),
        (raw('{"healthy": true}'), Nonsense, "JSON that is no envelope"),
        (raw('{"status": "success", "data": ' + DEEP + "}"), Nonsense, "nested too deeply"),
        (raw(VERY_DEEP), Nonsense, "nested too deeply"),
        (raw('{"status": "success"}'), Nonsense, "without data"),
        (raw('{"status": "error", "data": {}}'), Nonsense, "an envelope that says error"),
        (envelope([]), Nonsense, "data that is no object"),
        (envelope("text"), Nonsense, "data that is no object"),
        (raw("", 204), Nonsense, "answered 204 with an empty body"),
        (raw("", 302, Location="http://elsewhere/?token=hunter2"), Nonsense, "answered 302, a redirect"),
        (raw("", 304), Nonsense, "answered 304, a redirect"),
        (raw(HTML, 401), Nonsense, "answered 401 with HTML"),
        (raw(HTML, 404), Nonsense, "answered 404 with HTML"),
        (raw("", 404), Nonsense, "answered 404 with an empty body"),
        (raw("", 406), Nonsense, "answered 406 with an empty body"),
        (raw('{"detail": "Not Found"}', 404), Nonsense, "answered 404 with JSON that is no envelope"),
        (raw(b"x" * (MAX_BODY + 1)), Nonsense, "more than 16 MiB"),
        (raw(gzip.compress(b" " * (MAX_BODY + 1)), **{"Content-Encoding": "gzip"}), Nonsense, "16 MiB"),
        (raw(b"no gzip", **{"Content-Encoding": "gzip"}), Unreachable, "before its answer was whole"),
        (raw(HTML, 500), ServerFailure, r"answered 500: Internal Server Error \(HTML\)"),
        (raw("", 500), ServerFailure, r"answered 500: Internal Server Error \(an empty body\)"),
        (raw(HTML, 502), ServerFailure, r"answered 502: Bad Gateway \(HTML\)"),
        (raw(HTML, 599), ServerFailure, r"answered 599: HTTP 599 \(HTML\)"),
        (reset, Unreachable, "closed the connection"),
        (cut, Unreachable, "closed the connection"),
    ],
)
async def test_no_envelope(
    kazoo: Script, client: Crossbar, answer: Answer, error: type[BackendError], text: str
) -> None:
    kazoo.on("GET", ACCOUNT_PATH, answer)
    with pytest.raises(error, match=text) as caught:
        await client.read(ACCOUNT_ID, ACCOUNT)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    kazoo.on("GET", ACCOUNT_PATH, envelope({"name": "Acme"}))
    assert await client.read(ACCOUNT_ID, ACCOUNT) == {"name": "Acme"}, "the client has survived it"


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (refusal(400, "validation error"), Invalid, "KAZOO answered 400: validation error"),
        (refusal(402, "accept charges", []), ChargesNotAccepted, "KAZOO answered 402: accept charges"),
        (refusal(403, "forbidden"), Forbidden, "KAZOO answered 403: forbidden"),
        (refusal(404, "bad_identifier"), NotFound, "KAZOO answered 404: bad identifier"),
        (refusal(404, "bad identifier"), NotFound, "KAZOO answered 404: bad identifier"),
        (refusal(404, "faulty_request"), Refused, "KAZOO answered 404: faulty request"),
        (refusal(405, "invalid_method"), Refused, "KAZOO answered 405: invalid method"),
        (refusal(409, "datastore_conflict"), Conflict, "KAZOO answered 409: datastore conflict"),
        (refusal(410, "gone", "a text"), Refused, "KAZOO answered 410: gone"),
        (refusal(429, "too_many_requests"), RateLimited, "KAZOO answered 429: too many requests"),
        (raw(HTML, 429), RateLimited, "KAZOO answered 429: Too Many Requests (HTML)"),
        (
            refusal(500, "account_has_descendants"),
            ServerFailure,
            "KAZOO answered 500: account has descendants",
        ),
        (
            raw('{"status": "error", "error": "500", "message": "init failed"}', 500),
            ServerFailure,
            "KAZOO answered 500: init failed",
        ),
        (
            refusal(503, "datastore_missing_view"),
            ServerFailure,
            "KAZOO answered 503: datastore missing view",
        ),
        (
            raw('{"status": "error", "data": {}}', 403),
            Forbidden,
            "KAZOO answered 403: Forbidden (no message)",
        ),
        (refusal(403, "a\x1b[31m\nb"), Forbidden, "KAZOO answered 403: a [31m b"),
        (refusal(403, "x" * 1000), Forbidden, "KAZOO answered 403: " + "x" * 200),
    ],
)
async def test_a_refusal_has_its_class_and_one_line(
    kazoo: Script, client: Crossbar, answer: Answer, error: type[Refused], text: str
) -> None:
    kazoo.on("GET", ACCOUNT_PATH, answer)
    with pytest.raises(error) as caught:
        await client.read(ACCOUNT_ID, ACCOUNT)
    assert (type(caught.value), str(caught.value)) == (error, text)


async def test_a_noun_that_is_not_loaded_is_no_missing_account(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("GET", ACCOUNT_PATH, refusal(404, "not_found", {"message": "not found"}))
    with pytest.raises(ServerFailure, match="404: not found"):
        await client.read(ACCOUNT_ID, ACCOUNT)


async def test_faulty_fields_come_with_dots(kazoo: Script, client: Crossbar) -> None:
    required = {"required": {"message": "Field is required but missing", "value": "name"}}
    long = {"maxLength": {"target": 35, "cause": "x"}}
    faults = {"name": required, "caller_id%2Eexternal%2Enumber": long, "flags.0": long, "message": "text"}
    kazoo.on("PATCH", ACCOUNT_PATH, refusal(400, "validation error", faults))
    with pytest.raises(Invalid) as caught:
        await client.write(ACCOUNT_ID, ACCOUNT, {"name": "x"})
    assert caught.value.fields == {"name": required, "caller_id.external.number": long, "flags.0": long}
    assert (caught.value.status, caught.value.message) == (400, "validation error")


async def test_a_redirect_is_not_followed(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("GET", ACCOUNT_PATH, raw("", 307, Location="/v2/elsewhere"))
    with pytest.raises(Nonsense):
        await client.read(ACCOUNT_ID, ACCOUNT)
    assert not kazoo.calls("GET", "/elsewhere")


async def test_cookies_are_not_kept(kazoo: Script, client: Crossbar) -> None:
    async def look(request: web.Request) -> web.StreamResponse:
        cookies.append(request.headers.get("Cookie"))
        return await envelope({})(request)

    cookies: list[str | None] = []
    kazoo.on("GET", ACCOUNT_PATH, raw("{}", **{"Set-Cookie": "a=b"}), look)
    with pytest.raises(Nonsense):
        await client.read(ACCOUNT_ID, ACCOUNT)
    await client.read(ACCOUNT_ID, ACCOUNT)
    assert cookies == [None]


async def test_a_closed_port_and_a_false_name_are_unreachable(unused_tcp_port: int) -> None:
    async with Crossbar(f"http://127.0.0.1:{unused_tcp_port}", lambda: SecretStr(KEY)) as client:
        with pytest.raises(
            Unreachable, match=r"^KAZOO at 127\.0\.0\.1 cannot be reached: connection refused$"
        ):
            await client.identity()
    async with Crossbar("http://kazoo.invalid", lambda: SecretStr(KEY)) as client:
        with pytest.raises(Unreachable, match=r"^the host name kazoo\.invalid cannot be resolved$"):
            await client.identity()


async def test_a_port_that_speaks_something_else_is_nonsense(unused_tcp_port: int) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", unused_tcp_port)
    async with server, Crossbar(f"http://127.0.0.1:{unused_tcp_port}", lambda: SecretStr(KEY)) as client:
        with pytest.raises(Nonsense, match=r"^what answers at 127\.0\.0\.1 does not speak HTTP$"):
            await client.identity()


async def test_tls_is_verified_and_a_private_ca_can_be_given(kazoo: Script) -> None:
    pem = Path(__file__).with_name("localhost.pem")
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(pem)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", kazoo.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_side).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    kazoo.on("GET", ACCOUNT_PATH, envelope({"name": "Acme"}))
    try:
        async with Crossbar(url, lambda: SecretStr(KEY)) as client:
            with pytest.raises(
                Unreachable, match=r"the certificate of 127\.0\.0\.1 does not verify: self.signed"
            ):
                await client.read(ACCOUNT_ID, ACCOUNT)
        ours = ssl.create_default_context(cafile=pem)
        async with Crossbar(url, lambda: SecretStr(KEY), ssl=ours) as client:
            assert await client.read(ACCOUNT_ID, ACCOUNT) == {"name": "Acme"}
        async with Crossbar(kazoo.url.replace("http:", "https:"), lambda: SecretStr(KEY)) as client:
            with pytest.raises(Unreachable, match="does not speak TLS"):
                await client.read(ACCOUNT_ID, ACCOUNT)
    finally:
        await runner.cleanup()

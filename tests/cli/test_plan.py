"""`plan` as a user and a CI job meet it: exit codes, what stands on which stream, clear errors, no write."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import yaml
from aiohttp import web

from kazoo_operator.sandbox import Sandbox, running_sandbox

CERTIFICATE = Path(__file__).resolve().parents[1] / "backend" / "localhost.pem"
SPEC: dict[str, Any] = {
    "name": "Acme Dental",
    "realm": "acme.pbx.example.com",
    "timezone": "America/Los_Angeles",
    "language": "en-US",
    "address": {
        "street": "1 Main St",
        "city": "San Jose",
        "region": "CA",
        "postalCode": "95113",
        "country": "US",
    },
    "contacts": {
        "technical": {"name": "Tess Ng", "email": "tess@acme.example"},
        "billing": {"name": "Bo Li", "email": "bo@acme.example"},
    },
}


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Awaitable[Done]]


@pytest.fixture
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    async with running_sandbox(compat=getattr(request, "param", "5.0")) as running:
        yield running


over_both = pytest.mark.parametrize("sandbox", ["5.0", "4.3"], indirect=True)


def environment(sandbox: Sandbox, **more: str) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("KAZOO_", "NO_COLOR"))
    }
    key = sandbox.identity.reseller.api_key
    return {**inherited, "KAZOO_URL": sandbox.url, "KAZOO_API_KEY": key, "TERM": "xterm-256color", **more}


@pytest.fixture
async def plan(sandbox: Sandbox) -> Run:
    """Runs the verb against the sandbox."""

    async def run(
        *arguments: str | Path, stdin: str = "", out: Any = asyncio.subprocess.PIPE, **more: str
    ) -> Done:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "kazoo_operator", "plan", *map(str, arguments)),
            stdin=asyncio.subprocess.PIPE,
            stdout=out,
            stderr=asyncio.subprocess.PIPE,
            env=environment(sandbox, **more),
        )
        told, warned = await asyncio.wait_for(process.communicate(stdin.encode()), 120)
        done = Done(int(process.returncode or 0), (told or b"").decode(), warned.decode())
        assert "Traceback" not in done.err
        assert sandbox.identity.reseller.api_key not in done.out + done.err
        return done

    return run


def manifest(path: Path, called: str = "acme", /, **spec: Any) -> Path:
    """A file with one account."""
    metadata = {"name": called, "namespace": "team"}
    body = {"apiVersion": "kazoo-operator.io/v1alpha1", "kind": "Account", "metadata": metadata}
    path.write_text(yaml.safe_dump({**body, "spec": {**SPEC, **spec}}), encoding="utf-8")
    return path


async def make(sandbox: Sandbox, **merge: Any) -> None:
    """The account of `SPEC`, with our mark, as an operator would have made it."""
    data = {
        "name": SPEC["name"],
        "realm": SPEC["realm"],
        "timezone": SPEC["timezone"],
        "language": SPEC["language"],
        "enabled": True,
        "flags": ["kazoo-operator/some-owner/team/acme"],
        "contact": {
            "technical": SPEC["contacts"]["technical"],
            "billing": {
                **SPEC["contacts"]["billing"],
                "street_address": "1 Main St",
                "locality": "San Jose",
                "region": "CA",
                "postal_code": "95113",
                "country": "US",
            },
        },
        **merge,
    }
    async with aiohttp.ClientSession() as http:
        key = {"data": {"api_key": sandbox.identity.reseller.api_key}}
        async with http.put(f"{sandbox.url}/v2/api_auth", json=key) as answer:
            headers = {"X-Auth-Token": (await answer.json())["auth_token"]}
        below = f"{sandbox.url}/v2/accounts/{sandbox.identity.reseller.account_id}"
        async with http.put(below, json={"data": data}, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            account_id = (await answer.json())["data"]["id"]
        flow = {"numbers": ["no_match"], "flow": {"module": "offnet"}}
        below = f"{sandbox.url}/v2/accounts/{account_id}/callflows"
        async with http.put(below, json={"data": flow}, headers=headers) as answer:
            assert answer.status == 201, await answer.text()


async def requests(sandbox: Sandbox) -> list[tuple[str, str]]:
    async with aiohttp.ClientSession() as http, http.get(f"{sandbox.url}/sandbox/requests") as answer:
        return [(call["method"], call["path"]) for call in (await answer.json())["requests"]]


async def test_changes_exit_2_with_json_alone_on_standard_output(
    sandbox: Sandbox, plan: Run, tmp_path: Path
) -> None:
    done = await plan(manifest(tmp_path / "a.yaml"), "-o", "json")
    assert done.code == 2 and done.err == ""
    told = json.loads(done.out)
    assert set(told) == {"objects", "findings", "summary", "charges", "digest"}
    (one,) = told["objects"]
    assert set(one) == {"kind", "namespace", "name", "action", "changes", "charges", "findings"}
    assert (one["kind"], one["namespace"], one["name"], one["action"]) == (
        "Account",
        "team",
        "acme",
        "create",
    )
    assert {"path": "realm", "before": None, "after": SPEC["realm"], "irreversible": True} in one["changes"]
    assert set(one["charges"]) == {"today", "recurring", "currency", "payer", "authoritative"}
    assert told["summary"] == {"create": 1, "update": 0, "delete": 0, "none": 0, "blocked": 0}


@over_both
async def test_no_request_but_get_and_the_login_is_made(sandbox: Sandbox, plan: Run, tmp_path: Path) -> None:
    await make(sandbox)
    before = len(await requests(sandbox))
    for number, spec in enumerate(({"timezone": "Asia/Tokyo"}, {"realm": "b.example.com"}, {"adopt": True})):
        await plan(manifest(tmp_path / f"{number}.yaml", f"o{number}", **spec))
    await plan(tmp_path)
    made = (await requests(sandbox))[before:]
    assert len(made) > 10
    assert {call for call in made if call[0] != "GET"} == {("PUT", "/v2/api_auth")}


@over_both
async def test_no_change_exits_0(sandbox: Sandbox, plan: Run, tmp_path: Path) -> None:
    await make(sandbox)
    done = await plan(manifest(tmp_path / "a.yaml"))
    assert (done.code, done.err) == (0, ""), done.out
    assert "= Account team/acme  Acme Dental: no change" in done.out and "Plan: 1 unchanged." in done.out


@over_both
async def test_what_is_blocked_exits_1_and_is_told_at_its_line(
    sandbox: Sandbox, plan: Run, tmp_path: Path
) -> None:
    await make(sandbox, flags=[])
    path = manifest(tmp_path / "a.yaml")
    done = await plan(path, "-o", "json")
    assert done.code == 1
    (finding,) = json.loads(done.out)["objects"][0]["findings"]
    assert (finding["rule"], finding["severity"], finding["file"]) == ("NotAdopted", "error", str(path))
    done = await plan(manifest(tmp_path / "b.yaml", timezone="Mars/Phobos"), "-o", "json")
    (finding,) = json.loads(done.out)["objects"][0]["findings"]
    lines = (tmp_path / "b.yaml").read_text().splitlines()
    assert done.code == 1 and lines[finding["line"] - 1].strip() == "timezone: Mars/Phobos"
    assert (finding["rule"], finding["path"]) == ("KZ026", "spec.timezone")


async def test_markdown_and_text_stand_on_standard_output(plan: Run, tmp_path: Path) -> None:
    path = manifest(tmp_path / "a.yaml")
    assert (await plan(path, "-o", "markdown")).out.startswith("### KAZOO plan: 1 to create\n")
    done = await plan(path, "--output", "text")
    assert "    ! realm     acme.pbx.example.com" in done.out and "\x1b" not in done.out


async def test_standard_input_is_read_and_a_namespace_is_filled_in(plan: Run, tmp_path: Path) -> None:
    text = manifest(tmp_path / "a.yaml").read_text().replace("  namespace: team\n", "")
    for arguments, namespace in (((), "default"), (("--namespace", "voice"), "voice")):
        done = await plan("-", "-o", "json", *arguments, stdin=text)
        assert (done.code, json.loads(done.out)["objects"][0]["namespace"]) == (2, namespace)


async def test_files_that_are_at_fault_are_findings_of_their_own(
    sandbox: Sandbox, plan: Run, tmp_path: Path
) -> None:
    (tmp_path / "broken.yaml").write_text("a: [1\nb: kazoo-operator.io")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9")
    for name, line, said in (
        ("broken.yaml", 2, "broken YAML"),
        ("latin.yaml", 1, "no UTF-8"),
        ("none.yaml", 0, "No such file"),
    ):
        done = await plan(tmp_path / name, "-o", "json")
        told = json.loads(done.out)
        (finding,) = told["findings"]
        assert (done.code, told["objects"]) == (1, [])
        assert said in finding["message"] and finding["line"] == line
        assert (finding["file"], finding["severity"]) == (str(tmp_path / name), "error")
    assert await requests(sandbox) == []


@pytest.mark.parametrize("form", ["json", "text", "markdown"])
async def test_the_rest_is_planned_beside_a_file_that_is_broken(plan: Run, tmp_path: Path, form: str) -> None:
    (tmp_path / "broken.yaml").write_text("a: [1\nb: kazoo-operator.io")
    (tmp_path / "kind.yaml").write_text("apiVersion: kazoo-operator.io/v1alpha1\nkind: Acount\n")
    manifest(tmp_path / "good.yaml")
    done = await plan(tmp_path, "-o", form)
    assert done.code == 1 and "Error" not in done.err
    if form == "json":
        told = json.loads(done.out)
        assert [one["action"] for one in told["objects"]] == ["create"]
        members = {"rule", "severity", "message", "hint", "file", "line", "kind", "namespace", "name", "path"}
        assert {frozenset(one) for one in told["findings"]} == {frozenset(members)}
        assert [Path(one["file"]).name for one in told["findings"]] == ["broken.yaml", "kind.yaml"]
    assert "acme.pbx.example.com" in done.out and "broken YAML" in done.out and "write Account" in done.out


async def test_where_kazoo_gives_no_plan_the_files_at_fault_are_told_all_the_same(
    plan: Run, tmp_path: Path
) -> None:
    (tmp_path / "broken.yaml").write_text("a: [1\nb: kazoo-operator.io")
    manifest(tmp_path / "good.yaml")
    done = await plan(tmp_path, KAZOO_URL="http://127.0.0.1:9")
    assert (done.code, done.out) == (1, "")
    assert "check KAZOO_URL" in done.err and "broken.yaml:2: broken YAML" in done.err


async def test_files_without_an_object_of_ours_exit_0(plan: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    done = await plan(tmp_path, "-o", "json")
    assert done.code == 0 and json.loads(done.out)["objects"] == []
    assert done.err.startswith("No object of the operator")


@pytest.mark.parametrize(
    "arguments", [[], ["-o", "xml", "x"], ["--no-such-flag", "x"], ["--api-key", "k", "x"]], ids=str
)
async def test_wrong_usage_exits_64(plan: Run, arguments: list[str]) -> None:
    assert (await plan(*arguments)).code == 64


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"KAZOO_URL": ""}, "KAZOO_URL: is not set"),
        ({"KAZOO_URL": "kazoo"}, "KAZOO_URL: KAZOO's URL must read like https://"),
        ({"KAZOO_URL": "http://kazoo.invalid"}, "KAZOO_URL: https is required"),
        ({"KAZOO_API_KEY": ""}, "KAZOO_API_KEY_FILE: give either it, or KAZOO_API_KEY"),
        (
            {"KAZOO_API_KEY_FILE": "/nonexistent/key"},
            "KAZOO_API_KEY_FILE and KAZOO_API_KEY: give one of them",
        ),
        (
            {"KAZOO_API_KEY": "", "KAZOO_API_KEY_FILE": "/nonexistent/key"},
            "No such file or directory; check KAZOO_API_KEY_FILE",
        ),
        ({"KAZOO_API_KEY": "x" * 64}, "it does not know this API key; check KAZOO_API_KEY."),
        ({"KAZOO_URL": "http://127.0.0.1:9"}, "connection refused; check KAZOO_URL"),
        ({"KAZOO_URL": "https://kazoo.invalid"}, "kazoo.invalid cannot be resolved; check KAZOO_URL"),
        ({"KAZOO_OPERATOR_ROOT_ACCOUNT": "nobody.example.com"}, "check KAZOO_OPERATOR_ROOT_ACCOUNT"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_keeps_kazoo_from_being_read_is_told_in_one_line(
    plan: Run, tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    done = await plan(manifest(tmp_path / "a.yaml"), "-o", "json", **environment)
    assert (done.code, done.out) == (1, "")
    assert said in done.err and done.err.startswith("Error: ") and len(done.err.splitlines()) == 1
    assert "x" * 64 not in done.err


async def test_a_server_that_is_no_kazoo_and_one_that_is_not_trusted_are_told(
    plan: Run, tmp_path: Path
) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>hello</html>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    path = manifest(tmp_path / "a.yaml")
    try:
        for scheme, ssl_context, said in (
            ("http", None, "check KAZOO_URL"),
            ("https", context, "certificate"),
        ):
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context)
            await site.start()
            port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
            done = await plan(path, KAZOO_URL=f"{scheme}://localhost:{port}")
            assert done.code == 1 and said in done.err and len(done.err.splitlines()) == 1
    finally:
        await runner.cleanup()


@over_both
async def test_a_user_plans_as_a_key_does(sandbox: Sandbox, plan: Run, tmp_path: Path) -> None:
    seed, password = sandbox.identity, tmp_path / "password"
    path = manifest(tmp_path / "a.yaml")
    user = {
        "KAZOO_API_KEY": "",
        "KAZOO_USERNAME": seed.admin_name,
        "KAZOO_PASSWORD_FILE": str(password),
        "KAZOO_ACCOUNT_NAME": "Sandbox Master",
        "KAZOO_OPERATOR_ROOT_ACCOUNT": seed.reseller.realm,
    }
    password.write_text(f"{seed.admin_password}\n", encoding="utf-8")
    done = await plan(path, "-o", "json", **user)
    assert (done.code, json.loads(done.out)["summary"]["create"]) == (2, 1)
    password.write_text("wrong", encoding="utf-8")
    done = await plan(path, **user)
    assert (done.code, done.out) == (1, "")
    assert "it does not know this user, this password or this account; check KAZOO_USERNAME" in done.err
    password.unlink()
    done = await plan(path, **user)
    assert "the password cannot be read: No such file or directory; check KAZOO_USERNAME" in done.err


async def test_a_private_authority_is_trusted_when_it_is_given(plan: Run, tmp_path: Path) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"status": "error", "message": "forbidden", "data": {}}, status=403)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        done = await plan(manifest(tmp_path / "a.yaml"), KAZOO_URL=url, KAZOO_CA_FILE=str(CERTIFICATE))
    finally:
        await runner.cleanup()
    assert done.code == 1
    assert "KAZOO answered 403: forbidden" in done.err


async def test_a_flag_that_is_wrong_is_named_by_itself(plan: Run, tmp_path: Path) -> None:
    path = manifest(tmp_path / "a.yaml")
    for flag, value, said in (
        ("--api-key-file", "/nonexistent/key", "; check --api-key-file."),
        ("--url", "http://127.0.0.1:9", "; check --url and the network."),
        ("--url", "kazoo", "Error: --url: "),
    ):
        done = await plan(path, flag, value)
        assert done.code == 1 and said in done.err and len(done.err.splitlines()) == 1
        assert "KAZOO_" not in done.err


async def test_a_token_without_authority_is_told_in_one_line(
    sandbox: Sandbox, plan: Run, tmp_path: Path
) -> None:
    fault = {"match": {"method": "GET", "path": "/descendants"}, "times": 9, "do": {"status": 403}}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{sandbox.url}/sandbox/faults", json=fault) as answer,
    ):
        assert answer.status == 200
    done = await plan(manifest(tmp_path / "a.yaml"))
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert "may not read this" in done.err and "check whom KAZOO_API_KEY lets in" in done.err


async def test_an_outage_in_the_middle_ends_it_with_one_line(
    sandbox: Sandbox, plan: Run, tmp_path: Path
) -> None:
    fault = {"match": {"method": "GET", "path": "/descendants"}, "times": 9, "do": {"reset": True}}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{sandbox.url}/sandbox/faults", json=fault) as answer,
    ):
        assert answer.status == 200
    done = await plan(manifest(tmp_path / "a.yaml"))
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)


async def test_what_kazoo_holds_cannot_paint_on_a_terminal(
    sandbox: Sandbox, plan: Run, tmp_path: Path
) -> None:
    await make(sandbox, caller_id={"external": {"name": "\x1b[31mred\x07\u202e"}})
    path = manifest(tmp_path / "a.yaml", callerID={"external": {"name": "Acme"}})
    for form in ("text", "markdown"):
        out = (await plan(path, "-o", form)).out
        assert not any(char in out for char in "\x1b\x07\u202e") and "red" in out
    change = json.loads((await plan(path, "-o", "json")).out)["objects"][0]["changes"][0]
    assert change["before"] == "\x1b[31mred\x07\u202e"


async def test_colours_are_for_terminals_that_want_them(plan: Run, tmp_path: Path) -> None:
    path = manifest(tmp_path / "a.yaml")

    async def on_a_terminal(*arguments: str, **more: str) -> str:
        ours, theirs = pty.openpty()
        try:
            assert (await plan(path, *arguments, out=theirs, **more)).code == 2
            os.set_blocking(ours, False)
            return os.read(ours, 65536).decode()
        finally:
            os.close(ours)
            os.close(theirs)

    assert "\x1b[32m+ Account team/acme" in await on_a_terminal()
    for shown in (await on_a_terminal("--no-color"), await on_a_terminal(NO_COLOR="1")):
        assert "+ Account team/acme" in shown and "\x1b" not in shown
    assert "\x1b" not in (await plan(path, FORCE_COLOR="1")).out


async def test_long_work_tells_how_far_it_is_on_standard_error(plan: Run, tmp_path: Path) -> None:
    for number in range(25):
        name = f"o{number}"
        manifest(tmp_path / f"{name}.yaml", name, realm=f"{name}.pbx.example.com", name=f"Office {number}")
    done = await plan(tmp_path, "-o", "json", KAZOO_OPERATOR_REQUESTS_PER_SECOND="1000")
    assert "Planned 25 of 25." in done.err and json.loads(done.out)["summary"]["create"] == 25
    assert "Planned" not in (await plan(tmp_path, "--quiet", KAZOO_OPERATOR_REQUESTS_PER_SECOND="1000")).err


async def test_a_backend_of_the_files_says_what_counts_for_its_objects(
    sandbox: Sandbox, plan: Run, tmp_path: Path
) -> None:
    backend = tmp_path / "backend.yaml"
    spec = {"url": sandbox.url, "auth": {"userSecretRef": {"name": "kazoo"}}}
    template = "{name}.own.example.com"
    body = {"apiVersion": "kazoo-operator.io/v1alpha1", "kind": "TelephonyBackend"}
    body["metadata"] = {"name": "default", "namespace": "team"}  # type: ignore[assignment]

    def declare(**more: Any) -> None:
        backend.write_text(yaml.safe_dump({**body, "spec": {**spec, **more}}), encoding="utf-8")

    declare(realmTemplate=template)
    done = await plan(backend)
    assert (done.code, done.err) == (0, "No object that is kept in KAZOO is in these files.\n")
    manifest(tmp_path / "acme.yaml", realm=None)
    (one,) = json.loads((await plan(tmp_path, "-o", "json")).out)["objects"]
    (realm,) = [change["after"] for change in one["changes"] if change["path"] == "realm"]
    assert realm == "acme-dental.own.example.com"
    declare(url="https://other.example.com", realmTemplate=template)
    done = await plan(tmp_path)
    assert done.code == 1 and "BackendNotReady" in done.out and "other.example.com" in done.out
    declare(url="https://bo:hunter2@other.example.com", realmTemplate=template)
    done = await plan(tmp_path)
    assert done.code == 1 and "KZ171" in done.out and "hunter2" not in done.out + done.err

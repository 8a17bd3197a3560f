"""`kazoo-operator sandbox` as a command: its ready line, its end, and what it refuses."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from kazoo_operator.sandbox import DatabaseRefused, running_sandbox
from tests.sandbox.process import failure, ready_line, serving, started

WRONG_USAGE = 64


async def test_the_ready_line_says_where_and_with_which_keys() -> None:
    async with serving() as (_, ready):
        assert set(ready) == {"url", "accountID", "realm", "apiKey", "compat", "reseller", "admin"}
        assert ready["compat"] == "5.0"
        assert set(ready["reseller"]) == {"accountID", "realm", "apiKey"}
        assert ready["reseller"]["realm"] == "reseller.sandbox.example"
        assert set(ready["admin"]) == {"username", "password"}
        async with aiohttp.ClientSession(ready["url"]) as session:
            for account in (ready, ready["reseller"]):
                login = {"data": {"api_key": account["apiKey"]}}
                async with session.put("/v2/api_auth", json=login) as response:
                    answer = await response.json()
                assert (response.status, answer["data"]["account_id"]) == (201, account["accountID"])


@pytest.mark.parametrize("compat", ["5.0", "4.3"])
async def test_the_release_is_imitated_and_said(compat: str) -> None:
    async with serving("--compat", compat) as (_, ready), aiohttp.ClientSession(ready["url"]) as session:
        assert ready["compat"] == compat
        async with session.get("/v2/accounts") as response:
            answer = await response.json(content_type=None)
        assert ("tokens" in answer) == (compat == "5.0")


async def test_ids_and_keys_are_the_same_at_every_start(tmp_path: Path) -> None:
    lines = []
    for arguments in ([], [], ["--database", str(tmp_path / "a.db")], ["--database", str(tmp_path / "a.db")]):
        async with serving(*arguments) as (_, ready):
            lines.append({key: value for key, value in ready.items() if key != "url"})
    assert all(line == lines[0] for line in lines)


async def test_a_file_keeps_the_key_that_the_master_was_given(tmp_path: Path) -> None:
    file, key = ["--database", str(tmp_path / "a.db")], "0123456789abcdef" * 4
    async with serving(*file, "--api-key", key) as (_, first):
        assert first["apiKey"] == key
    async with serving(*file) as (_, second):
        assert second["apiKey"] == key


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_at_once_with_0_whatever_hangs(number: signal.Signals) -> None:
    async with serving() as (process, ready), aiohttp.ClientSession(ready["url"]) as session:
        fault = {"match": {}, "do": {"hang": True}}
        await session.post("/sandbox/faults", json=fault)
        hanging = asyncio.create_task(session.get("/v2/account"))
        async with asyncio.timeout(60):
            while not (await (await session.get("/sandbox/requests")).json())["requests"]:
                await asyncio.sleep(0)
        began = time.monotonic()
        process.send_signal(number)
        assert await process.wait() == 0
        assert time.monotonic() - began < 4
        assert process.stderr is not None
        assert await process.stderr.read() == b""
        with pytest.raises(aiohttp.ClientError):
            await hanging


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--api-key", "short"], "64"),
        (["--api-key", "ä" * 64], "64"),
        (["--host", "0.0.0.0"], "--no-control"),
        (["--host", "sandbox.example"], "--no-control"),
        (["--port", "65536"], "--port"),
        (["--compat", "3.22"], "--compat"),
        (["--nonsense"], "--nonsense"),
    ],
)
async def test_wrong_usage_is_told_and_nothing_is_served(arguments: list[str], reason: str) -> None:
    code, said = await failure(await started("--port", "0", *arguments))
    assert code == WRONG_USAGE
    assert reason in re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert "Traceback" not in said


async def test_another_host_is_fine_without_control() -> None:
    async with (
        serving("--host", "0.0.0.0", "--no-control") as (_, ready),
        aiohttp.ClientSession() as session,
        session.get(ready["url"].replace("0.0.0.0", "127.0.0.1") + "/sandbox/state") as response,
    ):
        assert response.status == 404


async def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = await failure(await started("--port", str(port)))
    assert code == 1
    assert said.startswith(f"Error: cannot listen on 127.0.0.1:{port}: ")


async def test_two_sandboxes_on_one_file_are_refused(tmp_path: Path) -> None:
    file = ["--database", str(tmp_path / "shared.db")]
    async with serving(*file):
        code, said = await failure(await started("--port", "0", *file))
        assert (code, said.count("\n")) == (1, 1)
        assert "in use by another sandbox" in said
    process = await started("--port", "0", *file)  # free again, though the first was killed
    assert (await ready_line(process))["url"]
    process.terminate()
    await process.communicate()


async def test_two_sandboxes_in_one_process_are_refused_too(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path / "shared.db"):
        with pytest.raises(DatabaseRefused, match="in use by another sandbox"):
            async with running_sandbox(tmp_path / "shared.db"):
                pass


def a_text(path: Path) -> None:
    path.write_text("no database at all, and long enough to be looked at\n" * 20)


def another_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()


def a_later_format(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        connection.execute("INSERT INTO meta VALUES ('format', 'kazoo-operator sandbox 99')")
    connection.close()


def an_earlier_format(path: Path) -> None:
    a_later_format(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value='kazoo-operator sandbox 1'")
    connection.close()


@pytest.mark.parametrize("make", [a_text, another_database, a_later_format, an_earlier_format])
async def test_a_file_that_is_no_database_of_ours_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "other"
    make(path)
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused, match="is not a database of the sandbox"):
        async with running_sandbox(path):
            pass
    assert path.read_bytes() == before


async def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    code, said = await failure(await started("--port", "0", "--database", str(tmp_path / "no" / "file.db")))
    assert code == 1
    assert "cannot open the database" in said
    assert "Traceback" not in said

"""`kazoo-operator sandbox`: a simulated KAZOO to try things on."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import signal
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kazoo_operator.sandbox import Sandbox

KEY_LENGTH = 64


class Compat(StrEnum):
    """The KAZOO releases that can be imitated."""

    V5_0 = "5.0"
    V4_3 = "4.3"


def sandbox(
    host: Annotated[
        str, typer.Option(help="Address to listen on; other than loopback only with --no-control.")
    ] = ("127.0.0.1"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")
    ] = 8000,
    database: Annotated[
        Path | None, typer.Option(dir_okay=False, help="File that keeps everything; without one, in memory.")
    ] = None,
    seed: Annotated[
        Path | None, typer.Option(dir_okay=False, help="YAML of what a fresh sandbox holds: accounts, plans.")
    ] = None,
    compat: Annotated[Compat, typer.Option(help="KAZOO release to imitate.")] = Compat.V5_0,
    api_key: Annotated[
        str | None, typer.Option(help="API key of the master account, 64 characters; derived without one.")
    ] = None,
    rate_limit: Annotated[
        bool, typer.Option("--rate-limit", help="Answer 429 to who asks too much: 100 at once, 10 a second.")
    ] = False,
    no_control: Annotated[
        bool, typer.Option("--no-control", help="Serve no /sandbox surface (journal, faults, state, reset).")
    ] = False,
) -> None:
    """Serve a simulated KAZOO (its REST API, Crossbar v2) for tests, demos and CI.

    When it listens, one JSON line on stdout says where, and with which keys one may log in.
    """
    if api_key is not None and (
        len(api_key) != KEY_LENGTH or not api_key.isascii() or not api_key.isprintable()
    ):
        raise typer.BadParameter(f"must be {KEY_LENGTH} printable ASCII characters", param_hint="--api-key")
    if not no_control and not _is_loopback(host):
        raise typer.BadParameter(
            f"{host} can be reached by others: that needs --no-control, since anyone may control the sandbox",
            param_hint="--host",
        )
    import uvloop

    from kazoo_operator.sandbox import DatabaseRefused, Sandbox, SeedRefused

    build = partial(
        Sandbox, database, api_key=api_key, control=not no_control, compat=compat.value,
        rate_limit=rate_limit, seed=seed,
    )  # fmt: skip
    try:
        uvloop.run(_serve(host, port, compat, build))
    except (DatabaseRefused, SeedRefused) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"Error: cannot listen on {host}:{port}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from None


async def _serve(host: str, port: int, compat: Compat, build: Callable[[], Sandbox]) -> None:
    server = build()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await server.start(port, host)
        typer.echo(json.dumps(_ready(server, compat)))
        await stop.wait()
    finally:
        await server.stop()


def _ready(server: Sandbox, compat: Compat) -> dict[str, object]:
    """The line that says it listens; its members are fixed, scripts read them."""
    who = server.identity
    return {
        "url": server.url,
        "accountID": who.master.account_id,
        "realm": who.master.realm,
        "apiKey": who.master.api_key,
        "compat": compat.value,
        "reseller": {
            "accountID": who.reseller.account_id,
            "realm": who.reseller.realm,
            "apiKey": who.reseller.api_key,
        },
        "admin": {"username": who.admin_name, "password": who.admin_password},
    }


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""`kazoo-operator run`: the operator itself."""

from __future__ import annotations

import logging
import re
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kazoo_operator.backend.crossbar import Crossbar
    from kazoo_operator.backend.registry import Access
    from kazoo_operator.engine import Engine
    from kazoo_operator.kube.options import Options
    from kazoo_operator.settings import Settings
    from kazoo_operator.surroundings import Surroundings

EPILOG = """Environment: KAZOO_URL and KAZOO_API_KEY_FILE or KAZOO_API_KEY say where KAZOO is for objects of
namespaces without a TelephonyBackend named default; without them there have to be TelephonyBackends.
KAZOO_USERNAME, KAZOO_PASSWORD_FILE and KAZOO_ACCOUNT_NAME stand in for a key.
KAZOO_CA_FILE: the authority to trust. KAZOO_INSECURE_HTTP=true allows http to a host other than loopback.
KAZOO_OPERATOR_OWNER: what stands in our marks, like --owner.
KAZOO_OPERATOR_REALM_TEMPLATE: realms of accounts that name none, such as {name}.pbx.example.com.
KAZOO_OPERATOR_ROOT_ACCOUNT: realm or id of the account below which everything is made; by default the
credential's own.
KAZOO_OPERATOR_CURRENCY (USD) and KAZOO_OPERATOR_REQUESTS_PER_SECOND (50).
KAZOO_OPERATOR_MAX_DELETIONS_PER_HOUR: how many accounts are deleted in an hour without an approval (1)."""


def run(
    namespace: Annotated[
        list[str] | None, typer.Option(help="Namespace to watch; may be repeated; none means all.")
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(help="What stands in our marks in KAZOO; default: the uid of the operator's namespace."),
    ] = None,
    no_leader_election: Annotated[
        bool,
        typer.Option("--no-leader-election", help="Lead always, without election; for a single replica."),
    ] = False,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Kubeconfig file; default: in-cluster, else KUBECONFIG.")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="Context of the kubeconfig; default: the current.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Base URL of Crossbar, like KAZOO_URL.")] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(help="File with the API key, like KAZOO_API_KEY_FILE; read at each login.")
    ] = None,
    metrics_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of /metrics.")] = 8080,
    probe_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of /healthz and /readyz.")] = 8081,
    no_color: Annotated[
        bool,
        typer.Option("--no-color", help="No colours in the log; without a terminal there are none."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Log warnings and errors only.")] = False,
) -> None:
    """Run the operator until SIGTERM: watch the objects, and keep KAZOO as they say.

    A creation in flight is never cut: give the process minutes to end, not seconds.
    """
    from kazoo_operator.kinds import discover
    from kazoo_operator.kube.options import Options, WatchedKind
    from kazoo_operator.settings import SettingsRefused, load

    for name in namespace or ():
        # kopf would take *, ? and ! for a pattern.
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name):
            raise typer.BadParameter(f"{name!r} is no name of a namespace", param_hint="--namespace")
    try:
        settings = load(with_backend=False, url=url, api_key_file=api_key_file, owner=owner)
    except SettingsRefused as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    _log(logging.WARNING if quiet else logging.INFO, no_color)
    options = Options(
        kinds=tuple(WatchedKind.of(kind) for kind in discover()),
        namespaces=tuple(dict.fromkeys(namespace or ())),
        owner=settings.owner,
        metrics_port=metrics_port,
        probe_port=probe_port,
        kubeconfig=kubeconfig,
        context=context,
        requests_per_second=settings.requests_per_second,
        elect=not no_leader_election,
    )
    _serve(settings, options)


def _log(level: int, no_color: bool) -> None:
    """Coloured columns on a terminal, plain lines elsewhere."""
    handler: logging.Handler = logging.StreamHandler()
    form = "%(asctime)s %(levelname)s %(message)s"
    if sys.stderr.isatty() and not no_color:
        from rich.console import Console
        from rich.logging import RichHandler

        handler, form = RichHandler(console=Console(stderr=True), show_path=False), "%(message)s"
    logging.basicConfig(level=level, format=form, handlers=[handler])


def _serve(settings: Settings, options: Options) -> None:
    import uvloop

    from kazoo_operator.kube.cluster import NoCluster
    from kazoo_operator.kube.process import serve

    @asynccontextmanager
    async def start_engine(surroundings: Surroundings) -> AsyncIterator[Engine]:
        async with engine(settings, surroundings) as started:
            yield started

    try:
        uvloop.run(serve(options, start_engine))
    except (NoCluster, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None


@asynccontextmanager
async def engine(settings: Settings, surroundings: Surroundings) -> AsyncIterator[Engine]:
    """The engine with the backend that the settings describe, if any; closed when the block ends."""
    from kazoo_operator.backend.registry import Connection, Policy, Registry
    from kazoo_operator.engine import Engine
    from kazoo_operator.kinds import discover

    default = None
    if settings.name_a_backend:
        policy = Policy(
            settings.realm_template,
            settings.currency,
            settings.root_account,
            settings.max_deletions_per_hour,
            settings.budget_policy,
        )
        default = Connection(_by_settings(settings, surroundings.leads), policy)
    registry = Registry(default, partial(_by_resource, may_write=surroundings.leads))
    started = Engine(discover(), registry, surroundings)
    try:
        yield started
    finally:
        await started.close()
        await registry.close()


def _by_settings(settings: Settings, may_write: Callable[[], bool]) -> Crossbar:
    from kazoo_operator.backend.crossbar import Crossbar
    from kazoo_operator.metrics import observe_backend

    return Crossbar(
        settings.url,
        settings.credential(),
        requests_per_second=settings.requests_per_second,
        ssl=settings.tls(),
        observe=partial(observe_backend, "settings"),
        may_write=may_write,
    )


def _by_resource(access: Access, may_write: Callable[[], bool]) -> Crossbar:
    from kazoo_operator.backend.crossbar import Crossbar
    from kazoo_operator.metrics import observe_backend

    trusted = None if access.authorities is None else ssl.create_default_context(cadata=access.authorities)
    return Crossbar(
        access.url,
        access.source,
        requests_per_second=access.requests_per_second,
        ssl=trusted,
        observe=partial(observe_backend, access.name),
        may_write=may_write,
    )

"""`kazoo-operator plan`: what the operator would write to KAZOO for files, found out without a write."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from kazoo_operator.core.printable import printable

if TYPE_CHECKING:
    from kazoo_operator.backend.errors import BackendError
    from kazoo_operator.core.custom_resource import Key, Resource
    from kazoo_operator.core.report import FileFinding, Report
    from kazoo_operator.declaration import Declared
    from kazoo_operator.settings import Settings

EPILOG = """Exit codes: 0 no change, 2 changes, 1 something is blocked or wrong, 64 wrong usage.
Where KAZOO is, is said as for `run`: KAZOO_URL and KAZOO_API_KEY_FILE or KAZOO_API_KEY, and
KAZOO_OPERATOR_REALM_TEMPLATE, KAZOO_OPERATOR_ROOT_ACCOUNT, KAZOO_OPERATOR_CURRENCY,
KAZOO_OPERATOR_REQUESTS_PER_SECOND."""

_LINE_EVERY = 25
_STYLES = {
    "create": "green",
    "update": "yellow",
    "none": "dim",
    "blocked": "red",
    "warning": "yellow",
    "final": "bold red",
    "title": "bold",
    "dim": "dim",
    "": "",
}


class Output(StrEnum):
    """The forms of a plan."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def plan(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, or - for standard input.")],
    output: Annotated[Output, typer.Option("--output", "-o", help="Form of the plan.")] = Output.TEXT,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="Namespace of objects whose file names none.")
    ] = "default",
    url: Annotated[str | None, typer.Option(help="Base URL of Crossbar, like KAZOO_URL.")] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(help="File with the API key, like KAZOO_API_KEY_FILE.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, on a terminal too.")] = False,
) -> None:
    """Show what the operator would write to KAZOO for these files. Nothing is written.

    Reads KAZOO with GET alone. Objects that refer to each other plan as a whole, parents before children.
    """
    from kazoo_operator.core.report import Report
    from kazoo_operator.declaration import declared, declared_backends
    from kazoo_operator.manifests import load as load_manifests
    from kazoo_operator.manifests.judgement import judge
    from kazoo_operator.settings import SettingsRefused, load

    try:
        settings = load(url=url, api_key_file=api_key_file)
    except SettingsRefused as error:
        _stop(str(error))
    loaded = load_manifests(paths)
    for note in () if quiet else loaded.notes:
        typer.echo(printable(note), err=True)
    today = datetime.now(UTC).date()
    objects, at_fault = declared(loaded.documents, judge(loaded, day=today), namespace)
    at_fault = (*map(_unreadable, loaded.unreadable), *at_fault)
    backends = declared_backends(loaded.documents, namespace)
    if objects:
        given = ("--url" if url else "KAZOO_URL", _credential(settings, api_key_file))
        with _progress(len(objects), quiet, no_color) as tell:
            report = _made(settings, objects, backends, tell, given, at_fault)
    else:
        what = "that is kept in KAZOO" if backends else "of the operator"
        typer.echo(f"No object {what} is in these files.", err=True)
        report = Report(settings.url.rstrip("/"), "", "")
    report = replace(report, findings=at_fault)
    _print(report, output, no_color)
    raise typer.Exit(report.exit_code)


def _stop(text: str) -> NoReturn:
    typer.echo("\n".join(f"Error: {printable(line)}" for line in text.splitlines()), err=True)
    raise typer.Exit(1)


def _unreadable(text: str) -> FileFinding:
    """What could not be opened or decoded, as a finding: `latin.yaml:1: no UTF-8`."""
    from kazoo_operator.core.finding import Finding, Severity
    from kazoo_operator.core.report import FileFinding, Place

    where, _, why = text.rpartition(": ")
    name, _, line = where.rpartition(":")
    place = Place(name, int(line)) if name and line.isdigit() else Place(where)
    return FileFinding(Finding("SCHEMA", Severity.ERROR, "", why, "correct it, or name other files"), place)


def _line(one: FileFinding) -> str:
    from kazoo_operator.core.report_text import sentence

    return f"{one.place}: {sentence(one.finding)} ({one.finding.rule})"


def _credential(settings: Settings, api_key_file: Path | None) -> str:
    """Where the API key was given, or the user."""
    if api_key_file is not None:
        return "--api-key-file"
    if settings.username is not None:
        return "KAZOO_USERNAME, KAZOO_ACCOUNT_NAME and KAZOO_PASSWORD_FILE"
    return "KAZOO_API_KEY" if settings.api_key_file is None else "KAZOO_API_KEY_FILE"


def _made(
    settings: Settings,
    objects: Sequence[Declared],
    backends: Mapping[Key, Resource],
    tell: Callable[[int], None],
    given: tuple[str, str],
    at_fault: Sequence[FileFinding],
) -> Report:
    """The report, by a client that cannot write. Ends the command where KAZOO gives none.

    `given`: where the URL and the API key come from. What is `at_fault` beside is told then too.
    """
    from kazoo_operator.backend.crossbar import Crossbar
    from kazoo_operator.backend.errors import BackendError
    from kazoo_operator.backend.registry import NoRoot, Policy
    from kazoo_operator.kinds import discover
    from kazoo_operator.plan_by_backend import Plans, Reached

    async def made() -> Report:
        rate = settings.requests_per_second
        policy = Policy(
            settings.realm_template,
            settings.currency,
            settings.root_account,
            budget_policy=settings.budget_policy,
        )
        async with Crossbar(
            settings.url,
            settings.credential(),
            requests_per_second=rate,
            ssl=settings.tls(),
            may_write=lambda: False,
        ) as backend:
            reached, today = Reached(settings.url, backend, policy), datetime.now(UTC).date()
            return await Plans(discover(), reached, backends, at_fault, today, tell).report(objects)

    try:
        return asyncio.run(made())
    except NoRoot as error:
        why = f"The root account is not there: {error}."
    except BackendError as error:
        why = _why(error, *given)
    _stop("\n".join((why, *map(_line, at_fault))))


def _why(error: BackendError, url: str, credential: str) -> str:
    """What keeps KAZOO from being read, and what to do about it, in one line."""
    from kazoo_operator.backend import errors

    advice: tuple[tuple[type[BackendError], str, str], ...] = (
        (errors.CredentialUnreadable, "cannot log in to KAZOO", f"check {credential}"),
        (errors.Unauthorized, "KAZOO does not accept the credential", f"check {credential}"),
        (
            errors.Forbidden,
            "the credential may not read this",
            f"check whom {credential} lets in",
        ),
        (errors.Unreachable, "no answer", f"check {url} and the network"),
        (errors.RateLimited, "KAZOO asks for fewer requests", "set KAZOO_OPERATOR_REQUESTS_PER_SECOND lower"),
        (errors.ServerFailure, "KAZOO cannot do it now", f"try again later, or check {url}"),
    )
    for kind, what, remedy in advice:
        if isinstance(error, kind):
            return f"{what}: {error}; {remedy}."
    return f"this is no KAZOO that can be planned against: {error}; check {url}."


@contextmanager
def _progress(total: int, quiet: bool, no_color: bool) -> Iterator[Callable[[int], None]]:
    """Tells on standard error how far it is: a bar on a terminal, now and then a line elsewhere."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True, no_color=no_color or None), transient=True) as progress:
            task = progress.add_task("Reading KAZOO", total=total)
            yield lambda done: progress.update(task, completed=done)
    else:

        def tell(done: int) -> None:
            if done % max(_LINE_EVERY, total // 10) == 0:
                typer.echo(f"Planned {done} of {total}.", err=True)

        yield tell


def _print(report: Report, output: Output, no_color: bool) -> None:
    """The report on standard output, and nothing else there."""
    from kazoo_operator.core.report_markdown import markdown
    from kazoo_operator.core.report_text import plain

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    if output is Output.JSON:
        typer.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False, default=str))
    elif output is Output.MARKDOWN:
        typer.echo(markdown(report), nl=False)
    elif no_color or os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        typer.echo(plain(report), nl=False)
    else:
        _print_coloured(report)


def _print_coloured(report: Report) -> None:
    from rich.console import Console
    from rich.text import Text

    from kazoo_operator.core.report_text import lines

    console = Console(highlight=False, soft_wrap=True)
    for line in lines(report):
        console.print(Text.assemble(*((text, _STYLES[style]) for text, style in line)))

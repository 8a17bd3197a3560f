"""`kazoo-operator validate`: every rule over files, without a cluster and without KAZOO."""

from __future__ import annotations

import gc
import io
import os
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kazoo_operator.core.printable import printable

if TYPE_CHECKING:
    from kazoo_operator.manifests import Loaded, Manifest

EPILOG = """Exit codes: 0 clean, 1 errors (or warnings, with --strict), 64 wrong usage,
2 a file cannot be opened or decoded.

kazoo-operator validate accounts/                 folders: *.yaml, *.yml, *.json
kustomize build . | kazoo-operator validate -     what would be applied
kazoo-operator validate --against origin/main .   changes are judged too
kazoo-operator validate -o sarif . > kazoo.sarif  for code scanning

kazoo-operator explain KZ107 tells more about a rule."""


class Output(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


def validate(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Files, folders, or - for standard input.")
    ],
    output: Annotated[
        Output, typer.Option("--output", "-o", help="How findings are written, to standard output.")
    ] = Output.TEXT,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="GIT_REV_OR_FOLDER",
            help="What the files take the place of: a folder, a file, or a revision of their git repository. "
            "Changes are judged too, such as that of a realm.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Name the objects and files that were skipped.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Findings only, no summary.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, as with NO_COLOR.")] = False,
) -> None:
    """Judge manifests by every rule, offline: schema, CEL, and rules over the whole set.

    Objects of other kinds are skipped. Nothing is sent anywhere.
    """
    # Nothing here lives in cycles, and the collector would walk a thousand files again and again.
    gc.disable()
    from kazoo_operator.cli.findings import render
    from kazoo_operator.cli.revision import NoRevision, manifests_of
    from kazoo_operator.manifests import load
    from kazoo_operator.manifests.judgement import judge

    loaded = load(paths)
    before: list[Manifest] = []
    try:
        if against is not None:
            before, troubles = manifests_of(against, paths, loaded)
            for line in troubles:
                _note(f"{line}; not compared", quiet)
    except NoRevision as error:
        raise typer.BadParameter(printable(str(error)), param_hint="--against") from None
    found = judge(loaded, before, datetime.now(UTC).date())
    text = render(output.value, loaded, found, no_color)
    _write(text)
    errors = sum(one.finding.severity == "error" for one in found)
    warnings = len(found) - errors
    for line in loaded.unreadable:
        typer.echo(f"Error: {printable(line)}", err=True)
    if not quiet:
        _tell_skipped(loaded, verbose)
        if against is not None:
            _tell_new(loaded, before, against, verbose)
        _sum_up(loaded, errors, warnings)
    code = 2 if loaded.unreadable else int(bool(errors or (strict and warnings)))
    raise typer.Exit(code)


def _write(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file's name need not be UTF-8.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it has seen enough; the verdict stands all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell_skipped(loaded: Loaded, verbose: bool) -> None:
    """What was left out: by name what the user named, and the rest too when asked for."""
    told = [one for one in loaded.skipped if verbose or one.named]
    for one in told:
        _note(str(one))
    kinds = sorted(loaded.foreign.items())
    others = _count(loaded.foreign.total(), "object") + " of other kinds"
    paths = _count(len({one.path for one in loaded.skipped if one not in told}), "path")
    if verbose and kinds:
        _note(f"{others} skipped: {', '.join(f'{count} {kind}' for kind, count in kinds)}")
    elif not verbose:
        left = [paths] * (len(told) < len(loaded.skipped)) + [others] * bool(kinds)
        if left:
            _note(f"{' and '.join(left)} skipped; -v names them")


def _tell_new(loaded: Loaded, before: list[Manifest], against: str, verbose: bool) -> None:
    """Which objects stood nowhere before, so that there was no change to judge."""
    stood = {manifest.key for manifest in before}
    new = [manifest for manifest in loaded.documents if manifest.key not in stood]
    if verbose:
        for one in new:
            names = "/".join(part for part in (one.namespace, one.name) if part)
            _note(f"{one.kind} {names} ({one.file}:{one.line}) is new, not compared")
    elif new and len(new) == len(loaded.documents):
        _note(f"none of these objects stands in {against}: nothing was compared")


def _sum_up(loaded: Loaded, errors: int, warnings: int) -> None:
    if loaded.documents or errors:
        summary = f"{_count(len(loaded.documents), 'object')} in {_count(loaded.files, 'file')}: "
        summary += f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
        typer.echo(summary, err=True)
    elif not any(one.named for one in loaded.skipped):
        _note("nothing of kazoo-operator.io was found")


def _note(text: str, quiet: bool = False) -> None:
    if not quiet:
        typer.echo(f"Note: {printable(text)}", err=True)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

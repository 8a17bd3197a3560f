"""The command line: one file a verb. Wrong usage exits 64, so that no verdict is mistaken for it."""

from __future__ import annotations

import sys
from typing import Any, cast

import typer
from typer.exceptions import TyperException

from kazoo_operator import __version__
from kazoo_operator.cli.crds import crds
from kazoo_operator.cli.explain import EPILOG as EXPLAIN_EPILOG
from kazoo_operator.cli.explain import explain
from kazoo_operator.cli.plan import EPILOG as PLAN_EPILOG
from kazoo_operator.cli.plan import plan
from kazoo_operator.cli.run import EPILOG, run
from kazoo_operator.cli.sandbox import sandbox
from kazoo_operator.cli.schemas import EPILOG as SCHEMAS_EPILOG
from kazoo_operator.cli.schemas import schemas
from kazoo_operator.cli.validate import EPILOG as VALIDATE_EPILOG
from kazoo_operator.cli.validate import validate

USAGE = 64

app = typer.Typer(
    name="kazoo-operator",
    help="Keep the accounts of a KAZOO telephony platform as YAML declares them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run", epilog=EPILOG)(run)
app.command("validate", epilog=VALIDATE_EPILOG)(validate)
app.command("plan", epilog=PLAN_EPILOG)(plan)
app.command("explain", epilog=EXPLAIN_EPILOG)(explain)
app.command("crds")(crds)
app.command("schemas", epilog=SCHEMAS_EPILOG)(schemas)
app.command("sandbox")(sandbox)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_version, is_eager=True
    ),
) -> None:
    """Keep the accounts of a KAZOO telephony platform as YAML declares them."""


def main() -> None:
    """Run the verb that the command line names, and exit with its code."""
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        cast(Any, error).show()
        code = USAGE
    except typer.Abort:
        code = 130
    sys.exit(code or 0)

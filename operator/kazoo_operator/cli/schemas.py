"""`kazoo-operator schemas`: JSON Schemas of the kinds, for editors and kubeconform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

EPILOG = """Editors: begin a file with
# yaml-language-server: $schema=DIR/account-kazoo-operator-v1alpha1.json

kubeconform -schema-location default -schema-location
'DIR/{{.ResourceKind}}{{.KindSuffix}}.json' accounts/

Schemas know forms only: kazoo-operator validate knows every rule."""


def schemas(
    output: Annotated[Path, typer.Option(file_okay=False, help="Folder to write one file a kind into.")],
) -> None:
    """Write a JSON Schema for each kind, which editors and kubeconform read."""
    from kazoo_operator.core.crd import json_schema
    from kazoo_operator.core.custom_resource import GROUP, VERSION
    from kazoo_operator.kinds import discover

    suffix = f"-{GROUP.partition('.')[0]}-{VERSION}.json"
    try:
        output.mkdir(parents=True, exist_ok=True)
        for kind in discover():
            schema: dict[str, Any] = json_schema(kind)
            text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
            (output / f"{kind.singular}{suffix}").write_text(text, encoding="utf-8")
    except OSError as error:
        typer.echo(f"Error: cannot write to {output}: {error.strerror}", err=True)
        raise typer.Exit(1) from None

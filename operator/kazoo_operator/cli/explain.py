"""`kazoo-operator explain`: the page of a rule or a reason, offline."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kazoo_operator.core.outcome import Meaning, Reason

EPILOG = """Exit codes: 0 explained, 1 there is no such rule or reason, 64 wrong usage.

kazoo-operator explain KZ107          a rule, as findings and messages name it
kazoo-operator explain InvalidSpec    a reason, as kubectl get kazoo shows it
kazoo-operator explain SCHEMA         what the schema alone refuses
kazoo-operator explain                all there are"""


def explain(
    word: Annotated[
        str | None, typer.Argument(metavar="[RULE|REASON]", help="KZ107, or a reason such as NotAdopted.")
    ] = None,
) -> None:
    """Tell what a rule or a reason means, and what to do about it; without a cluster."""
    pages = _pages()
    if word is None:
        width = max(map(len, pages))
        for name, text in pages.items():
            typer.echo(f"{name:{width}}  {_title(text)}")
        return
    by_lower = {name.lower(): name for name in pages}
    # 107 and kz107 are meant as well.
    asked = f"kz{word:0>3}" if word.isdigit() else word.lower()
    if asked in by_lower:
        typer.echo(pages[by_lower[asked]].rstrip())
        return
    typer.echo(f"Error: {_unknown(word, asked, list(pages))}", err=True)
    raise typer.Exit(1)


def _unknown(word: str, asked: str, known: list[str]) -> str:
    """What is said about a word that has no page; a number has no near one, only others."""
    if re.fullmatch("kz[0-9]+", asked):
        ids = sorted(name for name in known if name.startswith("KZ"))
        return (
            f"there is no rule {asked.upper()}; there are {len(ids)}, {ids[0]} to {ids[-1]}, and "
            "kazoo-operator explain lists them"
        )
    from kazoo_operator.core.near import nearest

    near = nearest(asked, known)
    hint = f"did you mean {near}?" if near else "kazoo-operator explain lists what there is"
    return f"there is no rule and no reason {word!r}; {hint}"


def _pages() -> dict[str, str]:
    from kazoo_operator.core.outcome import MEANINGS
    from kazoo_operator.kinds import discover
    from kazoo_operator.rules.catalogue import SCHEMA, catalogue, page

    rules = catalogue(rule for kind in discover() for rule in kind.rules)
    pages = {name: page(found) for name, found in rules.items()}
    pages["SCHEMA"] = SCHEMA
    for reason, meaning in MEANINGS.items():
        pages[reason.value] = (
            f"# {reason.value}: {meaning.text}\n\n"
            f"The object is {meaning.state.value}. A change of its spec brings it back at once; "
            f"{_comes_back(reason, meaning)}.\n\n"
            "The condition's message says which field or account, and what to do.\n"
        )
    return pages


def _comes_back(reason: Reason, meaning: Meaning) -> str:
    """When an object is looked at again, changes of itself aside."""
    if meaning.comes_back.value != "on change":
        return f"without one, it is looked at again {meaning.comes_back.value}"
    if reason.value in ("InvalidSpec", "HierarchyCycle"):
        return "without one, it is looked at again at resync where it has an account, for emergency calls"
    return "without one, it stays as it is, unless an object that it waits for changes"


def _title(text: str) -> str:
    return text.partition("\n")[0].partition(": ")[2]

"""Writes the pages of the rules into a folder: `python -m tools.rule_pages docs/rules`."""

from __future__ import annotations

import sys
from pathlib import Path

from kazoo_operator.kinds import discover
from kazoo_operator.rules.catalogue import SCHEMA, catalogue, page, table


def main(folder: Path) -> None:
    """The table of all rules, and a page for each id; pages of rules that are gone go too."""
    rules = catalogue(rule for kind in discover() for rule in kind.rules)
    pages = {"README": table(rules), "SCHEMA": SCHEMA} | {name: page(found) for name, found in rules.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.md"):
        path.unlink()
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Number classifiers: the stock list, and which of them a number belongs to (Crossbar API, classifiers)."""

from __future__ import annotations

import re
from typing import Any

from .release import Release

NORTH_AMERICAN = "SS(###) ### - ####"
ISLANDS = (
    "684|264|268|242|246|441|284|345|767|809|829|849|473|671|876|664|670|787|939|869|758|784|721|868|649|340"
)
E164 = (
    (r"\+?1?([2-9][0-9]{2}[2-9][0-9]{6})", "+1"),
    (r"(?:011|00)(\d+)", "+"),
    (r"([2-9]\d{7,})", "+"),
)
"""How a number is made international: what is kept of it, and what goes before; the first that fits."""


def stock(release: Release) -> dict[str, dict[str, Any]]:
    """The classifiers of a system that was left as it came, by id."""
    american = {"pretty_print": NORTH_AMERICAN}
    return {
        "tollfree_us": {
            "regex": r"^\+1((?:800|88\d|877|866|855|844|833|822)\d{7})$", "friendly_name": "US TollFree",
            **american,
        },
        "toll_us": {"regex": r"^\+1(900\d{7})$", "friendly_name": "US Toll", **american},
        "emergency": {
            "regex": release.emergency, "emergency": True, "friendly_name": "Emergency Dispatcher",
        },
        "caribbean": {
            "regex": rf"^\+?1((?:{ISLANDS})\d{{7}})$", "friendly_name": "Caribbean", **american,
        },
        "did_us": {
            "regex": r"^(\+?1)?([2-9][0-9]{2}[2-9][0-9]{6})$", "friendly_name": "US DID", **american,
        },
        "international": {"regex": r"^\+([2-9]\d{7,})$", "friendly_name": "International"},
        "unknown": {"regex": "^(.*)$", "friendly_name": "Unknown"},
    }  # fmt: skip


def classified(number: str, release: Release) -> str:
    """The id of the first that fits a number in its international form; the last fits all."""
    found = stock(release).items()
    return next(name for name, rules in found if re.search(rules["regex"], number, re.DOTALL))


def international(number: str) -> str:
    """A number in E.164, as it is where no rule fits."""
    for pattern, prefix in E164:
        if found := re.fullmatch(pattern, number, re.ASCII):
            return prefix + found[1]
    return number

"""Cases of billing as they were observed on KAZOO: reading them, and comparing bills with what was seen.

`tests/data/pricing-cases.json` explains its members in `format`. Its money is rounded to four places; a
`*_raw` beside it is what KAZOO printed, and the one that counts. Its lists of items and charges are sorted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

HALF_A_UNIT = 0.000050001
"""Four places, where a half may have been rounded either way."""
LAST_DIGITS = 1e-9
"""The order of additions is not known."""


@cache
def cases() -> dict[str, dict[str, Any]]:
    """All cases by id."""
    text = (Path(__file__).parents[1] / "data" / "pricing-cases.json").read_text()
    return {case["id"]: case for case in json.loads(text)["cases"]}


def differences(seen: list[dict[str, Any]], invoices: list[dict[str, Any]]) -> list[str]:
    """What is not as it was seen in a list of invoices, as it goes over the wire."""
    expected = [{**each, "items": _sorted(each["items"])} for each in _by_bookkeeper(seen)]
    given = _by_bookkeeper([_told(invoice) for invoice in invoices])
    for each, told in zip(expected, given, strict=False):
        for member in ("bookkeeper", "merged_plan"):
            if member not in each:
                told.pop(member)
    return list(_differences("", expected, given))


def _by_bookkeeper(invoices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(invoices, key=lambda invoice: str(invoice.get("bookkeeper", "")))


def _told(invoice: dict[str, Any]) -> dict[str, Any]:
    """The members of an invoice that cases have; the others never vary."""
    assert invoice["taxes"] == []
    return {
        "items": _sorted([{key: item[key] for key in item if key != "prorate"} for item in invoice["items"]]),
        "activation_charges": _sorted(invoice["activation_charges"]),
        "summary": invoice["summary"],
        "bookkeeper": invoice["bookkeeper"]["id"],
        "merged_plan": invoice["plan"],
    }


def _sorted(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(lines, key=lambda line: (line["category"], line["item"], line["name"]))


def _differences(path: str, seen: Any, given: Any) -> Iterator[str]:
    if isinstance(seen, dict) and isinstance(given, dict):
        raw = {key.removesuffix("_raw"): seen[key] for key in seen if key.endswith("_raw")}
        members = {key for key in seen if not key.endswith("_raw")}
        if members != set(given):
            yield f"{path}: members {sorted(members)} were seen, not {sorted(given)}"
        for key in members & set(given):
            if isinstance(seen[key], str) and isinstance(given[key], float):
                yield from _of_money(f"{path}/{key}", seen[key], raw.get(key), given[key])
            else:
                yield from _differences(f"{path}/{key}", seen[key], given[key])
    elif isinstance(seen, list) and isinstance(given, list):
        if len(seen) != len(given):
            yield f"{path}: {len(seen)} entries were seen, not {len(given)}"
        for place, (one, other) in enumerate(zip(seen, given, strict=False)):
            yield from _differences(f"{path}/{place}", one, other)
    elif (type(seen), seen) != (type(given), given):
        yield f"{path}: {seen!r} was seen, not {given!r}"


def _of_money(path: str, seen: str, raw: str | None, given: float) -> Iterator[str]:
    number = float(raw or seen)
    allowed = LAST_DIGITS * max(1.0, abs(number)) if raw else HALF_A_UNIT
    if abs(given - number) > allowed:
        yield f"{path}: {raw or seen} was seen, not {given!r}"

"""Durations as users write them: `30s`, `10m`, `1h30m` (hours, minutes, seconds in that order)."""

from __future__ import annotations

import re

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60
_UNITS = {"w": 7 * _DAY, "d": _DAY, "h": _HOUR, "m": _MINUTE, "s": 1}
_WORDS = re.compile(
    r"([0-9]{1,6})\s*(weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)[\s,]*"
)

PATTERN = r"^([0-9]{1,3}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$"


def seconds(text: str) -> float:
    """`"1h30m"` -> 5400.0. Raises ValueError for anything that is no such duration."""
    found = re.fullmatch(PATTERN, text)
    if not text or found is None:
        raise ValueError(f"{text!r} is no duration such as 30s, 10m or 1h30m")
    hours, minutes, rest = (int(part[:-1]) if part else 0 for part in found.groups())
    return float(hours * 3600 + minutes * 60 + rest)


def text(number: int) -> str:
    """5400 -> `"1h30m"`; what is nothing is left out, and no seconds at all are `"0s"`."""
    hours, rest = divmod(number, _HOUR)
    parts = ((hours, "h"), (rest // _MINUTE, "m"), (rest % _MINUTE, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def meant(said: str) -> str:
    """`"2 days"` -> `"48h"`, `"30m1h"` -> `"1h30m"`; empty where it is no plain sum of units."""
    found = list(_WORDS.finditer(said.lower()))
    if not found or "".join(one.group() for one in found) != said.lower():
        return ""
    return text(sum(int(one.group(1)) * _UNITS[one.group(2)[0]] for one in found))

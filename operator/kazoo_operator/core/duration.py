"""Durations as users write them: `30s`, `10m`, `1h30m` (hours, minutes, seconds in that order)."""

from __future__ import annotations

import re

PATTERN = r"^([0-9]{1,3}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$"


def seconds(text: str) -> float:
    """`"1h30m"` -> 5400.0. Raises ValueError for anything that is no such duration."""
    found = re.fullmatch(PATTERN, text)
    if not text or found is None:
        raise ValueError(f"{text!r} is no duration such as 30s, 10m or 1h30m")
    hours, minutes, rest = (int(part[:-1]) if part else 0 for part in found.groups())
    return float(hours * 3600 + minutes * 60 + rest)

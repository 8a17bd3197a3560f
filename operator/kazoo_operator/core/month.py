"""Months of the calendar in UTC, by KAZOO's names, and its seconds."""

from __future__ import annotations

import calendar

GREGORIAN = 62_167_219_200
"""Gregorian seconds, in which KAZOO counts, at the Unix epoch."""


def named(year: int, month: int) -> str:
    """`2026, 11` -> `202611`, the name of the month's ledger."""
    return f"{year:04}{month:02}"


def before(year: int, month: int) -> tuple[int, int]:
    """The month before."""
    return (year, month - 1) if month > 1 else (year - 1, 12)


def length(year: int, month: int) -> int:
    """How many days the month has."""
    return calendar.monthrange(year, month)[1]


def midnight(year: int, month: int, day: int = 1) -> int:
    """When the day begins, in Gregorian seconds."""
    return calendar.timegm((year, month, day, 0, 0, 0)) + GREGORIAN

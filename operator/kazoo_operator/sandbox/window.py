"""The window of time of a list over monthly databases: what it may span, and where it ends.

A list ends before the running second: what was made in it is seen a second later (Crossbar API, lists).
"""

from __future__ import annotations

from .call import Call
from .refusal import init_failed, validation
from .schema import Errors, fail

LONGEST = 2_682_000
"""Seconds: 31 days and an hour."""


def time_window(call: Call) -> tuple[int, int]:
    """From which Gregorian second on, and before which; the last 31 days up to now without a word."""
    now = call.world.clock.gregorian()
    until = _asked(call, "created_to", now)
    since = _asked(call, "created_from", until - LONGEST)
    errors: Errors = {}
    if until < since:
        text = f"created_to {until} is prior to created_from {since}"
        fail(errors, ("created_from",), "date_range", text, cause=since)
    if until - since > LONGEST:
        text = f"created_to {until} is more than {LONGEST} seconds from created_from {since}"
        fail(errors, ("created_from",), "date_range", text, cause=until)
    if errors:
        raise validation(errors)
    return since, min(until, now)


def _asked(call: Call, name: str, absent: int) -> int:
    given = call.value(name)
    if given is None:
        return absent
    try:
        seconds = int(given)
    except (TypeError, ValueError, OverflowError):
        raise init_failed() from None
    return max(0, min(seconds, 2**62))

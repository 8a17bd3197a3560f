"""When an unchanged object is looked at again."""

from __future__ import annotations

from collections.abc import Callable

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.duration import seconds
from kazoo_operator.core.lineage import BACKEND

DEFAULT = 600.0
OF_BACKENDS = 50.0
"""With its jitter within a minute, as soon as a new API key is to be used."""
_SHORTEST, _LONGEST = 30.0, 86_400.0
_JITTER = 0.2

Uniform = Callable[[float, float], float]


def interval(resource: Resource) -> float:
    """Seconds between two passes over an unchanged object: `spec.resyncInterval`, kept within 30s..24h.

    What is no duration counts as absent: the schema refuses it, and an old object must not stop us.
    """
    if resource.key.kind == BACKEND:
        return OF_BACKENDS
    try:
        wanted = seconds(str(resource.spec.get("resyncInterval") or ""))
    except ValueError:
        return DEFAULT
    return min(max(wanted, _SHORTEST), _LONGEST)


def stretch(passes_per_second: float, calls_per_pass: int, requests_per_second: float) -> float:
    """The factor (1 or more) on all intervals that keeps resyncs below half of `requests_per_second`."""
    return max(1.0, passes_per_second * calls_per_pass / (requests_per_second / 2))


def next_pass(every: float, uniform: Uniform) -> float:
    """Seconds until the next pass: `every`, give or take a fifth, so that objects drift apart."""
    return every * uniform(1 - _JITTER, 1 + _JITTER)


def first_pass(every: float, uniform: Uniform) -> float:
    """Seconds until the first pass over an object that was found Ready: anywhere within `every`."""
    return uniform(0, every)

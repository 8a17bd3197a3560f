from __future__ import annotations

import random

import pytest

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.kube import resync


def of(kind: str, **spec: object) -> Resource:
    """An object of a kind."""
    return Resource(Key(kind, "team", "one"), "u", 1, "1", spec, {})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 600),
        ("1h30m", 5400),
        ("30s", 30),
        ("1s", 30),
        ("24h", 86_400),
        ("999h", 86_400),
        ("0s", 30),
        ("soon", 600),
        ("", 600),
        (None, 600),
        (7, 600),
        ({"every": "10m"}, 600),
    ],
)
def test_the_interval_is_what_the_spec_says_within_bounds(text: object, seconds: float) -> None:
    assert resync.interval(of("Account", resyncInterval=text)) == seconds


def test_without_a_word_in_the_spec_it_is_ten_minutes() -> None:
    assert resync.interval(of("Account")) == 600


def test_a_backend_is_looked_at_within_a_minute_jitter_included() -> None:
    every = resync.interval(of("TelephonyBackend", resyncInterval="24h"))
    assert max(resync.next_pass(every, random.Random(1).uniform) for _ in range(1000)) <= 60


def test_passes_lie_a_fifth_around_the_interval() -> None:
    uniform = random.Random(1).uniform
    waits = [resync.next_pass(600, uniform) for _ in range(1000)]
    assert 480 <= min(waits) < 490
    assert 710 < max(waits) <= 720


def test_first_passes_are_spread_over_the_whole_interval() -> None:
    uniform = random.Random(1).uniform
    waits = [resync.first_pass(600, uniform) for _ in range(1000)]
    assert min(waits) < 10
    assert max(waits) > 590


@pytest.mark.parametrize(
    ("objects", "factor"),
    [(0, 1), (100, 1), (7500, 1), (15_000, 2), (30_000, 4)],
)
def test_intervals_stretch_when_passes_would_take_more_than_half_of_what_kazoo_may_be_asked(
    objects: int, factor: float
) -> None:
    reason = "7,500 objects with two calls every ten minutes are 25 calls a second: half of 50"
    assert resync.stretch(objects / 600, 2, 50) == pytest.approx(factor), reason

"""Which spellings of a URL are one KAZOO."""

from __future__ import annotations

import pytest

from kazoo_operator.core.base_url import place_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://crossbar.example.com", "HTTPS://Crossbar.Example.com:443/"),
        ("https://crossbar.example.com:8443/v2", "https://crossbar.example.com.:8443"),
        ("http://127.0.0.1/api/v2/", "http://127.0.0.1:80/api"),
    ],
)
def test_spellings_of_one_place(one: str, other: str) -> None:
    assert place_of(one) == place_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://crossbar.example.com", "http://crossbar.example.com"),
        ("https://crossbar.example.com", "https://crossbar.example.com:8443"),
        ("https://crossbar.example.com/a", "https://crossbar.example.com/b"),
        ("https://a.example.com", "https://b.example.com"),
    ],
)
def test_places_that_are_two(one: str, other: str) -> None:
    assert place_of(one) != place_of(other)


@pytest.mark.parametrize(
    "text", ["", "crossbar:8443", "https://[::1", "https://a.example.com:99999", "ftp://a"]
)
def test_what_is_no_url_stays_as_it_is(text: str) -> None:
    assert place_of(text) == text

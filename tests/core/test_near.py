"""A word is proposed only where it is really near."""

from __future__ import annotations

import pytest

from kazoo_operator.core.near import nearest

FIELDS = (
    "parentRef",
    "accountID",
    "timezone",
    "inbound",
    "outbound",
    "email",
    "enabled",
    "callerID",
    "callerIDPrivacy",
)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("parent_ref", "parentRef"),
        ("parent", "parentRef"),
        ("accountId", "accountID"),
        ("time_zone", "timezone"),
        ("timezne", "timezone"),
        ("emial", "email"),
        ("enable", "enabled"),
        ("callerid", "callerID"),
    ],
)
def test_a_slip_finds_its_word(word: str, meant: str) -> None:
    assert nearest(word, FIELDS) == meant


@pytest.mark.parametrize("word", ["backendRef", "callback", "xyz", "", "e", "phone", "KZ108"])
def test_another_word_finds_none(word: str) -> None:
    assert nearest(word, FIELDS) is None


def test_two_letters_that_changed_places_find_a_short_word() -> None:
    apps = ("accounts", "fax", "pbxs", "voip")
    assert nearest("viop", apps) == "voip"
    assert nearest("afx", apps) == "fax"
    assert nearest("xaf", apps) is None

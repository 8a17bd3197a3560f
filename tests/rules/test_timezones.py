"""Time zones are those of the packaged database, wherever the operator runs."""

from __future__ import annotations

import zoneinfo

import pytest

from kazoo_operator.rules import timezones


@pytest.mark.parametrize("zone", ["US/Pacific", "Etc/UTC", "America/Los_Angeles", "Asia/Calcutta", "EST5EDT"])
def test_zones_and_links_are_known(zone: str) -> None:
    assert zone in timezones.zones()


@pytest.mark.parametrize(
    "name", ["localtime", "Factory", "posixrules", "posix/Etc/UTC", "right/Etc/UTC", "UTC", "leapseconds"]
)
def test_what_machines_have_besides_is_no_zone(name: str) -> None:
    assert name not in timezones.zones()


def test_each_zone_can_be_used_and_each_short_name_means_one() -> None:
    assert len(timezones.zones()) > 500
    assert timezones.zones() <= zoneinfo.available_timezones()
    assert {timezones.meant(name) for name in ("UTC", "gmt", "PST", "CET", "W-SU")} <= timezones.zones()


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("America/Los_Angelos", "America/Los_Angeles"),
        ("america/los_angeles", "America/Los_Angeles"),
        ("America/Paris", "Europe/Paris"),
        ("Los Angeles", "America/Los_Angeles"),
        ("posix/Etc/UTC", "Etc/UTC"),
        ("US/Pacfic", "US/Pacific"),
    ],
)
def test_the_zone_that_is_meant_is_found(text: str, zone: str) -> None:
    assert timezones.meant(text) == zone


@pytest.mark.parametrize("text", ["America/Seattle", "localtime", "Factory", "Middle/Earth", "GMT+25", ""])
def test_a_place_without_a_zone_is_not_guessed(text: str) -> None:
    assert timezones.meant(text) == ""

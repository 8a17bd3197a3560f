"""The time zones of the packaged IANA database, whatever this machine has; and which of them is meant."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files

from kazoo_operator.core.form import Form
from kazoo_operator.core.near import nearest

# In the database for the sake of machines that were never set up.
_NO_PLACE = "Factory"

# Names that are too short for KAZOO, or none at all, and whose place is beyond doubt.
_SHORT = {
    "UTC": "Etc/UTC",
    "UCT": "Etc/UTC",
    "GMT": "Etc/GMT",
    "Zulu": "Etc/UTC",
    "EST": "America/New_York",
    "EDT": "America/New_York",
    "CST": "America/Chicago",
    "CDT": "America/Chicago",
    "MST": "America/Denver",
    "MDT": "America/Denver",
    "PST": "America/Los_Angeles",
    "PDT": "America/Los_Angeles",
    "HST": "Pacific/Honolulu",
    "CET": "Europe/Brussels",
    "EET": "Europe/Athens",
    "MET": "Europe/Brussels",
    "WET": "Europe/Lisbon",
    "GB": "Europe/London",
    "BST": "Europe/London",
    "Eire": "Europe/Dublin",
    "W-SU": "Europe/Moscow",
    "NZ": "Pacific/Auckland",
    "Cuba": "America/Havana",
    "Iran": "Asia/Tehran",
    "PRC": "Asia/Shanghai",
    "ROC": "Asia/Taipei",
    "ROK": "Asia/Seoul",
}
_BY_SHORT = {name.lower(): zone for name, zone in _SHORT.items()}


@cache
def zones() -> frozenset[str]:
    """The zones that KAZOO takes, links such as US/Pacific among them; never a path such as posix/Etc/UTC."""
    names = (files("tzdata") / "zones").read_text(encoding="utf-8").split()
    return frozenset(name for name in names if FORM.fits(name) and name != _NO_PLACE)


@lru_cache(1000)
def meant(text: str) -> str:
    """The zone that somebody means, most likely; empty where that would be a guess."""
    word = text.strip().replace(" ", "_")
    for prefix in ("posix/", "right/"):
        word = word.removeprefix(prefix)
    if word.lower() in _BY_SHORT:
        return _BY_SHORT[word.lower()]
    by_fold = {_folded(zone): zone for zone in zones()}
    if _folded(word) in by_fold:
        return by_fold[_folded(word)]
    # The city says more than the region: America/Paris is Europe's, and America/Seattle nobody's.
    region, _, city = word.rpartition("/")
    beside = {
        _city(zone): zone for zone in sorted(zones()) if _folded(zone).startswith(_folded(region + "/"))
    }
    near = nearest(city, beside) if region and not any(char.isdigit() for char in city) else None
    if near is not None:
        return beside[near]
    elsewhere = {_folded(_city(zone)): zone for zone in sorted(zones(), reverse=True)}
    return elsewhere.get(_folded(city), "")


def _city(zone: str) -> str:
    return zone.rpartition("/")[2]


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


FORM = Form(
    pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$",
    shortest=5,
    longest=32,
    what="time zone that KAZOO takes: an IANA name of 5 to 32 characters",
    meant=meant,
)

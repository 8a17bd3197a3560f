"""The rules about accounts."""

from __future__ import annotations

from zoneinfo import available_timezones

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.finding import Severity
from kazoo_operator.rules.rule import Rule


def _known_timezone(spec: JsonObject) -> bool:
    zone = spec.get("timezone")
    return not isinstance(zone, str) or len(zone) < 5 or zone in available_timezones()


REALM_IS_STATIC = Rule(
    id="KZ020",
    severity=Severity.ERROR,
    path="realm",
    message="the realm cannot be changed or removed once it is set: phones register with it",
    hint="put the old value back",
    source="Account settings guide: the realm must be defined and kept static",
    cel="!has(oldSelf.realm) || (has(self.realm) && self.realm == oldSelf.realm)",
)

TIMEZONE_IS_KNOWN = Rule(
    id="KZ026",
    severity=Severity.ERROR,
    path="timezone",
    message="this is no time zone of the IANA database",
    hint="write a name such as America/Los_Angeles or Etc/UTC",
    source="Account settings guide: time stamps, office hours and holidays follow the account's time zone",
    check=_known_timezone,
)

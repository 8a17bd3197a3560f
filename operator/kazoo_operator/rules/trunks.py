"""The trunks that a spec sets, whatever else is wrong with it."""

from __future__ import annotations

from kazoo_operator.core.custom_resource import JsonObject

TRUNKS = ("inbound", "outbound", "twoWay")
"""The fields that count trunks; burst trunks are none that an account can rely on."""


def counts(spec: JsonObject) -> list[int]:
    """The numbers that the spec says, of the fields that it has."""
    said = (spec.get(name) for name in TRUNKS)
    return [one for one in said if isinstance(one, int) and not isinstance(one, bool) and one >= 0]

"""The changes of a plan by the steps of KAZOO's account wizard, which administrators know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_CALLER = ("name", "number")
_SWITCHES = (
    *("user", "account", "creditCard", "balance.show", "balance.credit", "balance.minutes", "servicePlan"),
    *("transactions", "inbound", "outbound", "twoWay", "errorTracker"),
)

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("General", ("name", "realm", "parentRef", "timezone", "language", "enabled")),
    (
        "Address and contacts",
        (
            *(f"address.{part}" for part in ("street", "extra", "city", "region", "postalCode", "country")),
            *(f"contacts.technical.{part}" for part in ("name", "email", "phone")),
            *(f"contacts.billing.{part}" for part in ("name", "email", "phone")),
        ),
    ),
    (
        "Limits",
        (
            *("inbound", "outbound", "twoWay", "burst", "maxCalls", "maxResourceConsumingCalls"),
            "allowPerMinute",
        ),
    ),
    (
        "Call restrictions and caller ID",
        (
            "callRestrictions",
            *(f"callerID.{one}.{part}" for one in ("internal", "external", "emergency") for part in _CALLER),
            "callerIDPrivacy",
        ),
    ),
    (
        "Credit",
        (
            "grants",
            *(f"lowBalanceAlert.{part}" for part in ("enabled", "threshold")),
            *(f"autoRecharge.{part}" for part in ("enabled", "threshold", "amount")),
        ),
    ),
    ("App restrictions", ("mode", "allowedApps")),
    ("Control Center", tuple(f"controlCenter.{switch}" for switch in _SWITCHES)),
    ("Routing", ("outboundRouting",)),
    ("Account", ("adopt",)),
)
"""The steps of KAZOO's account wizard, with the spec fields that each asks for, in its order."""

KINDS = ("Account", "TrunkLimits", "CreditPolicy", "AppRestrictions")
"""The kinds in the order in which the wizard comes to what they keep."""

_FIELDS = tuple(name for _, names in SECTIONS for name in names)
_FINAL = ("realm", "parentRef", "address.country", "grants")
"""What has long-standing consequences (guide: read before you start), at the creation and ever after."""


@dataclass(frozen=True)
class PlannedChange:
    """One spec field that would be written; `irreversible`: it cannot be taken back, or not without harm.

    `words` say for a person what `after` means, where its value alone does not.
    """

    path: str
    before: Any
    after: Any
    irreversible: bool = False
    words: str = ""


def changes(found: Iterable[tuple[str, Any, Any]]) -> tuple[PlannedChange, ...]:
    """The changes (path, before, after) in the wizard's order, with those marked that are final."""
    made = (PlannedChange(path, before, after, _asked(path) in _FINAL) for path, before, after in found)
    return in_order(made)


def in_order(found: Iterable[PlannedChange]) -> tuple[PlannedChange, ...]:
    """The changes in the wizard's order."""
    return tuple(sorted(found, key=lambda change: (_rank(change.path), change.path)))


def sections(
    found: Iterable[PlannedChange],
) -> Iterator[tuple[str, tuple[PlannedChange, ...]]]:
    """Changes by the wizard's steps; a field of no step stands under `Account`."""
    listed = tuple(found)
    for title, names in SECTIONS:
        last = title == SECTIONS[-1][0]
        held = tuple(
            change
            for change in listed
            if _asked(change.path) in names or (last and _asked(change.path) is None)
        )
        if held:
            yield title, held


def rank_of_kind(kind: str) -> int:
    """Where the wizard comes to what a kind keeps; last for one that it does not know."""
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def _asked(path: str) -> str | None:
    """The field of a step that a path is, or stands below; None where no step asks for it."""
    field = path.partition("[")[0]
    return next((name for name in _FIELDS if f"{field}.".startswith(f"{name}.")), None)


def _rank(path: str) -> int:
    asked = _asked(path)
    return len(_FIELDS) if asked is None else _FIELDS.index(asked)

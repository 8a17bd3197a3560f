"""What status says of each app: four layers, each of which keeps users from it (Crossbar API, apps store).

The catalogue and the service plans offer it, the blacklist does not have it, the account has installed it,
and the installation is for somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import MEMORY
from kazoo_operator.core.kind import Seen
from kazoo_operator.core.outcome import Reason
from kazoo_operator.kinds.app_restrictions.catalogue import Catalogue
from kazoo_operator.kinds.app_restrictions.status import SHOWN
from kazoo_operator.rules.app_restrictions import APP_IS_USABLE

_LONGEST = 1000


def report(seen: Seen) -> JsonObject:
    """Status: what may be used, what is blocked, by whom, and the layers of each app."""
    catalogue = Catalogue.of(seen.documents)
    blocked = sorted(catalogue.blocked)
    allowed = sorted(set(catalogue.ids) - catalogue.blocked)
    others = (seen.documents.get(MEMORY) or {}).get("others") or ()
    restricted = isinstance(seen.wanted.get("allowedApps"), list) if seen.managed else bool(blocked)
    return {
        "mode": "Restricted" if restricted else "Full",
        "allowed": allowed[:SHOWN],
        "blocked": blocked[:SHOWN],
        "blockedByOthers": [name for name in blocked if name in others][:SHOWN] or None,
        "allowedCount": len(allowed),
        "blockedCount": len(blocked),
        "apps": [one.shown() for one in _apps(seen, catalogue)[:SHOWN]],
    }


def conditions(seen: Seen) -> Mapping[str, tuple[str, str, str]]:
    """AppsUsable: whether users find each app that is allowed, or under Full each that is installed."""
    said = seen.wanted.get("allowedApps")
    apps = _apps(seen, Catalogue.of(seen.documents))
    if isinstance(said, list):
        meant, text = [one for one in apps if one.name in said], "Each app that is allowed can be used."
    else:
        meant, text = [one for one in apps if one.is_wanted], "Each app that is installed can be used."
    faults = [f"{one.name} {one.missing}" for one in meant if one.missing]
    if not faults:
        return {"AppsUsable": ("True", Reason.READY, text)}
    told = f"Not every app can be used: {'; '.join(faults)}"[:_LONGEST]
    return {"AppsUsable": ("False", Reason.APPS_NOT_USABLE, f"{told} ({APP_IS_USABLE.id}).")}


@dataclass(frozen=True)
class Layers:
    """The layers of one app; `who` may use it is None where it is not installed, or KAZOO does not tell."""

    name: str
    planned: bool
    blacklisted: bool
    who: str | None = None
    nobody: bool = False

    @property
    def is_wanted(self) -> bool:
        """Whether somebody wanted the app, as far as KAZOO shows: it is installed, or hidden by a block."""
        return self.who is not None or self.blacklisted

    @property
    def missing(self) -> str:
        """The layer that keeps users from the app, and what to do about it; the first is enough."""
        if not self.planned:
            return "is not offered (have the catalogue or a service plan offer it)"
        if self.blacklisted:
            return "is blocked (allow it under Restricted)"
        if self.who is None:
            return "is not installed (install it in the account's App Exchange)"
        return "is installed for nobody (name its users in the App Exchange)" if self.nobody else ""

    def shown(self) -> JsonObject:
        """As status shows it; of what is blocked KAZOO does not tell whether it is installed."""
        app: JsonObject = {"name": self.name, "planned": self.planned, "blacklisted": self.blacklisted}
        if not self.blacklisted:
            app["installed"] = self.who is not None
        return app if self.who is None else {**app, "allowedUsers": self.who}


def _apps(seen: Seen, catalogue: Catalogue) -> list[Layers]:
    """The layers of each app that is known, and of each that the spec allows."""
    said = seen.wanted.get("allowedApps")
    names = {*catalogue.ids, *(said if isinstance(said, list) else ())}
    return [_layers(name, catalogue) for name in sorted(names)]


def _layers(name: str, catalogue: Catalogue) -> Layers:
    rows = [catalogue.rows[one] for one in catalogue.ids.get(name, ()) if one in catalogue.rows]
    blocked = name in catalogue.blocked
    permitted = next((row for row in rows if isinstance(row.get("allowed_users"), str)), {})
    who = None if blocked else permitted.get("allowed_users")
    nobody = who == "specific" and not permitted.get("users")
    # What is blocked stands in no list of the account's, which had it before.
    return Layers(name, bool(rows) or blocked, blocked, who, nobody)

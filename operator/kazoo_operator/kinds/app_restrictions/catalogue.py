"""The apps of an account by name, and which of them are blocked, from what KAZOO shows.

KAZOO blocks by id, and leaves what is blocked out of the account's own list. So its apps are those of that
list, and those that are blocked: each of these by the list of the root account, or else asked for by its id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import APPS, BLACKLIST, CATALOGUE, ROWS, Document, Documents, get
from kazoo_operator.kinds.app_restrictions.spec import APP

_IN_PART = " (in part)"


@dataclass(frozen=True)
class Catalogue:
    """Name -> the ids of the apps that have it, and the ids that are blocked, each once, in KAZOO's order.

    `rows` are those of the account's own list, by id.
    """

    ids: Mapping[str, tuple[str, ...]]
    live: tuple[str, ...]
    rows: Mapping[str, JsonObject]

    @classmethod
    def of(cls, documents: Documents) -> Catalogue:
        """The apps by the documents observed."""
        live = blocked_ids(documents)
        own = {row["id"]: row for row in _rows(documents, APPS)}
        shown = {row["id"]: row for row in _rows(documents, CATALOGUE)}
        asked = {one: row for one in live if (row := documents.get(asked_for(one).name))}
        ids: dict[str, tuple[str, ...]] = {}
        for app_id, row in sorted({**shown, **asked, **own}.items()):
            ids[_name(row, app_id)] = (*ids.get(_name(row, app_id), ()), app_id)
        return cls(ids, live, own)

    @cached_property
    def blocked(self) -> frozenset[str]:
        """The names of the apps that are blocked, in part at least."""
        live = frozenset(self.live)
        return frozenset(name for name, ids in self.ids.items() if not live.isdisjoint(ids))

    @cached_property
    def allowed(self) -> tuple[str, ...]:
        """The names of the apps that are not blocked; of two apps of one name, one may be."""
        live = frozenset(self.live)
        free = (name for name, ids in self.ids.items() if not live.issuperset(ids))
        return tuple(sorted(f"{name}{_IN_PART}" if name in self.blocked else name for name in free))

    def with_blocked(self, allowed: Collection[str]) -> tuple[str, ...]:
        """The ids to be blocked, so that of the known apps those `allowed` are not and all others are."""
        live = frozenset(self.live)
        wanted = {
            app_id
            for name, ids in self.ids.items()
            if name not in allowed
            for app_id in ids
            if app_id in live or f"{name}{_IN_PART}" not in allowed
        }
        return self._listed(wanted)

    def without(self, names: Iterable[str]) -> tuple[str, ...]:
        """The ids to be blocked, once these apps no longer are."""
        freed = {app_id for name in names for app_id in self.ids.get(name, ())}
        return tuple(app_id for app_id in self.live if app_id not in freed)

    def _listed(self, wanted: set[str]) -> tuple[str, ...]:
        """The wanted ids in KAZOO's order, new ones behind; what nobody knows the name of stays."""
        known = {app_id for ids in self.ids.values() for app_id in ids}
        kept = [app_id for app_id in self.live if app_id in wanted or app_id not in known]
        return (*kept, *sorted(wanted.difference(kept)))


def blocked_ids(documents: Documents) -> tuple[str, ...]:
    """The ids on the blacklist, each once; KAZOO stores what is sent, and what is no id blocks nothing."""
    found = get(documents.get(BLACKLIST.name) or {}, BLACKLIST.name)
    ids = found if isinstance(found, list) else []
    return tuple(dict.fromkeys(one for one in ids if isinstance(one, str) and one))


def asked_for(app_id: str) -> Document:
    """The document of one app of the account, which KAZOO shows also while it is blocked."""
    return replace(APPS.of(app_id), name=f"app {app_id}", listed=False)


def _rows(documents: Documents, listing: Document) -> list[JsonObject]:
    found = get(documents.get(listing.name) or {}, ROWS)
    rows = found if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]


def _name(row: Mapping[str, Any], app_id: str) -> str:
    """The app's name; its id where it has none that a spec could say."""
    name = row.get("name")
    return name if isinstance(name, str) and APP.fits(name) else app_id

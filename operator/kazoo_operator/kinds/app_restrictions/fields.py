"""Where AppRestrictions stand in KAZOO: a blacklist of ids, which reads as the names that are allowed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import APPS, BLACKLIST, CATALOGUE, MEMORY, Document, Documents
from kazoo_operator.core.finding import Finding
from kazoo_operator.core.near import nearest
from kazoo_operator.core.schema import Spec
from kazoo_operator.kinds.app_restrictions.catalogue import Catalogue, asked_for, blocked_ids
from kazoo_operator.rules.app_restrictions import APP_IS_KNOWN, OTHERS_BLOCKS_STAY

ALL = "all"
_FULL: JsonObject = {"mode": "Full"}


def normal(spec: Spec) -> JsonObject:
    """What is allowed, names in order; under Full that nothing is blocked by this object."""
    said = spec.model_dump(by_alias=True, exclude_none=True)
    return _FULL if said["mode"] == "Full" else {"allowedApps": sorted(set(said.get("allowedApps") or ()))}


def render(fields: JsonObject, documents: Documents) -> Documents:
    """The blacklist that the fields ask for."""
    if not fields:
        return {}
    found, allowed = Catalogue.of(documents), fields.get("allowedApps")
    if isinstance(allowed, list):
        ids = found.with_blocked(allowed)
    else:
        ids = found.without(_remembered(documents, "ours"))
    return {BLACKLIST.name: {BLACKLIST.name: list(ids)}}


def parse(documents: Documents) -> JsonObject:
    """Full where no app is blocked, else the names of those that are not."""
    found = Catalogue.of(documents)
    return {"allowedApps": list(found.allowed)} if found.blocked else _FULL


def absent(path: str) -> Any:
    """Without a list all apps are allowed; with one they are not."""
    return {"allowedApps": ALL, "mode": "Restricted"}.get(path)


def complete(fields: JsonObject, documents: Documents) -> JsonObject:
    """The fields, if KAZOO is to block other apps than it does; names that it does not know aside."""
    allowed = fields.get("allowedApps")
    if isinstance(allowed, list):
        known = Catalogue.of(documents).ids
        fields = {**fields, "allowedApps": [name for name in allowed if name in known]}
    wanted = render(fields, documents).get(BLACKLIST.name)
    same = wanted is not None and set(wanted[BLACKLIST.name]) == set(blocked_ids(documents))
    return {} if same else fields


def consults(_fields: JsonObject, documents: Documents) -> tuple[Document, ...]:
    """The account's list and the root account's; then each app that is blocked and stands in neither."""
    found = Catalogue.of(documents)
    known = {app_id for ids in found.ids.values() for app_id in ids}
    listed = APPS.name in documents and CATALOGUE.name in documents
    hidden = [app_id for app_id in found.live if app_id not in known] if listed else []
    return (CATALOGUE, APPS, *map(asked_for, hidden))


def findings(fields: JsonObject, documents: Documents) -> list[Finding]:
    """Apps that KAZOO does not know for the account, and those that others have blocked.

    An app that was known before is no slip of the pen: it may have been withdrawn, and the others stay
    blocked.
    """
    catalogue = Catalogue.of(documents)
    allowed = fields.get("allowedApps")
    if not isinstance(allowed, list):
        return _left_blocked(catalogue, documents)
    before = _remembered(documents, "known")
    return [_unknown(name, catalogue) for name in allowed if name not in catalogue.ids and name not in before]


def _unknown(name: str, catalogue: Catalogue) -> Finding:
    near = nearest(name, sorted(catalogue.ids))
    everything = ", ".join(sorted(catalogue.ids)) or "an app, once the catalogue has one"
    hint = f"write {near}" if near else f"write one of {everything}"
    return replace(APP_IS_KNOWN.finding(), message=f"KAZOO offers no app {name} to this account", hint=hint)


def _left_blocked(catalogue: Catalogue, documents: Documents) -> list[Finding]:
    left = sorted(catalogue.blocked.difference(_remembered(documents, "ours")))
    if not left:
        return []
    rule = OTHERS_BLOCKS_STAY.finding()
    text = rule.message.replace("KAZOO blocks apps", f"KAZOO blocks {', '.join(left)}")
    return [replace(rule, message=text)]


def reset(_fields: JsonObject) -> JsonObject:
    """What the object blocked is unblocked."""
    return _FULL


def recall(status: JsonObject, fields: JsonObject, documents: Documents) -> JsonObject:
    """Which of the blocked apps are this object's, which were others', and which names were known before.

    What is blocked when an object first comes to an account is others', unless it is just what the spec asks
    for: then the object was here before, and only its status is lost.
    """
    catalogue, allowed = Catalogue.of(documents), fields.get("allowedApps")
    restricted = isinstance(allowed, list)
    if "blockedCount" in status:
        others = set(status.get("blockedByOthers") or ())
        if not restricted:
            others |= catalogue.blocked.difference(status.get("blocked") or ())
    else:
        here_before = restricted and complete(fields, documents) == {}
        others = set() if here_before else set(catalogue.blocked)
    return {
        "ours": sorted(catalogue.blocked - others),
        "others": sorted(others),
        "known": sorted(str(one.get("name")) for one in status.get("apps") or ()),
    }


def _remembered(documents: Documents, what: str) -> list[str]:
    return list((documents.get(MEMORY) or {}).get(what) or ())

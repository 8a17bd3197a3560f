"""The rules about the apps of one account."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.finding import Severity
from kazoo_operator.rules.rule import Objection, Rule

SMART_PBX = "voip"
_GUIDE = "Account manager guide: app restrictions"


def _allowed(spec: JsonObject) -> Iterator[tuple[int, str]]:
    """The apps that the spec names, with their places in the list."""
    found = spec.get("allowedApps")
    for number, name in enumerate(found if isinstance(found, list) else ()):
        if isinstance(name, str):
            yield number, name


def _has_smart_pbx(spec: JsonObject) -> bool:
    if spec.get("mode") != "Restricted" or not isinstance(spec.get("allowedApps", []), list):
        return True  # what is no list is told by the schema
    return SMART_PBX in (name for _, name in _allowed(spec))


def _ids(spec: JsonObject) -> Iterator[Objection]:
    for number, name in _allowed(spec):
        if re.fullmatch("[0-9a-f]{32}", name):
            yield Objection(f"allowedApps[{number}]")


def _twice(spec: JsonObject) -> Iterator[Objection]:
    seen: set[str] = set()
    for number, name in _allowed(spec):
        if name in seen:
            yield Objection(f"allowedApps[{number}]", f"{name} stands here twice")
        seen.add(name)


APP_IS_KNOWN = Rule(
    id="KZ123",
    title="An app is one that KAZOO offers",
    severity=Severity.ERROR,
    path="allowedApps",
    message="KAZOO offers no such app to this account",
    hint="write one that it offers",
    source=f"{_GUIDE} are chosen from the apps of the account",
    live=True,
)

APP_IS_USABLE = Rule(
    id="KZ121",
    title="An allowed app must be installed too",
    severity=Severity.WARNING,
    path="allowedApps",
    message="an app that is allowed is of use only once it is offered, installed and for somebody",
    hint="install it in the account's App Exchange, for those who are to have it; condition AppsUsable tells",
    source="Account manager guide: an app must be enabled in the App Exchange as well",
    live=True,
)

OTHERS_BLOCKS_STAY = Rule(
    id="KZ161",
    title="Full takes back what this object blocked, and no more",
    severity=Severity.WARNING,
    path="mode",
    message="KAZOO blocks apps: the operator unblocks what this object blocked, by its status, and no more",
    hint="see status.blocked and blockedByOthers; to unblock all of them, allow them once under Restricted",
    source="the operator's own: what somebody else decided is not undone without a word",
    live=True,
)

RULES = (
    Rule(
        id="KZ119",
        title="A list of apps needs mode: Restricted",
        severity=Severity.WARNING,
        path="allowedApps",
        message="under mode: Full nothing is blocked, and the list says nothing",
        hint="write mode: Restricted, or remove the list",
        source=f"{_GUIDE}: full access is the default, a list made by hand the exception",
        check=lambda spec: spec.get("mode", "Full") != "Full" or "allowedApps" not in spec,
    ),
    Rule(
        id="KZ120",
        title="SmartPBX is always allowed",
        severity=Severity.ERROR,
        path="allowedApps",
        message=f"mode: Restricted leaves out {SMART_PBX} (SmartPBX), without which nobody can set up phones",
        hint=f"add {SMART_PBX}",
        source=f"{_GUIDE}: at a minimum SmartPBX",
        cel="self.mode != 'Restricted' || "
        f"(has(self.allowedApps) && self.allowedApps.exists(app, app == '{SMART_PBX}'))",
        check=_has_smart_pbx,
    ),
    APP_IS_USABLE,
    APP_IS_KNOWN,
    Rule(
        id="KZ142",
        title="Apps are told by name",
        severity=Severity.ERROR,
        path="allowedApps",
        message="is the id of an app, and ids differ from one KAZOO to another",
        hint=f"write its name, such as {SMART_PBX}",
        source="Crossbar apps_store API: an app is known by its id, which the catalogue of each KAZOO gives",
        cel="!has(self.allowedApps) || self.allowedApps.all(app, size(app) != 32 || "
        "!app.matches('^[0-9a-f]{32}$'))",
        each=_ids,
    ),
    Rule(
        id="KZ160",
        title="An app is named once",
        severity=Severity.ERROR,
        path="allowedApps",
        message="an app stands here twice",
        hint="remove one",
        source="the operator's own: a set says each thing once",
        each=_twice,
        keyed=True,
    ),
    OTHERS_BLOCKS_STAY,
)

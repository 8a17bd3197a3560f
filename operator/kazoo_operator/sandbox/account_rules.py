"""What an account document may hold, and what KAZOO makes of it before it is stored.

The table has KAZOO's bounds and defaults for accounts (Crossbar API, accounts: fields); what they share with
users stands in `endpoint_rules`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from .account import Accounts
from .endpoint_rules import RECORDING, SHARED, caller_id_options, music_on_hold
from .release import Release
from .schema import Errors, Flag, Items, Members, Number, Text, fail, last_kinds

REALM_SUFFIX = "sip.2600hz.com"
DEFAULT_TIMEZONE = "America/Los_Angeles"
NEVER_STORED = ("billing_mode", "superduper_admin", "wnm_allow_additions")
"""Read-only members that are dropped when they are sent back; the others are stored, and never shown."""

_low_balance = Members({
    "enabled": Flag(),
    "last_notification": Number(whole=True),
    "sent_low_balance": Flag(),
    "threshold": Number(),
})  # fmt: skip
ACCOUNT = Members(
    {
        **SHARED,
        "call_recording": Members({"account": RECORDING, "endpoint": RECORDING}, others=False),
        "caller_id_options": caller_id_options(show_rate=Flag()),
        "music_on_hold": music_on_hold(2048),
        "name": Text(shortest=1, longest=128),
        "notifications": Members({
            "first_occurrence": Members({
                "sent_initial_call": Flag(default=False),
                "sent_initial_registration": Flag(default=False),
            }),
            "low_balance": _low_balance,
        }),
        "org": Text(),
        "preflow": Members({"always": Text()}, others=False, default={}),
        "realm": Text(shortest=4, longest=253, pattern=r"^[.\w-]+$"),
        "timezone": Text(shortest=5, longest=32),
        "topup": Members({"threshold": Number()}),
        "zones": Members(),
    },
    required=("name",),
)  # fmt: skip
ACCOUNT_WITH_BLACKLISTS = replace(ACCOUNT, fields={**ACCOUNT.fields, "blacklists": Items(Text())})


@dataclass
class Validated:
    """A document as it would be stored, its `enabled` apart, and two kinds of objections."""

    document: dict[str, Any]
    enabled: bool
    schema_errors: Errors
    taken: Errors

    @property
    def errors(self) -> Errors:
        """All objections, merged as KAZOO answers them."""
        merged = {path: dict(kinds) for path, kinds in self.schema_errors.items()}
        for path, kinds in self.taken.items():
            merged.setdefault(path, {}).update(kinds)
        return merged


def validated(
    wanted: dict[str, Any], accounts: Accounts, release: Release, account_id: str = ""
) -> Validated:
    """Judge a whole document: the body of a create or a POST, or what a PATCH makes of the stored one."""
    document = {key: value for key, value in wanted.items() if key not in NEVER_STORED and key != "id"}
    _settle_realm(document)
    if document.get("timezone") in (None, "inherit"):
        document["timezone"] = DEFAULT_TIMEZONE
    errors: Errors = {}
    schema = ACCOUNT_WITH_BLACKLISTS if release.has_blacklists else ACCOUNT
    document = schema.check(document, (), errors)
    if not release.reports_every_kind:
        errors = last_kinds(errors)
    enabled = document.pop("enabled")
    return Validated(document, enabled is True, errors, _taken(document, accounts, account_id))


def _settle_realm(document: dict[str, Any]) -> None:
    """No realm gives a random one; spaces are removed; what is no text becomes one. Case is kept."""
    realm = document.get("realm", "")
    if realm is None or isinstance(realm, bool):
        realm = {None: "null", True: "true", False: "false"}[realm]
    elif isinstance(realm, (int, float)):
        realm = str(realm)
    if isinstance(realm, str):
        realm = realm.replace(" ", "") or f"{secrets.token_hex(3)}.{REALM_SUFFIX}"
    document["realm"] = realm


def _taken(document: dict[str, Any], accounts: Accounts, account_id: str) -> Errors:
    errors: Errors = {}
    name, realm = document.get("name"), document.get("realm")
    if isinstance(name, str) and accounts.name_taken(name, account_id):
        fail(errors, ("name",), "unique", "Account name already in use", cause=name)
    if isinstance(realm, str) and accounts.realm_taken(realm, account_id):
        fail(errors, ("realm",), "unique", "Account realm already in use", cause=realm)
    return errors

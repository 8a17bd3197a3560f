"""What an account document may hold, and what KAZOO makes of it before it is stored.

The table has KAZOO's bounds and defaults for accounts (Crossbar API, accounts: fields). Not looked into: the
actions in `metaflows`, and the rules in `formatters`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from .account import Accounts
from .release import Release
from .schema import Errors, Flag, Items, Members, Number, Text, fail

REALM_SUFFIX = "sip.2600hz.com"
DEFAULT_TIMEZONE = "America/Los_Angeles"
NEVER_STORED = ("billing_mode", "superduper_admin", "wnm_allow_additions")
"""Read-only members that are dropped when they are sent back; the others are stored, and never shown."""

_restriction = Members({"action": Text(choices=("inherit", "deny"))})
_party = Members({"name": Text(longest=35), "number": Text(longest=35)})
_recording_parameters = Members(
    {
        "enabled": Flag(),
        "format": Text(choices=("mp3", "wav")),
        "record_min_sec": Number(whole=True),
        "record_on_answer": Flag(),
        "record_on_bridge": Flag(),
        "record_sample_rate": Number(whole=True),
        "time_limit": Number(whole=True, least=5, most=10_800),
        "url": Text(),
    },
    others=False,
)
_recording_source = Members(dict.fromkeys(("any", "offnet", "onnet"), _recording_parameters), others=False)
_recording = Members(dict.fromkeys(("any", "inbound", "outbound"), _recording_source), others=False)
_low_balance = Members({
    "enabled": Flag(),
    "last_notification": Number(whole=True),
    "sent_low_balance": Flag(),
    "threshold": Number(),
})  # fmt: skip
_callback = Members({
    "attempts": Number(whole=True),
    "disabled": Flag(),
    "interval_s": Number(whole=True),
    "number": Text(),
    "schedule": Items(Number(whole=True)),
    "timeout_s": Number(whole=True),
})  # fmt: skip

ACCOUNT = Members(
    {
        "call_recording": Members({"account": _recording, "endpoint": _recording}, others=False),
        "call_restriction": Members(others=_restriction, default={}),
        "call_waiting": Members({"enabled": Flag()}),
        "caller_id": Members({
            "asserted": Members({"name": Text(longest=35), "number": Text(longest=35), "realm": Text()}),
            "emergency": _party,
            "external": _party,
            "internal": _party,
        }),
        "caller_id_options": Members({
            "outbound_privacy": Text(choices=("full", "name", "number", "none")),
            "show_rate": Flag(),
        }),
        "dial_plan": Members(
            {"system": Items(Text())},
            others=Members({"description": Text(), "prefix": Text(), "suffix": Text()}),
        ),
        "do_not_disturb": Members({"enabled": Flag()}),
        "enabled": Flag(default=True),
        "flags": Items(Text()),
        "formatters": Members(),
        "language": Text(),
        "metaflows": Members({
            "binding_digit": Text(shortest=1, longest=1, choices=(*"1234567890*#",), default="*"),
            "digit_timeout": Number(whole=True, least=0),
            "listen_on": Text(choices=("both", "self", "peer")),
            "numbers": Members(),
            "patterns": Members(),
        }),
        "music_on_hold": Members({"media_id": Text(longest=2048)}, default={}),
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
        "ringtones": Members({"external": Text(longest=256), "internal": Text(longest=256)}, default={}),
        "timezone": Text(shortest=5, longest=32),
        "topup": Members({"threshold": Number()}),
        "voicemail": Members({"notify": Members({"callback": _callback})}),
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

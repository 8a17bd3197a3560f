"""What a user document may hold, and what becomes of a username and a password before it is stored.

Bounds and defaults are KAZOO's (Crossbar API, users); what users share with accounts stands in
`endpoint_rules`.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from .endpoint_rules import RECORDING, SHARED, caller_id_options, music_on_hold
from .refusal import validation
from .schema import Errors, Flag, Items, Members, Number, Text, fail, last_kinds
from .user import User

if TYPE_CHECKING:
    from .world import World

AUDIO_CODECS = (
    "OPUS", "CELT@32000h", "G7221@32000h", "G7221@16000h", "G722", "speex@32000h", "speex@16000h", "PCMU",
    "PCMA", "G729", "GSM", "CELT@48000h", "CELT@64000h", "G722_16", "G722_32", "CELT_48", "CELT_64", "Speex",
    "speex",
)  # fmt: skip
VIDEO_CODECS = ("H261", "H263", "H264", "VP8")

_media = Members({
    "audio": Members({"codecs": Items(Text(choices=AUDIO_CODECS))}, default={}),
    "encryption": Members(
        {
            "enforce_security": Flag(default=False),
            "methods": Items(Text(choices=("zrtp", "srtp")), default=[]),
        },
        default={},
    ),
    "fax_option": Flag(),
    "ignore_early_media": Flag(),
    "progress_timeout": Number(whole=True),
    "video": Members({"codecs": Items(Text(choices=VIDEO_CODECS), default=[])}, default={}),
})  # fmt: skip
_profile = Members({
    "addresses": Items(Members({"address": Text(), "types": Items(Text(choices=(
        "dom", "postal", "intl", "parcel", "home", "work", "pref",
    )))})),
    "nicknames": Items(Text()),
    **dict.fromkeys(("assistant", "birthday", "note", "role", "sort-string", "title"), Text()),
})  # fmt: skip

USER = Members(
    {
        **SHARED,
        "call_forward": Members({
            "direct_calls_only": Flag(default=False),
            "enabled": Flag(default=False),
            "failover": Flag(default=False),
            "ignore_early_media": Flag(default=True),
            "keep_caller_id": Flag(default=True),
            "number": Text(longest=35),
            "require_keypress": Flag(default=True),
            "substitute": Flag(default=True),
        }),
        "call_recording": RECORDING,
        "caller_id_options": caller_id_options(),
        "contact_list": Members({"exclude": Flag()}, default={}),
        "directories": Members(),
        "email": Text(shortest=3, longest=254, is_email=True),
        "feature_level": Text(),
        "first_name": Text(shortest=1, longest=128),
        "hotdesk": Members(
            {
                "enabled": Flag(default=False),
                "id": Text(longest=15),
                "keep_logged_in_elsewhere": Flag(default=False),
                "pin": Text(shortest=4, longest=15),
                "require_pin": Flag(default=False),
            },
            default={},
        ),
        "last_name": Text(shortest=1, longest=128),
        "media": _media,
        "music_on_hold": music_on_hold(128),
        "password": Text(),
        "presence_id": Text(),
        "priv_level": Text(choices=("user", "admin"), default="user"),
        "profile": _profile,
        "pronounced_name": Members({"media_id": Text(longest=128)}),
        "require_password_update": Flag(default=False),
        "timezone": Text(),
        "username": Text(shortest=1, longest=256, pattern=r"^([+@.\w_-]+)$"),
        "verified": Flag(default=False),
        "vm_to_email_enabled": Flag(default=True),
    },
    required=("first_name", "last_name"),
)  # fmt: skip

NO_PASSWORD = "The password must be provided when creating / updating the user name"  # noqa: S105  a text


def settle(world: World, account_id: str, user: User, wanted: dict[str, Any]) -> None:
    """Give the user this whole document, judged, and the credentials that follow from it.

    Raises a 400 with what is wrong. A document without a username takes the credentials away; a password
    without one invents it; a username that is new or changed needs a password.
    """
    wanted = {key: value for key, value in wanted.items() if key != "id"}
    _settle_username(wanted)
    errors: Errors = {}
    document = USER.check(wanted, (), errors)
    if errors and not world.release.reports_every_kind:
        errors = last_kinds(errors)
    username, password = document.get("username"), document.get("password")
    if isinstance(username, str) and world.users.username_taken(account_id, username, user.id):
        fail(errors, ("username",), "unique", "Username must be unique within account", cause=username)
    unknown = username is not None and username != user.document.get("username")
    if unknown and password is None and (world.release.reports_every_kind or not errors):
        fail(errors, ("password",), "required", NO_PASSWORD, cause=username)
    if errors:
        raise validation(errors)
    document.pop("password", None)
    user.document = document
    if password is not None:
        document.setdefault("username", f"user_{secrets.token_hex(5)}")
        user.give_credentials(password)
    elif username is None:
        user.drop_credentials()


def _settle_username(wanted: dict[str, Any]) -> None:
    """It is kept in lower case, and a number is one too."""
    username = wanted.get("username")
    if isinstance(username, (int, float)) and not isinstance(username, bool):
        username = str(username)
    if isinstance(username, str):
        wanted["username"] = username.lower()

"""What accounts, users and devices have in common: how calls of an endpoint are named, barred and recorded.

KAZOO merges these members of the three into one endpoint when a call comes (Crossbar API, accounts: fields).
Not looked into: the actions in `metaflows`, and the rules in `formatters`.
"""

from __future__ import annotations

from .schema import Flag, Items, Members, Number, Text

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
RECORDING = Members(dict.fromkeys(("any", "inbound", "outbound"), _recording_source), others=False)

_party = Members({"name": Text(longest=35), "number": Text(longest=35)})
_callback = Members({
    "attempts": Number(whole=True),
    "disabled": Flag(),
    "interval_s": Number(whole=True),
    "number": Text(),
    "schedule": Items(Number(whole=True)),
    "timeout_s": Number(whole=True),
})  # fmt: skip

SHARED = {
    "call_restriction": Members(
        others=Members({"action": Text(choices=("inherit", "deny"))}), default={}
    ),
    "call_waiting": Members({"enabled": Flag()}),
    "caller_id": Members({
        "asserted": Members({"name": Text(longest=35), "number": Text(longest=35), "realm": Text()}),
        "emergency": _party,
        "external": _party,
        "internal": _party,
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
    "ringtones": Members({"external": Text(longest=256), "internal": Text(longest=256)}, default={}),
    "voicemail": Members({"notify": Members({"callback": _callback})}),
}  # fmt: skip
"""The members that have the same rules everywhere."""


def caller_id_options(**more: Flag) -> Members:
    """Whom a call out shows; accounts know one option more."""
    return Members({"outbound_privacy": Text(choices=("full", "name", "number", "none")), **more})


def music_on_hold(longest: int) -> Members:
    """The media that is played to who waits, by an id of at most so many characters."""
    return Members({"media_id": Text(longest=longest)}, default={})

"""`.../devices`: as far as bills count them, by their `device_type` (Crossbar API, services).

By what is written of KAZOO, not seen there: which fields are looked at, and their defaults. Whose a MAC
address is, and what a `sip` object holds, is not looked into.
"""

from __future__ import annotations

import json
import secrets
from sqlite3 import Row
from typing import Any

from .. import billing, merging, owner
from ..account import Account
from ..call import Call, Reply
from ..document import Document, device_type
from ..endpoint_rules import RECORDING, SHARED, caller_id_options, music_on_hold
from ..listing import listing
from ..refusal import bad_identifier, validation
from ..routes import ANY, Action, Noun, Resource
from ..schema import Errors, Flag, Members, Text, last_kinds

DEVICE = Members(
    {
        **SHARED,
        "call_recording": RECORDING,
        "caller_id_options": caller_id_options(),
        "contact_list": Members({"exclude": Flag()}, default={}),
        "device_type": Text(),
        "mac_address": Text(),
        "music_on_hold": music_on_hold(2048),
        "name": Text(shortest=1, longest=128),
        "owner_id": Text(shortest=32, longest=32),
        "sip": Members(),
        "suppress_unregister_notifications": Flag(default=False),
        "timezone": Text(),
    },
    required=("name",),
)


def read_all(call: Call) -> Reply:
    """The list."""
    account, devices = owner.with_views(call), call.world.devices
    view = f"devices {account.id}"
    return listing(call, view, lambda start, way: devices.rows(account.id, start, way), _row, by_id=True)


def create(call: Call) -> Reply:
    """A new one, under an id that KAZOO chooses."""
    account = owner.with_views(call)
    document = _validated(call, merging.public(call.data))
    device = Document(secrets.token_hex(16), document, call.world.clock.gregorian())
    billing.charge(call, account, {"devices": {device_type(document): 1}})
    call.before_execution()
    call.world.devices.save(account.id, device)
    billing.settle(call, account)
    location = f"/v2/accounts/{account.id}/devices/{device.id}"
    return Reply(device.shown, revision=device.rev, location=location)


def read(call: Call) -> Reply:
    """The document."""
    device = _found(call, owner.of(call))
    return Reply(device.shown, revision=device.rev)


def post(call: Call) -> Reply:
    """The body replaces the document; nobody is asked, whatever type it has then."""
    account = owner.of(call)
    return _save(call, account, _found(call, account), merging.public(call.data))


def patch(call: Call) -> Reply:
    """The body is merged into the document, nulls remove."""
    account = owner.of(call)
    device = _found(call, account)
    return _save(call, account, device, merging.patched(device.document, merging.public(call.data)))


def delete(call: Call) -> Reply:
    """It is gone, with the revision that it had."""
    account = owner.of(call)
    device = _found(call, account)
    call.before_execution(device.rev)
    call.world.devices.delete(account.id, device.id)
    billing.settle(call, account)
    return Reply({**device.shown, "_read_only": {"deleted": True}}, revision=device.rev)


def _save(call: Call, account: Account, device: Document, wanted: dict[str, Any]) -> Reply:
    device.document = _validated(call, wanted)
    call.before_execution(device.rev)
    device.revision += 1
    call.world.devices.save(account.id, device)
    billing.settle(call, account)
    return Reply(device.shown, revision=device.rev)


def _validated(call: Call, wanted: dict[str, Any]) -> dict[str, Any]:
    errors: Errors = {}
    wanted = {key: value for key, value in wanted.items() if key != "id"}
    document: dict[str, Any] = DEVICE.check(wanted, (), errors)
    if errors:
        every = call.world.release.reports_every_kind
        raise validation(errors if every else last_kinds(errors))
    return document


def _row(row: Row) -> dict[str, Any]:
    document = json.loads(row["document"])
    told = ("name", "mac_address", "owner_id", "enabled", "device_type")
    return {
        "id": row["id"],
        **{key: document[key] for key in told if key in document},
        "flags": document.get("flags", []),
    }


def _found(call: Call, account: Account) -> Document:
    device = call.world.devices.get(account.id, call.match.arguments[0])
    if device is None:
        raise bad_identifier(call.match.arguments[0])
    return device


NOUN = Noun(
    "devices",
    (
        Resource((), {"GET": Action(read_all), "PUT": Action(create, faults=billing.FAULTS)}),
        Resource(("status",), awaited=frozenset({"GET"})),
        Resource(
            (ANY,),
            {
                "GET": Action(read),
                "POST": Action(post, faults=billing.FAULTS),
                "PATCH": Action(patch, faults=billing.FAULTS),
                "DELETE": Action(delete, faults=billing.FAULTS),
            },
        ),
        Resource((ANY, ANY), awaited=frozenset({"GET", "POST"})),
    ),
)

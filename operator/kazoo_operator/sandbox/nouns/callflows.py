"""`.../callflows`: what happens to a call, as far as the documents go (Crossbar API, callflows).

Numbers are kept as they are sent: whose they are and how they are spelled is not looked into, nor are the
data of modules other than `offnet` and `resources`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from sqlite3 import Row
from typing import Any

from .. import merging, owner
from ..account import Account
from ..call import Call, Reply
from ..document import Document
from ..listing import listing
from ..refusal import bad_identifier, init_failed, validation
from ..routes import ANY, Action, Noun, Resource
from ..schema import Errors, Flag, Items, Members, Number, Path, Text, fail
from ..world import World

_outbound = Members({
    "bypass_e164": Flag(),
    "caller_id_type": Text(default="external"),
    "do_not_normalize": Flag(),
    "dynamic_flags": Items(Text()),
    "emit_account_id": Flag(),
    "format_from_uri": Flag(),
    "from_uri_realm": Text(),
    "hunt_account_id": Text(),
    "ignore_early_media": Flag(default=False),
    "outbound_flags": Items(Text(), default=[]),
    "resource_type": Text(),
    "ringback": Text(),
    "timeout": Number(whole=True),
    "to_did": Text(),
    "use_local_resources": Flag(default=True),
})  # fmt: skip
MODULES = {"offnet": _outbound, "resources": _outbound}
"""The rules for `data` of the modules that are looked into."""

_node = Members(
    {"module": Text(shortest=1, longest=64), "data": Members(), "children": Members()}, required=("module",)
)


class Step:
    """A node of a flow, and those below it."""

    default = None

    def check(self, value: Any, path: Path, errors: Errors) -> Any:
        """See `schema.Schema`."""
        node = _node.check(value, path, errors)
        if not isinstance(node, dict):
            return node
        rules = MODULES.get(str(node.get("module")))
        if rules:
            node["data"] = rules.check(node.get("data", {}), (*path, "data"), errors)
        children = node.get("children")
        if isinstance(children, dict):
            node["children"] = {
                key: self.check(child, (*path, "children", key), errors) for key, child in children.items()
            }
        return node


CALLFLOW = Members({
    "featurecode": Members({
        "name": Text(shortest=1, longest=128), "number": Text(shortest=1, longest=30),
    }),
    "flags": Items(Text()),
    "flow": Step(),
    "numbers": Items(Text(shortest=1, longest=36), default=[]),
    "patterns": Items(Text(shortest=1), default=[]),
})  # fmt: skip


def read_all(call: Call) -> Reply:
    """The list; its rows tell little, and nothing that is absent."""
    account, callflows = owner.with_views(call), call.world.callflows
    view = f"callflows {account.id}"
    return listing(call, view, lambda start, way: callflows.rows(account.id, start, way), _row, by_id=True)


def create(call: Call) -> Reply:
    """A new one, under an id that KAZOO chooses."""
    account = owner.with_views(call)
    callflow = Document(secrets.token_hex(16), {}, call.world.clock.gregorian())
    callflow.document = _validated(call, account, _body(call), callflow.id)
    call.before_execution()
    call.world.callflows.save(account.id, callflow)
    location = f"/v2/accounts/{account.id}/callflows/{callflow.id}"
    return Reply(callflow.shown, revision=callflow.rev, location=location)


def read(call: Call) -> Reply:
    """The document, and in `metadata` what its ids mean."""
    account = owner.of(call)
    callflow = _found(call, account)
    data = {**callflow.shown, "metadata": _metadata(account, callflow)}
    return Reply(data, revision=callflow.rev)


def post(call: Call) -> Reply:
    """The body replaces the document."""
    account = owner.of(call)
    return _save(call, account, _found(call, account), _body(call))


def patch(call: Call) -> Reply:
    """The body is merged into the document, nulls remove."""
    account = owner.of(call)
    if call.world.release.patches_missing and not _stored(call, account):
        _validated(call, account, _body(call), "")
    callflow = _found(call, account)
    return _save(call, account, callflow, merging.patched(callflow.document, _body(call)))


def delete(call: Call) -> Reply:
    """It is gone, with the revision that it had."""
    account = owner.of(call)
    callflow = _found(call, account)
    call.before_execution(callflow.rev)
    call.world.callflows.delete(account.id, callflow.id)
    return Reply({**callflow.shown, "_read_only": {"deleted": True}}, revision=callflow.rev)


def _save(call: Call, account: Account, callflow: Document, wanted: dict[str, Any]) -> Reply:
    callflow.document = _validated(call, account, wanted, callflow.id)
    call.before_execution(callflow.rev)
    callflow.revision += 1
    call.world.callflows.save(account.id, callflow)
    return Reply(callflow.shown, revision=callflow.rev)


def _body(call: Call) -> dict[str, Any]:
    """What of the data is stored; `metadata` belongs to a read."""
    return {key: value for key, value in merging.public(call.data).items() if key not in ("id", "metadata")}


def _validated(call: Call, account: Account, wanted: dict[str, Any], callflow_id: str) -> dict[str, Any]:
    errors: Errors = {}
    numbers, patterns = wanted.get("numbers") or [], wanted.get("patterns") or []
    if not numbers and not patterns:
        text = "Callflows must be assigned at least one number or pattern"
        fail(errors, ("numbers",), "required", text)
    if isinstance(numbers, list):
        if any(isinstance(number, int) for number in numbers):
            raise init_failed()  # KAZOO takes them for texts
        _refuse_taken(call, account, numbers, callflow_id, errors)
    document: dict[str, Any] = CALLFLOW.check(wanted, (), errors)
    if errors:
        plain = call.world.release.plain_dots
        raise validation({path.replace("%2E", ".") if plain else path: kind for path, kind in errors.items()})
    return document


def _refuse_taken(call: Call, account: Account, numbers: list[Any], but: str, errors: Errors) -> None:
    for other in call.world.callflows.of(account.id):
        held = [number for number in other.document.get("numbers", []) if number in numbers]
        if held and other.id != but:
            name = other.document.get("name") or other.id
            text = call.world.release.number_taken.format(number=held[0], name=name, id=other.id)
            fail(errors, ("numbers",), "unique", text, cause=held[0])
            return


def _metadata(account: Account, callflow: Document) -> dict[str, Any]:
    """Of the ids in a flow, that of the account itself is resolved."""
    named = [node.get("data", {}).get("hunt_account_id") for node in _nodes(callflow.document.get("flow"))]
    if account.id not in named:
        return {}
    return {account.id: {"name": account.document.get("name"), "pvt_type": "account"}}


def _nodes(flow: Any) -> Iterator[dict[str, Any]]:
    if isinstance(flow, dict):
        yield flow
        for child in flow.get("children", {}).values():
            yield from _nodes(child)


def _row(row: Row) -> dict[str, Any]:
    document = json.loads(row["document"])
    named = {key: document[key] for key in ("name", "type", "owner_id", "group_id") if key in document}
    return {
        "id": row["id"],
        **named,
        "numbers": document.get("numbers", []),
        "patterns": document.get("patterns", []),
        "featurecode": document.get("featurecode", False),
        "modules": list(dict.fromkeys(node["module"] for node in _nodes(document.get("flow")))),
        "flags": document.get("flags", []),
    }


def _stored(call: Call, account: Account) -> Document | None:
    return call.world.callflows.get(account.id, call.match.arguments[0])


def _found(call: Call, account: Account) -> Document:
    callflow = _stored(call, account)
    if callflow is None:
        raise bad_identifier(call.match.arguments[0])
    return callflow


def _state(world: World, account: Account) -> dict[str, Any]:
    return {"callflows": [callflow.shown for callflow in world.callflows.of(account.id)]}


NOUN = Noun(
    "callflows",
    (
        Resource((), {"GET": Action(read_all), "PUT": Action(create)}),
        Resource(
            (ANY,),
            {"GET": Action(read), "POST": Action(post), "PATCH": Action(patch), "DELETE": Action(delete)},
        ),
    ),
    state=_state,
)

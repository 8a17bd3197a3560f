"""`/accounts`: the table of what can be done with accounts, and the reads and the delete.

How they come into being, change and look like stands in `account_creation`, `account_update` and
`account_view`, their lists in `hierarchy`, resellers in `promotion` (Crossbar API, accounts).
"""

from __future__ import annotations

import secrets
from typing import Any

from .. import authority, hierarchy, merging, promotion
from ..account import Account
from ..account_creation import create
from ..account_move import move
from ..account_update import patch, post
from ..account_view import public, shown
from ..call import Call, Reply
from ..refusal import system_error
from ..routes import ANY, Action, Noun, Resource
from ..world import World


def read(call: Call) -> Reply:
    """The public document and what KAZOO adds to it."""
    account = call.subject
    return Reply(shown(account, call), revision=account.rev)


def delete(call: Call) -> Reply:
    """For good, with everything in it; an account with others below it is refused, and any If-Match is."""
    account, world = call.subject, call.world
    if world.accounts.has_descendants(account.id):
        raise system_error(500, "account_has_descendants")
    call.before_execution()
    world.remove(account)
    return Reply({**public(account), "_read_only": {"deleted": True}}, revision=account.rev)


def api_key(call: Call) -> Reply:
    """The key that `PUT /api_auth` takes."""
    account = call.subject
    return Reply({"api_key": account.rotated_key or account.api_key}, revision=account.rev)


def rotate_api_key(call: Call) -> Reply:
    """A new key, for an administrator who logged in as one; the next write of the account undoes it."""
    account = call.subject
    if call.user is None or not call.user.is_admin:
        raise authority.forbidden()
    call.before_execution(account.rev)
    call.world.accounts.rotate_key(account, secrets.token_hex(32))
    location = f"/v2/accounts/{account.id}/api_key/{account.id}"
    return Reply({"api_key": account.rotated_key}, revision=account.rev, location=location)


def _edit(world: World, account: Account, merge: dict[str, Any]) -> dict[str, Any]:
    """An edit behind KAZOO's back: no rules. `enabled` is a private member there, and is set like one."""
    document = merging.merge_patched({**account.document, "enabled": account.enabled}, merge)
    account.enabled = document.pop("enabled", True) is True
    account.document = document
    account.revision += 1
    world.accounts.save(account)
    return shown(account)


def _state(_world: World, account: Account) -> dict[str, Any]:
    return {"account": shown(account), "tree": list(account.tree)}


_by_create = frozenset({"cut", "rollback"})

NOUN = Noun(
    "accounts",
    (
        Resource((), {"PUT": Action(create, authority.of_anyone, faults=_by_create)}),
        Resource(
            (ANY,),
            {
                "GET": Action(read),
                "PUT": Action(create, faults=_by_create),
                "POST": Action(post),
                "PATCH": Action(patch),
                "DELETE": Action(delete, not_for_master=True),
            },
        ),
        Resource((ANY, "children"), {"GET": Action(hierarchy.children)}),
        Resource((ANY, "descendants"), {"GET": Action(hierarchy.descendants)}),
        Resource((ANY, "siblings"), {"GET": Action(hierarchy.siblings)}),
        Resource((ANY, "parents"), {"GET": Action(hierarchy.parents)}),
        Resource((ANY, "tree"), {"GET": Action(hierarchy.tree)}),
        Resource((ANY, "api_key"), {"GET": Action(api_key), "PUT": Action(rotate_api_key)}),
        Resource((ANY, "reseller"), {"PUT": Action(promotion.promote), "DELETE": Action(promotion.demote)}),
        Resource((ANY, "move"), {"POST": Action(move)}),
    ),
    documents={"account": _edit},
    state=_state,
)

"""`.../users`: the people of an account (Crossbar API, users).

Anybody who may act on the account may do everything here: a plain user may make itself administrator.
"""

from __future__ import annotations

import json
import secrets
from sqlite3 import Row
from typing import Any

from .. import billing, merging, owner, user_rules
from ..account import Account
from ..call import Call, Reply
from ..listing import listing
from ..refusal import bad_identifier
from ..routes import ANY, Action, Noun, Resource
from ..user import User
from ..world import World


def read_all(call: Call) -> Reply:
    """The list: by last and first name in 5.0, by id in 4.3."""
    account, users = owner.with_views(call), call.world.users
    rows = users.by_name if call.world.release.lists_turn else users.by_id
    view = f"users {account.id}"
    return listing(call, view, lambda start, way: rows(account.id, start, way), _row, by_id=True)


def create(call: Call) -> Reply:
    """A new one, under an id that KAZOO chooses."""
    account = owner.with_views(call)
    user = User(secrets.token_hex(16), {}, call.world.clock.gregorian())
    user_rules.settle(call.world, account.id, user, merging.public(call.data))
    _charge_new(call, account, user)
    call.before_execution()
    call.world.users.save(account.id, user)
    billing.settle(call, account)
    return Reply(_shown(user), revision=user.rev, location=f"/v2/accounts/{account.id}/users/{user.id}")


def read(call: Call) -> Reply:
    """The document; of its credentials only the username."""
    user = _found(call, owner.of(call))
    return Reply(_shown(user), revision=user.rev)


def post(call: Call) -> Reply:
    """The body replaces the document. In 5.0 no If-Match ever fits, and a 402 may ask for consent."""
    account, release = owner.of(call), call.world.release
    user = _found(call, account)
    before = _counted(user)
    user_rules.settle(call.world, account.id, user, merging.public(call.data))
    _charge_posted(call, account, before, _counted(user))
    return _save(call, account, user, user.rev if release.posts_users_if_match else None)


def patch(call: Call) -> Reply:
    """The body is merged into the document, nulls remove."""
    account, body = owner.of(call), merging.public(call.data)
    if call.world.release.patches_missing and not _stored(call, account):
        user_rules.settle(call.world, account.id, User("", {}, 0), body)
    user = _found(call, account)
    user_rules.settle(call.world, account.id, user, merging.patched(user.document, body))
    return _save(call, account, user, user.rev)


def delete(call: Call) -> Reply:
    """Its name is free at once, its tokens go on working."""
    account = owner.of(call)
    user = _found(call, account)
    call.before_execution(user.rev)
    shown, revision = _shown(user), user.rev
    user.deleted = True
    user.drop_credentials()
    call.world.users.save(account.id, user)
    billing.settle(call, account)
    return Reply({**shown, "_read_only": {"deleted": True}}, revision=revision)


def _save(call: Call, account: Account, user: User, revision: str | None) -> Reply:
    call.before_execution(revision)
    user.revision += 1
    call.world.users.save(account.id, user)
    billing.settle(call, account)
    return Reply(_shown(user), revision=user.rev)


def _charge_new(call: Call, account: Account, user: User) -> None:
    """Where accounts are counted the 402 says one more of them too, which is not so afterwards."""
    changes = {"users": _counted(user)}
    if changes["users"] and call.world.release.counts_accounts:
        changes["accounts"] = {"account": 1}
    billing.charge(call, account, changes, user.plans)


def _charge_posted(call: Call, account: Account, before: dict[str, int], after: dict[str, int]) -> None:
    """A promotion is one more and one less. In 5.0 a POST is an addition also where nothing changes."""
    changes = billing.difference(before, after)
    if call.world.release.posts_users_as_additions:
        changes |= after
    billing.charge(call, account, {"users": changes})


def _counted(user: User) -> dict[str, int]:
    """What a user adds to a bill: one of its level, nothing if it is disabled."""
    return {user.document["priv_level"]: 1} if user.document["enabled"] else {}


def _row(row: Row) -> dict[str, Any]:
    """An entry of the list; what is absent in the document is absent here."""
    document = json.loads(row["document"])
    told = ("username", "email", "first_name", "last_name", "priv_level", "presence_id", "timezone")
    return {
        "id": row["id"],
        "features": _features(document),
        **{key: document[key] for key in told if key in document},
        "flags": document.get("flags", []),
    }


def _features(document: dict[str, Any]) -> list[str]:
    """What is switched on, as the view names it."""

    def at(*path: str) -> Any:
        value: Any = document
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    switches = {
        "conferencing": at("smartpbx", "conferencing", "enabled"),
        "faxing": at("smartpbx", "faxing", "enabled"),
        "hotdesk": at("hotdesk", "enabled"),
        "call_forward": at("call_forward", "enabled"),
        "caller_id": at("caller_id", "internal", "number"),
        "vm_to_email": at("vm_to_email_enabled"),
    }
    return [name for name, on in switches.items() if on]


def _shown(user: User) -> dict[str, Any]:
    return {**user.document, "id": user.id}


def _stored(call: Call, account: Account) -> User | None:
    return call.world.users.get(account.id, call.match.arguments[0])


def _found(call: Call, account: Account) -> User:
    user = _stored(call, account)
    if user is None:
        raise bad_identifier(call.match.arguments[0])
    return user


def _state(world: World, account: Account) -> dict[str, Any]:
    return {"users": [_shown(user) for user in world.users.of(account.id)]}


NOUN = Noun(
    "users",
    (
        Resource((), {"GET": Action(read_all), "PUT": Action(create, faults=billing.FAULTS)}),
        Resource(
            (ANY,),
            {
                "GET": Action(read),
                "POST": Action(post, faults=billing.FAULTS),
                "PATCH": Action(patch, faults=billing.FAULTS),
                "DELETE": Action(delete, faults=billing.FAULTS),
            },
        ),
    ),
    state=_state,
)

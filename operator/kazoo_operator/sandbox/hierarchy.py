"""The lists of an account's relatives: below, beside and above it (Crossbar API, hierarchy reads)."""

from __future__ import annotations

import json
from functools import lru_cache
from sqlite3 import Row
from typing import Any

from . import authority
from .account import Account
from .call import Call, Reply
from .listing import PAGE_SIZE, is_paginated, list_tag, listing
from .refusal import init_failed


def children(call: Call) -> Reply:
    """The accounts directly below."""
    return _children_of(call, call.subject.id)


def descendants(call: Call) -> Reply:
    """The accounts anywhere below."""
    account, accounts = call.subject, call.world.accounts
    view = f"descendants {account.id}"
    return listing(call, view, lambda start, way: accounts.below(account.id, start, way), _descendant)


def siblings(call: Call) -> Reply:
    """The children of the parent; nobody but a superduper admin sees those of the own account."""
    account = call.subject
    if account.id == call.caller.id and not call.caller.superduper:
        raise authority.forbidden()
    return _children_of(call, account.tree[-1] if account.tree else "")


def tree(call: Call) -> Reply:
    """From the caller down to the parent; nothing at the caller's own account."""
    account = call.subject
    rows = [_above(call, ancestor) for ancestor in _between(call, account)]
    return Reply(rows, revision=account.rev)


def parents(call: Call) -> Reply:
    """The same in fewer words; 5.0 reads every account of the cluster for it, a page at most."""
    account, release, accounts = call.subject, call.world.release, call.world.accounts
    if release.parents_read_all and is_paginated(call) and accounts.count() > PAGE_SIZE:
        raise init_failed()
    own = account.id == call.caller.id and release.own_parents
    found = account.tree if own else _between(call, account)
    rows = [{"id": ancestor, "name": _name(call, ancestor)} for ancestor in found]
    members = {"page_size": len(rows)} if is_paginated(call) else {}
    return Reply(rows, revision=list_tag(call) if rows else None, members=members)


def _between(call: Call, account: Account) -> tuple[str, ...]:
    """The ancestors from the caller on; all of them where the caller is none."""
    if account.id == call.caller.id:
        return ()
    tree = account.tree
    return tree[tree.index(call.caller.id) :] if call.caller.id in tree else tree


def _above(call: Call, ancestor: str) -> dict[str, Any]:
    row: dict[str, Any] = {"id": ancestor, "name": _name(call, ancestor)}
    if call.world.release.tree_says_realms:
        account = call.world.accounts.get(ancestor)
        document = account.document if account else {}
        row |= {"realm": document.get("realm"), "flags": document.get("flags", [])}
    return row


def _name(call: Call, account_id: str) -> Any:
    account = call.world.accounts.get(account_id)
    return account.document.get("name") if account else None


def _children_of(call: Call, parent: str) -> Reply:
    accounts = call.world.accounts
    return listing(
        call, f"children {parent}", lambda start, way: accounts.children(parent, start, way), _child
    )


def _child(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "realm": row["realm"],
        "descendants_count": row["descendants"],
        "flags": _flags(row),
    }


def _descendant(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "realm": row["realm"],
        "tree": _tree(row["tree"]),
        "flags": _flags(row),
    }


def _flags(row: Row) -> Any:
    return json.loads(row["flags"]) if row["flags"] else []


@lru_cache(maxsize=1024)
def _tree(text: str) -> list[str]:
    """Siblings share a tree: in a long listing it is parsed once."""
    tree: list[str] = json.loads(text)
    return tree

"""`/accounts`: creating, reading and patching accounts, and the lists of those below.

Behaves as KAZOO 5.0 of March 2024, traps included (Crossbar API, accounts). A PATCH is stored while it is
validated, so it may be refused (400 for a taken name or realm, 412, 415) and stored all the same; a create
with the id of another account deletes that one and answers 201.
"""

from __future__ import annotations

import json
import secrets
from functools import lru_cache
from sqlite3 import Row
from typing import Any

from .. import account_rules, authority, merging
from ..account import Account
from ..call import Call, Reply
from ..listing import listing
from ..refusal import ConnectionCut, Refusal, system_error, validation
from ..routes import ANY, Action, Noun, Resource
from ..world import World

TRIAL = 14 * 24 * 3600


def read(call: Call) -> Reply:
    """The public document and what KAZOO adds to it."""
    account = _of(call)
    return Reply(shown(account, call), revision=account.rev)


def create(call: Call) -> Reply:
    """A child of the account in the path, or of the caller."""
    parent = call.account or call.caller
    body = merging.public(call.data)
    trial = body.pop("is_trial_account", None) in (True, "true")
    judged = account_rules.validated(body, call.world.accounts)
    if judged.errors:
        raise validation(judged.errors)
    call.before_execution()
    account = Account(
        id=_new_id(call.data),
        tree=(*parent.tree, parent.id),
        document=judged.document,
        created=call.world.clock.gregorian(),
        reseller_id=parent.id if parent.is_reseller else parent.reseller_id,
        api_key=secrets.token_hex(32),
        # The parent's own token cannot say it: the account is born as its parent is.
        enabled=parent.enabled if call.account and call.caller.id == parent.id else judged.enabled,
        trial_ends=call.world.clock.gregorian() + TRIAL if trial else None,
    )
    existing = call.world.accounts.get(account.id)
    if existing:
        _remove(call.world, existing)
        return _rolled_back(existing, parent)
    return _built(call, account, parent)


def _new_id(data: dict[str, Any]) -> str:
    """An id in the body is honoured, whoever has it."""
    given = data.get("_id", data.get("id"))
    if given is None:
        return secrets.token_hex(16)
    if not isinstance(given, str) or len(given) != 32:
        raise system_error(500)
    return given


def _built(call: Call, account: Account, parent: Account) -> Reply:
    if call.fault and call.fault.kind == "rollback":
        return _rolled_back(account, parent)
    if call.fault and call.fault.kind == "cut":
        account.stage = "early" if call.fault.value == "early" else "late"
        call.world.accounts.insert(account)
        raise ConnectionCut
    call.world.accounts.insert(account)
    call.world.ledgers.roll_over(account.id, call.world.clock.month(), 0)
    return Reply(shown(account, call, reseller_known=call.account is not None))


def _rolled_back(account: Account, parent: Account) -> Reply:
    """A create that failed is undone by a delete, and that one's success is the 201."""
    document = {**account.document, "id": account.id, "superduper_admin": False, "wnm_allow_additions": False}
    return Reply(document, revision=account.rev, location=f"/v2/accounts/{parent.id}/{account.id}")


def _remove(world: World, account: Account) -> None:
    world.accounts.delete(account)
    world.ledgers.delete(account.id)


def patch(call: Call) -> Reply:
    """Merge into the stored document. The first of two writes happens before the last checks."""
    account, accounts = _of(call), call.world.accounts
    loaded = account.rev
    wanted = merging.patched(account.document, merging.public(call.data))
    judged = account_rules.validated(wanted, accounts, account.id)
    if judged.schema_errors:
        raise validation(judged.errors)
    account.document = merging.overlaid(account.document, judged.document)
    if call.caller.id != account.id:
        account.enabled = (
            judged.enabled
        )  # missing means true: an ancestor that does not say it enables the account
    account.revision += 1
    if judged.taken:
        accounts.save(account, keep_name_key=True)
        raise validation(judged.taken)
    try:
        call.before_execution(loaded)
    except Refusal:
        accounts.save(account)
        raise
    account.revision += 1
    accounts.save(account)
    return Reply(shown(account, call), revision=account.rev)


def shown(account: Account, call: Call | None = None, *, reseller_known: bool = True) -> dict[str, Any]:
    """An account as it is answered: read-only members win over what is stored under their names.

    `billing_mode` depends on who asks; without a call it is left out.
    """
    result = {**account.document, "id": account.id}
    if account.descendants:
        result["descendants_count"] = account.descendants
    result |= {
        "created": account.created,
        "enabled": account.enabled,
        "is_reseller": account.is_reseller,
        "superduper_admin": account.superduper,
        "wnm_allow_additions": account.superduper,
    }
    if reseller_known:
        result["reseller_id"] = account.reseller_id
    result.pop("trial_time_left", None)
    if call is None:
        return result
    if account.trial_ends is not None:
        result["trial_time_left"] = account.trial_ends - call.world.clock.gregorian()
    if call.flag("include_api_key"):
        result["api_key"] = account.api_key
    result["billing_mode"] = _billing_mode(account, call, reseller_known)
    return result


def _billing_mode(account: Account, call: Call, reseller_known: bool) -> str:
    if not reseller_known:
        return "manual"
    if call.caller.id == account.reseller_id:
        return "limits_only"
    reseller = call.world.accounts.get(account.reseller_id)
    return "normal" if reseller and reseller.superduper else "manual"


def children(call: Call) -> Reply:
    """The accounts directly below."""
    account, accounts = _of(call), call.world.accounts
    view = f"children {account.id}"
    return listing(call, view, lambda start, way: accounts.children(account.id, start, way), _child)


def descendants(call: Call) -> Reply:
    """The accounts anywhere below."""
    account, accounts = _of(call), call.world.accounts
    view = f"descendants {account.id}"
    return listing(call, view, lambda start, way: accounts.below(account.id, start, way), _descendant)


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
    """Siblings share a tree: in a long listing it is split once."""
    return text.split()


def _of(call: Call) -> Account:
    assert call.account is not None  # the table sends no path without an account here
    return call.account


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


_reads = frozenset({"GET"})

NOUN = Noun(
    "accounts",
    (
        Resource((), {"PUT": Action(create, authority.of_anyone, faults=frozenset({"cut", "rollback"}))}),
        Resource(
            (ANY,),
            {
                "GET": Action(read),
                "PUT": Action(create, faults=frozenset({"cut", "rollback"})),
                "PATCH": Action(patch),
            },
            awaited=frozenset({"POST", "DELETE"}),
        ),
        Resource((ANY, "children"), {"GET": Action(children)}),
        Resource((ANY, "descendants"), {"GET": Action(descendants)}),
        Resource((ANY, "siblings"), awaited=_reads),
        Resource((ANY, "parents"), awaited=_reads),
        Resource((ANY, "tree"), awaited=_reads),
        Resource((ANY, "api_key"), awaited=frozenset({"GET", "PUT"})),
        Resource((ANY, "reseller"), awaited=frozenset({"PUT", "DELETE"})),
        Resource((ANY, "move"), awaited=frozenset({"POST"})),
    ),
    documents={"account": _edit},
    state=_state,
)

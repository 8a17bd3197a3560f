"""`POST` and `PATCH /accounts/{id}`: two ways to say what is wanted, and two ways in which it is stored.

KAZOO 5.0 merges the validated document into the stored one while it validates, so that a refusal (400 for a
taken name or realm, 412, 415) comes when it is stored already; only a schema error stores nothing. KAZOO 4.3
replaces the stored document once everything is checked (Crossbar API, update).
"""

from __future__ import annotations

from typing import Any

from . import account_rules, merging
from .account import Account
from .account_rules import Validated
from .account_view import shown
from .call import Call, Reply
from .refusal import Refusal, validation


def post(call: Call) -> Reply:
    """The body is the whole document, with its defaults. No If-Match ever fits: there is no tag yet."""
    return _updated(call, merging.public(call.data), None)


def patch(call: Call) -> Reply:
    """The body is merged into the stored document, which is then judged whole."""
    account = call.subject
    return _updated(call, merging.patched(_stored(account), merging.public(call.data)), account.rev)


def _stored(account: Account) -> dict[str, Any]:
    """Without `enabled`: the document never keeps it beyond its first update."""
    return {key: value for key, value in account.document.items() if key != "enabled"}


def _updated(call: Call, wanted: dict[str, Any], revision: str | None) -> Reply:
    account, world = call.subject, call.world
    judged = account_rules.validated(wanted, world.accounts, world.release, account.id)
    if judged.schema_errors:
        raise validation(judged.errors)
    write = _merge if world.release.writes_while_validating else _replace
    write(call, account, judged, revision)
    return Reply(shown(account, call), revision=account.rev)


def _merge(call: Call, account: Account, judged: Validated, revision: str | None) -> None:
    """The first of two writes happens before the last checks."""
    accounts = call.world.accounts
    account.document = merging.overlaid(_stored(account), judged.document)
    _set_enabled(call, account, judged)
    account.revision += 1
    if judged.taken:
        accounts.save(account, keep_name_key=True)
        raise validation(judged.taken)
    try:
        call.before_execution(revision)
    except Refusal:
        accounts.save(account)
        raise
    account.revision += 1
    accounts.save(account)


def _replace(call: Call, account: Account, judged: Validated, revision: str | None) -> None:
    if judged.taken:
        raise validation(judged.taken)
    call.before_execution(revision)
    account.document = merging.without_nulls(judged.document)
    _set_enabled(call, account, judged)
    account.revision += 1
    call.world.accounts.save(account)


def _set_enabled(call: Call, account: Account, judged: Validated) -> None:
    """Missing means true: an ancestor that does not say it enables the account. The account itself cannot."""
    if call.caller.id != account.id:
        account.enabled = judged.enabled

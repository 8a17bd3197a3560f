"""Whose documents a request is about, for nouns that stand below an account."""

from __future__ import annotations

from . import authority
from .account import Account
from .call import Call
from .refusal import Refusal, init_failed, system_error
from .services import Services


def of(call: Call) -> Account:
    """The account in the path; without one these nouns answer 404."""
    if call.account is None:
        raise system_error(404, "faulty_request")
    return call.account


def with_views(call: Call) -> Account:
    """The same, for what reads a view: an account whose creation was cut has none."""
    account = of(call)
    if account.stage != "whole":
        raise Refusal(503, "datastore missing view", {})
    return account


def billed(call: Call) -> Account:
    """The account in the path, for its bill: without one KAZOO crashes; a half-built one has no services."""
    if call.account is None:
        raise init_failed()
    return with_views(call)


def services(call: Call) -> Services:
    """The services of the account in the path."""
    return call.world.services.get(billed(call).id)


def changed_by_reseller(call: Call) -> Account:
    """The account in the path, for its reseller and superduper admins; no other ancestor may."""
    account = billed(call)
    if not (call.caller.superduper or call.caller.id == account.reseller_id):
        raise authority.forbidden()
    return account

"""Whose documents a request is about, for nouns that stand below an account."""

from __future__ import annotations

from .account import Account
from .call import Call
from .refusal import Refusal, system_error


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

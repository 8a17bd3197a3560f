"""`PUT /v2/user_auth`: a token for a user's name and password (Crossbar API, authentication)."""

from __future__ import annotations

from typing import Any

from .. import classifier
from ..account import Account, normalised
from ..call import Call, Reply
from ..listing import list_tag
from ..login import described
from ..refusal import Refusal, system_error, validation
from ..routes import ANY, Action, Noun, Resource
from ..schema import Errors, Members, Text, last_kinds

_realm = Text(shortest=4, longest=253, pattern=r"^[.\w_-]+$")
CREDENTIALS = Members(
    {
        "account_name": Text(shortest=1, longest=128),
        "account_realm": _realm,
        "credentials": Text(shortest=1, longest=64),
        "method": Text(choices=("md5", "sha"), default="md5"),
        "phone_number": Text(shortest=1, longest=64),
    },
    required=("credentials",),
)


def log_in(call: Call) -> Reply:
    """The account is named by its realm or else its name; a wrong one is told like a wrong password."""
    errors: Errors = {}
    given = CREDENTIALS.check(call.data, (), errors)
    if errors:
        every = call.world.release.reports_every_kind
        raise validation(errors if every else last_kinds(errors))
    account = _account(call, given)
    if account is None:
        raise system_error(401)
    user = call.world.users.with_credentials(account.id, given["method"], given["credentials"])
    if user is None or user.document["enabled"] is False:
        raise _counting(system_error(401), 0)
    _refuse_closed(call, account)
    call.before_execution()
    token = call.world.tokens.issue(account.id, "cb_user_auth", user.id, user.identity)
    return Reply(
        described(call.world, account, user), revision=list_tag(call), location=f"/v2/user_auth/{user.id}",
        members={"page_size": 1}, token=token,
    )  # fmt: skip


def _account(call: Call, given: dict[str, Any]) -> Account | None:
    """The one that is named: a phone number wins over a realm, and a realm over a name."""
    accounts = call.world.accounts
    if number := given.get("phone_number"):
        found = call.world.numbers.get(classifier.international(number))
        return accounts.get(found.account_id) if found else None
    if realm := given.get("account_realm") or given.get("realm"):
        return accounts.by_realm(str(realm))
    if name := given.get("account_name"):
        return accounts.by_name(normalised(name))
    return None


def _refuse_closed(call: Call, account: Account) -> None:
    if not account.enabled:
        refused = validation({"account": {"disabled": {"message": "account disabled"}}})
        raise _counting(refused, 1)
    if account.trial_ends is not None and account.trial_ends <= call.world.clock.gregorian():
        refused = validation({"account": {"expired": {"message": "account expired"}}})
        raise _counting(refused, 1)


def _counting(refusal: Refusal, found: int) -> Refusal:
    """Says how many users the view had found."""
    refusal.members = {"page_size": found}
    return refusal


NOUN = Noun(
    "user_auth",
    (
        Resource((), {"PUT": Action(log_in, anonymous=True)}),
        Resource(("recovery",), awaited=frozenset({"PUT", "POST"})),
        Resource((ANY,), awaited=frozenset({"GET"})),
    ),
)

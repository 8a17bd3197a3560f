"""`PUT /v2/api_auth`: a token for an account's API key (Crossbar API, authentication)."""

from __future__ import annotations

from typing import Any

from ..account import Account
from ..call import Call, Reply
from ..listing import list_tag
from ..refusal import Refusal, validation
from ..routes import Action, Noun, Resource
from ..schema import Errors, Members, Text
from ..seed import CLUSTER_ID

CREDENTIALS = Members({"api_key": Text(shortest=64, longest=64)}, required=("api_key",), others=False)


def log_in(call: Call) -> Reply:
    """A disabled account gets its token all the same; an unknown key is a 404."""
    errors: Errors = {}
    CREDENTIALS.check(call.data, (), errors)
    if errors:
        raise validation(errors)
    key = call.data["api_key"]
    account = call.world.accounts.by_api_key(key)
    if account is None:
        raise Refusal(404, "bad identifier", [key], members={"page_size": 0})
    call.before_execution()
    token = call.world.tokens.issue(account.id, "cb_api_auth")
    return Reply(
        described(account), revision=list_tag(call), location=f"/v2/api_auth/{account.id}",
        members={"page_size": 1}, token=token,
    )  # fmt: skip


def described(account: Account) -> dict[str, Any]:
    """What every login says of the account."""
    return {
        "account_id": account.id,
        "account_name": account.document.get("name"),
        "apps": [],
        "capabilities": {},
        "cluster_id": CLUSTER_ID,
        "is_master_account": account.superduper,
        "is_reseller": account.is_reseller,
        "language": account.document.get("language", "en-US"),
        "reseller_id": account.reseller_id,
        "ui_config": {},
    }


NOUN = Noun("api_auth", (Resource((), {"PUT": Action(log_in, anonymous=True)}),))

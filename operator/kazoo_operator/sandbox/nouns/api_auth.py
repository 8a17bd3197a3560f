"""`PUT /v2/api_auth`: a token for an account's API key (Crossbar API, authentication)."""

from __future__ import annotations

from ..call import Call, Reply
from ..listing import list_tag
from ..login import described
from ..refusal import Refusal, validation
from ..routes import Action, Noun, Resource
from ..schema import Errors, Members, Text

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
        described(call.world, account), revision=list_tag(call), location=f"/v2/api_auth/{account.id}",
        members={"page_size": 1}, token=token,
    )  # fmt: skip


NOUN = Noun("api_auth", (Resource((), {"PUT": Action(log_in, anonymous=True)}),))

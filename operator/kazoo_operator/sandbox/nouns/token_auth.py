"""`/v2/token_auth`: what the token at hand says (Crossbar API, authentication)."""

from __future__ import annotations

from .. import authority
from ..call import Call, Reply
from ..login import described
from ..routes import Action, Noun, Resource


def read(call: Call) -> Reply:
    """Its claims, and the account that they name."""
    claims = call.claims
    assert claims is not None
    told = {
        "account_id": claims.account_id,
        "exp": claims.expires,
        "identity_sig": claims.identity,
        "iss": "kazoo",
        "method": claims.method,
    }
    return Reply({**told, **described(call.world, call.caller, call.user)})


def delete(call: Call) -> Reply:
    """Answered as done, and the token lives on: it is a JWT."""
    call.before_execution()
    return Reply()


NOUN = Noun(
    "token_auth",
    (
        Resource(
            (), {"GET": Action(read, authority.of_anyone), "DELETE": Action(delete, authority.of_anyone)}
        ),
    ),
)

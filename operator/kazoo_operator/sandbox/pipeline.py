"""The order of checks: which refusal wins when several are due (Crossbar API, order of checks).

JSON, the token if there is one, noun and verb, the account's existence, authentication, authorization,
Accept; then the action itself, which validates, has preconditions and content type checked, and executes.
"""

from __future__ import annotations

import logging

from . import envelope
from .account import Account
from .call import BODIES, WRITES, Call, Reply
from .envelope import Answer
from .refusal import ConnectionCut, Refusal, bad_identifier, empty, init_failed, not_built, system_error
from .routes import Action, Routes
from .tokens import Claims, Expired

log = logging.getLogger(__name__)

ID_LENGTH = 32
METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})
"""What the web server knows."""


def carry_out(call: Call, routes: Routes) -> Answer:
    """Answer a request; what it wrote is stored when this returns, also where the answer is a refusal.

    Raises `ConnectionCut` where a fault has it so; what was written until then is stored too.
    """
    outcome: Answer | ConnectionCut
    try:
        with call.world.store.transaction():
            outcome = _outcome(call, routes)
    except Exception:
        log.exception("the sandbox failed on %s %s", call.method, call.path)
        call.negotiated = True
        outcome = envelope.refusal(call, init_failed())
    if isinstance(outcome, ConnectionCut):
        raise outcome
    return outcome


def _outcome(call: Call, routes: Routes) -> Answer | ConnectionCut:
    try:
        return envelope.success(call, _checked(call, routes))
    except Refusal as error:
        return envelope.refusal(call, error)
    except ConnectionCut as cut:
        return cut


def _checked(call: Call, routes: Routes) -> Reply:
    if call.method not in METHODS:
        raise empty(501)
    if call.broken:
        raise call.broken
    read_token(call)
    action = _action(call, routes)
    _find_account(call)
    if action is None:
        raise not_built(f"{call.verb} {call.path}")
    if not action.anonymous:
        if call.world.release.charges_known_tokens or call.known_caller is None:
            _pay(call)
        _require_caller(call)
        action.authorise(call)
    _negotiate(call)
    if action.anonymous:
        _pay(call)  # a login draws where it is judged, after Accept
    if call.method == "GET" and call.verb != "GET":
        return Reply()  # a tunnelled verb is looked at, but a GET executes nothing
    if call.verb in BODIES and not isinstance(call.data, dict):
        raise init_failed()
    reply = action.run(call)
    if call.method == "GET":
        call.after_reading(reply.revision)
    assert call.checked or call.verb not in WRITES, "an action that writes calls before_execution"
    return reply


def _pay(call: Call) -> None:
    if call.world.buckets and not call.world.buckets.draw(call.bucket):
        raise system_error(429)


def read_token(call: Call) -> None:
    """A token is read early: an expired one is refused before anything else is looked at."""
    token = call.headers.get("X-Auth-Token") or call.value("auth_token")
    call.token = str(token) if token else None
    if call.token is None:
        return
    try:
        claims = call.world.tokens.read(call.token)
    except Expired:
        if call.world.release.expiry_comes_first:
            raise Refusal(401, "invalid credentials", {}) from None
        return
    if claims is None or not _user_is_the_same(call, claims):
        return
    caller = call.world.accounts.get(claims.account_id)
    if caller and _trial_is_over(call, caller):
        raise system_error(400, "disabled", "account expired")
    call.known_caller, call.claims = caller, claims


def _user_is_the_same(call: Call, claims: Claims) -> bool:
    """A new password makes the tokens of its user worthless; the user's end does not."""
    if claims.owner_id is None:
        return True
    user = call.world.users.with_token(claims.account_id, claims.owner_id)
    return user is None or user.identity == claims.identity


def _trial_is_over(call: Call, account: Account) -> bool:
    return account.trial_ends is not None and account.trial_ends <= call.world.clock.gregorian()


def _action(call: Call, routes: Routes) -> Action | None:
    """What is to be done; None for what only KAZOO can do."""
    match = call.match
    if match.own_account and call.known_caller is None:
        raise Refusal(401, "invalid credentials", {})
    if match.noun is None:
        _require_caller(call)
        raise empty(404) if call.caller.superduper else system_error(404)
    if match.resource is None:
        raise system_error(404)
    verbs = match.resource.verbs
    if call.method == "OPTIONS":
        raise _options(call, verbs)
    action = match.action(call.verb)
    if call.verb not in verbs or (action and action.not_for_master and _is_master(call)):
        raise system_error(405, text="method not allowed")
    if call.method not in verbs:
        raise empty(405, Allow=", ".join(reversed(verbs)))
    return action


def _options(call: Call, verbs: list[str]) -> Refusal:
    """What a browser asks beforehand is answered 200; from anybody else it is a verb like others."""
    asked = all(name in call.headers for name in ("Origin", "Access-Control-Request-Method"))
    answer = empty(200) if asked else system_error(405, text="method not allowed")
    known = [verb for verb in ("PATCH", "POST", "PUT", "GET", "DELETE") if verb in verbs]
    answer.headers = {
        "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": ", ".join(["OPTIONS", *known]),
    }  # fmt: skip
    return answer


def _is_master(call: Call) -> bool:
    own, account_id = call.match.own_account, call.match.account_id
    account = call.known_caller if own else call.world.accounts.get(account_id or "")
    return account is not None and account.superduper


def _find_account(call: Call) -> None:
    if call.match.own_account:
        call.account = call.known_caller
        return
    account_id = call.match.account_id
    if account_id is None:
        return
    if len(account_id) != ID_LENGTH:
        raise Refusal(404, "bad identifier", {"message": f"invalid account_id '{account_id}'"})
    call.account = call.world.accounts.get(account_id)
    if call.account is None:
        raise bad_identifier(account_id)


def _require_caller(call: Call) -> None:
    if call.known_caller is None:
        raise system_error(401)


def _negotiate(call: Call) -> None:
    accept = call.headers.get("Accept", "*/*")
    kinds = {kind.partition(";")[0].strip().lower() for kind in accept.split(",")}
    if not kinds & {"*/*", "application/*", "application/json", "application/x-json", ""}:
        raise empty(406)
    call.negotiated = True

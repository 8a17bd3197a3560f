"""`.../whitelabel`: the brand of an account, and whose a domain is (Crossbar API, whitelabel).

Nothing is inherited: an account without one is answered 404, whatever those above it have.
"""

from __future__ import annotations

from typing import Any

from .. import authority, billing, merging, owner
from ..account import Account
from ..call import Call, Reply
from ..refusal import bad_identifier, system_error, validation
from ..routes import ANY, Action, Noun, Resource
from ..schema import Errors, fail
from ..whitelabel import WHITELABEL, Whitelabel
from ..world import World


def read(call: Call) -> Reply:
    """The account's own document."""
    found = _found(call, owner.of(call))
    return Reply(found.shown, revision=found.rev)


def create(call: Call) -> Reply:
    """The first one; a second is a conflict, which only the write shows."""
    account, world = owner.of(call), call.world
    document = _validated(call, account)
    billing.charge(call, account, {"branding": {"whitelabel": 1}})
    call.before_execution()
    if world.whitelabels.get(account.id):
        raise system_error(409, text="conflicting documents")
    created = world.whitelabels.create(account.id, document)
    billing.settle(call, account)
    location = f"/v2/accounts/{account.id}/whitelabel/whitelabel"
    return Reply(created.shown, revision=created.rev, location=location)


def post(call: Call) -> Reply:
    """The body replaces the document."""
    account = owner.of(call)
    document = _validated(call, account)
    found = _found(call, account)
    call.before_execution(found.rev)
    found.document = document
    found.revision += 1
    call.world.whitelabels.save(found)
    return Reply(found.shown, revision=found.rev)


def delete(call: Call) -> Reply:
    """Its domain is free at once."""
    account = owner.of(call)
    found = _found(call, account)
    call.before_execution(found.rev)
    reply = Reply({**found.shown, "_read_only": {"deleted": True}}, revision=found.rev)
    found.deleted = True
    found.revision += 1
    call.world.whitelabels.save(found)
    billing.settle(call, account)
    return reply


def by_domain(call: Call) -> Reply:
    """Whose a domain is; anybody may ask, where no account stands in the path."""
    if call.account is not None:
        if call.known_caller is None:
            raise system_error(401)
        authority.of_the_account(call)
    domain = call.match.arguments[0]
    found = call.world.whitelabels.with_domain(domain)
    if found is None:
        refused = bad_identifier(domain)
        refused.members = {"page_size": 0}
        raise refused
    return Reply(found.shown, revision=found.rev, members={"page_size": 1})


def _found(call: Call, account: Account) -> Whitelabel:
    found = call.world.whitelabels.get(account.id)
    if found is None:
        raise bad_identifier("whitelabel")
    return found


def _validated(call: Call, account: Account) -> dict[str, Any]:
    """The document that the body asks for; its domain may be no other account's."""
    errors: Errors = {}
    body = {key: value for key, value in merging.public(call.data).items() if key != "id"}
    document: dict[str, Any] = WHITELABEL.check(body, (), errors)
    domain = document.get("domain")
    other = call.world.whitelabels.with_domain(domain) if isinstance(domain, str) else None
    if other and other.account_id != account.id:
        fail(errors, ("domain",), "unique", "White label domain is already in use", cause=domain)
    if errors:
        raise validation(errors)
    return document


def _state(world: World, account: Account) -> dict[str, Any]:
    found = world.whitelabels.get(account.id)
    return {"whitelabel": found.shown if found else {}}


_IMAGES = frozenset({"GET", "POST"})

NOUN = Noun(
    "whitelabel",
    (
        Resource(
            (),
            {
                "GET": Action(read),
                "PUT": Action(create, faults=billing.FAULTS),
                "POST": Action(post),
                "DELETE": Action(delete, faults=billing.FAULTS),
            },
        ),
        *(Resource((part,), awaited=_IMAGES) for part in ("domains", "icon", "logo", "welcome")),
        Resource((ANY,), {"GET": Action(by_domain, anonymous=True)}),
        *(Resource((ANY, part), awaited=frozenset({"GET"})) for part in ("icon", "logo", "welcome")),
    ),
    state=_state,
)

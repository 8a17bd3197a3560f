"""`.../phone_numbers`: the classifiers, and numbers as far as bills count them (Crossbar API, classifiers).

By what is written of KAZOO, not seen there: the shape of a number, who may create one, and the refusals. No
carrier is asked: a number that is created is there.
"""

from __future__ import annotations

from typing import Any

from .. import authority, billing, classifier, merging, owner
from ..call import Call, Reply
from ..number import CARRIER, PhoneNumber
from ..refusal import Refusal, bad_identifier
from ..routes import ANY, Action, Noun, Resource


def classifiers(call: Call) -> Reply:
    """All of them."""
    return Reply(classifier.stock(call.world.release))


def classify(call: Call) -> Reply:
    """The first that fits the number in its international form; the last fits all."""
    number, release = call.match.arguments[1], call.world.release
    e164 = classifier.international(number)
    name = classifier.classified(e164, release)
    return Reply({**classifier.stock(release)[name], "e164": e164, "number": number, "name": name})


def read_all(call: Call) -> Reply:
    """The account's numbers, by themselves."""
    held = list(call.world.numbers.of(call.account.id)) if call.account else []
    rows = {
        number.number: {
            "assigned_to": number.account_id,
            "created": number.created,
            "state": "in_service",
            "updated": number.modified,
        }
        for number in held
    }
    return Reply({"numbers": rows, "cascade_quantity": 0}, members={"page_size": len(rows)})


def create(call: Call) -> Reply:
    """A number for the account: it must be free, and the caller one that may add numbers (the master)."""
    number, account = _international(call), owner.of(call)
    if not call.caller.superduper:
        raise _refused(403, "unauthorized", "requestor is unauthorized to perform operation", number)
    if call.world.numbers.get(number):
        raise _refused(409, "number_exists", f"number {number} already exists", number)
    kind = classifier.classified(number, call.world.release)
    billing.charge(call, account, {"phone_numbers": {kind: 1}, "number_carriers": {CARRIER: 1}})
    call.before_execution()
    now = call.world.clock.gregorian()
    created = PhoneNumber(number, account.id, kind, merging.public(call.data), now, now)
    call.world.numbers.save(created)
    billing.settle(call, account)
    return Reply(_shown(created))


def read(call: Call) -> Reply:
    """One of the account."""
    return Reply(_shown(_found(call)))


def delete(call: Call) -> Reply:
    """It is free again."""
    number = _found(call)
    call.before_execution()
    call.world.numbers.delete(number.number)
    billing.settle(call, owner.of(call))
    return Reply(_shown(number))


def _international(call: Call) -> str:
    number = classifier.international(call.match.arguments[0])
    if not number.startswith("+") or not number[1:].isdecimal():
        raise _refused(404, "not_reconcilable", f"number {number} is not reconcilable", number)
    return number


def _refused(status: int, error: str, text: str, number: str) -> Refusal:
    """Refusals of numbers name the number and repeat the code."""
    return Refusal(status, error, {"cause": number, "code": status, "error": error, "message": text})


def _found(call: Call) -> PhoneNumber:
    number = call.world.numbers.get(classifier.international(call.match.arguments[0]))
    if number is None or number.account_id != owner.of(call).id:
        raise bad_identifier(call.match.arguments[0])
    return number


def _shown(number: PhoneNumber) -> dict[str, Any]:
    state = {"created": number.created, "modified": number.modified, "state": "in_service"}
    return {**number.document, "_read_only": state, "id": number.number, "state": "in_service"}


_rule = authority.of_the_account_or_superduper
_others = frozenset({"POST", "PATCH"})
_activations = frozenset({"PUT", "POST", "DELETE", "GET"})

NOUN = Noun(
    "phone_numbers",
    (
        Resource((), {"GET": Action(read_all, _rule)}),
        Resource(("classifiers",), {"GET": Action(classifiers, _rule)}),
        Resource(("classifiers", ANY), {"GET": Action(classify, _rule)}),
        Resource(
            (ANY,),
            {
                "GET": Action(read),
                "PUT": Action(create, faults=billing.FAULTS),
                "DELETE": Action(delete, faults=billing.FAULTS),
            },
            awaited=_others,
        ),
        Resource((ANY, ANY), awaited=_activations),
    ),
)

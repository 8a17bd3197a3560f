"""The rule over what is allotted below an account: not more than the account itself was given (KZ077).

Credit is spent whenever it is, so months add up: by the end of each month, what the accounts below were
granted until then must not exceed what the account above was granted until then. What a debit takes goes
back. Only direct children count, since each of them passes on what it has. A recharge fills the parent up:
then nothing is said, as beneath the root account, which no file describes. The operator judges the balances
themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kazoo_operator.core import money
from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.money import Amount
from kazoo_operator.rules.accounts import Said, is_managed, rule
from kazoo_operator.rules.attached_set import Belongings, Owned
from kazoo_operator.rules.backends import Backends, text
from kazoo_operator.rules.grants import date, grants, signed
from kazoo_operator.rules.rule import Objection, part


@dataclass(frozen=True, order=True)
class _Granted:
    """A grant of the files: its month first, by which months add up."""

    month: str
    worth: Amount
    number: int
    place: int


@dataclass
class _Family:
    """What an account was granted, and what the accounts below it were; `known`: files tell the first."""

    own: list[_Granted] = field(default_factory=list)
    below: list[_Granted] = field(default_factory=list)
    known: bool = False
    recharged: bool = False


def _granted(policy: Owned) -> Iterator[_Granted]:
    for place, grant in grants(policy.resource.spec):
        written = date(grant)
        if written is not None:
            yield _Granted(written[:7], signed(grant), policy.number, place)


def _families(resources: Sequence[Resource]) -> dict[Key, _Family]:
    """The accounts of the set that stand above others with credit."""
    found = Belongings(resources)
    families: dict[Key, _Family] = {}
    policies = [policy for policy in found.of("CreditPolicy") if is_managed(policy.resource)]
    for policy in policies:
        account = found.account(policy.owner)
        above = found.directory.above(account.key) if account is not None else None
        if above is not None and account is not None and above != account.key:
            families.setdefault(above, _Family()).below += _granted(policy)
    for policy in policies:
        if isinstance(policy.owner, Key) and policy.owner in families:
            family = families[policy.owner]
            family.known = True
            family.own += _granted(policy)
            recharge = part(policy.resource.spec, "autoRecharge")
            family.recharged |= bool(recharge) and recharge.get("enabled") is not False
    return families


def _policies(resources: Sequence[Resource]) -> Callable[[int], str]:
    """What counts for an object, by its number: the budgetPolicy of its TelephonyBackend, else Warn."""
    backends = Backends(resources)

    def policy(number: int) -> str:
        declared = backends.of(resources[number])
        return (text(declared, "budgetPolicy") if declared is not None else "") or "Warn"

    return policy


def _denied(resources: Sequence[Resource]) -> Said:
    if not any(text(one, "budgetPolicy") == "Deny" for one in resources):
        return
    policy = _policies(resources)
    yield from (one for one in _overdrawn(_families(resources)) if policy(one[0]) == "Deny")


def _told(resources: Sequence[Resource]) -> Said:
    policy, families = _policies(resources), _families(resources)
    yield from (one for one in _overdrawn(families) if policy(one[0]) == "Warn")
    yield from (one for one in _unknown(families) if policy(one[0]) != "Off")


def _overdrawn(families: Mapping[Key, _Family]) -> Said:
    for key, family in families.items():
        if family.recharged or not family.known:
            continue
        told = set()
        # Within a month what a debit takes back comes first: order says nothing there.
        available, allotted, own = 0, 0, sorted(family.own)
        for one in sorted(family.below):
            while own and own[0].month <= one.month:
                available += own.pop(0).worth
            allotted += one.worth
            if one.worth > 0 and allotted > available and one.month not in told:
                told.add(one.month)
                text = (
                    f"with it the accounts below {key.called} have {money.to_text(allotted)} by "
                    f"{one.month}, and {key.called} itself was granted {money.to_text(available)}"
                )
                yield one.number, Objection(f"spec.grants[{one.place}].amount", text)


def _unknown(families: Mapping[Key, _Family]) -> Said:
    for key, family in families.items():
        allotted = sum(one.worth for one in family.below)
        if family.known or family.recharged or allotted <= 0:
            continue
        first = min(family.below, key=lambda one: (one.number, one.place))
        text = (
            f"the accounts below {key.called} are granted {money.to_text(allotted)}, and no CreditPolicy of "
            f"{key.called} is among the files: whether it can cover that is not known"
        )
        hint = f"add a CreditPolicy of {key.called}, if only its grants or its recharge"
        yield first.number, Objection("spec.grants", text, hint)


ID = "KZ077"
_SOURCE = "Account settings guide: parents must hold balances that cover what they allot"

RULES = (
    rule(
        77,
        "What is allotted adds up",
        "grants",
        "the accounts below one account are granted more than that account itself",
        "grant less here, or more to the account above: what is used here is billed there",
        _SOURCE,
        severity=Severity.WARNING,
        over=_told,
        live=True,
    ),
    rule(
        77,
        "What is allotted adds up",
        "grants",
        "the accounts below one account are granted more than that account itself, and the TelephonyBackend "
        "says budgetPolicy: Deny",
        "grant less here, or more to the account above: what is used here is billed there",
        _SOURCE,
        over=_denied,
        live=True,
    ),
)

"""The rules over accounts with their limits and their credit: which calls will fail, as far as files tell.

How KAZOO decides about a call stands in core/calling.py. Files do not tell what an adopted or observed
account holds already: nothing is said about what such an account lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from kazoo_operator.core import money
from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.documents import get
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.money import Amount
from kazoo_operator.rules.accounts import Said, is_managed, rule
from kazoo_operator.rules.attached_set import Belongings, Owned, Owner
from kazoo_operator.rules.grants import amount, grants, signed
from kazoo_operator.rules.rule import Objection, part
from kazoo_operator.rules.trunks import TRUNKS, counts

_ALL_FAIL = "all calls fail but emergency and outbound toll-free"
_INTERNATIONAL = "callRestrictions.international"


@dataclass(frozen=True)
class _Situation:
    """What an account that the set limits can call with. `told`: a CreditPolicy of it would be in the set."""

    limits: Owned
    account: tuple[int, Resource] | None
    policies: tuple[Owned, ...]
    told: bool

    @property
    def per_minute(self) -> object:
        """What the limits say of paying by the minute."""
        return self.limits.resource.spec.get("allowPerMinute")

    @property
    def is_ours(self) -> bool:
        """Whether the account begins with what the files give it."""
        spec = self.account[1].spec if self.account is not None else {"adopt": True}
        return spec.get("adopt") is not True and spec.get("managementPolicy") != "ObserveOnly"

    @cached_property
    def trunks(self) -> int | None:
        """How many trunks the account has; None where files do not tell."""
        known = counts(self.limits.resource.spec)
        return sum(known) if any(known) or len(known) == len(TRUNKS) or self.is_ours else None

    @cached_property
    def granted(self) -> Amount:
        """What the grants of the files come to."""
        return sum(signed(one) for policy in self.policies for _, one in grants(policy.resource.spec))

    @property
    def recharged(self) -> bool:
        """Whether a payment method fills the balance up."""
        said = [part(policy.resource.spec, "autoRecharge") for policy in self.policies]
        return any(one and one.get("enabled") is not False for one in said)

    @cached_property
    def lacks_credit(self) -> bool:
        """Whether the files give the account no credit at all."""
        observed = any(not is_managed(policy.resource) for policy in self.policies)
        return self.is_ours and self.told and not observed and not self.recharged and self.granted <= 0

    @cached_property
    def alert(self) -> Amount | None:
        """The balance at which an e-mail is sent, if one is."""
        said = [part(policy.resource.spec, "lowBalanceAlert") for policy in self.policies]
        return next(
            (amount(one.get("threshold")) for one in said if one and one.get("enabled") is not False), None
        )

    @property
    def may_call_abroad(self) -> bool:
        """Whether the Account of the set leaves international calls allowed."""
        return self.account is not None and get(self.account[1].spec, _INTERNATIONAL) != "Deny"


def _situations(resources: Sequence[Resource]) -> Iterator[_Situation]:
    found = Belongings(resources)
    policies: dict[Owner, list[Owned]] = {}
    for policy in found.of("CreditPolicy"):
        policies.setdefault(policy.owner, []).append(policy)
    forms = found.forms(policies)
    namespaces = {policy.resource.key.namespace for group in policies.values() for policy in group}
    seen = set()
    for limits in found.of("TrunkLimits"):
        account = found.account(limits.owner)
        if limits.owner in seen or not is_managed(limits.resource):
            continue
        seen.add(limits.owner)
        # Limits by themselves may well have their account and its credit in other files.
        beside = account is not None or limits.resource.key.namespace in namespaces
        yield _Situation(
            limits,
            found.accounts[account.key] if account is not None else None,
            tuple(policies.get(limits.owner, ())),
            beside and not found.may_be_one(limits.owner, forms),
        )


def _no_way_to_call(resources: Sequence[Resource]) -> Said:
    for one in _situations(resources):
        if one.trunks == 0 and one.per_minute is False:
            yield one.limits.number, Objection()
        elif one.trunks == 0 and one.per_minute is True and one.lacks_credit:
            text = f"the files give neither trunks nor credit: {_ALL_FAIL}"
            yield (
                one.limits.number,
                Objection("", text, "add trunks, or a grant to the account's CreditPolicy"),
            )


def _trunks_do_not_reach(resources: Sequence[Resource]) -> Said:
    for one in _situations(resources):
        if one.trunks and one.per_minute is True and one.may_call_abroad and one.lacks_credit:
            yield one.limits.number, Objection()


def _balance_is_low(resources: Sequence[Resource]) -> Said:
    for one in _situations(resources):
        if one.per_minute is not True or not one.policies or not one.is_ours or one.recharged:
            continue
        number = one.policies[0].number
        come = f"the grants come to {money.to_text(one.granted)}"
        if one.lacks_credit and one.trunks and not one.may_call_abroad:
            text = f"{come}: calls that are paid by the minute fail until there is credit"
            yield number, Objection("spec.grants", text)
        elif one.alert is not None and 0 < one.granted <= one.alert:
            text = f"{come}, not above the alert's {money.to_text(one.alert)}, which is due from the start"
            yield number, Objection("spec.grants", text)


def _no_policy(resources: Sequence[Resource]) -> Said:
    for one in _situations(resources):
        if one.per_minute is True and one.told and not one.policies:
            yield one.limits.number, Objection()


def _abroad_by_trunks_only(resources: Sequence[Resource]) -> Said:
    for one in _situations(resources):
        if one.trunks and one.per_minute is False and one.may_call_abroad:
            yield one.limits.number, Objection()


def _allowed_in_vain(resources: Sequence[Resource]) -> Said:
    for one in _situations(resources):
        if one.account is None or get(one.account[1].spec, _INTERNATIONAL) != "Allow":
            continue
        limits = one.limits.resource.key.called
        if one.per_minute is False:
            text = (
                f"international calls fail all the same: the TrunkLimits {limits} says allowPerMinute: false"
            )
            yield one.account[0], Objection("", text)
        elif one.lacks_credit and one.per_minute is True:
            text = (
                "international calls fail all the same: they are paid by the minute, and no credit is granted"
            )
            yield one.account[0], Objection("", text, "add a grant to the account's CreditPolicy")


def _no_alert(resources: Sequence[Resource]) -> Said:
    for one in _situations(resources):
        if one.per_minute is True and one.policies and one.alert is None and _is_told(one):
            yield one.limits.number, Objection()


def _is_told(one: _Situation) -> bool:
    """An account that exists already may have an alert that the files leave untouched."""
    return one.account is None or one.is_ours


_SETTINGS, _WIZARD = "Account settings guide", "Account manager guide"

RULES = (
    rule(
        42,
        "A balance above zero",
        "grants",
        "the balance does not cover what is paid by the minute",
        "add a grant, or an autoRecharge",
        f"{_SETTINGS}: a positive balance is critical, with or without trunks",
        severity=Severity.WARNING,
        over=_balance_is_low,
        live=True,
    ),
    rule(
        43,
        "Trunks, or credit",
        "allowPerMinute",
        f"there are no trunks, and paying by the minute is off: {_ALL_FAIL}",
        "add trunks, or allowPerMinute: true and a CreditPolicy with a grant",
        f"{_SETTINGS}: without credit and trunks calls fail, outbound toll-free aside; KAZOO's call "
        "authorisation passes emergency calls too",
        severity=Severity.WARNING,
        over=_no_way_to_call,
        live=True,
    ),
    rule(
        45,
        "Credit beside trunks",
        "allowPerMinute",
        "no trunk covers international and inbound toll-free calls, and there is no credit in these files",
        "add a grant to the account's CreditPolicy, or deny international in its callRestrictions",
        f"{_SETTINGS}: with trunks, inbound toll-free and international calls still need credit",
        severity=Severity.WARNING,
        over=_trunks_do_not_reach,
    ),
    rule(
        72,
        "International calls need credit too",
        "callRestrictions",
        "international calls fail all the same",
        "write allowPerMinute: true there, and give the account credit",
        f"{_SETTINGS}: international calls need the account's consent, the users', and paying by the minute",
        at=_INTERNATIONAL,
        severity=Severity.WARNING,
        over=_allowed_in_vain,
        live=True,
    ),
    rule(
        86,
        "An initial balance",
        "allowPerMinute",
        "calls by the minute are paid from a balance, and no CreditPolicy of this account is among the files",
        "add a CreditPolicy with a grant, or write allowPerMinute: false",
        f"{_WIZARD}: an initial balance is required for per-minute and inbound international calls",
        severity=Severity.WARNING,
        over=_no_policy,
    ),
    rule(
        99,
        "Trunks cover the US and Canada",
        "allowPerMinute",
        "trunks cover the US and Canada only: international calls, which the account allows, will fail",
        "write allowPerMinute: true, or callRestrictions: {international: Deny} in the Account",
        f"{_WIZARD}: trunks only cover the US and Canada",
        severity=Severity.WARNING,
        over=_abroad_by_trunks_only,
    ),
    rule(
        101,
        "An alert before the credit is spent",
        "allowPerMinute",
        "calls beyond the trunks are charged to credit, and no e-mail tells when it runs low",
        'add lowBalanceAlert: {threshold: "25.00"} to the account\'s CreditPolicy',
        f"{_WIZARD}: with per-minute allowed, calls over the limit pass and are charged",
        severity=Severity.WARNING,
        over=_no_alert,
    ),
)

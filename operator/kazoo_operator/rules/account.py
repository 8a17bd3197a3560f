"""The rules about one account that its spec breaks or keeps: errors."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.finding import Severity
from kazoo_operator.rules import (
    account_set,
    account_tree,
    account_warnings,
    backend_set,
    charges,
    metadata,
    timezones,
)
from kazoo_operator.rules.countries import ASSIGNED, MEANT
from kazoo_operator.rules.rule import Objection, Rule, part


def _unknown_timezone(spec: JsonObject) -> Iterator[Objection]:
    zone = spec.get("timezone")
    # What has not the form of a zone, the schema tells.
    if isinstance(zone, str) and timezones.FORM.fits(zone) and zone not in timezones.zones():
        near = timezones.meant(zone)
        hint = f"did you mean {near}?" if near else ""
        yield Objection("timezone", f"{zone} is no time zone of the IANA database", hint)


REALM_IS_STATIC = Rule(
    id="KZ020",
    title="A realm stays as it is",
    severity=Severity.ERROR,
    path="realm",
    message="the realm cannot be changed or removed once it is set: phones register with it",
    hint="put the old value back, or consent with allowRealmChange: <old>-><new> in the same write",
    source="Account settings guide: the realm must be defined and kept static",
    cel="!has(oldSelf.realm) || (has(self.realm) && (self.realm == oldSelf.realm || "
    "(has(self.allowRealmChange) && self.allowRealmChange == oldSelf.realm + '->' + self.realm)))",
    live=True,
)

TIMEZONE_IS_KNOWN = Rule(
    id="KZ026",
    title="A time zone is one of the IANA database",
    severity=Severity.ERROR,
    path="timezone",
    message="this is no time zone of the IANA database",
    hint="write the zone of the nearest large city, such as America/Los_Angeles, or Etc/UTC",
    source="Account settings guide: time stamps, office hours and holidays follow the account's time zone",
    each=_unknown_timezone,
)

PARENT_IS_STATIC = Rule(
    id="KZ151",
    title="An account stays below its parent",
    severity=Severity.ERROR,
    path="parentRef",
    message="the parent of an account cannot be changed: the operator moves none",
    hint="put the old value back, in the same form (name, accountID or realm)",
    source="Crossbar accounts API: moving is a call of its own, and between resellers unsupported",
    cel="has(self.parentRef) == has(oldSelf.parentRef) && "
    "(!has(self.parentRef) || self.parentRef == oldSelf.parentRef)",
)

EMERGENCY_STAYS = Rule(
    id="KZ107",
    title="Emergency calls cannot be denied",
    severity=Severity.ERROR,
    path="callRestrictions",
    at="callRestrictions.emergency",
    message="emergency calls cannot be denied: KAZOO would reject them",
    hint="leave emergency out, or write emergency: Allow",
    source="Account manager guide: emergency must stay on (Kari's Law)",
    cel="!has(self.callRestrictions) || !('emergency' in self.callRestrictions) || "
    "self.callRestrictions['emergency'] != 'Deny'",
    check=lambda spec: part(spec, "callRestrictions").get("emergency") != "Deny",
    live=True,
)

CLASSIFIERS_ARE_WORDS = Rule(
    id="KZ104",
    title="A classifier is a word",
    severity=Severity.ERROR,
    path="callRestrictions",
    message="a classifier is a word of 1 to 64 characters without dots and blanks",
    hint="write one of KAZOO's classifiers, such as international",
    source="Crossbar phone_numbers API: classifiers",
    # No matches(): offline it costs a thousand times as much as the other functions.
    cel="!has(self.callRestrictions) || self.callRestrictions.all(name, size(name) >= 1 && "
    "size(name) <= 64 && !name.contains('.') && !name.contains(' '))",
    check=lambda spec: all(re.fullmatch("[^. ]{1,64}", name) for name in part(spec, "callRestrictions")),
)

CLASSIFIER_IS_KNOWN = Rule(
    id="KZ141",
    title="A class of numbers is one that KAZOO lists",
    severity=Severity.ERROR,
    path="callRestrictions",
    message="KAZOO has no such classifier, so this would restrict nothing",
    hint="write one of KAZOO's classifiers",
    source="Crossbar accounts API: keys of call_restriction are checked against no list",
    live=True,
)

NEW_ACCOUNT_HAS_A_REALM = Rule(
    id="KZ021",
    title="A new account has a realm",
    severity=Severity.ERROR,
    path="realm",
    message="is absent and there is no realm template",
    hint="add it, for example acme.pbx.example.com",
    source="Account manager guide: a realm is made from the account's name unless it is given",
    over=backend_set.without_a_realm,
    live=True,
)

WHITELABEL_COMES_FIRST = Rule(
    id="KZ024",
    title="The white-label comes first",
    severity=Severity.ERROR,
    path="realm",
    message="the TelephonyBackend asks for a white-label of the reseller before an account is made",
    hint="set the white-label up there first, so that the account's realm and branding follow it",
    source="Account manager guide: branding and DNS before accounts, so that the realm inherits them",
    live=True,
)

_ADDRESS = "Account manager guide: a physical address must be included for each account"


def _only_observes(spec: JsonObject) -> bool:
    return spec.get("managementPolicy") == "ObserveOnly"


def _needed(part: str, example: str) -> Rule:
    """An account that is managed needs this part of its address."""

    def check(spec: JsonObject) -> bool:
        address = spec.get("address")
        return not isinstance(address, dict) or part in address or _only_observes(spec)

    return Rule(
        id="KZ092",
        title="Every account has a physical address",
        severity=Severity.ERROR,
        path=f"address.{part}",
        message="is required: every account must have a physical address",
        hint=f"add it, for example {example}",
        source=_ADDRESS,
        cel=f"self.managementPolicy == 'ObserveOnly' || !has(self.address) || has(self.address.{part})",
        check=check,
    )


ADDRESS_IS_REQUIRED = (
    Rule(
        id="KZ092",
        title="Every account has a physical address",
        severity=Severity.ERROR,
        path="address",
        message="is required: every account must have a physical address",
        hint="add it, for example {street: 1 Main St, city: San Jose, region: CA, "
        'postalCode: "95113", country: US}',
        source=_ADDRESS,
        cel="self.managementPolicy == 'ObserveOnly' || has(self.address)",
        check=lambda spec: "address" in spec or _only_observes(spec),
    ),
    _needed("street", "1 Main St"),
    _needed("city", "San Jose"),
    _needed("region", "CA"),
    _needed("postalCode", '"95113"'),
    _needed("country", "US"),
)


def _unassigned_country(spec: JsonObject) -> Iterator[Objection]:
    code = part(spec, "address").get("country")
    if isinstance(code, str) and re.fullmatch("[A-Z]{2}", code) and code not in ASSIGNED:
        meant = MEANT.get(code)
        yield Objection("address.country", hint=f"write {meant}" if meant else "")


COUNTRY_IS_ASSIGNED = Rule(
    id="KZ092",
    title="Every account has a physical address",
    severity=Severity.ERROR,
    path="address.country",
    message="no country has this ISO 3166 code",
    hint="write the two capitals of the country, such as US",
    source=_ADDRESS,
    each=_unassigned_country,
)

ACCOUNT_ID_NEEDS_ADOPT = Rule(
    id="KZ154",
    title="accountID stands beside adopt",
    severity=Severity.ERROR,
    path="accountID",
    message="accountID names an account to take over and stands only beside adopt",
    hint="add adopt: true, or remove accountID",
    source="the operator's own: ids are KAZOO's to give",
    cel="!has(self.accountID) || self.adopt || self.managementPolicy == 'ObserveOnly'",
    check=lambda spec: (
        "accountID" not in spec or spec.get("adopt") is True or spec.get("managementPolicy") == "ObserveOnly"
    ),
)


def _shown_balance(spec: JsonObject) -> bool:
    center = part(spec, "controlCenter")
    balance = part(center, "balance")
    shown = balance.get("show", center.get("preset", "All") == "All")
    return shown is not False or not (balance.get("credit") is True or balance.get("minutes") is True)


BALANCE_TAB_IS_SHOWN = Rule(
    id="KZ116",
    title="Credit and minutes need the balance tab",
    severity=Severity.ERROR,
    path="controlCenter.balance",
    message="credit and minutes stand on the balance tab, which is not shown",
    hint="add show: true, or leave credit and minutes out",
    source="Account manager guide: usage charges",
    cel="!has(self.controlCenter) || !has(self.controlCenter.balance) || "
    "(has(self.controlCenter.balance.show) ? self.controlCenter.balance.show : "
    "self.controlCenter.preset == 'All') || "
    "!((has(self.controlCenter.balance.credit) && self.controlCenter.balance.credit) || "
    "(has(self.controlCenter.balance.minutes) && self.controlCenter.balance.minutes))",
    check=_shown_balance,
)

RULES = (
    REALM_IS_STATIC,
    NEW_ACCOUNT_HAS_A_REALM,
    WHITELABEL_COMES_FIRST,
    PARENT_IS_STATIC,
    TIMEZONE_IS_KNOWN,
    *ADDRESS_IS_REQUIRED,
    COUNTRY_IS_ASSIGNED,
    EMERGENCY_STAYS,
    CLASSIFIERS_ARE_WORDS,
    CLASSIFIER_IS_KNOWN,
    BALANCE_TAB_IS_SHOWN,
    ACCOUNT_ID_NEEDS_ADOPT,
    *charges.RULES,
    *account_warnings.RULES,
    *account_tree.RULES,
    *account_set.RULES,
    *metadata.RULES,
)

"""The rules about one account that only speak: what works, and is seldom meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import get
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.near import nearest
from kazoo_operator.rules.classifiers import KNOWN, STOCK
from kazoo_operator.rules.rule import Objection, Rule

_WIZARD = "Account manager guide"
_SETTINGS = "Account settings guide"
_DID = re.compile(r"\+?[0-9 ()-]{7,}")
_LONG_NAME = 40


def _warning(number: int, title: str, path: str, message: str, hint: str, source: str, **judged: Any) -> Rule:
    return Rule(
        id=f"KZ{number:03}",
        title=title,
        severity=Severity.WARNING,
        path=path,
        message=message,
        hint=hint,
        source=source,
        **judged,
    )


def _is(path: str, value: object) -> Callable[[JsonObject], bool]:
    """A check that breaks where exactly that value stands."""
    return lambda spec: get(spec, path) is not value if isinstance(value, bool) else get(spec, path) != value


def _has_or_is_taken_over(path: str) -> Callable[[JsonObject], bool]:
    """An account that exists already may hold what the spec leaves out."""
    return lambda spec: (
        bool(get(spec, path)) or spec.get("adopt") is True or spec.get("managementPolicy") == "ObserveOnly"
    )


def _name(spec: JsonObject) -> str:
    name = spec.get("name")
    return name if isinstance(name, str) else ""


def _strange_classifiers(spec: JsonObject) -> Iterator[Objection]:
    said = spec.get("callRestrictions")
    for name in said if isinstance(said, dict) else ():
        if name not in KNOWN and re.fullmatch("[^. ]{1,64}", name):
            near = nearest(name, STOCK)
            hint = f"write {near}" if near else f"KAZOO comes with {', '.join(STOCK)}"
            yield Objection(f"callRestrictions.{name}", hint=hint)


def _exposed(spec: JsonObject) -> Iterator[Objection]:
    switches = ("creditCard", "balance.show", "servicePlan", "transactions", "inbound", "outbound", "twoWay")
    for switch in switches:
        if get(spec, f"controlCenter.{switch}") is True:
            yield Objection(f"controlCenter.{switch}")


def _moved_home(old: JsonObject, new: JsonObject) -> Iterator[Objection]:
    for name in ("timezone", "language"):
        if name in old and name in new and str(old[name]).lower() != str(new[name]).lower():
            yield Objection(name)


def _renamed(old: JsonObject, new: JsonObject) -> Iterator[Objection]:
    if _name(old) and _name(new) and _name(old) != _name(new):
        yield Objection("name")


RULES = (
    _warning(
        14,
        "Hidden callers may be turned away",
        "callerIDPrivacy",
        "some receivers reject calls that show neither name nor number",
        "hide only one of them, or none",
        f"{_SETTINGS}: calls with hidden name and number may be rejected",
        check=_is("callerIDPrivacy", "Full"),
    ),
    _warning(
        17,
        "Time zone and language of a live account",
        "timezone",
        "changing it moves office hours, time stamps and prompts of an account that is in use",
        "tell its users; it takes effect at once",
        f"{_SETTINGS}: office hours, block lists and localisation follow these settings",
        change=_moved_home,
    ),
    _warning(
        25,
        "A technical contact",
        "contacts.technical",
        "nobody is named as the first line of technical support",
        "add contacts.technical, for example {name: Tess Ng, email: tess@acme.example}",
        f"{_SETTINGS}: the technical contact is the first line of support",
        check=_has_or_is_taken_over("contacts.technical"),
    ),
    _warning(
        36,
        "An e-mail address for bills",
        "contacts.billing.email",
        "usage and billing summaries reach nobody",
        "add contacts.billing.email, for example bo@acme.example",
        f"{_SETTINGS}: the billing contact receives usage and billing summaries",
        check=_has_or_is_taken_over("contacts.billing.email"),
    ),
    _warning(
        89,
        "A short name",
        "name",
        f"is longer than {_LONG_NAME} characters, and will be cut in lists and reports",
        "choose a short name that people recognise",
        f"{_WIZARD}: a short, recognisable company name",
        check=lambda spec: not _LONG_NAME < len(_name(spec)) <= 128,
    ),
    _warning(
        90,
        "A number is a poor name",
        "name",
        "reads like a telephone number, which tells nobody whose account this is",
        "name the company or the place",
        f"{_WIZARD}: a DID is a poor name for an account",
        check=lambda spec: not _DID.fullmatch(_name(spec)),
    ),
    _warning(
        91,
        "A name is seen by all users",
        "name",
        "renaming an account changes reports and the name that all its users log in with",
        "tell its users before",
        f"{_WIZARD}: the name stands in reports and on the login page",
        change=_renamed,
    ),
    _warning(
        105,
        "Ordinary calls within the US",
        "callRestrictions.did_us",
        "denying did_us blocks ordinary US calls",
        "leave did_us out, or write did_us: Allow",
        f"{_WIZARD}: US DID is the ordinary service",
        check=_is("callRestrictions.did_us", "Deny"),
    ),
    _warning(
        106,
        "Extensions and feature codes",
        "callRestrictions.unknown",
        "denying unknown blocks extensions such as 7903 and feature codes such as *97: internal calls and "
        "voicemail stop",
        "leave unknown out, or write unknown: Allow",
        f"{_WIZARD}: unknown covers extensions and feature codes",
        check=_is("callRestrictions.unknown", "Deny"),
    ),
    _warning(
        112,
        "What users of a sub-account see",
        "controlCenter",
        "shows billing or trunks to the users of a sub-account",
        "leave it out under preset: SubAccount, unless they are meant to see it",
        f"{_WIZARD}: only user, account and misc are suggested for sub-accounts",
        each=_exposed,
    ),
    _warning(
        114,
        "Users who may change the account",
        "controlCenter.account",
        "lets users of a sub-account edit its settings, the realm among them, and break a setup",
        "write account: false, or leave it to the preset",
        f"{_WIZARD}: changes to the account's settings can break a setup",
        check=_is("controlCenter.account", True),
    ),
    _warning(
        141,
        "A class of numbers is one that KAZOO lists",
        "callRestrictions",
        "is none of the classes that KAZOO comes with; unless yours lists it, this restricts nothing",
        "write one of KAZOO's classifiers",
        "Crossbar accounts API: keys of call_restriction are checked against no list",
        each=_strange_classifiers,
    ),
    _warning(
        150,
        "An account that is switched off",
        "enabled",
        "enabled: false stops all service of the account, calls included",
        "write enabled: true, unless that is meant; leaving it out changes nothing",
        "Monster UI: disabling an account",
        check=_is("enabled", False),
    ),
)

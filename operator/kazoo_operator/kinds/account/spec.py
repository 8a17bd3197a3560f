"""The spec of an Account: every field with its bounds, its default and an example."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from kazoo_operator.core.charges import Charges
from kazoo_operator.core.schema import AccountId, ManagedSpec, Model, Realm, Reference
from kazoo_operator.kinds.account.forms import CONSENT, COUNTRY, E164, EMAIL, LANGUAGE, NAME
from kazoo_operator.rules.timezones import FORM as TIMEZONE

Classifier = Annotated[str, StringConstraints(min_length=1, max_length=64)]


def _text(longest: int, what: str, example: str) -> Any:
    return _formed(what, example, min_length=1, max_length=longest)


def _formed(what: str, example: str, **bounds: Any) -> Any:
    description = f"{what} Default: untouched. Example: {example}."
    return Field(default=None, description=description, examples=[example], **bounds)


def _number() -> Any:
    return _formed("E.164 number, as text (quote it).", '"+14085550100"')


def _switch(what: str) -> Any:
    description = f"{what} Default: untouched, or as the preset says. Example: true."
    return Field(default=None, description=description, examples=["true"])


class Address(Model):
    """The physical address that every account must have."""

    street: str | None = _text(256, "Street and number; required.", "1 Main St")
    extra: str | None = _text(256, "Suite, floor, building.", "Suite 2")
    city: str | None = _text(128, "City; required.", "San Jose")
    region: str | None = _text(128, "State or province; required.", "CA")
    postal_code: str | None = _text(32, "Postal code, as text (quote it); required.", '"95113"')
    country: Annotated[str, COUNTRY] | None = _formed("ISO 3166 code, two capitals; required.", "US")


class Contact(Model):
    """A person to speak to."""

    name: str | None = _text(128, "Full name.", "Tess Ng")
    email: Annotated[str, EMAIL] | None = _formed("E-mail address.", "tess@acme.example")
    phone: Annotated[str, E164] | None = _number()


class Contacts(Model):
    """Whom to call about what."""

    technical: Contact | None = _formed(
        "First line of technical support.", "{name: Tess Ng, email: tess@acme.example}"
    )
    billing: Contact | None = _formed("For questions of billing.", "{name: Bo Li, email: bo@acme.example}")


class Caller(Model):
    """What the called party sees."""

    name: str | None = _text(35, "Name to show.", "Acme Dental")
    number: str | None = _text(35, "Number to show, as text (quote it).", '"+14085550100"')


class EmergencyCaller(Model):
    """What the emergency dispatcher sees and calls back."""

    name: str | None = _text(35, "Name to show.", "Acme Dental")
    number: Annotated[str, E164] | None = _number()


class CallerID(Model):
    """Who a call seems to come from; users and devices may say otherwise."""

    internal: Caller | None = _formed("For calls within the account.", '{name: Acme Dental, number: "100"}')
    external: Caller | None = _formed(
        "For calls to the outside.", '{name: Acme Dental, number: "+14085550100"}'
    )
    emergency: EmergencyCaller | None = _formed(
        "For emergency calls.", '{name: Acme Dental, number: "+14085550100"}'
    )


class BalanceTab(Model):
    """The tab about per-minute credit."""

    show: bool | None = _switch("Show the tab.")
    credit: bool | None = _switch("Show the credit; needs show.")
    minutes: bool | None = _switch("Show the minutes; needs show.")


class ControlCenter(Model):
    """What the account's users see of its settings."""

    preset: Literal["All", "SubAccount"] = Field(
        default="All",
        description="Where the switches stand that are not named: All: on. SubAccount: on for user, account "
        "and errorTracker only. Default: All. Example: SubAccount.",
        examples=["SubAccount"],
    )
    user: bool | None = _switch("The user's own settings.")
    account: bool | None = _switch("The account's settings; changes there can break a setup.")
    credit_card: bool | None = _switch("Credit cards.")
    balance: BalanceTab | None = _formed("Per-minute credit.", "{show: true}")
    service_plan: bool | None = _switch("Service plans.")
    transactions: bool | None = _switch("Charges to the card.")
    inbound: bool | None = _switch("Inbound trunks: the menu, not the trunks.")
    outbound: bool | None = _switch("Outbound trunks: the menu, not the trunks.")
    two_way: bool | None = _switch("Two-way trunks: the menu, not the trunks.")
    error_tracker: bool | None = _switch("The log of errors in the screens.")


class AccountSpec(ManagedSpec):
    """What the account is to be. A field that is left out is never written to an existing account."""

    name: Annotated[str, NAME] = Field(
        description="The account's name, shown in reports and at login; unique in the whole KAZOO, letter "
        "case and punctuation aside. Example: Acme Dental.",
        examples=["Acme Dental"],
    )
    realm: Realm | None = Field(
        default=None,
        description="The SIP realm that phones register with, lower case, two labels at least; it changes "
        "only with allowRealmChange. Default: made from the backend's realm template at the creation, "
        "and then kept in status.realm. Example: acme.pbx.example.com.",
        examples=["acme.pbx.example.com"],
    )
    parent_ref: Reference | None = Field(
        default=None,
        description="The account below which this one stands; it cannot be changed. "
        "Default: the root account. Example: {name: reseller}.",
        examples=["{name: reseller}"],
    )
    enabled: bool | None = Field(
        default=None,
        description="Whether the account may be used at all; false stops all its service. "
        "Default: true on a new account, else untouched. Example: true.",
        examples=["true"],
    )
    timezone: Annotated[str, TIMEZONE] = Field(
        description="IANA time zone for time stamps, office hours and holidays; UTC is Etc/UTC. "
        "Example: America/Los_Angeles.",
        examples=["America/Los_Angeles"],
    )
    language: Annotated[str, LANGUAGE] = Field(
        description="Language of prompts and screens. Example: en-US.",
        examples=["en-US"],
    )
    address: Address | None = Field(
        default=None,
        description="Physical address of the account; required, but under managementPolicy ObserveOnly. "
        "Default: untouched there. Example: {street: 1 Main St, city: San Jose, "
        'region: CA, postalCode: "95113", country: US}.',
        examples=['{street: 1 Main St, city: San Jose, region: CA, postalCode: "95113", country: US}'],
    )
    contacts: Contacts | None = Field(
        default=None,
        description="Technical and billing contact. Default: untouched. "
        "Example: {billing: {name: Bo Li, email: bo@acme.example}}.",
        examples=["{billing: {name: Bo Li, email: bo@acme.example}}"],
    )
    call_restrictions: dict[Classifier, Literal["Allow", "Deny"]] | None = Field(
        default=None,
        max_length=64,
        description="Which classes of numbers may be called, by KAZOO's classifiers; where the map is given, "
        "a class that it does not list is allowed. Emergency calls cannot be denied. "
        "Default: untouched; all allowed on a new account. Example: {international: Deny}.",
        examples=["{international: Deny}"],
    )
    caller_id: CallerID | None = Field(
        default=None,
        alias="callerID",
        description="Names and numbers that the called party sees. Default: untouched. "
        'Example: {external: {name: Acme Dental, number: "+14085550100"}}.',
        examples=['{external: {name: Acme Dental, number: "+14085550100"}}'],
    )
    caller_id_privacy: Literal["None", "Name", "Number", "Full"] | None = Field(
        default=None,
        alias="callerIDPrivacy",
        description="What of the caller ID is hidden on outbound calls. Default: untouched. Example: None.",
        examples=["None"],
    )
    control_center: ControlCenter | None = Field(
        default=None,
        description="What the account's users see of its settings; where it is given, all switches are set. "
        "Default: untouched; all shown on a new account. Example: {preset: SubAccount}.",
        examples=["{preset: SubAccount}"],
    )
    outbound_routing: Literal["Platform", "Reseller", "Own", "Unmanaged"] | None = Field(
        default=None,
        description="Whose carriers take calls to outside numbers, by the callflow no_match: the platform's, "
        "the reseller's, the account's own; Unmanaged leaves it alone. Default: Platform on an account "
        "without callflows, Unmanaged on an adopted one. Example: Platform.",
        examples=["Platform"],
    )
    adopt: bool = Field(
        default=False,
        description="Take over an existing account with this realm, or the one that accountID names. "
        "Default: false. Example: true.",
        examples=["true"],
    )
    account_id: AccountId | None = Field(
        default=None,
        alias="accountID",
        description="The account to take over, also from another owner; only with adopt. Default: none. "
        "Example: 4c0c8f6f9d8b4a0f8e3d2c1b0a998877.",
        examples=["4c0c8f6f9d8b4a0f8e3d2c1b0a998877"],
    )
    deletion_policy: Literal["Retain", "Delete"] = Field(
        default="Retain",
        description="What becomes of the account when this object is deleted: kept as it is, or deleted for "
        "ever once the annotation kazoo-operator.io/confirm-delete names it. Default: Retain. "
        "Example: Retain.",
        examples=["Retain"],
    )
    charges: Charges | None = Field(
        default=None,
        description="Consent to what one more account costs, where a service plan counts accounts. "
        'Default: nothing is accepted. Example: {accept: UpTo, maxRecurringIncrease: "5.00"}.',
        examples=['{accept: UpTo, maxRecurringIncrease: "5.00"}'],
    )
    allow_realm_change: Annotated[str, CONSENT] | None = Field(
        default=None,
        description="Consent to exactly this change of the realm, in the same write as the change; phones "
        "must then register anew. Default: none. Example: old.example.com->new.example.com.",
        examples=["old.example.com->new.example.com"],
    )

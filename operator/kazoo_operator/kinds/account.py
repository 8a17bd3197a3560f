"""Account: one KAZOO account, made below the backend's root account and kept as its spec says."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import Field

from kazoo_operator.core import mapping, realm
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import ACCOUNT, get, put
from kazoo_operator.core.kind import Column, Kind, Lifecycle
from kazoo_operator.core.mapping import Row
from kazoo_operator.core.schema import Model, Spec, Status
from kazoo_operator.rules.account import REALM_IS_STATIC, TIMEZONE_IS_KNOWN

EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"


class Address(Model):
    """The physical address that every account must have."""

    street: str = Field(
        min_length=1,
        max_length=256,
        description="Street and number. Example: 1 Main St.",
        examples=["1 Main St"],
    )
    extra: str | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        description="Suite, floor, building. Default: untouched. Example: Suite 2.",
        examples=["Suite 2"],
    )
    city: str = Field(
        min_length=1, max_length=128, description="City. Example: San Jose.", examples=["San Jose"]
    )
    region: str = Field(
        min_length=1, max_length=128, description="State or province. Example: CA.", examples=["CA"]
    )
    postal_code: str = Field(
        min_length=1,
        max_length=32,
        description='Postal code, as text (quote it). Example: "95113".',
        examples=['"95113"'],
    )
    country: str = Field(
        pattern="^[A-Z]{2}$",
        min_length=2,
        max_length=2,
        description="ISO 3166 code, two capitals. Example: US.",
        examples=["US"],
    )


class Contact(Model):
    """A person to speak to."""

    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Full name. Default: untouched. Example: Tess Ng.",
        examples=["Tess Ng"],
    )
    email: str | None = Field(
        default=None,
        pattern=EMAIL,
        min_length=3,
        max_length=254,
        description="E-mail address. Default: untouched. Example: tess@acme.example.",
        examples=["tess@acme.example"],
    )
    phone: str | None = Field(
        default=None,
        pattern=r"^\+[1-9][0-9]{1,14}$",
        min_length=3,
        max_length=16,
        description='E.164 number, as text (quote it). Default: untouched. Example: "+14085550100".',
        examples=['"+14085550100"'],
    )


class Contacts(Model):
    """Whom to call about what."""

    technical: Contact | None = Field(
        default=None, description="First line of technical support. Default: untouched."
    )
    billing: Contact | None = Field(default=None, description="For questions of billing. Default: untouched.")


class AccountSpec(Spec):
    """What the account is to be. A field that is left out is never written to an existing account."""

    name: str = Field(
        min_length=1,
        max_length=128,
        pattern=r"^[^\p{Cc}\p{Cf}]+$",
        description="The account's name, shown in reports and at login; unique in the whole KAZOO, letter "
        "case and punctuation aside. Example: Acme Dental.",
        examples=["Acme Dental"],
    )
    realm: str | None = Field(
        default=None,
        min_length=4,
        max_length=253,
        pattern=realm.PATTERN,
        description="The SIP realm that phones register with, lower case, two labels at least; it cannot be "
        "changed once set. Default: made from the backend's realm template when the account is created, and "
        "then kept in status.realm. Example: acme.pbx.example.com.",
        examples=["acme.pbx.example.com"],
    )
    enabled: bool | None = Field(
        default=None,
        description="Whether the account may be used at all; false stops all its service. "
        "Default: true on a new account, else untouched. Example: true.",
        examples=["true"],
    )
    timezone: str = Field(
        min_length=5,
        max_length=32,
        pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$",
        description="IANA time zone for time stamps, office hours and holidays; UTC is Etc/UTC. "
        "Example: America/Los_Angeles.",
        examples=["America/Los_Angeles"],
    )
    language: str = Field(
        min_length=2,
        max_length=16,
        pattern=r"^[a-z]{2,3}(-([A-Z]{2}|[0-9]{3}))?$",
        description="Language of prompts and screens. Example: en-US.",
        examples=["en-US"],
    )
    address: Address = Field(
        description="Physical address of the account. Example: {street: 1 Main St, city: San Jose, "
        'region: CA, postalCode: "95113", country: US}.',
        examples=['{street: 1 Main St, city: San Jose, region: CA, postalCode: "95113", country: US}'],
    )
    contacts: Contacts | None = Field(
        default=None,
        description="Technical and billing contact. Default: untouched. "
        "Example: {billing: {name: Bo Li, email: bo@acme.example}}.",
    )


class AccountStatus(Status):
    """What was observed in KAZOO."""

    account_id: str | None = Field(
        default=None,
        alias="accountID",
        max_length=32,
        description="KAZOO's id of the account, 32 hex digits.",
    )
    realm: str | None = Field(
        default=None, max_length=253, description="The realm in use; decided before the first write."
    )
    parent: str | None = Field(
        default=None, max_length=253, description="The parent's object name, else its realm."
    )
    path: str | None = Field(
        default=None,
        max_length=4096,
        description="The names from the root account to this one, joined by ' / '.",
    )
    balance: str | None = Field(
        default=None,
        max_length=16,
        pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,4})?$",
        description="The balance, in the backend's currency; two to four decimals.",
    )
    currency: str | None = Field(default=None, max_length=3, description="The currency of the balance.")
    money_kind: str | None = Field(
        default=None,
        max_length=8,
        description="Real: somebody is billed this balance. Allotted: a share of the parent's.",
        json_schema_extra={"enum": ["Real", "Allotted"]},
    )


def _language(value: Any) -> Any:
    """`en-us` and `en-US` are one language to KAZOO: read both as the spec would write it."""
    if not isinstance(value, str):
        return value
    language, dash, region = value.partition("-")
    return f"{language.lower()}{dash}{region.upper()}"


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


TABLE = (
    Row("name", ACCOUNT, "name"),
    Row("realm", ACCOUNT, "realm", read=_lower),
    Row("enabled", ACCOUNT, "enabled", absent=True),
    Row("timezone", ACCOUNT, "timezone"),
    Row("language", ACCOUNT, "language", read=_language),
    Row("address.street", ACCOUNT, "contact.billing.street_address"),
    Row("address.extra", ACCOUNT, "contact.billing.street_address_extra"),
    Row("address.city", ACCOUNT, "contact.billing.locality"),
    Row("address.region", ACCOUNT, "contact.billing.region"),
    Row("address.postalCode", ACCOUNT, "contact.billing.postal_code"),
    Row("address.country", ACCOUNT, "contact.billing.country"),
    Row("contacts.billing.name", ACCOUNT, "contact.billing.name"),
    Row("contacts.billing.email", ACCOUNT, "contact.billing.email"),
    Row("contacts.billing.phone", ACCOUNT, "contact.billing.number"),
    Row("contacts.technical.name", ACCOUNT, "contact.technical.name"),
    Row("contacts.technical.email", ACCOUNT, "contact.technical.email"),
    Row("contacts.technical.phone", ACCOUNT, "contact.technical.number"),
)


def _normal(spec: Spec) -> JsonObject:
    """The fields of the spec that stand in KAZOO's account document."""
    said = spec.model_dump(by_alias=True, exclude_none=True)
    fields: JsonObject = {}
    for row in TABLE:
        value = get(said, row.spec)
        if value is not None:
            put(fields, row.spec, value)
    return fields


_READY = ".status.conditions[?(@.type=='Ready')]"

_MAIN_STREET = {
    "street": "1 Main St",
    "city": "San Jose",
    "region": "CA",
    "postalCode": "95113",
    "country": "US",
}

KIND = Kind(
    name="Account",
    plural="accounts",
    singular="account",
    short_name="kzacct",
    description="A KAZOO account: a tenant of the telephony platform, with its realm, address and contacts.",
    spec=AccountSpec,
    status=AccountStatus,
    columns=(
        Column("ACCOUNT-ID", ".status.accountID"),
        Column("REALM", ".status.realm"),
        Column("PARENT", ".status.parent"),
        Column("READY", f"{_READY}.status"),
        Column("REASON", f"{_READY}.reason"),
        Column("BALANCE", ".status.balance"),
        Column("KIND", ".status.moneyKind", wide=True),
        Column("AGE", ".metadata.creationTimestamp", type="date"),
    ),
    documents=(ACCOUNT,),
    normal=_normal,
    render=partial(mapping.render, TABLE),
    parse=partial(mapping.parse, TABLE),
    rules=(REALM_IS_STATIC, TIMEZONE_IS_KNOWN),
    lifecycle=Lifecycle(document=ACCOUNT, key="realm", marks="flags", start={"enabled": True}),
    samples=(
        {
            "name": "Acme Dental",
            "timezone": "America/Los_Angeles",
            "language": "en-US",
            "address": _MAIN_STREET,
        },
        {
            "name": "Söhne & Töchter",
            "realm": "soehne.pbx.example.com",
            "enabled": False,
            "timezone": "Europe/Berlin",
            "language": "de",
            "address": {
                "street": "Lindenweg 3",
                "extra": "Hinterhaus",
                "city": "Berlin",
                "region": "BE",
                "postalCode": "10115",
                "country": "DE",
            },
            "contacts": {
                "technical": {"name": "Tess Ng", "email": "tess@soehne.example", "phone": "+493055501"},
                "billing": {"name": "Bo Li", "email": "bo@soehne.example", "phone": "+493055502"},
            },
        },
        {
            "name": "acme",
            "realm": "acme.pbx.example.com",
            "enabled": True,
            "timezone": "Etc/UTC",
            "language": "es-419",
            "address": _MAIN_STREET,
            "contacts": {"billing": {"email": "bo@acme.example"}},
            "resyncInterval": "1h30m",
        },
    ),
)

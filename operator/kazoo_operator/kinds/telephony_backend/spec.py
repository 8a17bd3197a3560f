"""The spec of a TelephonyBackend: every field with its bounds, its default and an example."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kazoo_operator.core.expression import LONGEST
from kazoo_operator.core.schema import AccountId, Model, Realm, Spec
from kazoo_operator.kinds.telephony_backend.forms import CURRENCY, NAMESPACE

MOST_DELETIONS = 1000
"""As many deletions of an hour as status can remember."""


class SecretReference(Model):
    """A Secret beside the TelephonyBackend."""

    name: str = Field(
        min_length=1,
        max_length=253,
        description="Name of a Secret in the namespace of the TelephonyBackend. Example: kazoo.",
        examples=["kazoo"],
    )


class SecretKey(SecretReference):
    """One entry of a Secret."""

    key: str = Field(
        min_length=1,
        max_length=253,
        description="Which of its entries. Example: api-key.",
        examples=["api-key"],
    )


class Auth(Model):
    """Who logs in: one of the members."""

    api_key_secret_ref: SecretKey | None = Field(
        default=None,
        description="The Secret's entry that holds an account's API key. Default: none; this or "
        "userSecretRef is needed. Example: {name: kazoo, key: api-key}.",
        examples=["{name: kazoo, key: api-key}"],
    )
    user_secret_ref: SecretReference | None = Field(
        default=None,
        description="The Secret that holds a user: entries username, password, and realm or accountName. "
        "Default: none; this or apiKeySecretRef is needed. Example: {name: kazoo}.",
        examples=["{name: kazoo}"],
    )


class RootAccount(Model):
    """An account of KAZOO: one of the members."""

    realm: Realm | None = Field(
        default=None,
        description="Realm of the account, lower case. Default: none. Example: reseller.example.com.",
        examples=["reseller.example.com"],
    )
    account_id: AccountId | None = Field(
        default=None,
        alias="accountID",
        description="KAZOO's id of the account, 32 hex digits in lower case. "
        "Default: none. Example: 4c0c8f6f9d8b4a0f8e3d2c1b0a998877.",
        examples=["4c0c8f6f9d8b4a0f8e3d2c1b0a998877"],
    )


class TelephonyBackendSpec(Spec):
    """Where KAZOO is, and what may be done there."""

    url: str = Field(
        min_length=1,
        max_length=512,
        description="Base URL of Crossbar, without user and password; https is required unless insecureHTTP "
        "is true or the host is this machine itself. Example: https://crossbar.example.com:8443.",
        examples=["https://crossbar.example.com:8443"],
    )
    insecure_http: bool = Field(
        default=False,
        alias="insecureHTTP",
        description="Whether http is allowed: credentials then travel in the clear. Default: false. "
        "Example: true.",
        examples=["false"],
    )
    ca_bundle_secret_ref: SecretKey | None = Field(
        default=None,
        description="The Secret's entry with the authorities, in PEM form, that are trusted instead of the "
        "system's. Default: the system's. Example: {name: kazoo-ca, key: ca.crt}.",
        examples=["{name: kazoo-ca, key: ca.crt}"],
    )
    auth: Auth = Field(
        description="Who logs in: exactly one of apiKeySecretRef and userSecretRef. "
        "Example: {apiKeySecretRef: {name: kazoo, key: api-key}}.",
        examples=["{apiKeySecretRef: {name: kazoo, key: api-key}}"],
    )
    root_account: RootAccount | None = Field(
        default=None,
        description="The account below which everything happens; nothing outside its subtree is ever "
        "written. Exactly one of realm and accountID. Default: the account that logs in. "
        "Example: {realm: reseller.example.com}.",
        examples=["{realm: reseller.example.com}"],
    )
    realm_template: str = Field(
        default="",
        max_length=253,
        description="The realm of an Account that names none: {name} stands for its name in lower case, "
        "what is no a-z or 0-9 as -. A rename never changes a realm. Default: empty, a realm must be named. "
        'Example: "{name}.pbx.example.com".',
        examples=['"{name}.pbx.example.com"'],
    )
    currency: Annotated[str, CURRENCY] = Field(
        default="USD",
        description="The currency of all amounts, ISO 4217. Default: USD. Example: EUR.",
        examples=["EUR"],
    )
    requests_per_second: int = Field(
        default=50,
        ge=1,
        le=10_000,
        description="The most requests a second that KAZOO is asked, 1 to 10000. Default: 50. Example: 20.",
        examples=["20"],
    )
    allowed_namespaces: list[Annotated[str, NAMESPACE]] = Field(
        default=[],
        max_length=100,
        description="Other namespaces whose objects may refer to this one; its own always may. "
        'Default: none. Example: [team-a, team-b], or ["*"] for all.',
        examples=["[team-a, team-b]"],
    )
    budget_policy: Literal["Deny", "Warn", "Off"] = Field(
        default="Warn",
        description="What happens to a grant that the account above cannot cover: refused, told, or nothing "
        '(quote "Off": YAML takes it for a switch). Default: Warn. Example: Deny.',
        examples=["Deny"],
    )
    max_deletions_per_hour: int = Field(
        default=1,
        ge=0,
        le=MOST_DELETIONS,
        description=f"How many accounts are deleted within an hour without an approval, 0 to "
        f"{MOST_DELETIONS}; 0: none. Default: 1. Example: 5.",
        examples=["5"],
    )
    require_whitelabel: bool = Field(
        default=False,
        description="Whether an account is made only once its reseller has a white-label domain. "
        "Default: false. Example: true.",
        examples=["true"],
    )
    name_pattern: str = Field(
        default="",
        max_length=LONGEST,
        description="A regular expression (RE2: without look-around and back references) that matches "
        "somewhere in each Account's name; write ^ and $ for the whole of it. Default: empty, any name. "
        'Example: "^[A-Z]{2}-[0-9]{4} ".',
        examples=['"^[A-Z]{2}-[0-9]{4} "'],
    )

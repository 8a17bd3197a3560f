"""The operator's settings, from the environment; they stand in where no TelephonyBackend is declared."""

from __future__ import annotations

import ipaddress
import re
import ssl
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kazoo_operator.backend.login import Credential, SecretFile, User
from kazoo_operator.backend.transport import base_url
from kazoo_operator.core import realm

NO_URL = "KAZOO_URL: is not set, for example https://crossbar.example.com:8443"


class SettingsRefused(Exception):
    """A setting is missing or wrong; the text is one line for each, without values of secrets."""


def _template(text: str) -> str:
    if text and (
        "{name}" not in text or "{" in text.replace("{name}", "") or "}" in text.replace("{name}", "")
    ):
        raise ValueError("must hold {name} and no other placeholder, for example {name}.pbx.example.com")
    if text and realm.from_template(text, "a") is None:
        raise ValueError("gives no valid realm; write it like {name}.pbx.example.com")
    return text


def _owner(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[A-Za-z0-9._-]{1,63}", text):
        raise ValueError("must be 1 to 63 of A-Z a-z 0-9 . _ -, for example prod-eu")
    return text


def _root(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[0-9a-f]{32}", text) and not re.fullmatch(realm.PATTERN, text):
        raise ValueError("must be a realm in lower case or an account id of 32 hex digits")
    return text


def _ca_file(path: Path | None) -> Path | None:
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise ValueError("holds no certificate in PEM form") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    return path


class Settings(BaseSettings):
    """Where KAZOO is and how it is treated; each member's environment variable is its alias."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, populate_by_name=True, env_ignore_empty=True
    )

    url: str = Field(
        default="", validation_alias=AliasChoices("KAZOO_URL"), description="Base URL of Crossbar."
    )
    api_key: SecretStr | None = Field(default=None, validation_alias=AliasChoices("KAZOO_API_KEY"))
    api_key_file: Path | None = Field(default=None, validation_alias=AliasChoices("KAZOO_API_KEY_FILE"))
    username: str | None = Field(default=None, validation_alias=AliasChoices("KAZOO_USERNAME"))
    password_file: Path | None = Field(default=None, validation_alias=AliasChoices("KAZOO_PASSWORD_FILE"))
    account_name: str | None = Field(default=None, validation_alias=AliasChoices("KAZOO_ACCOUNT_NAME"))
    ca_file: Annotated[Path | None, AfterValidator(_ca_file)] = Field(
        default=None, validation_alias=AliasChoices("KAZOO_CA_FILE")
    )
    insecure_http: bool = Field(default=False, validation_alias=AliasChoices("KAZOO_INSECURE_HTTP"))
    owner: Annotated[str | None, AfterValidator(_owner)] = Field(
        default=None, validation_alias=AliasChoices("KAZOO_OPERATOR_OWNER")
    )
    realm_template: Annotated[str, AfterValidator(_template)] = Field(
        default="", validation_alias=AliasChoices("KAZOO_OPERATOR_REALM_TEMPLATE")
    )
    root_account: Annotated[str | None, AfterValidator(_root)] = Field(
        default=None, validation_alias=AliasChoices("KAZOO_OPERATOR_ROOT_ACCOUNT")
    )
    currency: str = Field(
        default="USD", pattern="^[A-Z]{3}$", validation_alias=AliasChoices("KAZOO_OPERATOR_CURRENCY")
    )
    requests_per_second: float = Field(
        default=50,
        ge=1,
        allow_inf_nan=False,
        validation_alias=AliasChoices("KAZOO_OPERATOR_REQUESTS_PER_SECOND"),
    )

    budget_policy: Literal["Deny", "Warn", "Off"] = Field(
        default="Warn", validation_alias=AliasChoices("KAZOO_OPERATOR_BUDGET_POLICY")
    )
    max_deletions_per_hour: int = Field(
        default=1,
        ge=0,
        le=100_000,
        validation_alias=AliasChoices("KAZOO_OPERATOR_MAX_DELETIONS_PER_HOUR"),
    )

    @model_validator(mode="after")
    def _reachable_and_known(self) -> Settings:
        if not self.url:
            return self
        try:
            parts = urlsplit(base_url(self.url))
        except ValueError as error:
            raise ValueError(f"KAZOO_URL: {error}") from None
        if parts.scheme == "http" and not (self.insecure_http or _is_loopback(str(parts.hostname))):
            raise ValueError(
                "KAZOO_URL: https is required; KAZOO_INSECURE_HTTP=true allows http all the same"
            )
        return self

    @model_validator(mode="after")
    def _one_credential(self) -> Settings:
        keys = {"KAZOO_API_KEY_FILE": self.api_key_file, "KAZOO_API_KEY": self.api_key}
        user = {
            "KAZOO_USERNAME": self.username,
            "KAZOO_PASSWORD_FILE": self.password_file,
            "KAZOO_ACCOUNT_NAME": self.account_name,
        }
        keys_given, user_given = (
            [name for name, value in way.items() if value is not None] for way in (keys, user)
        )
        if not self.url:
            if keys_given or user_given:
                raise ValueError(NO_URL)
            return self
        if not keys_given and not user_given:
            raise ValueError(
                f"KAZOO_API_KEY_FILE: give either it, or KAZOO_API_KEY, or a user by {', '.join(user)}"
            )
        if len(keys_given) + bool(user_given) > 1:
            first, second = [*keys_given, *user_given][:2]
            raise ValueError(f"{first} and {second}: give one of them, not both")
        for name, value in user.items():
            if user_given and value is None:
                raise ValueError(f"{name}: is not set; a user needs {', '.join(user)}")
        return self

    @property
    def name_a_backend(self) -> bool:
        """Whether they say where KAZOO is; an operator may know it from TelephonyBackends alone."""
        return bool(self.url)

    def credential(self) -> Credential:
        """What logs in, a key or a user; files are read anew at each login, so a new secret is picked up."""
        if self.username is not None and self.password_file is not None and self.account_name is not None:
            return User(self.username, self.account_name, SecretFile(self.password_file))
        if self.api_key_file is not None:
            return SecretFile(self.api_key_file)
        key = self.api_key
        assert key is not None
        return lambda: key

    def tls(self) -> ssl.SSLContext | None:
        """Whom to trust instead of the system's authorities; None for these."""
        return None if self.ca_file is None else ssl.create_default_context(cafile=self.ca_file)


def load(*, with_backend: bool = True, **flags: object) -> Settings:
    """Settings from the environment, flags of the command line winning. Raises SettingsRefused.

    `with_backend`: they must say where KAZOO is.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if "api_key_file" in given:
        given |= dict.fromkeys(("api_key", "username", "password_file", "account_name"))
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
        if with_backend and not settings.name_a_backend:
            raise SettingsRefused(NO_URL)
        return settings
    except ValidationError as error:
        lines = "\n".join(map(_line, error.errors(include_url=False)))
        raise SettingsRefused(lines.replace("KAZOO_URL: ", "--url: ") if "url" in given else lines) from None


def _line(fault: object) -> str:
    assert isinstance(fault, dict)
    where = ".".join(str(part) for part in fault["loc"])
    text = str(fault["msg"]).removeprefix("Value error, ")
    return f"{_variable(where)}: {text}" if where else text


def _variable(name: str) -> str:
    field = Settings.model_fields.get(name)
    alias = field.validation_alias if field is not None else None
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else name


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

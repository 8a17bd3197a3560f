"""The status of AppRestrictions: what may be used, what is blocked, and what else an app needs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from kazoo_operator.core.schema import AttachedStatus, Model

SHOWN = 500
LONGEST = 128
Name = Annotated[str, Field(max_length=LONGEST)]


def _names(what: str) -> Any:
    return Field(
        default=None,
        max_length=SHOWN,
        description=what,
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )


class AppStatus(Model):
    """What a user needs to see an app, layer by layer."""

    name: Name = Field(description="The app.")
    planned: bool = Field(description="Whether the catalogue and the service plans offer it to the account.")
    blacklisted: bool = Field(description="Whether it is blocked for the account.")
    installed: bool | None = Field(
        default=None,
        description="Whether the account has it from the App Exchange; absent while it is blocked, for KAZOO "
        "does not tell.",
    )
    allowed_users: str | None = Field(
        default=None,
        max_length=32,
        description="Who may use it, in KAZOO's words: all, admins, specific; absent where it is not known "
        "to be installed.",
    )


class AppRestrictionsStatus(AttachedStatus):
    """What was observed in KAZOO."""

    mode: Literal["Full", "Restricted"] | None = Field(
        default=None,
        description="The mode that is kept; where the account is observed only, Restricted if an app is "
        "blocked.",
    )
    allowed: list[Name] | None = _names("The apps that are not blocked, by name.")
    blocked: list[Name] | None = _names("The apps that are blocked, by name.")
    blocked_by_others: list[Name] | None = _names(
        "Those of them that were blocked before this object came to it: Full and Reset leave them so."
    )
    allowed_count: int | None = Field(default=None, description="How many apps are not blocked.")
    blocked_count: int | None = Field(default=None, description="How many apps are blocked.")
    apps: list[AppStatus] | None = Field(
        default=None,
        max_length=SHOWN,
        description="Each app that KAZOO knows for the account, and each that the spec allows.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )

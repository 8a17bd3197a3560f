"""The spec of AppRestrictions: every field with its bounds, its default and an example."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kazoo_operator.core.form import Form
from kazoo_operator.core.schema import AttachedSpec
from kazoo_operator.kinds.app_restrictions.status import LONGEST

APP = Form(
    pattern=r"^[!-~]([ -~]*[!-~])?$",
    shortest=1,
    longest=LONGEST,
    what="name of an app: 1 to 128 characters of ASCII, such as voip",
    meant=str.strip,
)


class AppRestrictionsSpec(AttachedSpec):
    """Which apps the account's users may use."""

    mode: Literal["Full", "Restricted"] = Field(
        default="Full",
        description="Full: nothing is blocked, and what this object blocked before is unblocked. Restricted: "
        "every app that allowedApps does not name is blocked, also one that KAZOO offers later; the list is "
        "yours to keep then. Default: Full. Example: Restricted.",
        examples=["Full"],
    )
    allowed_apps: list[Annotated[str, APP]] | None = Field(
        default=None,
        max_length=200,
        description="The apps that may be used under Restricted, by name, in any order; voip (SmartPBX) is "
        "needed at least. Default: none. Example: [voip, callflows].",
        examples=["[voip, callflows]"],
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )

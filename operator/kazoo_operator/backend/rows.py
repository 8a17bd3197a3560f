"""What goes to KAZOO as data, and what its listings give: neither is trusted to be what it seems."""

from __future__ import annotations

import re
from typing import Any

from kazoo_operator.backend.errors import Nonsense
from kazoo_operator.backend.protocol import AccountRow
from kazoo_operator.core.custom_resource import JsonObject

FORBIDDEN = frozenset(
    {"id", "_id", "verb", "accept", "accept_charges", "action", "auth_token", "include_api_key", "page_size"}
    | {"paginate", "pretty_print", "send_email_on_creation", "should_soft_delete", "start_key"}
)
"""Never a member of data: KAZOO looks for flags of the request there first. `verb` changes the method (a PUT
with `delete` deletes the parent), an `id` in a create can destroy the account that has it."""


def refuse_flags(data: JsonObject) -> None:
    """Raises ValueError for data with a member that KAZOO would take for a flag of the request."""
    found = sorted(name for name in data if name in FORBIDDEN or name.startswith(("_", "pvt_")))
    if found:
        raise ValueError(f"never to be sent to KAZOO as data: {', '.join(found)}")


def account_row(row: JsonObject) -> AccountRow:
    """A row of a listing of accounts. Raises Nonsense when it has no id."""
    account_id = row.get("id")
    if not isinstance(account_id, str) or not re.fullmatch("[0-9a-f]{32}", account_id):
        raise Nonsense("KAZOO answered with a listing of accounts without ids")
    return AccountRow(
        account_id,
        name=text_of(row.get("name")),
        realm=text_of(row.get("realm")),
        flags=_texts(row.get("flags")),
        tree=_texts(row.get("tree")),
    )


def text_of(value: Any) -> str:
    """The value if it is text, else an empty one."""
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

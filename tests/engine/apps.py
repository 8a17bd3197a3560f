"""AppRestrictions over the engine's world, and the catalogue and blacklists behind them."""

from __future__ import annotations

from typing import Any

from kazoo_operator.core.custom_resource import Resource
from tests.engine.attached import attached
from tests.engine.conftest import World

STOCK = ["accounts", "branding", "callflows", "fax", "numbers", "pbxs", "reporting", "voicemails", "voip"]
BLACKLIST = "/apps_store/blacklist$"


def apps(*allowed: str, called: str = "acme", **more: Any) -> Resource:
    """Restricted to these apps; Full without any."""
    said = {"mode": "Restricted", "allowedApps": list(allowed)} if allowed else {}
    return attached("AppRestrictions", called, **{**said, **more})


async def ids(world: World) -> dict[str, str]:
    """The catalogue: name -> id."""
    held = (await world.control("GET", "state"))["apps"]
    rows = held.values() if isinstance(held, dict) else held
    return {row["name"]: row["id"] for row in rows}


async def blocked(world: World, account_id: str) -> list[str]:
    """The blacklist by names; an id that is no app's as it is."""
    names = {app_id: name for name, app_id in (await ids(world)).items()}
    found = (await world.control("GET", "state"))["accounts"][account_id]["blacklist"]
    return [names.get(one, one) for one in found]


async def block(world: World, account_id: str, *names: str) -> None:
    """An edit of the whole list behind our back."""
    known = await ids(world)
    merge = {"blacklist": [known.get(name, name) for name in names]}
    await world.control(
        "POST", "documents", {"accountID": account_id, "document": "blacklist", "merge": merge}
    )


async def offer(world: World, name: str) -> None:
    """A new app in the catalogue."""
    master = world.sandbox.identity.master.account_id
    await world.control(
        "POST", "documents", {"accountID": master, "document": "app", "merge": {"name": name}}
    )

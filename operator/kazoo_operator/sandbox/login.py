"""What every way of logging in has in common: what it says of the account (Crossbar API, authentication)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import allowed_apps
from .account import Account
from .seed import CLUSTER_ID
from .user import User

if TYPE_CHECKING:
    from .world import World


def described(world: World, account: Account, user: User | None = None) -> dict[str, Any]:
    """The account with its apps, and of who logged in as a user its language and id."""
    told = {"owner_id": user.id} if user else {}
    language = (user.document.get("language") if user else None) or account.document.get("language", "en-US")
    return {
        **told,
        "account_id": account.id,
        "account_name": account.document.get("name"),
        "apps": allowed_apps.at_login(world, account, user, str(language)),
        "capabilities": {},
        "cluster_id": CLUSTER_ID,
        "is_master_account": account.superduper,
        "is_reseller": account.is_reseller,
        "language": language,
        "reseller_id": account.reseller_id,
        "ui_config": {},
    }

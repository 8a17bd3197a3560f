"""Which apps an account is offered, and why: four layers, each of which may publish or withdraw an app.

The catalogue is the master's. Over it lie the service plans of the account, or else of its reseller; the
account's own permissions and blacklist; and its whitelabel, which can hide one app. The master is offered
everything. An app tells in `authority` which layer had the last word (Crossbar API, apps store).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import billing
from .apps_store import AppsStore
from .plan import is_true
from .seed import MASTER_ID

if TYPE_CHECKING:
    from .account import Account
    from .user import User
    from .world import World

App = dict[str, Any]
"""The document of an app with `id`, `account_id` (who offers it), `published` and `authority`."""
ROW = ("id", "name", "i18n", "tags", "api_url", "source_url", "account_id", "users", "allowed_users",
       "masqueradable", "phase", "extends")  # fmt: skip
"""What a list tells of an app."""
PORTING = "port"
"""The app that a whitelabel can hide."""


def allowed(world: World, account: Account, user: User | None = None) -> list[App]:
    """All apps that the account knows, by name, published or not; to a user, if one asks."""
    apps = _offered(world, account)
    store = world.apps_stores.get(account.id)
    apps = [_permitted(app, store, user) for app in apps]
    if _hides_porting(world, account):
        apps = [
            _withdrawn(app, "whitelabel_hide_port") if app.get("name") == PORTING else app for app in apps
        ]
    if account.superduper:
        apps = [{**app, "published": True, "authority": "super_admin"} for app in apps]
    return apps


def find(world: World, account: Account, app_id: str) -> App | None:
    """One by its id, published or not."""
    return next((app for app in allowed(world, account) if app["id"] == app_id), None)


def listed(world: World, account: Account) -> list[dict[str, Any]]:
    """The rows of the published apps; what is absent in one is absent in its row."""
    return [_row(app) for app in reversed(allowed(world, account)) if is_published(app)]


def at_login(world: World, account: Account, user: User | None, language: str) -> list[dict[str, Any]]:
    """What whoever logs in is told of the published apps, with labels in that language or else in English."""
    told = ("id", "name", "api_url", "source_url")
    return [
        {**{key: app[key] for key in told if key in app}, **_label(app, language)}
        for app in allowed(world, account, user)
        if is_published(app)
    ]


def is_published(app: App) -> bool:
    """An app that does not say is."""
    return is_true(app.get("published", True))


def _row(app: App) -> dict[str, Any]:
    told = {**app, "tags": _list(app, "tags"), "users": _list(app, "users")}
    told["masqueradable"] = is_true(app.get("masqueradable", True))
    return {key: told[key] for key in ROW if key in told}


def _list(app: App, member: str) -> list[Any]:
    found = app.get(member)
    return found if isinstance(found, list) else []


def _label(app: App, language: str) -> dict[str, Any]:
    texts = app.get("i18n")
    for spoken in (language, "en-US"):
        found = texts.get(spoken) if isinstance(texts, dict) else None
        if isinstance(found, dict) and "label" in found:
            return {"label": found["label"]}
    return {}


def _offered(world: World, account: Account) -> list[App]:
    """The catalogue and what service plans say of it; a plan may add apps of other accounts."""
    sold = _sold(world, account)
    apps = [app for app_id, said in sold.items() if (app := _of_vendor(world, app_id, said))]
    apps += [
        {**app.document, "id": app.id, "account_id": MASTER_ID, "authority": "master_account"}
        for app in world.apps.of(MASTER_ID)
    ]
    apps.sort(key=lambda app: (str(app.get("name")), app["id"]))
    return [_sold_as(app, sold.get(app["id"], {})) for app in apps]


def _sold(world: World, account: Account) -> dict[str, dict[str, Any]]:
    """What the plans of the account say of apps; where that is nothing, those of its reseller."""
    found = _said_by_plans(world, account)
    if found or account.is_reseller:
        return found
    reseller = world.accounts.get(account.reseller_id)
    return _said_by_plans(world, reseller) if reseller else {}


def _said_by_plans(world: World, account: Account) -> dict[str, dict[str, Any]]:
    plans, overrides = billing.assignments(world, account), world.services.get(account.id).overrides
    return billing.applications(world, plans, overrides)


def _of_vendor(world: World, app_id: str, said: Mapping[str, Any]) -> App | None:
    vendor = str(said.get("vendor_id") or MASTER_ID)
    app = world.apps.get(vendor, app_id) if vendor != MASTER_ID else None
    if app is None or not is_true(said.get("enabled", True)):
        return None
    return {**app.document, "id": app.id, "account_id": vendor, "authority": "vendor_account"}


def _sold_as(app: App, said: Mapping[str, Any]) -> App:
    if said.get("enabled") is None:
        return app
    return {**app, "published": is_true(said["enabled"]), "authority": "service_plan"}


def _permitted(app: App, store: AppsStore, user: User | None) -> App:
    """A permission is laid over the app whole; it takes an app away from users whom it does not name."""
    if store.blocks(app["id"]):
        return _withdrawn(app, "app_store_blacklist")
    permission = store.installed.get(app["id"])
    if permission is None:
        return app
    published = is_published(app)
    identity = {"id": app["id"], "account_id": app["account_id"]}
    if not _covers(permission, user):
        published, authority = False, "app_store"
    else:
        authority = "app_store" if published else app["authority"]
    return {**app, "published": published, **permission, **identity, "authority": authority}


def _covers(permission: Mapping[str, Any], user: User | None) -> bool:
    if user is None:
        return True
    who = permission.get("allowed_users", "specific")
    if who == "specific":
        named = permission.get("users")
        return isinstance(named, list) and user.id in named
    return who == "all" or (who == "admins" and user.is_admin)


def _withdrawn(app: App, authority: str) -> App:
    return {**app, "published": False, "authority": authority}


def _hides_porting(world: World, account: Account) -> bool:
    whitelabel = world.whitelabels.get(account.id)
    return (
        whitelabel is not None and not account.is_reseller and is_true(whitelabel.document.get("hide_port"))
    )

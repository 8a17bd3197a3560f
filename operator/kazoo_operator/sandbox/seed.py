"""What a fresh sandbox holds: a master, and below it a reseller with an API key and a whitelabel of its own.

Ids and keys are derived from words, so they are the same at every start.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import app, stock_plans, user_rules
from .account import Account, Accounts
from .document import Document
from .user import User

if TYPE_CHECKING:
    from .world import World


def derived(word: str, digits: int = 32) -> str:
    """So many hex digits that follow from a word."""
    return hashlib.sha256(f"kazoo-operator sandbox: {word}".encode()).hexdigest()[:digits]


MASTER_ID = derived("master")
MASTER_REALM = "master.sandbox.example"
RESELLER_ID = derived("reseller")
RESELLER_REALM = "reseller.sandbox.example"
CLUSTER_ID = derived("cluster")
WHITELABEL = {
    "domain": "portal.sandbox.example",
    "company_name": "Sandbox Reseller",
    **dict.fromkeys(("hide_credits", "hide_powered", "hide_registration"), False),
}
"""The reseller's."""
ADMIN_NAME = "admin"
ADMIN_PASSWORD = derived("password", 16)


class SeedRefused(Exception):
    """A seed file makes no sense; the text names the file, the line and the member."""


@dataclass(frozen=True)
class Login:
    """An account and the key that opens it."""

    account_id: str
    realm: str
    api_key: str


@dataclass(frozen=True)
class Identity:
    """Who one may log in as: printed when the sandbox listens."""

    master: Login
    reseller: Login
    admin_name: str = ADMIN_NAME
    admin_password: str = ADMIN_PASSWORD


def identity(accounts: Accounts) -> Identity:
    """The built-in accounts as they are now; one that was deleted is told as the seed has it."""

    def login(account_id: str, realm: str, word: str) -> Login:
        account = accounts.get(account_id)
        return Login(account_id, realm, account.api_key if account else derived(word, 64))

    return Identity(
        login(MASTER_ID, MASTER_REALM, "master key"), login(RESELLER_ID, RESELLER_REALM, "reseller key")
    )


def plant(world: World) -> None:
    """Create the built-in accounts, and what they hold."""
    now = world.clock.gregorian()
    _create(
        world,
        Account(
            id=MASTER_ID,
            tree=(),
            document=_document("Sandbox Master", MASTER_REALM),
            created=now,
            reseller_id=MASTER_ID,
            api_key=derived("master key", 64),
            is_reseller=True,
            superduper=True,
        ),
    )
    _create(
        world,
        Account(
            id=RESELLER_ID,
            tree=(MASTER_ID,),
            document=_document("Sandbox Reseller", RESELLER_REALM),
            created=now,
            reseller_id=MASTER_ID,
            api_key=derived("reseller key", 64),
            is_reseller=True,
        ),
    )
    admin = User(derived("admin"), {}, now)
    name = {"first_name": "Sandbox", "last_name": "Admin", "priv_level": "admin"}
    user_rules.settle(world, MASTER_ID, admin, {**name, "username": ADMIN_NAME, "password": ADMIN_PASSWORD})
    world.users.save(MASTER_ID, admin)
    for plan_id, document in stock_plans.PLANS.items():
        world.service_plans.save(MASTER_ID, plan_id, document, now)
    for app_name, label in app.STOCK.items():
        stock = Document(derived(f"app {app_name}"), app.described(app_name, label), now)
        world.apps.save(MASTER_ID, stock)
    world.whitelabels.create(RESELLER_ID, WHITELABEL)
    for account in list(world.accounts.all()):
        world.quantities.recount(account)


def _create(world: World, account: Account) -> None:
    world.accounts.insert(account)
    world.ledgers.total(account)  # the first look opens the month


def _document(name: str, realm: str) -> dict[str, object]:
    defaults: dict[str, object] = {
        "call_restriction": {},
        "music_on_hold": {},
        "preflow": {},
        "ringtones": {},
    }
    return {"name": name, "realm": realm, "timezone": "America/Los_Angeles", **defaults}

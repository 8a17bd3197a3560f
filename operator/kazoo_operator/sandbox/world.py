"""Everything that requests act on: the store and its tables, the clock and the tokens."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from . import (
    account,
    apps_store,
    document,
    ledger,
    limits,
    number,
    planting,
    quantity,
    reseller,
    seed,
    services,
    user,
    whitelabel,
)
from .account import Account, Accounts
from .app import Apps
from .apps_store import AppsStores
from .bucket import Buckets
from .clock import Clock
from .document import Devices, Documents
from .ledger import Ledgers
from .limits import Limits
from .number import PhoneNumbers
from .quantity import BilledQuantities
from .release import Release
from .reseller import Resellers
from .seed import Identity
from .services import ServicePlans, ServicesDocuments
from .store import Store
from .tokens import Tokens
from .user import Users
from .whitelabel import Whitelabels

if TYPE_CHECKING:
    from .seed_file import SeedFile


class World:
    """One simulated cluster; without a `rate_limit` it has no `buckets`.

    A fresh database, and one that is reset, gets what the seed holds and the `seed_file` if there is one; one
    that is not fresh stays as it is. Raises `store.DatabaseRefused` and `seed.SeedRefused`.
    """

    def __init__(
        self, database: Path | None, api_key: str | None, clock: Clock, release: Release, *,
        rate_limit: bool, seed_file: SeedFile | None,
    ) -> None:  # fmt: skip
        self.clock, self.release = clock, release
        self.buckets = Buckets(clock) if rate_limit else None
        self._seed_file = seed_file
        tables = (
            account.TABLES, apps_store.TABLES, document.TABLES, ledger.TABLES, limits.TABLES, number.TABLES,
            quantity.TABLES, reseller.TABLES, services.TABLES, user.TABLES, whitelabel.TABLES,
        )  # fmt: skip
        self.store = Store(database, "".join(tables))
        self.accounts = Accounts(self.store)
        self.apps = Apps(self.store)
        self.apps_stores = AppsStores(self.store)
        self.callflows = Documents(self.store, "callflow")
        self.devices = Devices(self.store)
        self.ledgers = Ledgers(self.store, clock)
        self.limits = Limits(self.store)
        self.numbers = PhoneNumbers(self.store)
        self.resellers = Resellers(self.store)
        self.users = Users(self.store)
        self.service_plans = ServicePlans(self.store)
        self.services = ServicesDocuments(self.store)
        self.whitelabels = Whitelabels(self.store)
        counters = {
            "account_apps": lambda account_id: self._apps_counted(account_id)["account_apps"],
            "branding": self.whitelabels.counted,
            "devices": self.devices.counted,
            "limits": self.limits.counted,
            "number_carriers": self.numbers.counted_by_carrier,
            "phone_numbers": self.numbers.counted,
            "user_apps": lambda account_id: self._apps_counted(account_id)["user_apps"],
            "users": self.users.counted,
        }
        self.quantities = BilledQuantities(self.store, counters)
        clock.offset = float(self.store.meta("offset") or 0)
        try:
            secret = self._open(api_key)
        except BaseException:
            self.store.close()
            raise
        self.tokens = Tokens(bytes.fromhex(secret), clock)

    def _open(self, api_key: str | None) -> str:
        """What tokens are signed with. A fresh database is planted; later starts find what became of it."""
        with self.store.transaction():
            secret = self.store.meta("secret")
            if secret is None:
                secret = secrets.token_hex(32)
                self.store.keep("secret", secret)
                self._plant()
            if api_key:
                self._give_master(api_key)
        return secret

    def _plant(self) -> None:
        seed.plant(self)
        if self._seed_file:
            planting.plant(self, self._seed_file)

    def _give_master(self, api_key: str) -> None:
        master = self.accounts.get(seed.MASTER_ID)
        if master and master.api_key != api_key:
            master.api_key = api_key
            self.accounts.save(master)

    def _apps_counted(self, account_id: str) -> apps_store.Counts:
        return self.apps_stores.get(account_id).counted(self.users.counted(account_id))

    def remove(self, account: Account) -> None:
        """Delete an account and everything in it."""
        self.accounts.delete(account)
        self.apps.delete(account.id)
        self.apps_stores.delete(account.id)
        self.callflows.delete(account.id)
        self.devices.delete(account.id)
        self.ledgers.delete(account.id)
        self.limits.delete(account.id)
        self.numbers.free(account.id)
        self.users.delete(account.id)
        self.resellers.forget_missing_cascade(account.id)
        self.services.delete(account.id)
        self.service_plans.delete(account.id)
        self.whitelabels.delete(account.id)
        self.quantities.delete(account)

    def identity(self) -> Identity:
        """Who one may log in as."""
        return seed.identity(self.accounts)

    def reset(self) -> None:
        """Back to the seed, and to the time outside. The master keeps the key that it was started with."""
        if self.buckets:
            self.buckets.fill()
        with self.store.transaction():
            master = self.accounts.get(seed.MASTER_ID)
            self.store.empty()
            self.clock.offset = 0.0
            for name in ("offset", "crawled"):
                self.store.forget(name)
            self._plant()
            if master:
                self._give_master(master.api_key)

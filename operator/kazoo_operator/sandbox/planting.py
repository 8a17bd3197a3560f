"""Putting a seed file into a fresh world, by KAZOO's own rules for what is stored.

Ids and keys that the file does not give follow from realms and names: they are the same at every start.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from . import account_rules, allowed_apps, app, user_rules
from .account import Account
from .apps_store import AppsStore
from .document import Document
from .ledger import UNITS, Duplicate, named
from .limits import AccountLimits, schema
from .refusal import Refusal
from .schema import Errors
from .seed import MASTER_ID, derived
from .services import Services
from .user import User
from .whitelabel import WHITELABEL

if TYPE_CHECKING:
    from .seed_file import At, SeedAccount, SeedApp, SeedEntry, SeedFile, SeedPlan, SeedUser
    from .world import World


def plant(world: World, file: SeedFile) -> None:
    """Store everything, or raise `seed.SeedRefused` with the first member that cannot be stored."""
    accounts = [
        _account(world, file, ("accounts", place), wanted)
        for place, wanted in enumerate(file.seed.accounts)
    ]  # fmt: skip
    for place, plan in enumerate(file.seed.plans):
        _plan(world, file, ("plans", place), plan)
    for place, offered in enumerate(file.seed.apps):
        _app(world, file, ("apps", place), offered)
    for place, (account, wanted) in enumerate(zip(accounts, file.seed.accounts, strict=True)):
        _holdings(world, file, ("accounts", place), account, wanted)


def _account(world: World, file: SeedFile, at: At, wanted: SeedAccount) -> Account:
    parent = _with_realm(world, file, (*at, "parent"), wanted.parent)
    named_twice = {"name", "realm", "enabled"} & set(wanted.document)
    if named_twice:
        member = sorted(named_twice)[0]
        raise file.refused((*at, "document", member), "stands beside the document, not in it")
    body = {**wanted.document, "name": wanted.name, "realm": wanted.realm}
    judged = account_rules.validated(body, world.accounts, world.release)
    beside = {path: kinds for path, kinds in judged.errors.items() if path in ("name", "realm")}
    _refuse(file, at, beside)
    _refuse(file, (*at, "document"), judged.errors)
    account = Account(
        id=wanted.id or derived(f"account {wanted.realm}"),
        tree=(*parent.tree, parent.id),
        document=judged.document,
        created=world.clock.gregorian(),
        reseller_id=parent.id if parent.is_reseller else parent.reseller_id,
        api_key=wanted.api_key or derived(f"key {wanted.realm}", 64),
        enabled=wanted.enabled,
        is_reseller=wanted.reseller,
    )
    if world.accounts.get(account.id):
        raise file.refused((*at, "id"), "another account has this id")
    if world.accounts.by_api_key(account.api_key):
        raise file.refused((*at, "apiKey"), "another account has this key")
    world.accounts.insert(account)
    return account


def _plan(world: World, file: SeedFile, at: At, wanted: SeedPlan) -> None:
    vendor = _with_realm(world, file, (*at, "vendor"), wanted.vendor)
    if world.service_plans.named(vendor.id, wanted.name):
        raise file.refused((*at, "name"), "its vendor sells another plan of this name")
    told = {"name": wanted.name, "description": wanted.description, "category": wanted.category}
    document = {key: value for key, value in told.items() if value} | {"plan": wanted.plan}
    plan_id = derived(f"plan {vendor.id} {wanted.name}")
    world.service_plans.save(vendor.id, plan_id, document, world.clock.gregorian())


def _app(world: World, file: SeedFile, at: At, wanted: SeedApp) -> None:
    vendor = _with_realm(world, file, (*at, "vendor"), wanted.vendor)
    if "name" in wanted.document:
        raise file.refused((*at, "document", "name"), "stands beside the document, not in it")
    if world.apps.named(vendor.id, wanted.name):
        raise file.refused((*at, "name"), "its vendor offers another app of this name")
    document = app.described(wanted.name, wanted.label or wanted.name, wanted.description)
    app_id = derived(f"app {vendor.id} {wanted.name}")
    world.apps.save(vendor.id, Document(app_id, document | wanted.document, world.clock.gregorian()))


def _holdings(world: World, file: SeedFile, at: At, account: Account, wanted: SeedAccount) -> None:
    if wanted.limits:
        errors: Errors = {}
        document = schema(world.release).check(dict(wanted.limits), (), errors)
        _refuse(file, (*at, "limits"), errors)
        world.limits.save(AccountLimits(account.id, document, revision=1))
    for place, user in enumerate(wanted.users):
        _user(world, file, (*at, "users", place), account, user)
    plans = {}
    for place, name in enumerate(wanted.plans):
        plan_id = world.service_plans.named(account.reseller_id, name)
        if plan_id is None:
            raise file.refused((*at, "plans", place), f"its reseller sells no plan named {name!r}")
        plans[plan_id] = {"vendor_id": account.reseller_id}
    if plans:
        world.services.save(Services(account.id, plans))
    _apps_store(world, file, at, account, wanted)
    _whitelabel(world, file, (*at, "whitelabel"), account, wanted.whitelabel)
    world.ledgers.total(account)
    for place, entry in enumerate(wanted.ledgers):
        _entry(world, file, (*at, "ledgers", place), account, entry)
    world.quantities.recount(account)


def _user(world: World, file: SeedFile, at: At, account: Account, wanted: SeedUser) -> None:
    told = {"email": wanted.email} if wanted.email else {}
    document = {
        **wanted.document, **told, "first_name": wanted.first_name, "last_name": wanted.last_name,
        "username": wanted.username, "password": wanted.password,
        "priv_level": "admin" if wanted.administrator else "user",
    }  # fmt: skip
    user = User(derived(f"user {account.id} {wanted.username}"), {}, world.clock.gregorian())
    try:
        user_rules.settle(world, account.id, user, document)
    except Refusal as refusal:
        _refuse(file, at, refusal.data)
    world.users.save(account.id, user)


def _apps_store(world: World, file: SeedFile, at: At, account: Account, wanted: SeedAccount) -> None:
    if not (wanted.apps or wanted.blacklist):
        return
    ids = {each.get("name"): each["id"] for each in allowed_apps.allowed(world, account)}

    def id_of(name: str, *place: str | int) -> str:
        if name not in ids:
            raise file.refused((*at, *place), f"the account is offered no app named {name!r}")
        return str(ids[name])

    apps = {
        id_of(name, "apps", name): {"name": name, "allowed_users": who} for name, who in wanted.apps.items()
    }
    blacklist = [id_of(name, "blacklist", place) for place, name in enumerate(wanted.blacklist)]
    world.apps_stores.save(AppsStore(account.id, {"apps": apps, "blacklist": blacklist}))


def _whitelabel(world: World, file: SeedFile, at: At, account: Account, wanted: dict[str, Any]) -> None:
    if not wanted:
        return
    errors: Errors = {}
    document = WHITELABEL.check(dict(wanted), (), errors)
    _refuse(file, at, errors)
    if world.whitelabels.with_domain(str(document.get("domain"))):
        raise file.refused((*at, "domain"), "another account has this domain")
    world.whitelabels.create(account.id, document)


def _entry(world: World, file: SeedFile, at: At, account: Account, wanted: SeedEntry) -> None:
    sign = 1 if wanted.type == "credit" else -1
    document: dict[str, Any] = {
        "source": {"service": wanted.service, "id": wanted.id},
        "account": named(account),
        "usage": {"type": wanted.type, "quantity": 0, "unit": wanted.unit},
        "period": {"start": world.clock.gregorian()},
        "metadata": {},
        "executor": {"trigger": "crossbar", "module": "cb_ledgers"},
    }
    if wanted.description:
        document["description"] = wanted.description
    try:
        world.ledgers.book(account, document, sign * int(Decimal(wanted.amount) * UNITS))
    except Duplicate:
        raise file.refused(at, "the account has this entry already") from None


def _with_realm(world: World, file: SeedFile, at: At, realm: str | None) -> Account:
    """The account with this realm, the master for none."""
    found = world.accounts.get(MASTER_ID) if realm is None else world.accounts.by_realm(realm)
    if found is None:
        raise file.refused(at, f"no account above has the realm {realm!r}")
    return found


def _refuse(file: SeedFile, at: At, errors: Errors) -> None:
    """What KAZOO would not take: the first of its objections."""
    for path, kinds in errors.items():
        kind, detail = next(iter(kinds.items()))
        cause = f": {detail['cause']}" if kind == "unique" else ""
        raise file.refused((*at, *path.replace("%2E", ".").split(".")), f"{detail['message']}{cause}")

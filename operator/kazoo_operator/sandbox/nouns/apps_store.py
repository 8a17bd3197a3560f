"""`.../apps_store`: apps that an account is offered, has installed, or is kept from (Crossbar API, apps).

Whoever may act on the account may install; the blacklist is for those strictly above it. Neither is
validated: where KAZOO cannot count what it is sent, it answers with the document that it has, and stores
nothing.
"""

from __future__ import annotations

import secrets
from typing import Any

from .. import allowed_apps, authority, billing, merging, owner
from ..account import Account
from ..allowed_apps import App
from ..apps_store import AppsStore
from ..call import Call, Reply
from ..document import Document
from ..refusal import Refusal, init_failed, system_error
from ..routes import ANY, Action, Noun, Resource
from ..world import World


def read_all(call: Call) -> Reply:
    """The list of what is published to the account, all of it, without a revision."""
    return Reply(allowed_apps.listed(call.world, _account(call)))


def read(call: Call) -> Reply:
    """One app whole; one that is blocked is told all the same, as not published."""
    app_id = call.match.arguments[0]
    app = allowed_apps.find(call.world, _account(call), app_id)
    if app is None:
        raise system_error(404, "bad_identifier", details=app_id)
    return Reply(app)


def install(call: Call) -> Reply:
    """A permission for an app that has none yet, also for one that is blocked."""
    app, store = _modified(call)
    if app["id"] in store.installed:
        raise Refusal(400, "Application already installed", {})
    return _permit(call, app, store)


def change(call: Call) -> Reply:
    """Another permission in its place."""
    app, store = _modified(call)
    _refuse_missing(app, store)
    return _permit(call, app, store)


def uninstall(call: Call) -> Reply:
    """Nobody is permitted any more."""
    app, store = _modified(call)
    _refuse_missing(app, store)
    left = {app_id: each for app_id, each in store.installed.items() if app_id != app["id"]}
    loaded = Reply({}, revision=store.rev)
    return _saved(call, store, {**store.document, "apps": left}, loaded)


def blacklist(call: Call) -> Reply:
    """The ids of apps that are blocked."""
    store = _blocking(call)
    return Reply({"blacklist": store.blacklist}, revision=store.rev)


def block(call: Call) -> Reply:
    """The whole list anew, whatever it is; none at all clears it."""
    store = _blocking(call)
    wanted = call.data.get("blacklist")
    kept = [] if wanted is None else wanted
    reply = _saved(call, store, {**store.document, "blacklist": kept}, Reply({"blacklist": kept}))
    reply.revision = store.rev  # the new one, where installs tell the one that they found
    return reply


def _account(call: Call) -> Account:
    """The account in the path; without one KAZOO crashes."""
    if call.account is None:
        raise init_failed()
    return owner.of(call)


def _modified(call: Call) -> tuple[App, AppsStore]:
    """The app in the path, which must be known to the account, and the document that is to be changed."""
    account, app_id = _account(call), call.match.arguments[0]
    app = allowed_apps.find(call.world, account, app_id)
    if app is None:
        raise system_error(403, details=app_id)
    return app, call.world.apps_stores.get(account.id)


def _refuse_missing(app: App, store: AppsStore) -> None:
    if app["id"] not in store.installed:
        raise Refusal(400, "Application is not installed", {})


def _permit(call: Call, app: App, store: AppsStore) -> Reply:
    permission = {**call.data, "name": app.get("name")}
    location = None
    if call.verb == "PUT":
        location = f"/v2/accounts/{store.account_id}/apps_store/{app['id']}/apps_store"
    reply = Reply(permission, revision=store.rev, location=location)
    apps = {**store.installed, app["id"]: permission}
    return _saved(call, store, {**store.document, "apps": apps}, reply)


def _blocking(call: Call) -> AppsStore:
    """The account's document for its ancestors; not even the master sees its own list of blocked apps."""
    account = _account(call)
    if call.caller.id not in account.tree:
        raise authority.forbidden()
    return call.world.apps_stores.get(account.id)


def _saved(call: Call, store: AppsStore, document: dict[str, Any], reply: Reply) -> Reply:
    """The reply once the document is stored; else what KAZOO says that has crashed on counting it."""
    world, account = call.world, _account(call)
    after = AppsStore(account.id, document, store.revision)
    if not after.is_countable():
        call.before_execution(store.rev)
        return Reply(store.shown, revision=store.rev)
    users = world.users.counted(account.id)
    before, counted = store.counted(users), after.counted(users)
    changes = {category: billing.difference(before[category], items) for category, items in counted.items()}
    billing.charge(call, account, changes)
    call.before_execution(store.rev)
    store.document = document
    world.apps_stores.save(store)
    billing.settle(call, account)
    return reply


def _edit(world: World, account: Account, merge: dict[str, Any]) -> dict[str, Any]:
    """An edit of `blacklist` and `apps`, the installed ones, behind KAZOO's back: no rules, but billed."""
    store = world.apps_stores.get(account.id)
    store.document = merging.merge_patched(store.document, merge)
    world.apps_stores.save(store)
    world.quantities.recount(account)
    return store.document


def _edit_app(world: World, account: Account, merge: dict[str, Any]) -> dict[str, Any]:
    """An app that the account offers: known by its `id` or else its `name`, new where there is none such."""
    apps, given = world.apps, str(merge.get("id") or "")
    app_id = given or apps.named(account.id, merge.get("name")) or secrets.token_hex(16)
    app = apps.get(account.id, app_id) or Document(app_id, {}, world.clock.gregorian(), revision=0)
    app.document = merging.merge_patched(
        app.document, {key: value for key, value in merge.items() if key != "id"}
    )
    app.revision += 1
    apps.save(account.id, app)
    return app.shown


def _state(world: World, account: Account) -> dict[str, Any]:
    store = world.apps_stores.get(account.id)
    return {"blacklist": store.blacklist, "apps": store.installed}


_rule = authority.of_the_account_or_superduper

NOUN = Noun(
    "apps_store",
    (
        Resource((), {"GET": Action(read_all, _rule)}),
        Resource(
            ("blacklist",),
            {"GET": Action(blacklist, _rule), "POST": Action(block, _rule, faults=billing.FAULTS)},
        ),
        Resource(
            (ANY,),
            {
                "GET": Action(read, _rule),
                "PUT": Action(install, _rule, faults=billing.FAULTS),
                "POST": Action(change, _rule, faults=billing.FAULTS),
                "DELETE": Action(uninstall, _rule, faults=billing.FAULTS),
            },
        ),
        Resource((ANY, "icon"), awaited=frozenset({"GET"})),
        Resource((ANY, "screenshot", ANY), awaited=frozenset({"GET"})),
    ),
    documents={"blacklist": _edit, "app": _edit_app},
    state=_state,
)

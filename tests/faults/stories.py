"""Stories of accounts: what is there at the beginning, what its objects ask for, and how it ended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from kazoo_operator.core.custom_resource import GROUP, JsonObject, Resource
from kazoo_operator.core.documents import NO_MATCH
from tests.engine.conftest import World, account, after, until_ready
from tests.faults.lives import Life, Scene

RICH: JsonObject = {"callRestrictions": {"international": "Deny"}, "outboundRouting": "Platform"}


async def _made(scene: Scene, called: str = "acme", **spec: Any) -> Resource:
    engine, resource = scene.world.engine(), account(called, **spec)
    held = after(resource, await until_ready(engine, resource))
    scene.world.objects.put(held)
    return held


async def creation(scene: Scene) -> None:
    """An account below a parent that is named."""
    await _made(scene, "parent", name="Parent", realm="parent.pbx.example.com")
    scene.put(account(parentRef={"name": "parent"}, **RICH))


async def creation_below_a_disabled_parent(scene: Scene) -> None:
    """KAZOO lets the account be born disabled as its parent is, where the spec says nothing."""
    parent = await _made(scene, "parent", name="Parent", realm="parent.pbx.example.com", enabled=False)
    assert parent.status["enabled"] is False
    scene.put(account(parentRef={"name": "parent"}, **RICH))


async def update(scene: Scene) -> None:
    """Several fields, the name and the routing."""
    held = await _made(scene, **RICH)
    changed = {
        "name": "Acme Teeth",
        "timezone": "Asia/Tokyo",
        "contacts": {"billing": {"phone": "+14085550199"}},
        "callRestrictions": {"toll_us": "Deny"},
        "outboundRouting": "Own",
    }
    scene.put(replace(held, generation=2, spec={**held.spec, **changed}))


async def drift(scene: Scene) -> None:
    """KAZOO was edited behind our back: fields, a restriction and the routing."""
    held = await _made(scene, **RICH)
    account_id = str(held.status["accountID"])
    restriction = {"international": {"action": "inherit"}}
    await scene.world.edit(account_id, {"timezone": "Etc/UTC", "call_restriction": restriction})
    (flow,) = await scene.world.callflows(account_id)
    routing = {"flow": {"module": "resources", "data": {}, "children": {}}}
    await scene.world.open[-1].write(account_id, NO_MATCH.of(str(flow["id"])), routing)
    scene.put(held)


async def adoption(scene: Scene) -> None:
    """An account that a person made, with flags of another tool."""
    person = scene.world.engine(owner="person")
    made = await until_ready(person, account("person"))
    await scene.world.edit(made.fields["accountID"], {"flags": ["crm/7"], "timezone": "Etc/UTC"})
    scene.put(account(adopt=True, outboundRouting="Own"))


async def moved_realm(scene: Scene) -> None:
    """A new realm, with consent."""
    held = await _made(scene, **RICH)
    consent = "acme.pbx.example.com->new.pbx.example.com"
    spec = {**held.spec, "realm": "new.pbx.example.com", "allowRealmChange": consent}
    scene.put(replace(held, generation=2, spec=spec))


async def deletion(scene: Scene) -> None:
    """Two objects are being deleted at once, one below the other: the parent's turn comes first."""
    resources = (
        await _made(scene, deletionPolicy="Delete"),
        await _made(
            scene,
            "child",
            name="Child",
            realm="child.pbx.example.com",
            parentRef={"name": "acme"},
            deletionPolicy="Delete",
        ),
    )
    for one in resources:
        notes = {f"{GROUP}/confirm-delete": str(one.spec["name"])}
        scene.put(replace(one, deleting=True, annotations=notes))


async def recreation(scene: Scene) -> None:
    """An account was deleted in KAZOO, and a person asks for a new one."""
    held = await _made(scene, **RICH)
    lost = str(held.status["accountID"])
    await scene.world.open[-1].delete_account(lost)
    scene.put(replace(held, annotations={f"{GROUP}/recreate": lost}))


STORIES = (
    creation,
    update,
    drift,
    adoption,
    moved_realm,
    deletion,
    recreation,
)
Story = Callable[[Scene], Awaitable[None]]


async def begin(world: World, story: Story, shown: bool = False) -> Scene:
    """The story at its beginning, in a KAZOO that holds nothing else and has an empty journal."""
    await world.control("POST", "reset")
    world.objects.held.clear()
    world.memory.noted.clear()
    scene = Scene(world, shown)
    await story(scene)
    for backend in world.open:
        await backend.close()
    world.open.clear()
    await world.control("DELETE", "requests")
    return scene


@dataclass(frozen=True)
class End:
    """How a story ended: statuses, KAZOO's accounts and their callflows, without ids, times and money."""

    statuses: dict[str, Any]
    accounts: list[Any]
    deletions: int
    writes: Counter[str]


async def end_of(scene: Scene) -> End:
    """What is there now, and what was written on the way."""
    state = (await scene.world.control("GET", "state"))["accounts"]
    accounts = [(held["account"], sorted(map(repr, map(_plain, _flows(held))))) for held in state.values()]
    statuses = {
        name: found.released or (found.outcome.reason.value, found.outcome.message, found.fields, found.also)
        for name, found in scene.ended.items()
    }
    noted = [done.account_id for done in scene.world.memory.noted]
    assert len(noted) == len(set(noted)), "a deletion is noted twice"
    plain = sorted((_plain(one) for one in accounts), key=repr)
    return End(_plain(statuses), plain, len(noted), await writes_of(scene.world))


async def writes_of(world: World) -> Counter[str]:
    """Every write that came to KAZOO, logins aside, by method and route."""
    calls = (await world.control("GET", "requests"))["requests"]
    written = [call for call in calls if call["method"] != "GET" and "/accounts" in call["path"]]
    return Counter(f"{call['method']} {_plain(call['path'])}" for call in written)


def _flows(held: JsonObject) -> list[JsonObject]:
    found = held["callflows"]
    return list(found.values()) if isinstance(found, dict) else list(found)


_LEFT_OUT = frozenset({"balance", "created", "modified", "api_key", "_rev", "revision", "pvt_api_key"})


def _plain(value: Any) -> Any:
    """Without what differs between two runs of the same story."""
    if isinstance(value, dict):
        return {_plain(name): _plain(held) for name, held in value.items() if name not in _LEFT_OUT}
    if isinstance(value, (list, tuple)):
        return [_plain(held) for held in value]
    if isinstance(value, str):
        return re.sub(r"[0-9a-f]{32}", "ID", value)
    return value


def one_no_match_each(end: End) -> bool:
    """Whether every account that an object made has exactly one callflow for what matches nothing."""
    marked = [flows for document, flows in end.accounts if document.get("flags")]
    return all(sum("no_match" in flow for flow in flows) == 1 for flows in marked)


async def undisturbed(world: World, story: Story) -> tuple[End, list[str]]:
    """The end of a story in which nothing goes wrong, and all calls on the way."""
    scene = await begin(world, story)
    life = Life(world, **dict(scene.options))
    await scene.live(life)
    calls = list(life.calls)
    await scene.rest(life)
    await life.end()
    return await end_of(scene), calls

"""Twenty accounts are made, changed and deleted while the operator is killed again and again."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field

import pytest

from tests.soak.killing import DOMAIN, Mortal, is_ready

pytestmark = [pytest.mark.cluster, pytest.mark.soak]

ACCOUNTS = 20
KILLS = int(os.environ.get("KILLS") or 100)
ZONES = ("Asia/Tokyo", "Europe/Berlin", "America/Los_Angeles", "Etc/UTC")
ROUTINGS = ("Platform", "Own", "Reseller")


@dataclass
class People:
    """What people do to the objects, and what they want to be there; name -> timezone and routing."""

    mortal: Mortal
    chance: random.Random
    wanted: dict[str, tuple[str, str]] = field(default_factory=dict)
    made: int = 0
    done: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("make", "change", "delete"), 0))

    def act(self) -> None:
        """Make an object, change one, or delete one."""
        if len(self.wanted) < ACCOUNTS and (not self.wanted or self.chance.random() < 0.45):
            self.made += 1
            self._apply(f"loop-{self.made}", "make")
            return
        name = self.chance.choice(sorted(self.wanted))
        if self.chance.random() < 0.6:
            self._apply(name, "change")
        else:
            del self.wanted[name]
            self.done["delete"] += 1
            self.mortal.delete(name)

    def _apply(self, name: str, what: str) -> None:
        zone, routing = self.chance.choice(ZONES), self.chance.choice(ROUTINGS)
        self.wanted[name] = zone, routing
        self.done[what] += 1
        self.mortal.apply(name, timezone=zone, outboundRouting=routing)

    def satisfied(self) -> bool:
        """Whether exactly the wanted objects are there, and Ready."""
        bodies = self.mortal.bodies()
        return bodies.keys() == self.wanted.keys() and all(map(is_ready, bodies.values()))


def _slow_down(mortal: Mortal, chance: random.Random) -> None:
    """Some calls take their time or lose their answer, so that a kill finds more that is half done."""
    for _ in range(chance.randrange(4)):
        method = chance.choice(("PUT", "PATCH", "DELETE", "GET"))
        after = chance.random() < 0.5
        mortal.stage.sandbox.fault(
            {"delay": chance.uniform(0.1, 1.5), "afterCommit": after}, method, "^/v2/acc"
        )
    if chance.random() < 0.2:
        lost = {"reset": True, "afterCommit": True}
        mortal.stage.sandbox.fault(lost, "^(PUT|PATCH|DELETE)$", "^/v2/accounts")


def test_whatever_the_moments_of_the_kills_each_object_has_one_account_in_the_end(
    mortal: Mortal, chance: random.Random
) -> None:
    people = People(mortal, chance)
    while len(people.wanted) < ACCOUNTS // 2:
        people.act()
    began = time.monotonic()
    for number in range(1, KILLS + 1):
        mortal.live(ready=chance.random() < 0.8)
        _slow_down(mortal, chance)
        for _ in range(chance.randint(1, 3)):
            people.act()
        time.sleep(chance.uniform(0, 1.5))
        mortal.die()
        twice = [realm for realm, count in mortal.realms().items() if count > 1]
        assert not twice, f"after kill {number}"
        if number % 10 == 0:
            print(f"  kill {number} of {KILLS}, {time.monotonic() - began:.0f} s, {people.done}", flush=True)
    mortal.live()
    mortal.until(people.satisfied, "all objects as they are wanted", 300)
    assert set(mortal.realms()) == {f"{name}.{DOMAIN}" for name in people.wanted}
    assert all(count == 1 for count in mortal.realms().values())
    bodies, accounts = mortal.bodies(), mortal.stage.sandbox.accounts()
    for name, (zone, _) in people.wanted.items():
        held = accounts[bodies[name]["status"]["accountID"]]
        assert (held["realm"], held["timezone"]) == (f"{name}.{DOMAIN}", zone)
    deleted = [call for call in mortal.calls() if call["method"] == "DELETE" and call["status"] == 200]
    assert len({call["path"] for call in deleted}) == len(deleted), "an account was deleted twice"
    assert min(people.done.values()) > 0

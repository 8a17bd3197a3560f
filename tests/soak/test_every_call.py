"""SIGKILL at every call of a creation, an update and a deletion: KAZOO's, and writes to the API server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.soak.killing import DOMAIN, Mortal

pytestmark = [pytest.mark.cluster, pytest.mark.soak]

MOST = 60
STEPS = ("start", "create", "update", "delete")


class Step:
    """One step of an object's life."""

    def __init__(self, mortal: Mortal, step: str) -> None:
        self.mortal, self.step = mortal, step

    def prepare(self, name: str) -> None:
        """What stands before it."""
        if self.step == "start":
            if self.mortal.lives:
                self.mortal.die()
            self.mortal.apply(name)
            return
        self.mortal.live()
        if self.step != "create":
            self.mortal.apply(name)
            self.mortal.until(lambda: self.mortal.ready(name), f"{name} Ready")
            self.mortal.until(lambda: self.mortal.told(name) >= {"Ready", "Created"}, f"the events of {name}")

    def begin(self, name: str) -> None:
        """What a person does."""
        if self.step == "start":
            self.mortal.live(ready=False)
        elif self.step == "create":
            self.mortal.apply(name)
        elif self.step == "update":
            contacts = {"billing": {"phone": "+14085550199"}}
            self.mortal.apply(name, timezone="Asia/Tokyo", contacts=contacts, outboundRouting="Own")
        else:
            self.mortal.delete(name)

    def done(self, name: str) -> bool:
        """Whether it has come to its end."""
        return self.mortal.body(name) is None if self.step == "delete" else self.mortal.ready(name)

    def end(self, name: str) -> str:
        """What is there then: one account or none, and what the object shows."""
        count = self.mortal.realms()[f"{name}.{DOMAIN}"]
        if self.step == "delete":
            assert count == 0
            return "gone"
        assert count == 1
        shown = self.mortal.shown(name)
        self.mortal.forget(name)
        return shown


def _killed(step: Step, name: str, hold: Callable[[], None], held: Callable[[], str]) -> str:
    """The step with a kill at the call that `hold` has held; which it was, empty when there was none."""
    mortal = step.mortal
    step.prepare(name)
    mortal.stage.sandbox.control("DELETE", "requests")
    hold()
    step.begin(name)
    mortal.until(lambda: held() or step.done(name), f"a call held, or the end of {name}")
    met = held()
    if met:
        mortal.die()
        mortal.live()
        mortal.until(lambda: step.done(name), f"the end of {name} after a kill at {met}")
    mortal.end()
    return met


def _undisturbed(step: Step) -> str:
    _killed(step, f"{step.step}-calm", lambda: None, lambda: "")
    return step.end(f"{step.step}-calm")


@pytest.mark.parametrize("what", STEPS)
def test_a_kill_at_any_call_to_kazoo_leaves_one_account_and_the_same_end(mortal: Mortal, what: str) -> None:
    step = Step(mortal, what)
    wanted, at, committed, killed, met = _undisturbed(step), 1, False, 0, "the first"
    while met and at < MOST:
        do = {"hang": True, "afterCommit": True} if committed else {"hang": True}

        def hold(at: int = at, do: dict[str, bool] = do) -> None:
            if at > 1:
                mortal.stage.sandbox.fault({"delay": 0}, ".", "^/v2/", times=at - 1)
            mortal.stage.sandbox.fault(do, ".", "^/v2/")

        def held(at: int = at) -> str:
            calls = mortal.calls()
            found = calls[at - 1] if len(calls) >= at else None
            return f"{found['method']} {found['path']}" if found and not found["status"] else ""

        name = f"{what}-{at}-{'after' if committed else 'before'}"
        met = _killed(step, name, hold, held)
        killed += bool(met)
        print(f"  {what} call {at} {'after' if committed else 'before'}: {met or 'none'}", flush=True)
        assert step.end(name) == wanted, f"killed at {met}"
        # A read that was carried out is as good as one that was not.
        committed = bool(met) and not committed and not met.startswith("GET")
        at += not committed
    assert not met and killed > 3


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("what", STEPS)
def test_a_kill_at_any_write_to_the_api_server_leaves_one_account_and_the_same_end(
    mortal: Mortal, what: str, committed: bool
) -> None:
    step = Step(mortal, what)
    wanted, met, at = _undisturbed(step), "the first", 0
    while met and at < MOST:
        at += 1

        def hold(at: int = at) -> None:
            mortal.proxy.hold(at, committed)

        name = f"{what}-write-{at}"
        met = _killed(step, name, hold, lambda: mortal.proxy.held)
        print(f"  {what} write {at}: {met or 'none'}", flush=True)
        assert step.end(name) == wanted, f"killed at {met}"
    assert not met and at > 1

"""An operator that is killed at a call of a test's choosing, and what its accounts are like in the end."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.cluster.conftest import NAMESPACE, Stage
from tools.api_proxy import ApiProxy, running_api_proxy
from tools.stack import until

DOMAIN = "soak.example.com"


class HoldingProxy(ApiProxy):
    """Once told, holds the so manieth write for ever, before it is forwarded or after; `held` says which."""

    def __init__(self, upstream: str, authority: str) -> None:
        super().__init__(upstream, authority)
        self.held = ""
        self._left, self._committed = 0, False

    def hold(self, at: int, committed: bool) -> None:
        """Hold the write number `at` from now; with `committed` it is carried out."""
        self.held, self._committed, self._left = "", committed, at

    def let_go(self) -> None:
        """Hold nothing from now on."""
        self._left = 0

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self._left and request.method not in ("GET", "HEAD"):
            self._left -= 1
            if not self._left:
                if self._committed:
                    await super()._handle(request)
                self.held = f"{request.method} {request.path}"
                await asyncio.sleep(3600)
        return await super()._handle(request)


@contextmanager
def running_holding_proxy(kubeconfig: Path) -> Iterator[HoldingProxy]:
    """Like `running_api_proxy`, of that class."""
    import tools.api_proxy as module

    before = module.ApiProxy
    module.ApiProxy = HoldingProxy  # type: ignore[misc]
    try:
        with running_api_proxy(kubeconfig) as proxy:
            assert isinstance(proxy, HoldingProxy)
            yield proxy
    finally:
        module.ApiProxy = before  # type: ignore[misc]


@dataclass
class Mortal:
    """The stage, and the lives of its operator."""

    stage: Stage
    proxy: HoldingProxy
    lives: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def live(self, ready: bool = True) -> None:
        """Begin a life, if there is none."""
        process = self.stage.operator.process
        if process is None or process.poll() is not None:
            self.stage.operator.start(ready=ready)
            self.lives += 1

    def die(self) -> None:
        """SIGKILL; whatever held a call lets go of it."""
        self.stage.operator.kill()
        self.proxy.let_go()
        self.stage.sandbox.control("DELETE", "faults")

    def end(self) -> None:
        """Nothing holds the operator's end up."""
        self.proxy.let_go()
        self.stage.sandbox.control("DELETE", "faults")

    # Objects.

    def apply(self, name: str, **spec: Any) -> None:
        """An object whose account goes with it."""
        said = {"realm": f"{name}.{DOMAIN}", "deletionPolicy": "Delete", "outboundRouting": "Platform"}
        self.stage.apply(name, **{**said, **spec})

    def delete(self, name: str) -> None:
        """A person confirms, and deletes the object."""
        note = f"kazoo-operator.io/confirm-delete=Acme {name}"
        self._kubectl("annotate", "--overwrite", "account", name, note)
        self._kubectl("delete", "account", name, "--wait=false")

    def forget(self, name: str) -> None:
        """The object goes, its account stays."""
        self._kubectl("patch", "account", name, "--type=merge", "-p", '{"spec":{"deletionPolicy":"Retain"}}')
        self._kubectl("delete", "account", name, "--wait=false")
        self.until(lambda: self.body(name) is None, f"the end of {name}")

    def body(self, name: str) -> dict[str, Any] | None:
        """The object; None where there is none."""
        text = self._kubectl("get", "account", name, "--ignore-not-found", "-o", "json")
        return json.loads(text) if text.strip() else None

    def bodies(self) -> dict[str, dict[str, Any]]:
        """All objects by name."""
        items = json.loads(self._kubectl("get", "accounts", "-o", "json"))["items"]
        return {one["metadata"]["name"]: one for one in items}

    def _kubectl(self, *arguments: str) -> str:
        return self.stage.plane.kubectl("--namespace", NAMESPACE, *arguments)

    # What came of them.

    def ready(self, name: str) -> bool:
        """Whether the object is Ready at its generation."""
        body = self.body(name)
        return body is not None and is_ready(body)

    def shown(self, name: str) -> str:
        """Finalizers and status, without ids, the object's name and times."""
        body = self.body(name)
        assert body is not None
        found = {**body["status"], "finalizers": body["metadata"].get("finalizers")}
        text = re.sub(r"[0-9a-f]{32}|\d{4}-\d\d-\d\dT[\d:]+Z", "#", json.dumps(found, sort_keys=True))
        return text.replace(name, "NAME")

    def told(self, name: str) -> set[str]:
        """The reasons of the events about the object."""
        items = json.loads(self._kubectl("get", "events.v1.events.k8s.io", "-o", "json"))["items"]
        return {one["reason"] for one in items if one["regarding"]["name"] == name}

    def realms(self) -> Counter[str]:
        """How many accounts have each realm of ours; each of them has one callflow, no more."""
        found: Counter[str] = Counter()
        for held in self.stage.sandbox.control("GET", "state")["accounts"].values():
            realm = str(held["account"].get("realm"))
            if realm.endswith(DOMAIN):
                found[realm] += 1
                assert len(held["callflows"]) <= 1, f"{realm} has {len(held['callflows'])} callflows"
        return found

    def calls(self) -> list[dict[str, Any]]:
        """What KAZOO was asked since the journal was emptied."""
        return self.stage.sandbox.calls()

    def until(self, true: Callable[[], Any], what: str, seconds: float = 90) -> None:
        """Wait; AssertionError with what the operator said."""
        try:
            until(true, what, seconds)
        except Exception as error:
            said = self.stage.operator.said()[-3000:]
            raise AssertionError(f"{error}\n{json.dumps(self.bodies(), indent=1)[-4000:]}\n{said}") from None


def is_ready(body: dict[str, Any]) -> bool:
    """Whether the object is Ready at its generation, and goes nowhere."""
    status, metadata = body.get("status") or {}, body["metadata"]
    reasons = [one["reason"] for one in status.get("conditions") or () if one["type"] == "Ready"]
    current = status.get("observedGeneration") == metadata["generation"]
    return current and reasons == ["Ready"] and not metadata.get("deletionTimestamp")

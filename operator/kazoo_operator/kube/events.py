"""Events: what `kubectl describe` shows beside the status. Best effort; the condition is the truth."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from kazoo_operator.core.custom_resource import API_VERSION, JsonObject
from kazoo_operator.core.outcome import Event, Outcome, Reason
from kazoo_operator.kube.session import ApiServer
from kazoo_operator.kube.status import FIELD_MANAGER, Target

_API = "events.k8s.io/v1"
_LONGEST = 1024
_WAITING = 2000
_REMEMBERED = 20_000
_AGAIN_AFTER = 3600.0
_HURRY = 0.5

log = logging.getLogger(__name__)


def event_of(outcome: Outcome) -> Event:
    """What a transition to `outcome` is told as."""
    good = outcome.reason in (Reason.READY, Reason.CREATING)
    return Event(outcome.reason.value, outcome.message, warning=not good)


def event_body(target: Target, event: Event, instance: str, now: str) -> JsonObject:
    """The Event object; its note is cut to 1024 bytes."""
    key = target.key
    note = event.message.encode()[:_LONGEST].decode(errors="ignore")
    return {
        "apiVersion": _API,
        "kind": "Event",
        "metadata": {"name": f"{key.name[:230]}.{secrets.token_hex(8)}", "namespace": key.namespace},
        "eventTime": now,
        "type": "Warning" if event.warning else "Normal",
        "reason": event.reason,
        "note": note,
        "action": "Reconcile",
        "reportingController": "kazoo-operator",
        "reportingInstance": instance[:128],
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
            "uid": target.uid,
        },
    }


class Recorder:
    """Posts Events one after the other in the background; what fails or is too much is dropped.

    `instance` says which process tells; `clock` is monotonic, in seconds.
    """

    def __init__(self, api: ApiServer, instance: str, clock: Callable[[], float]) -> None:
        self._api = api
        self._instance = instance
        self._clock = clock
        self._waiting: asyncio.Queue[tuple[str, JsonObject]] = asyncio.Queue(_WAITING)
        self._told: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def turned(self, target: Target, outcome: Outcome) -> None:
        """Ready has another reason than before."""
        self._post(target, event_of(outcome))

    def tell(self, target: Target, event: Event) -> None:
        """Something that a pass has to tell; the same of an object not twice within an hour."""
        told, now = (target.uid, event.reason, event.message), self._clock()
        if now - self._told.get(told, float("-inf")) < _AGAIN_AFTER:
            return
        self._told[told] = now
        self._told.move_to_end(told)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        self._post(target, event)

    async def run(self) -> None:
        """Post for ever."""
        while True:
            await self._send(*await self._waiting.get())
            self._waiting.task_done()

    async def drain(self) -> None:
        """Give what waits half a second to be posted."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_HURRY):
                await self._waiting.join()

    def _post(self, target: Target, event: Event) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        try:
            body = event_body(target, event, self._instance, now)
            self._waiting.put_nowait((target.key.namespace, body))
        except asyncio.QueueFull:
            log.debug("%s: the event %s is dropped: too many wait", target.key, event.reason)

    async def _send(self, namespace: str, body: JsonObject) -> None:
        try:
            path = f"/apis/{_API}/namespaces/{namespace}/events"
            await self._api.post(path, body, {"fieldManager": FIELD_MANAGER})
        except Exception as error:  # whatever it is, an event is not worth it
            log.debug("%s: an event was not taken: %s", body["regarding"]["name"], error)

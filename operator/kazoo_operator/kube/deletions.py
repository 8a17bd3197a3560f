"""What was deleted within the last hour: an annotation on our Lease, so that it outlives the process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kazoo_operator.core.custom_resource import GROUP, JsonObject
from kazoo_operator.kube.lease_object import LeaseObject
from kazoo_operator.kube.session import ApiServerError, Refused
from kazoo_operator.surroundings import Deletion

ANNOTATION = f"{GROUP}/deletions"
_REMEMBERED = 3600.0
_ATTEMPTS = 10


class LeaseDeletions:
    """`surroundings.Deletions` in an annotation of the Lease; `now` is Unix time in seconds.

    `may_write` says whether this process leads.
    """

    def __init__(self, lease: LeaseObject, now: Callable[[], float], may_write: Callable[[], bool]) -> None:
        self._lease = lease
        self._now = now
        self._may_write = may_write

    async def read(self) -> tuple[Deletion, ...]:
        """The deletions of the last hour. Raises OSError when they cannot be read."""
        try:
            return self._recent(await self._lease.read())
        except ApiServerError as error:
            raise OSError(f"the deletions on the Lease cannot be read: {error}") from None

    async def add(self, account_id: str) -> None:
        """Note one, before the account is deleted. Raises OSError when it cannot be noted."""
        if not self._may_write():
            raise OSError("the deletion is not noted: this process does not lead")
        try:
            await self._add(account_id)
        except ApiServerError as error:
            raise OSError(f"the deletion cannot be noted on the Lease: {error}") from None

    async def _add(self, account_id: str) -> None:
        for attempt in range(_ATTEMPTS):
            seen = await self._lease.read() or await self._lease.create({})
            deletions = [*self._recent(seen), Deletion(account_id, self._now())]
            text = json.dumps([{"accountID": one.account_id, "at": round(one.at, 3)} for one in deletions])
            try:
                await self._lease.change(seen, metadata={"annotations": {ANNOTATION: text}})
                return
            except Refused as refused:
                # 409: a renewal came in between.
                if refused.status != 409 or attempt == _ATTEMPTS - 1:
                    raise

    def _recent(self, seen: JsonObject | None) -> tuple[Deletion, ...]:
        annotations = ((seen or {}).get("metadata") or {}).get("annotations") or {}
        since = self._now() - _REMEMBERED
        return tuple(one for one in _read(annotations.get(ANNOTATION) or "[]") if one.at > since)


def _read(text: str) -> tuple[Deletion, ...]:
    """What the annotation says. Raises OSError when it is no such list: a limit must not fail open."""
    try:
        said: list[dict[str, Any]] = json.loads(text)
        return tuple(Deletion(str(one["accountID"]), float(one["at"])) for one in said)
    except (ValueError, TypeError, KeyError):
        raise OSError(
            f"the annotation {ANNOTATION} on the Lease cannot be read; correct it or take it away"
        ) from None

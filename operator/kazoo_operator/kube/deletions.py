"""What was deleted within the last hour, where it outlives the process.

For a TelephonyBackend it stands in its status, for the settings in an annotation on our Lease.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kazoo_operator.core.custom_resource import GROUP, JsonObject, Key
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.lease_object import LeaseObject
from kazoo_operator.kube.session import ApiServer, ApiServerError, Refused
from kazoo_operator.kube.status import FIELD_MANAGER
from kazoo_operator.surroundings import Deletion, Deletions

ANNOTATION = f"{GROUP}/deletions"
_REMEMBERED = 3600.0
_ATTEMPTS = 10
_MOST = 1000


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


class StatusDeletions:
    """`surroundings.Deletions` in `status.deletions` of a TelephonyBackend; `now` is Unix time in seconds.

    `path` is that of the object. Once it is gone, ends are still seen through, and noted in `otherwise`.
    """

    def __init__(
        self,
        api: ApiServer,
        cache: Cache,
        key: Key,
        path: str,
        otherwise: Deletions,
        now: Callable[[], float],
    ) -> None:
        self._api = api
        self._cache = cache
        self._key = key
        self._path = path
        self._otherwise = otherwise
        self._now = now

    async def read(self) -> tuple[Deletion, ...]:
        """The deletions of the last hour. Raises OSError when they cannot be read."""
        try:
            seen = await self._seen()
        except ApiServerError as error:
            raise OSError(f"the status cannot be read: {error}") from None
        return await self._otherwise.read() if seen is None else self._recent(seen)

    async def add(self, account_id: str) -> None:
        """Note one, before the account is deleted. Raises OSError when it cannot be noted."""
        try:
            if not await self._add(account_id):
                await self._otherwise.add(account_id)
        except ApiServerError as error:
            raise OSError(f"the status cannot be written: {error}") from None

    async def _add(self, account_id: str) -> bool:
        """Whether it is noted; False where the object is gone."""
        for attempt in range(_ATTEMPTS):
            seen = await self._seen()
            if seen is None:
                return False
            deletions = [*self._recent(seen), Deletion(account_id, self._now())][-_MOST:]
            noted = [{"accountID": one.account_id, "at": _as_text(one.at)} for one in deletions]
            metadata = {"resourceVersion": seen["metadata"]["resourceVersion"]}
            patch: JsonObject = {"metadata": metadata, "status": {"deletions": noted}}
            try:
                answer = await self._api.patch(f"{self._path}/status", patch, {"fieldManager": FIELD_MANAGER})
            except Refused as refused:
                # 409: its own pass came in between.
                if refused.status == 404:
                    return False
                if refused.status != 409 or attempt == _ATTEMPTS - 1:
                    raise
            else:
                self._cache.put(self._key.kind, answer)
                return True
        return False

    async def _seen(self) -> JsonObject | None:
        try:
            return await self._api.get(self._path)
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    def _recent(self, seen: JsonObject) -> tuple[Deletion, ...]:
        noted, since = (seen.get("status") or {}).get("deletions") or (), self._now() - _REMEMBERED
        try:
            found = [Deletion(str(one["accountID"]), _as_time(one["at"])) for one in noted]
        except (ValueError, TypeError, KeyError):
            raise OSError("status.deletions cannot be read; correct it or take it away") from None
        return tuple(one for one in found if one.at > since)


def _as_text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()

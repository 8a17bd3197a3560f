"""How many accounts of one KAZOO may be deleted within an hour, and whether a person has approved more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from kazoo_operator.core.custom_resource import GROUP, Key, Resource
from kazoo_operator.core.digest import digest_of
from kazoo_operator.core.outcome import Reason
from kazoo_operator.subject import Account, Halt, Subject
from kazoo_operator.surroundings import Deletions, Objects

HOUR = 3600.0


@dataclass
class Allowance:
    """The deletions at one KAZOO; `now` is Unix time in seconds.

    `backend` is the TelephonyBackend that an approval stands on; where the settings are the backend, None, it
    stands on any object that waits.
    """

    deletions: Deletions
    backend: Key | None
    now: Callable[[], float]
    waiting: dict[Key, str] = field(default_factory=dict)
    _approved: set[str] = field(default_factory=set)
    _admitting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def admit(self, subject: Subject, account: Account) -> None:
        """Note the deletion before it is done; one at a time, so that two do not count as one.

        Raises Halt when the hour's deletions are used up, and nobody approved more.
        """
        async with self._admitting:
            since = self.now() - HOUR
            try:
                noted = [done for done in await self.deletions.read() if done.at > since]
                recent = [done.account_id for done in sorted(noted, key=lambda done: done.at)]
                self._refuse_more(subject, account, recent)
                if account.id not in recent:
                    await self.deletions.add(account.id)
            except OSError as error:
                where = "Lease" if self.backend is None else "status of the TelephonyBackend"
                text = f"The deletion cannot be noted in the {where} ({error}), nor is it done then; retried."
                raise Halt(Reason.BACKEND_UNAVAILABLE, text) from None

    def settled(self, key: Key) -> None:
        """The object waits for no deletion any more."""
        self.waiting.pop(key, None)

    def _refuse_more(self, subject: Subject, account: Account, recent: list[str]) -> None:
        """`recent`: the ids of the accounts deleted within the hour, oldest first."""
        limit = subject.connection.policy.max_deletions_per_hour
        self.waiting = {key: held for key, held in self.waiting.items() if _still_waits(subject, key)}
        self.waiting[subject.resource.key] = account.id
        if account.id in recent or len(recent) < limit:
            return
        url, waiting = subject.connection.backend.url, set(self.waiting.values())
        # Of those that one approval names, some may be deleted by now: the last ones.
        digests = {digest(url, waiting.union(recent[left:])) for left in range(len(recent) + 1)}
        if self._is_approved(subject.objects, digests):
            self._approved |= waiting
        if account.id in self._approved:
            return
        where = "this object"
        if self.backend is not None:
            where = f"the TelephonyBackend {self.backend.called}"
        text = (
            f"{len(recent)} of {limit} deletions an hour are used up, and {len(waiting)} wait; for all of "
            f"them at once annotate {where} with {GROUP}/approve-deletions: {digest(url, waiting)}."
        )
        raise Halt(Reason.DELETION_LIMIT, text)

    def _is_approved(self, objects: Objects, digests: set[str]) -> bool:
        """Whether an annotation where it counts approves all who wait."""
        places = self.waiting if self.backend is None else (self.backend,)
        return any(approval(objects.get(key)) in digests for key in places)


def approval(resource: Resource | None) -> str | None:
    """The digest that an object's annotation approves."""
    return None if resource is None else resource.annotations.get(f"{GROUP}/approve-deletions")


def _still_waits(subject: Subject, key: Key) -> bool:
    """Whether an object that waited for its deletion still does: its policy may be Retain by now."""
    found = subject.objects.get(key)
    return found is not None and found.deleting and found.spec.get("deletionPolicy") == "Delete"


def digest(url: str, account_ids: set[str]) -> str:
    """`sha256:` and 64 hex digits over the backend's URL and the sorted ids, as canonical JSON."""
    return digest_of({"accounts": sorted(account_ids), "backend": url})

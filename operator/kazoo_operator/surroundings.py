"""What the engine is given by whoever runs it: the operator's rim, or the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from kazoo_operator.core.custom_resource import Key, Resource


class Objects(Protocol):
    """The custom resources as they were last seen."""

    def get(self, key: Key) -> Resource | None:
        """The object, or None when there is none."""

    def referring_to(self, key: Key) -> Iterable[Resource]:
        """The Accounts whose `parentRef.name` is this Account."""

    def attached(self, kind: str, account_id: str, realm: str) -> Iterable[Resource]:
        """The objects of `kind` whose `accountRef` means that account, in whatever form, or once did."""

    def with_realm(self, realm: str) -> Iterable[Resource]:
        """The Accounts, of any namespace, whose spec has this realm; whoever only observes has none."""


@dataclass(frozen=True)
class Deletion:
    """An account that we deleted, or were about to; `at` is Unix time in seconds."""

    account_id: str
    at: float


class Deletions(Protocol):
    """What was deleted lately; outlives the process."""

    async def read(self) -> tuple[Deletion, ...]:
        """The deletions of the last hour. Raises OSError when they cannot be read."""

    async def add(self, account_id: str) -> None:
        """To be called before the account is deleted. Raises OSError when it cannot be noted."""


class Secrets(Protocol):
    """The cluster's Secrets, by name only: none is listed or watched."""

    async def get(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """The entries of a Secret as they are now; None when there is none.

        Raises PermissionError where it may not be read, another OSError where nobody can tell.
        """


@dataclass(frozen=True)
class Surroundings:
    """`owner` stands in our marks; `leads` says at any moment whether we may write to KAZOO.

    `deletions` are those at the KAZOO of the settings, `deletions_of` those at that of a TelephonyBackend.
    """

    owner: str
    objects: Objects
    deletions: Deletions
    leads: Callable[[], bool]
    secrets: Secrets
    deletions_of: Callable[[Key], Deletions]

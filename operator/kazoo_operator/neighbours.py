"""The objects as one of them sees them: who has the same realm at another KAZOO is no neighbour."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.surroundings import Objects


@dataclass(frozen=True)
class Neighbours:
    """The objects that are about one KAZOO; `is_here` tells which those are. By name all are found."""

    objects: Objects
    is_here: Callable[[Resource], bool]

    def get(self, key: Key) -> Resource | None:
        """The object, or None when there is none."""
        return self.objects.get(key)

    def referring_to(self, key: Key) -> Iterable[Resource]:
        """The Accounts whose `parentRef.name` is this Account."""
        return self.objects.referring_to(key)

    def attached(self, kind: str, account_id: str, realm: str) -> Iterable[Resource]:
        """The objects of `kind` whose `accountRef` means that account of this KAZOO, or once did."""
        return filter(self.is_here, self.objects.attached(kind, account_id, realm))

    def with_realm(self, realm: str) -> Iterable[Resource]:
        """The Accounts here, of any namespace, whose spec has this realm; whoever only observes has none."""
        return filter(self.is_here, self.objects.with_realm(realm))

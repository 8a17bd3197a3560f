"""The objects in the cache, as the engine asks for them."""

from __future__ import annotations

from collections.abc import Iterator

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.kube.cache import Cache


class CachedObjects:
    """`surroundings.Objects` over the cache: what was seen last, without asking anybody."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def get(self, key: Key) -> Resource | None:
        """The object, or None when there is none."""
        entry = self._cache.get(key)
        return None if entry is None else Resource.of(key.kind, entry.body)

    def referring_to(self, key: Key) -> Iterator[Resource]:
        """The Accounts of the same namespace whose `spec.parentRef.name` is the key's name."""
        for child in self._cache.referring_to(key):
            if (resource := self.get(child)) is not None:
                yield resource

    def attached(self, kind: str, account_id: str, realm: str) -> Iterator[Resource]:
        """The objects of `kind` that belong to the account, by what they say and by their status."""
        for key in self._cache.attached(kind, account_id, realm):
            if (resource := self.get(key)) is not None:
                yield resource

    def with_realm(self, realm: str) -> Iterator[Resource]:
        """The managed Accounts of all namespaces with this `spec.realm`."""
        for key in self._cache.with_realm(realm):
            if (resource := self.get(key)) is not None:
                yield resource

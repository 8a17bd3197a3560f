"""The objects of the files as the engine looks at them, and which account each of them belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.lineage import ByAccount, account_words, reference, words_of
from kazoo_operator.core.wizard import rank_of_kind


@dataclass
class Held:
    """The objects of the files, with a status as far as one was found out."""

    resources: dict[Key, Resource] = field(default_factory=dict)
    _by_account: ByAccount = field(default_factory=ByAccount)
    _by_realm: dict[str, list[Key]] | None = None

    def get(self, key: Key) -> Resource | None:
        """The object, or None when there is none."""
        return self.resources.get(key)

    def referring_to(self, key: Key) -> Iterable[Resource]:
        """Nobody: only a deletion asks."""
        return ()

    def note_words(self) -> None:
        """Remember by which words objects name their account; to be called once Accounts have a status."""
        self._by_account = ByAccount()
        for key, resource in self.resources.items():
            self._by_account.add(key, account_words(resource))

    def attached(self, kind: str, account_id: str, realm: str) -> Iterable[Resource]:
        """The objects of the kind that belong to that account, or stand for it."""
        return [self.resources[key] for key in self._by_account.attached(kind, account_id, realm)]

    def with_realm(self, realm: str) -> Iterable[Resource]:
        """The objects that are to manage an account with this realm."""
        if self._by_realm is None:
            self._by_realm = {}
            for key, resource in self.resources.items():
                if not resource.observe_only:
                    self._by_realm.setdefault(str(resource.spec.get("realm")), []).append(key)
        return [self.resources[key] for key in self._by_realm.get(realm, ())]


def orderly(number: int, resource: Resource) -> Resource:
    """The object as others look at it: its parent, if that is of the right form, and its place in the files.

    What comes first in the files is taken to be the older.
    """
    spec = {**resource.spec, "parentRef": reference(resource)}
    return replace(resource, spec=spec, status={}, created=f"{number:09}")


def named_accounts(resource: Resource) -> Iterator[Key]:
    """The Accounts that the object names, as its parent or as what it belongs to."""
    for said in (reference(resource), resource.spec.get("accountRef")):
        name = said.get("name") if isinstance(said, dict) else None
        if name:
            yield Key("Account", resource.key.namespace, str(name))


def homes(attached: Iterable[Resource], accounts: Iterable[tuple[Key, str, str]]) -> dict[Key, Key | None]:
    """Object -> the Account of the files that it belongs to, in whatever form it says so; None without one.

    `accounts`: each Account with its id, where it has one, and the realm that it has or will have. Of one
    Account's objects those come first that KAZOO's wizard asks for first.
    """
    by_word: dict[str, Key] = {}
    for key, account_id, realm in accounts:
        for word in words_of(account_id, realm, (key,)):
            by_word.setdefault(word, key)
    ordered = sorted(attached, key=lambda one: rank_of_kind(one.key.kind))
    return {
        one.key: next((by_word[word] for word in account_words(one) if word in by_word), None)
        for one in ordered
    }


def as_one_tree(above: Mapping[Key, Key | None], homes: Mapping[Key, Key | None]) -> dict[Key, Key | None]:
    """Accounts and what belongs to them, each object behind its account and before the accounts below."""
    kept = {key: home for key, home in homes.items() if home is not None}
    loose = {key: None for key, home in homes.items() if home is None}
    return {**kept, **above, **loose}

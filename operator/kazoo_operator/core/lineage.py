"""The order of objects that name one another as parents: by levels, and as a tree is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kazoo_operator.core.custom_resource import JsonObject, Key, Resource

BACKEND = "TelephonyBackend"
BY_DEFAULT = "default"

Parents = Mapping[Key, Key | None]
"""Object -> the object among the same set that it stands below; None at the top. Never a cycle."""


def parents(resources: Iterable[Resource]) -> Parents:
    """Who stands below whom, whatever form the reference has. Of a cycle, one link is left out.

    Its objects are told. Of several objects about one account, one that manages it stands for it.
    """
    held = {resource.key: resource for resource in resources}
    by_word: dict[tuple[str, str], Key] = {}
    for resource in sorted(held.values(), key=lambda one: one.observe_only):
        for word in words(resource.spec):
            by_word.setdefault(word, resource.key)
    found: dict[Key, Key | None] = {}
    for key, resource in held.items():
        said = reference(resource)
        above = Key(key.kind, key.namespace, str(said["name"])) if "name" in said else None
        if above is None:
            above = next((by_word[word] for word in words(said) if word in by_word), None)
        found[key] = above if above in held and not _leads_to(found, above, key) else None
    return found


def reference(resource: Resource) -> JsonObject:
    """The `parentRef` of an object; empty where it is none."""
    said = resource.spec.get("parentRef")
    return said if isinstance(said, dict) else {}


def backend_of(resource: Resource) -> Key:
    """The TelephonyBackend that an object refers to, whether or not there is one."""
    said = resource.spec.get("backendRef")
    named = said if isinstance(said, dict) else {}
    namespace = str(named.get("namespace") or resource.key.namespace)
    return Key(BACKEND, namespace, str(named.get("name") or BY_DEFAULT))


def means_own_default(resource: Resource) -> bool:
    """Whether the object means the `default` of its own namespace, for which the settings may stand."""
    key = backend_of(resource)
    return (key.namespace, key.name) == (resource.key.namespace, BY_DEFAULT)


def account_words(resource: Resource) -> tuple[str, ...]:
    """The words that tell which account an object is, or belongs to: an id, a realm, an Account's name."""
    said = resource.spec.get("accountRef")
    known = resource.status.get("accountID")
    words = [f"accountID {known}"] if known else []
    for member, value in said.items() if isinstance(said, dict) else ():
        words.append(f"name {resource.key.namespace}/{value}" if member == "name" else f"{member} {value}")
    return tuple(dict.fromkeys(words))


def words_of(account_id: str, realm: str, accounts: Iterable[Key]) -> set[str]:
    """The words of what belongs to the account; `accounts` are the objects that stand for it."""
    names = {f"name {key.namespace}/{key.name}" for key in accounts}
    return {f"accountID {account_id}", f"realm {realm}", *names}


class ByAccount:
    """Objects by the words that tell which account each is, or belongs to; nothing is scanned."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], dict[Key, None]] = {}

    def add(self, key: Key, words: Iterable[str]) -> None:
        """The object is, or belongs to, the account of these words."""
        for word in words:
            self._told.setdefault((key.kind, word), {})[key] = None

    def remove(self, key: Key, words: Iterable[str]) -> None:
        """The object is not any more what it was said to be by these words."""
        for word in words:
            keys = self._told.get((key.kind, word), {})
            keys.pop(key, None)
            if not keys:
                self._told.pop((key.kind, word), None)

    def attached(self, kind: str, account_id: str, realm: str) -> tuple[Key, ...]:
        """The objects of the kind that belong to the account, or stand for it, however they say so."""
        accounts = self._told.get(("Account", f"accountID {account_id}"), ())
        words = words_of(account_id, realm, accounts)
        return tuple(dict.fromkeys(key for word in words for key in self._told.get((kind, word), ())))


def levels(above: Parents) -> list[list[Key]]:
    """The objects in levels: those at the top, those below them, and so on; each level in the order given."""
    depths: dict[Key, int] = {}
    found: list[list[Key]] = []
    for key in above:
        for one in reversed(_line(above, key)):
            parent = above[one]
            depths.setdefault(one, 0 if parent is None else depths[parent] + 1)
    for key in above:
        found.extend([] for _ in range(depths[key] + 1 - len(found)))
        found[depths[key]].append(key)
    return found


def as_a_tree(above: Parents) -> list[Key]:
    """Each object with what is below it behind it, otherwise in the order given."""
    below: dict[Key | None, list[Key]] = {}
    for key, parent in above.items():
        below.setdefault(parent, []).append(key)
    found, open_ones = [], list(reversed(below.get(None, ())))
    while open_ones:
        key = open_ones.pop()
        found.append(key)
        open_ones.extend(reversed(below.get(key, ())))
    return found


def _line(above: Parents, key: Key) -> list[Key]:
    """The object and what is above it, upwards."""
    found, one = [], above[key]
    found.append(key)
    while one is not None:
        found.append(one)
        one = above[one]
    return found


def _leads_to(found: Parents, start: Key | None, end: Key) -> bool:
    while start is not None and start != end:
        start = found.get(start)
    return start == end


def words(said: JsonObject) -> list[tuple[str, str]]:
    """What names an account, in a spec as in a reference: the id first, which cannot be mistaken."""
    forms = [(form, said.get(form)) for form in ("accountID", "realm")]
    return [(form, value) for form, value in forms if isinstance(value, str) and value]

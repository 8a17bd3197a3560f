"""The accounts among the objects of a set of files, and which of them speak of one and the same account.

Also: who refers to an account that is not among them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeGuard

from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.lineage import words
from kazoo_operator.core.near import nearest
from kazoo_operator.rules.backends import Backends, Place, refer_alike
from kazoo_operator.rules.rule import Objection, Rule

Said = Iterator[tuple[int, Objection]]
Numbered = list[tuple[int, Resource]]

# A thousand different slips among a thousand names would take minutes.
_SLIPS = 50


def accounts(resources: Sequence[Resource]) -> Numbered:
    """The accounts with their numbers in the set, each object once."""
    seen: dict[Key, tuple[int, Resource]] = {}
    for number, resource in enumerate(resources):
        if resource.key.kind == "Account" and resource.key.name:
            seen.setdefault(resource.key, (number, resource))
    return list(seen.values())


def is_managed(resource: Resource) -> bool:
    """Whether the account is brought to its spec; another object may observe the same."""
    return not resource.observe_only


def managed(resources: Sequence[Resource]) -> Numbered:
    """The accounts that are brought to their spec."""
    return [one for one in accounts(resources) if is_managed(one[1])]


def said(resource: Resource, name: str) -> str:
    """The text of a field of the spec; empty where it has none."""
    value = resource.spec.get(name)
    return value if isinstance(value, str) else ""


class Directory:
    """Whom each account of a set stands below, whatever form the reference has.

    Of several objects about one account (the same accountID or realm), one speaks for it: a managed one, and
    each managed one for itself. An id and a realm mean something in one KAZOO only.
    """

    def __init__(self, found: Iterable[Resource], backends: Backends) -> None:
        self._backends = backends
        self._by_word: dict[tuple[Place, tuple[str, str]], Key] = {}
        self._objects = {one.key: one for one in sorted(found, key=is_managed, reverse=True)}
        objects = self._objects.values()
        for one in objects:
            for word in words(one.spec):
                self._by_word.setdefault((backends.place(one), word), one.key)
        self._speaker = {
            one.key: one.key if is_managed(one) else self._first(one, one.spec) or one.key for one in objects
        }
        self._above = {one.key: self.referred(one, parent_reference(one)) for one in objects}

    def speaker(self, key: Key) -> Key:
        """The object that speaks for the account of this one."""
        return self._speaker[key]

    def above(self, key: Key) -> Key | None:
        """The object that speaks for the account above this one; None where it is not in the set."""
        return self._above[key]

    def referred(self, referring: Resource, reference: JsonObject) -> Key | None:
        """The object that speaks for the account of a reference; None where it is not in the set."""
        name = reference.get("name")
        named = Key("Account", referring.key.namespace, name) if _is_text(name) else None
        if named in self._speaker and refer_alike(referring, self._objects[named]):
            return self._speaker[named]
        return self._first(referring, reference)

    def _first(self, referring: Resource, said_of_it: JsonObject) -> Key | None:
        found = [(self._backends.place(referring), word) for word in words(said_of_it)]
        return next((self._by_word[word] for word in found if word in self._by_word), None)


def missing(
    resources: Sequence[Resource], found: Numbered, field: str, least: int
) -> Iterator[tuple[int, Objection]]:
    """Those of the objects `found` whose reference `field` names no Account of the set.

    Said only where the set holds Accounts of that namespace: `least` of them.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for _, one in accounts(resources):
        names[one.key.namespace].add(one.key.name)
    hints: dict[Key, str] = {}
    for number, one in found:
        wanted, known = reference(one, field).get("name"), names[one.key.namespace]
        if isinstance(wanted, str) and len(known) >= least and wanted not in known:
            key = Key("Account", one.key.namespace, wanted)
            if key not in hints and len(hints) < _SLIPS:
                near = nearest(wanted, sorted(known - {one.key.name} if one.key.kind == "Account" else known))
                hints[key] = f"did you mean {near}?" if near else ""
            text = f"no Account {wanted} is among the files; unless the cluster has it, this one waits"
            yield number, Objection(f"spec.{field}.name", text, hints.get(key, ""))


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def parent_reference(resource: Resource) -> JsonObject:
    """The `parentRef` of an account; empty where it is none."""
    return reference(resource, "parentRef")


def reference(resource: Resource, field: str) -> JsonObject:
    """A reference of the spec; empty where it is none."""
    found = resource.spec.get(field)
    return found if isinstance(found, dict) else {}


def rule(number: int, title: str, path: str, message: str, hint: str, source: str, **more: Any) -> Rule:
    """A rule over a set, an error unless `severity` says otherwise."""
    severity = more.pop("severity", Severity.ERROR)
    return Rule(f"KZ{number:03}", severity, path, message, hint, source, title, **more)

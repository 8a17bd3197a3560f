"""The accounts among the objects of a set of files, and which of them speak of one and the same account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeGuard

from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.lineage import words
from kazoo_operator.rules.rule import Objection, Rule

Said = Iterator[tuple[int, Objection]]
Numbered = list[tuple[int, Resource]]


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


def called(key: Key) -> str:
    """What a person calls the object: `team/acme`, or `acme` where the file names no namespace."""
    return f"{key.namespace}/{key.name}".lstrip("/")


class Directory:
    """Whom each account of a set stands below, whatever form the reference has.

    Of several objects about one account (the same accountID or realm), one speaks for it: a managed one, and
    each managed one for itself.
    """

    def __init__(self, found: Iterable[Resource]) -> None:
        by_word: dict[tuple[str, str], Key] = {}
        objects = sorted(found, key=is_managed, reverse=True)
        for one in objects:
            for word in words(one.spec):
                by_word.setdefault(word, one.key)
        self._speaker = {
            one.key: one.key if is_managed(one) else _first(by_word, one.spec) or one.key for one in objects
        }
        self._above = {one.key: self._named(one) or _first(by_word, parent_reference(one)) for one in objects}

    def speaker(self, key: Key) -> Key:
        """The object that speaks for the account of this one."""
        return self._speaker[key]

    def above(self, key: Key) -> Key | None:
        """The object that speaks for the account above this one; None where it is not in the set."""
        return self._above[key]

    def _named(self, one: Resource) -> Key | None:
        name = parent_reference(one).get("name")
        return self._speaker.get(Key(one.key.kind, one.key.namespace, name)) if _is_text(name) else None


def _first(by_word: dict[tuple[str, str], Key], said_of_it: JsonObject) -> Key | None:
    return next((by_word[word] for word in words(said_of_it) if word in by_word), None)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def parent_reference(resource: Resource) -> JsonObject:
    """The `parentRef` of an account; empty where it is none."""
    reference = resource.spec.get("parentRef")
    return reference if isinstance(reference, dict) else {}


def rule(number: int, title: str, path: str, message: str, hint: str, source: str, **more: Any) -> Rule:
    """A rule over a set, an error unless `severity` says otherwise."""
    severity = more.pop("severity", Severity.ERROR)
    return Rule(f"KZ{number:03}", severity, path, message, hint, source, title, **more)

"""The rules over all accounts of a set of files; KAZOO compares realms and names cluster-wide."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.realm import label, normalised_name
from kazoo_operator.core.schema import without_nulls
from kazoo_operator.rules.rule import Objection, Rule

Said = Iterator[tuple[int, Objection]]
Numbered = list[tuple[int, Resource]]

_SLIPS = 50

# KAZOO makes three bytes of hex, older screens six letters and digits; `acme10` is a word with a number.
_RANDOM = re.compile(r"((?=[a-z]*[0-9])[0-9a-f]{6}|(?=[a-z0-9]*[0-9][a-z])[a-z0-9]{6})\.")


def _accounts(resources: Sequence[Resource]) -> Numbered:
    """The accounts, each object once."""
    seen: dict[Key, tuple[int, Resource]] = {}
    for number, resource in enumerate(resources):
        if resource.key.kind == "Account" and resource.key.name:
            seen.setdefault(resource.key, (number, resource))
    return list(seen.values())


def _managed(resources: Sequence[Resource]) -> Numbered:
    """The accounts that are brought to their spec; another object may observe the same."""
    found = _accounts(resources)
    return [one for one in found if one[1].spec.get("managementPolicy") != "ObserveOnly"]


def _said(resource: Resource, name: str) -> str:
    value = resource.spec.get(name)
    return value if isinstance(value, str) else ""


def _called(resource: Resource) -> str:
    return f"{resource.key.namespace}/{resource.key.name}".lstrip("/")


def _same(accounts: Numbered, of: Callable[[Resource], Hashable]) -> Iterator[tuple[int, Resource, Resource]]:
    """Each account that shares a value with an earlier one: its number, itself, and the earlier one."""
    first: dict[Hashable, Resource] = {}
    for number, resource in accounts:
        value = of(resource)
        if value:
            earlier = first.setdefault(value, resource)
            if earlier is not resource:
                yield number, resource, earlier


def _told_apart(resources: Sequence[Resource]) -> Said:
    first: dict[Key, Resource] = {}
    for number, resource in enumerate(resources):
        if resource.key.name:
            earlier = first.setdefault(resource.key, resource)
            if earlier is not resource and without_nulls(earlier.spec) != without_nulls(resource.spec):
                yield number, Objection("metadata.name")


def _realms(resources: Sequence[Resource]) -> Said:
    accounts = _managed(resources)
    for number, _, earlier in _same(accounts, lambda one: _said(one, "realm")):
        yield number, Objection("spec.realm", f"the Account {_called(earlier)} has the same realm")
    without = [one for one in accounts if not one[1].spec.get("realm") and not one[1].spec.get("accountID")]
    for number, resource, earlier in _same(without, lambda one: label(_said(one, "name"))):
        # Names that KAZOO holds for equal are told by the rule about names.
        if normalised_name(_said(resource, "name")) != normalised_name(_said(earlier, "name")):
            said = f"a realm template gives this account and {_called(earlier)} the same realm"
            yield number, Objection("spec.name", said, "write a realm for one of them")


def _names(resources: Sequence[Resource]) -> Said:
    for number, resource, earlier in _same(
        _managed(resources), lambda one: normalised_name(_said(one, "name"))
    ):
        said = (
            f"{_said(resource, 'name')!r} is the name of the Account {_called(earlier)} too, "
            "letter case and punctuation aside"
        )
        yield number, Objection("spec.name", said)


def _empty_names(resources: Sequence[Resource]) -> Said:
    def empty(one: Resource) -> bool:
        return bool(_said(one, "name")) and not normalised_name(_said(one, "name"))

    for number, _, earlier in _same(_managed(resources), empty):
        said = (
            f"of this name and of that of the Account {_called(earlier)} no letter a-z and no digit is left"
        )
        yield number, Objection("spec.name", said)


def _parent(resource: Resource, by_realm: dict[str, Key]) -> Key | None:
    said: Any = resource.spec.get("parentRef")
    if not isinstance(said, dict):
        return None
    if isinstance(said.get("name"), str):
        return Key("Account", resource.key.namespace, said["name"])
    return by_realm.get(str(said.get("realm")))


def _parents(resources: Sequence[Resource]) -> dict[Key, tuple[int, Key | None]]:
    accounts = _accounts(resources)
    by_realm = {_said(one, "realm"): one.key for _, one in _managed(resources) if _said(one, "realm")}
    return {one.key: (number, _parent(one, by_realm)) for number, one in accounts}


def _cycles(resources: Sequence[Resource]) -> Said:
    above = _parents(resources)
    done: set[Key] = set()
    for start in above:
        chain: dict[Key, None] = {}
        key: Key | None = start
        while key is not None and key in above and key not in chain and key not in done:
            chain[key] = None
            key = above[key][1]
        if key is not None and key in chain:
            members = list(chain)[list(chain).index(key) :]
            names = " -> ".join(member.name for member in (*members, key))
            for member in members:
                said = f"the accounts {names} stand below one another"
                yield above[member][0], Objection("spec.parentRef", said)
        done.update(chain)


def _missing_parents(resources: Sequence[Resource]) -> Said:
    accounts = _accounts(resources)
    names: dict[str, set[str]] = defaultdict(set)
    for _, one in accounts:
        names[one.key.namespace].add(one.key.name)
    hints: dict[Key, str] = {}
    for number, one in accounts:
        said: Any = one.spec.get("parentRef")
        wanted = said.get("name") if isinstance(said, dict) else None
        known = names[one.key.namespace]
        # Alone in its namespace, an account may well have a parent in other files.
        if isinstance(wanted, str) and len(known) > 1 and wanted not in known:
            key = Key("Account", one.key.namespace, wanted)
            # A thousand different slips among a thousand names would take minutes.
            if key not in hints and len(hints) < _SLIPS:
                near = get_close_matches(wanted, sorted(known - {one.key.name}), 1)
                hints[key] = f"did you mean {near[0]}?" if near else ""
            yield (
                number,
                Objection(
                    "spec.parentRef.name", f"no Account {wanted} is among the files", hints.get(key, "")
                ),
            )


def _random_realms(resources: Sequence[Resource]) -> Said:
    groups: dict[tuple[str, Key | str | None], Numbered] = defaultdict(list)
    parents = _parents(resources)
    for number, one in _managed(resources):
        said = one.spec.get("parentRef")
        above = parents[one.key][1] or (str(said) if said else None)
        groups[one.key.namespace, above].append((number, one))
    for siblings in groups.values():
        for number, one in siblings if len(siblings) > 1 else ():
            if _RANDOM.match(_said(one, "realm")):
                yield number, Objection()


def _rule(number: int, title: str, path: str, message: str, hint: str, source: str, **more: Any) -> Rule:
    severity = more.pop("severity", Severity.ERROR)
    return Rule(f"KZ{number:03}", severity, path, message, hint, source, title, **more)


RULES = (
    _rule(
        22,
        "A realm that people recognise",
        "realm",
        "begins with six random characters, and there are other accounts beside it",
        "give the first part of the realm a name before phones register with it",
        "Account manager guide: rename the random first part of the realm",
        severity=Severity.WARNING,
        over=_random_realms,
    ),
    _rule(
        71,
        "A parent is among the files",
        "parentRef",
        "no such Account is among the files",
        "correct the name, or add the parent's file",
        "Account manager guide: a sub-account is made below its parent",
        severity=Severity.WARNING,
        over=_missing_parents,
    ),
    _rule(
        80,
        "Accounts form a tree",
        "parentRef",
        "the accounts stand below one another",
        "give one of them another parent",
        "Account manager guide: master and sub-accounts form a hierarchy",
        over=_cycles,
        live=True,
    ),
    _rule(
        131,
        "A realm belongs to one account",
        "realm",
        "another Account has the same realm",
        "give one of them another realm",
        "Crossbar accounts API: the realm is unique in the whole system",
        over=_realms,
        live=True,
    ),
    _rule(
        83,
        "A name belongs to one account",
        "name",
        "another Account has the same name, letter case and punctuation aside",
        "rename one of them",
        "Crossbar accounts API: names are unique in the whole system, compared by a-z and 0-9 only",
        over=_names,
    ),
    _rule(
        83,
        "A name belongs to one account",
        "name",
        "nothing is left of this name and of another once all but a-z and 0-9 is dropped",
        "put a letter a-z or a digit into one of the names",
        "Crossbar accounts API: names are unique in the whole system, compared by a-z and 0-9 only",
        severity=Severity.WARNING,
        over=_empty_names,
    ),
    _rule(
        155,
        "An object is declared once",
        "",
        "the same object stands in the files twice, with different specs",
        "remove one of them, or make them equal",
        "Kubernetes: kind, namespace and name make an object; the last one applied would win",
        over=_told_apart,
    ),
)

"""The rules over the tree of a set's accounts: parents that are there, no cycles, realms told apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.finding import Severity
from kazoo_operator.rules.accounts import (
    Directory,
    Numbered,
    Said,
    accounts,
    managed,
    missing,
    parent_reference,
    rule,
    said,
)
from kazoo_operator.rules.backends import Backends
from kazoo_operator.rules.rule import Objection

# KAZOO makes three bytes of hex, older screens six letters and digits; `acme10` is a word with a number.
_RANDOM = re.compile(r"((?=[a-z]*[0-9])[0-9a-f]{6}|(?=[a-z0-9]*[0-9][a-z])[a-z0-9]{6})\.")


def _cycles(resources: Sequence[Resource]) -> Said:
    """Each account of a cycle once, whatever form the references have."""
    found = {one.key: (number, one) for number, one in accounts(resources)}
    directory = Directory((one for _, one in found.values()), Backends(resources))
    told: set[Key] = set()
    done: set[Key] = set()
    # Those that speak for an account first; whoever only observes one is nobody's parent.
    for start in sorted(found, key=lambda key: directory.speaker(key) != key):
        speaks = directory.speaker(start) == start
        chain: dict[Key, Key] = {}
        key: Key | None = start
        while key is not None and directory.speaker(key) not in chain and not (speaks and key in done):
            chain[directory.speaker(key)] = key
            key = directory.above(key)
        if key is not None and directory.speaker(key) in chain:
            members = list(chain.values())[list(chain).index(directory.speaker(key)) :]
            text = _circle(members)
            for member in dict.fromkeys(members):
                if member not in told:
                    yield found[member][0], Objection("spec.parentRef", text)
            told.update(members)
        done.update(chain.values())


def _circle(members: Sequence[Key]) -> str:
    several = len({key.namespace for key in members}) > 1
    names = [key.called if several else key.name for key in members]
    if len(members) == 1:
        return f"the account {names[0]} stands below itself"
    return f"the accounts {' -> '.join([*names, names[0]])} stand below one another"


def _missing_parents(resources: Sequence[Resource]) -> Said:
    # Alone in its namespace, an account may well have a parent in other files.
    return missing(resources, accounts(resources), "parentRef", least=2)


def _random_realms(resources: Sequence[Resource]) -> Said:
    groups: dict[tuple[str, Key | str], Numbered] = defaultdict(list)
    found = managed(resources)
    directory = Directory((one for _, one in accounts(resources)), Backends(resources))
    for number, one in found:
        parent = directory.above(one.key) or str(parent_reference(one))
        groups[one.key.namespace, parent].append((number, one))
    for siblings in groups.values():
        for number, one in siblings if len(siblings) > 1 else ():
            if _RANDOM.match(said(one, "realm")):
                yield number, Objection()


RULES = (
    rule(
        22,
        "A realm that people recognise",
        "realm",
        "begins with six random characters, and there are other accounts beside it",
        "give the first part of the realm a name before phones register with it",
        "Account manager guide: rename the random first part of the realm",
        severity=Severity.WARNING,
        over=_random_realms,
    ),
    rule(
        71,
        "A parent is among the files",
        "parentRef",
        "no such Account is among the files; unless the cluster has it, this one waits",
        "correct the name, or add the parent's file",
        "Account manager guide: a sub-account is made below its parent",
        severity=Severity.WARNING,
        over=_missing_parents,
    ),
    rule(
        80,
        "Accounts form a tree",
        "parentRef",
        "the accounts stand below one another",
        "give one of them another parent",
        "Account manager guide: master and sub-accounts form a hierarchy",
        over=_cycles,
        live=True,
    ),
)

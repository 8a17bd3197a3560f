"""The objects of a set that belong to accounts: whose they are, and the rules about that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.finding import Severity
from kazoo_operator.rules.accounts import (
    Directory,
    Said,
    accounts,
    is_managed,
    missing,
    reference,
    rule,
)
from kazoo_operator.rules.backends import Backends, Place
from kazoo_operator.rules.rule import Objection

_FIELD = "accountRef"
_FORMS = ("accountID", "realm")


class Told(NamedTuple):
    """An account for which no object of the set speaks: what a file says of it, and in which KAZOO."""

    place: Place
    form: str
    value: str


Owner = Key | Told
"""An account: the object that speaks for it, whether it is in the set or not; else what is told of it."""


class Owned(NamedTuple):
    """An object that belongs to an account, with its number in the set."""

    number: int
    resource: Resource
    owner: Owner


class Belongings:
    """The accounts of a set, and what belongs to them, each object once."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.accounts = {one.key: (number, one) for number, one in accounts(resources)}
        self.backends = Backends(resources)
        self.directory = Directory((one for _, one in self.accounts.values()), self.backends)
        first: dict[Key, tuple[int, Resource]] = {}
        for number, one in enumerate(resources):
            if one.key.name and _FIELD in one.spec:
                first.setdefault(one.key, (number, one))
        self._owned = [
            Owned(number, one, owner)
            for number, one in first.values()
            if (owner := self._owner(one)) is not None
        ]

    def of(self, kind: str) -> list[Owned]:
        """The objects of a kind."""
        return [one for one in self._owned if one.resource.key.kind == kind]

    def managed(self) -> Iterator[Owned]:
        """The objects that set something of their account."""
        return (one for one in self._owned if is_managed(one.resource))

    def account(self, owner: Owner) -> Resource | None:
        """The Account that speaks for an account, where the set has it."""
        return self.accounts[owner][1] if isinstance(owner, Key) and owner in self.accounts else None

    def forms(self, owners: Iterable[Owner]) -> frozenset[frozenset[str]]:
        """In which forms files name these accounts, each way once."""
        return frozenset(map(self._forms, owners))

    def may_be_one(self, owner: Owner, others: frozenset[frozenset[str]]) -> bool:
        """Whether an account in one of these `forms` may be this one, which no file translates."""
        mine = self._forms(owner)
        return any(mine.isdisjoint(other) for other in others)

    def _owner(self, one: Resource) -> Owner | None:
        said = reference(one, _FIELD)
        found = self.directory.referred(one, said)
        if found is None and isinstance(name := said.get("name"), str):
            return Key("Account", one.key.namespace, name)
        place = self.backends.place(one)
        words = (Told(place, form, said[form]) for form in _FORMS if isinstance(said.get(form), str))
        return found or next(words, None)

    def _forms(self, owner: Owner) -> frozenset[str]:
        if not isinstance(owner, Key):
            return frozenset({owner.form})
        account = self.account(owner)
        told = account.spec if account is not None else {}
        return frozenset({"name", *(form for form in _FORMS if isinstance(told.get(form), str))})


def _missing_accounts(resources: Sequence[Resource]) -> Said:
    referring = [(number, one) for number, one in enumerate(resources) if _FIELD in one.spec]
    return missing(resources, referring, _FIELD, least=1)


def _rivals(resources: Sequence[Resource]) -> Said:
    first: dict[tuple[str, Owner], Key] = {}
    for number, one, owner in Belongings(resources).managed():
        earlier = first.setdefault((one.key.kind, owner), one.key)
        if earlier is not one.key:
            text = f"the {one.key.kind} {earlier.called} keeps the same account, and only one of a kind may"
            yield number, Objection(f"spec.{_FIELD}", text)


RULES = (
    rule(
        1,
        "An account is among the files",
        _FIELD,
        "no such Account is among the files; unless the cluster has it, this one waits",
        "correct the name, or add the account's file",
        "Account settings guide: everything begins with the account",
        severity=Severity.WARNING,
        over=_missing_accounts,
    ),
    rule(
        159,
        "An account is kept by one object of a kind",
        _FIELD,
        "another object of this kind keeps the same account; the older would win, and this one do nothing",
        "write all of it into one of them, or managementPolicy: ObserveOnly in the other",
        "the operator's own: two objects would undo each other's changes",
        over=_rivals,
        live=True,
    ),
)

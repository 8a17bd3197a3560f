"""The rules over all accounts of a set of files; KAZOO compares realms and names cluster-wide."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.lineage import backend_of
from kazoo_operator.core.realm import from_template, label, normalised_name
from kazoo_operator.core.schema import without_nulls
from kazoo_operator.rules.accounts import Said, managed, rule, said
from kazoo_operator.rules.backends import Backends, Place
from kazoo_operator.rules.rule import Objection


def _same(
    resources: Sequence[Resource], of: Callable[[Resource], Hashable]
) -> Iterator[tuple[int, Resource, Resource]]:
    """Each account that shares a value with an earlier one: its number, itself, and the earlier one.

    Two KAZOOs have nothing in common.
    """
    first: dict[tuple[Place, Hashable], Resource] = {}
    backends = Backends(resources)
    for number, resource in managed(resources):
        value = of(resource)
        if value:
            earlier = first.setdefault((backends.place(resource), value), resource)
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
    backends = Backends(resources)
    for number, resource, earlier in _same(resources, lambda one: _realm(one, backends)):
        if said(resource, "realm") and said(earlier, "realm"):
            text = f"the Account {earlier.key.called} has the same realm, and KAZOO takes each once"
            yield number, Objection("spec.realm", text)
        # Names that KAZOO holds for equal are told by the rule about names.
        elif normalised_name(said(resource, "name")) != normalised_name(said(earlier, "name")):
            text = f"a realm template gives this account and {earlier.key.called} the same realm"
            path = "spec.realm" if said(resource, "realm") else "spec.name"
            yield number, Objection(path, text, "write a realm for one of them")


def _realm(one: Resource, backends: Backends) -> Hashable:
    """The realm that the account has or is to get; as good as that, the word that a template puts into it."""
    if said(one, "realm") or one.spec.get("accountID"):
        return said(one, "realm")
    template, name = backends.template(one), said(one, "name")
    return ("made from", backend_of(one), label(name)) if template is None else from_template(template, name)


def _adopted(resources: Sequence[Resource]) -> Said:
    for number, _, earlier in _same(resources, lambda one: said(one, "accountID")):
        text = f"the Account {earlier.key.called} takes over this account too"
        yield number, Objection("spec.accountID", f"{text}, and each would undo the other's changes")


def _names(resources: Sequence[Resource]) -> Said:
    for number, resource, earlier in _same(resources, lambda one: normalised_name(said(one, "name"))):
        text = (
            f"{said(resource, 'name')!r} is the name of the Account {earlier.key.called} too, "
            "letter case and punctuation aside"
        )
        yield number, Objection("spec.name", text)


def _empty_names(resources: Sequence[Resource]) -> Said:
    def empty(one: Resource) -> bool:
        return bool(said(one, "name")) and not normalised_name(said(one, "name"))

    for number, _, earlier in _same(resources, empty):
        text = f"neither this name nor that of the Account {earlier.key.called} has a letter a-z or a digit"
        yield number, Objection("spec.name", text)


RULES = (
    rule(
        131,
        "A realm belongs to one account",
        "realm",
        "another Account has the same realm, and KAZOO takes each realm once",
        "give one of them another realm",
        "Crossbar accounts API: the realm is unique in the whole system",
        over=_realms,
        live=True,
    ),
    rule(
        83,
        "Names are told apart, and follow the conventions",
        "name",
        "another Account has the same name, letter case and punctuation aside",
        "rename one of them",
        "Crossbar accounts API: names are unique in the whole system, compared by a-z and 0-9 only",
        over=_names,
    ),
    rule(
        83,
        "Names are told apart, and follow the conventions",
        "name",
        "nothing is left of this name and of another once all but a-z and 0-9 is dropped",
        "put a letter a-z or a digit into one of the names",
        "Crossbar accounts API: names are unique in the whole system, compared by a-z and 0-9 only",
        severity=Severity.WARNING,
        over=_empty_names,
    ),
    rule(
        158,
        "An account is managed by one object",
        "accountID",
        "another Account takes over this account too, and each would undo the other's changes",
        "leave it to one of them, or write managementPolicy: ObserveOnly in the other",
        "the operator's own: an account bears the mark of one object; two would undo each other's changes",
        over=_adopted,
    ),
    rule(
        155,
        "An object is declared once",
        "",
        "the same object stands in the files twice, with different specs; the last one applied would hold",
        "remove one of them, or make them equal",
        "Kubernetes: kind, namespace and name make an object; the last one applied would win",
        over=_told_apart,
    ),
)

"""The rules over the TelephonyBackends of a set of files, and the objects that refer to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kazoo_operator.core import expression
from kazoo_operator.core.base_url import place_of
from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.lineage import BACKEND, backend_of, means_own_default
from kazoo_operator.core.near import nearest
from kazoo_operator.core.realm import from_template
from kazoo_operator.rules.accounts import Said, accounts, managed, reference, rule, said
from kazoo_operator.rules.backends import CURRENCY, Backends, admits, refer_alike, text
from kazoo_operator.rules.rule import Objection

_ABOVE = ("parentRef", "accountRef")


def _managed_kinds(resources: Sequence[Resource]) -> Iterator[tuple[int, Resource]]:
    """The objects that refer to a TelephonyBackend, with their numbers in the set."""
    return ((number, one) for number, one in enumerate(resources) if one.key.kind != BACKEND and one.key.name)


def _missing_backends(resources: Sequence[Resource]) -> Said:
    """Said only where the set holds TelephonyBackends of that namespace: they may all be in the cluster."""
    names = Backends(resources).names()
    for number, one in _managed_kinds(resources):
        wanted = backend_of(one)
        known = names.get(wanted.namespace, ())
        if known and wanted.name not in known and not means_own_default(one):
            near = nearest(wanted.name, known)
            message = f"no TelephonyBackend {wanted.called} is among the files; "
            message += "unless the cluster has it, this waits"
            hint = f"did you mean {near}?" if near else ""
            yield number, Objection("spec.backendRef.name", message, hint)


def _strangers(resources: Sequence[Resource]) -> Said:
    backends = Backends(resources)
    for number, one in _managed_kinds(resources):
        declared, namespace = backends.of(one), one.key.namespace
        # Where a file names no namespace, that of the TelephonyBackend itself may be meant.
        if declared is not None and namespace and not admits(declared, namespace):
            message = f"the TelephonyBackend {declared.key.called} does not allow the namespace {namespace}"
            yield number, Objection("spec.backendRef", message)


def _misnamed(resources: Sequence[Resource]) -> Said:
    backends = Backends(resources)
    for number, one in managed(resources):
        declared, name = backends.of(one), said(one, "name")
        pattern = text(declared, "namePattern") if declared is not None else ""
        if declared is not None and pattern and name and not _fits(pattern, name):
            whose = f"the TelephonyBackend {declared.key.called}"
            message = f"{name!r} does not match the pattern {pattern} of {whose}"
            yield number, Objection("spec.name", message)


def _fits(pattern: str, name: str) -> bool:
    try:
        return expression.matches(pattern, name)
    except expression.NoExpression:
        return True  # told where it is written


def without_a_realm(resources: Sequence[Resource]) -> Said:
    """The accounts that get no realm: they name none, and their TelephonyBackend gives none."""
    backends = Backends(resources)
    for number, one in managed(resources):
        template, name = backends.template(one), said(one, "name")
        if template is None or not name or one.spec.get("realm") or one.spec.get("accountID"):
            continue
        if not template:
            message = f"is absent, and the TelephonyBackend {backend_of(one).called} has no realmTemplate"
            yield number, Objection("", message)
        elif from_template(template, name) is None:
            message = f"is absent, and the template {template} gives no realm for the name {name!r}"
            yield number, Objection("", message)


def _apart(resources: Sequence[Resource]) -> Said:
    """Objects whose parent or account refers to another TelephonyBackend, of whatever KAZOO."""
    known = {one.key: one for _, one in accounts(resources)}
    for number, one in _managed_kinds(resources):
        for field in _ABOVE:
            named = reference(one, field).get("name")
            above = known.get(Key("Account", one.key.namespace, named)) if isinstance(named, str) else None
            if above is not None and not refer_alike(one, above):
                mine, theirs = backend_of(one).called, backend_of(above).called
                message = f"the Account {above.key.name} refers to the TelephonyBackend {theirs}, "
                yield number, Objection(f"spec.{field}", f"{message}and this object to {mine}")


def _currencies(resources: Sequence[Resource]) -> Said:
    first: dict[str, Resource] = {}
    for number, one in enumerate(resources):
        if one.key.kind == BACKEND and one.key.name and text(one, "url"):
            earlier = first.setdefault(place_of(text(one, "url")), one)
            mine, theirs = (text(each, "currency") or CURRENCY for each in (one, earlier))
            if mine != theirs:
                message = f"the TelephonyBackend {earlier.key.called} of the same KAZOO has {theirs}"
                yield number, Objection("spec.currency", message)


_SOURCE = "the operator's own: several KAZOOs in one cluster, each with its own tenants"

RULES = (
    rule(
        178,
        "A backend is among the files",
        "backendRef",
        "no such TelephonyBackend is among the files; unless the cluster has it, this waits",
        "correct the name, or add the TelephonyBackend's file",
        _SOURCE,
        severity=Severity.WARNING,
        over=_missing_backends,
    ),
    rule(
        179,
        "A backend admits the namespace",
        "backendRef",
        "the TelephonyBackend does not allow this namespace",
        "add it to allowedNamespaces there, or refer to a TelephonyBackend of this namespace",
        _SOURCE,
        over=_strangers,
        live=True,
    ),
    rule(
        180,
        "What belongs together stands in one KAZOO",
        "backendRef",
        "the account that this names refers to another TelephonyBackend",
        "write the same backendRef in both",
        _SOURCE,
        over=_apart,
        live=True,
    ),
    rule(
        181,
        "One KAZOO has one currency",
        "currency",
        "another TelephonyBackend of the same KAZOO has another currency",
        "write the currency in which that KAZOO bills",
        "Crossbar ledgers API: an amount has no currency of its own but what the booking says",
        over=_currencies,
    ),
    rule(
        83,
        "Names are told apart, and follow the conventions",
        "name",
        "does not match the TelephonyBackend's namePattern",
        "write a name that does",
        "Account manager guide: map naming conventions ahead",
        over=_misnamed,
        live=True,
    ),
)

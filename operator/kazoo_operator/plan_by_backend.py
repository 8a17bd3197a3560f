"""The plan for objects of several TelephonyBackends, by a command line with one URL and one credential.

What refers to a TelephonyBackend of the files is planned by its policy, where its URL is the command line's;
what may be left to the settings, by theirs. All else is blocked: nobody can log in there, or the files do not
tell where it leads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from kazoo_operator.backend.protocol import Backend
from kazoo_operator.backend.registry import Connection, NoRoot, Policy
from kazoo_operator.charge_report import Priced, together
from kazoo_operator.core.base_url import place_of
from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.lineage import backend_of, means_own_default
from kazoo_operator.core.outcome import Reason
from kazoo_operator.core.report import Action, FileFinding, PlannedObject, Report
from kazoo_operator.core.schema import without_nulls
from kazoo_operator.declaration import Declared
from kazoo_operator.kinds.telephony_backend.spec import TelephonyBackendSpec
from kazoo_operator.planning import Planning
from kazoo_operator.policy import policy_of
from kazoo_operator.rules import budget_set
from kazoo_operator.rules.account import NEW_ACCOUNT_HAS_A_REALM
from kazoo_operator.rules.backends import admits

# What files can only guess and KAZOO is asked: such an error alone blocks nothing.
_GUESSED = {NEW_ACCOUNT_HAS_A_REALM.id, budget_set.ID}


@dataclass(frozen=True)
class Reached:
    """The KAZOO that the command line reaches, and the policy of its settings."""

    url: str
    backend: Backend
    policy: Policy


class Plans:
    """Plans objects by the TelephonyBackends that they refer to, of which `backends` are among the files.

    What is `at_fault` tells which of them are none to go by.
    """

    def __init__(
        self,
        kinds: Iterable[Kind],
        reached: Reached,
        backends: Mapping[Key, Resource],
        at_fault: Iterable[FileFinding],
        day: date,
        tell: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`day` is today in UTC; `tell` is called with how many objects are done."""
        self._kinds = tuple(kinds)
        self._reached = reached
        self._backends = backends
        self._faulty = {one.key for one in at_fault if one.finding.severity is Severity.ERROR}
        self._day = day
        self._tell = tell

    async def report(self, declared: Sequence[Declared]) -> Report:
        """The plan for all objects. Raises BackendError and NoRoot where it cannot be made at all."""
        groups: dict[Key | None, list[Declared]] = {}
        blocked = []
        for one in declared:
            against = self._against(one.resource)
            if against is None:
                groups.setdefault(self._group(one.resource), []).append(one)
            else:
                blocked.append(_blocked(one, against))
        if not groups:
            return Report(self._reached.url.rstrip("/"), "", "", tuple(blocked))
        plans = _Together()
        for key, members in groups.items():
            await self._plan(self._connection(key), members, plans)
        return plans.report(self._day, blocked)

    async def _plan(self, connection: Connection, declared: Sequence[Declared], plans: _Together) -> None:
        before = plans.count

        def tell(done: int) -> None:
            self._tell(before + done)

        planning = Planning(self._kinds, connection, self._day, tell)
        try:
            plans.reports.append(await planning.report([_without_guesses(one) for one in declared]))
        except NoRoot as error:
            raise NoRoot(f"{error}; check {connection.root_is_named_by}") from None
        plans.priced += planning.priced

    def _group(self, resource: Resource) -> Key | None:
        """The TelephonyBackend whose policy counts; None for the settings."""
        key = backend_of(resource)
        return key if key in self._backends else None

    def _connection(self, key: Key | None) -> Connection:
        if key is None:
            return Connection(self._reached.backend, self._reached.policy)
        spec = TelephonyBackendSpec.model_validate(without_nulls(self._backends[key].spec))
        return Connection(self._reached.backend, policy_of(spec), key=key)

    def _against(self, resource: Resource) -> Finding | None:
        """What keeps the object from being planned; None where nothing does."""
        key, own = backend_of(resource), resource.key.namespace
        called = f"the TelephonyBackend {key.called}"
        declared = self._backends.get(key)
        if declared is None:
            if means_own_default(resource):
                return None
            return _not_ready(f"{called} is not among the files: where it leads is not known", "add its file")
        if key in self._faulty:
            return _not_ready(f"{called} is not valid", "correct it")
        if not admits(declared, own):
            hint = "add it to allowedNamespaces there"
            return _not_ready(f"{called} does not allow the namespace {own}", hint)
        if place_of(str(declared.spec.get("url"))) != place_of(self._reached.url):
            where = f"{called} leads to {declared.spec.get('url')}, which is not where this plan looks"
            return _not_ready(where, "plan it by itself, with the URL and a credential of that KAZOO")
        return None


class _Together:
    """The reports about one KAZOO, one for each policy."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.priced: list[Priced] = []

    @property
    def count(self) -> int:
        """How many objects are planned."""
        return sum(len(report.objects) for report in self.reports)

    def report(self, day: date, blocked: Iterable[PlannedObject]) -> Report:
        """All of them as one, with what is blocked behind it."""
        first, several = self.reports[0], len(self.reports) > 1
        return replace(
            first,
            root=_listed(report.root for report in self.reports),
            root_realm=_listed(report.root_realm for report in self.reports),
            objects=(*(one for report in self.reports for one in report.objects), *blocked),
            priced=together(self.priced, day) if several else first.priced,
        )


def _listed(words: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def _without_guesses(declared: Declared) -> Declared:
    kept = (
        one for one in declared.findings if one.rule not in _GUESSED or one.severity is not Severity.ERROR
    )
    return replace(declared, findings=tuple(kept))


def _not_ready(message: str, hint: str) -> Finding:
    return Finding(Reason.BACKEND_NOT_READY, Severity.ERROR, "spec.backendRef", message, hint)


def _blocked(declared: Declared, against: Finding) -> PlannedObject:
    resource = declared.resource
    return PlannedObject(
        resource.key,
        str(resource.spec.get("name") or resource.key.name),
        Action.BLOCKED,
        findings=(*declared.findings, against),
        place=declared.place,
        line_of=declared.line_of,
    )

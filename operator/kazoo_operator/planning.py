"""What the engine would do about objects that are declared in files, found out with GET alone.

    Planning.report   all objects, parents before children
    _managed          which account is it: the engine's own questions, in the engine's order
    created          the plan for an account that is to be made
    kept             the plan for one that is there

There is no status. What the engine would read there of the object above is what the plan for that one has
found, or its mark in KAZOO. A mark with an object's namespace and name is its own, whatever the owner.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from kazoo_operator.backend.errors import (
    BackendError,
    CredentialUnreadable,
    Nonsense,
    Unauthorized,
    Unreachable,
)
from kazoo_operator.backend.protocol import Identity
from kazoo_operator.backend.registry import Connection
from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.documents import ACCOUNT
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.lineage import Parents, as_a_tree, levels, parents, reference
from kazoo_operator.core.mark import Mark
from kazoo_operator.core.outcome import Outcome, Reason
from kazoo_operator.core.realm import normalised_name
from kazoo_operator.core.report import Action, PlannedObject, Report
from kazoo_operator.core.schema import ignored_findings, schema_findings, without_nulls
from kazoo_operator.declaration import Declared
from kazoo_operator.failure import outcome_of
from kazoo_operator.hierarchy import parent_of, refuse_cycle
from kazoo_operator.identity import by_realm, identify
from kazoo_operator.intent import Found, blocked, created, kept, observed_only, ready_status, suspended
from kazoo_operator.observation import consult
from kazoo_operator.subject import Halt, Subject, decided_realm

AT_ONCE = 8
_ENDS_ALL = (Unreachable, Nonsense, Unauthorized, CredentialUnreadable)


@dataclass
class Held:
    """The objects of the files, with a status as far as one was found out."""

    resources: dict[Key, Resource] = field(default_factory=dict)
    _realms: dict[str, list[Key]] | None = None

    def get(self, key: Key) -> Resource | None:
        """The object, or None when there is none."""
        return self.resources.get(key)

    def referring_to(self, key: Key) -> Iterable[Resource]:
        """Nobody: only a deletion asks."""
        return ()

    def with_realm(self, realm: str) -> Iterable[Resource]:
        """The objects that are to manage an account with this realm."""
        if self._realms is None:
            self._realms = {}
            for key, resource in self.resources.items():
                if not resource.observe_only:
                    self._realms.setdefault(str(resource.spec.get("realm")), []).append(key)
        return [self.resources[key] for key in self._realms.get(realm, ())]


class Planning:
    """Plans objects against one KAZOO; `tell` is called with how many are done, after each."""

    def __init__(
        self, kinds: Iterable[Kind], connection: Connection, tell: Callable[[int], None] = lambda _: None
    ) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._connection = connection
        self._tell = tell
        self._held = Held()
        self._planned: dict[Key, PlannedObject] = {}
        self._taken: dict[str, Key] = {}
        self._owners: dict[tuple[str, str], set[str]] = {}
        self._owner = "none"
        self._on_root: frozenset[Mark] = frozenset()

    async def report(self, declared: Sequence[Declared]) -> Report:
        """The plan for all objects. Raises BackendError and NoRoot where it cannot be made at all."""
        connection = self._connection
        root = await connection.root()
        objects = {one.resource.key: one for one in declared}
        self._held.resources = {key: _orderly(one.resource) for key, one in objects.items()}
        above = parents(self._held.resources.values())
        await self._learn_marks(root, objects)
        for level in levels(above):
            for key, found in zip(level, await self._together(level, objects, above, root), strict=True):
                await self._settle(objects[key], found, root)
        planned = tuple(self._planned[key] for key in as_a_tree(above))
        return Report(connection.backend.url, root.account_id, root.realm.lower(), planned)

    async def _learn_marks(self, root: Identity, objects: Iterable[Key]) -> None:
        """Whose marks stand where; and the parents that are not in the files, by their marks."""
        index, names = self._connection.index, {(key.namespace, key.name) for key in objects}
        marks = dict(await index.marks(root.account_id))
        flags = (await self._connection.backend.read(root.account_id, ACCOUNT)).get("flags")
        self._on_root = frozenset(Mark.among(flags if isinstance(flags, list) else ()))
        for mark in self._on_root:
            marks.setdefault(mark, root.account_id)
        owners = Counter(mark.owner for mark in marks if (mark.namespace, mark.name) in names)
        most = (owners or Counter(mark.owner for mark in marks)).most_common(1)
        self._owner = most[0][0] if most else self._owner
        for mark in marks:
            self._owners.setdefault((mark.namespace, mark.name), set()).add(mark.owner)
        for resource in list(self._held.resources.values()):
            name = reference(resource).get("name")
            key = replace(resource.key, name=str(name))
            if name and key not in self._held.resources:
                held_by = marks.get(Mark(self._owner_of(key), key.namespace, key.name))
                if held_by is not None:
                    self._held.resources[key] = Resource(key, "", 1, "", {}, ready_status(held_by))

    def _owner_of(self, key: Key) -> str:
        owners = self._owners.get((key.namespace, key.name), {self._owner})
        return self._owner if self._owner in owners else min(owners)

    async def _together(
        self, level: Sequence[Key], objects: dict[Key, Declared], above: Parents, root: Identity
    ) -> list[Found]:
        """The plans for objects of which none stands below another, a few at a time."""
        turns = asyncio.Semaphore(AT_ONCE)
        done = len(self._planned)

        async def one(key: Key) -> Found:
            nonlocal done
            async with turns:
                found = await self._one(objects[key], above, root)
            done += 1
            self._tell(done)
            return found

        tasks = [asyncio.create_task(one(key)) for key in level]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _settle(self, declared: Declared, found: Found, root: Identity) -> None:
        """Keep what was found, unless an object before it is to get the same realm or name."""
        planned, status, key = found.planned, found.status, declared.resource.key
        wanted = {change.path: str(change.after) for change in planned.changes}
        for path, plain in (("realm", str.lower), ("name", normalised_name)):
            word = f"{path} {plain(wanted[path])}" if plain(wanted.get(path, "")) else None
            other = self._taken.setdefault(word, key) if word is not None else key
            if other != key:
                subject = self._subject(declared.resource, root)
                planned, status = await self._blocked(subject, planned, _twice(path, wanted[path], other)), {}
                break
        self._planned[key] = planned
        self._held.resources[key] = replace(self._held.resources[key], status=status)

    async def _one(self, declared: Declared, above: Parents, root: Identity) -> Found:
        """The plan for one object; whatever keeps it from being carried out is a finding."""
        subject = self._subject(declared.resource, root)
        resource, kind = subject.resource, subject.kind
        spec = without_nulls(resource.spec)
        judged = {(finding.rule, finding.path) for finding in declared.findings}
        more = [one for one in _against(kind, spec) if (one.rule, one.path) not in judged]
        said = (*declared.findings, *more, *self._several(resource.key))
        planned = PlannedObject(
            resource.key,
            str(spec.get("name") or resource.key.name),
            Action.NONE,
            findings=tuple(dict.fromkeys(said)),
            place=declared.place,
            currency=self._connection.policy.currency,
            line_of=declared.line_of,
        )
        if planned.errors:
            return Found(await self._blocked(subject, planned))
        try:
            fields = kind.normal(kind.spec.model_validate(spec))
            return await self._pass(replace(subject, fields=fields), planned, above)
        except Halt as halt:
            known = halt.found.fields.get("accountID")
            status = {"accountID": known} if known else {}
            return Found(await self._blocked(subject, planned, _told(halt.found.outcome)), status)
        except _ENDS_ALL:
            raise
        except BackendError as error:
            return Found(await self._blocked(subject, planned, _told(outcome_of(error, kind))))

    def _several(self, key: Key) -> Iterable[Finding]:
        owners = sorted(self._owners.get((key.namespace, key.name), ()))
        if len(owners) > 1:
            text = f"several accounts bear its mark, of the owners {', '.join(owners)}"
            hint = f"planned for {self._owner_of(key)}; remove the mark that is not wanted"
            yield Finding(Reason.REALM_TAKEN, Severity.WARNING, "", text, hint)

    def _subject(self, resource: Resource, root: Identity) -> Subject:
        """The object, of whose spec nothing is known yet."""
        key, kind = resource.key, self._kinds[resource.key.kind]
        if kind.lifecycle is None:
            raise ValueError(f"kind {kind.name} has no lifecycle")
        mark = Mark(self._owner_of(key), key.namespace, key.name)
        return Subject(resource, kind, kind.lifecycle, {}, self._connection, root, mark, self._held)

    async def _blocked(self, subject: Subject, planned: PlannedObject, *findings: Finding) -> PlannedObject:
        """The object as blocked; the root account, which no listing shows, is known to it as by status."""
        if subject.mark in self._on_root:
            known = replace(subject.resource, status={"accountID": subject.root.account_id})
            subject = replace(subject, resource=known)
        return await blocked(subject, planned, *findings)

    async def _pass(self, subject: Subject, planned: PlannedObject, above: Parents) -> Found:
        if subject.resource.spec.get("suspend") is True:
            return await suspended(subject, planned)
        refuse_cycle(subject)
        against = subject.kind.findings(subject.fields, await consult(subject, {}))
        # What was guessed without KAZOO does not count where KAZOO was asked.
        asked = {rule.id for rule in subject.kind.rules if rule.live}
        known = (one for one in planned.findings if one.rule not in asked)
        planned = replace(planned, findings=tuple(dict.fromkeys((*known, *against))))
        if planned.errors:
            return Found(await self._blocked(subject, planned))
        if subject.observe_only:
            return await observed_only(subject, planned)
        return await self._managed(subject, planned, above)

    async def _managed(self, subject: Subject, planned: PlannedObject, above: Parents) -> Found:
        account = await identify(subject)
        if account is None:
            below = self._new_parent(above[subject.resource.key]) or (await parent_of(subject)).called
            realm = decided_realm(subject)
            account = await by_realm(subject, realm)
            if account is None:
                return await created(subject, planned, below, realm)
        if self._new_parent(above[subject.resource.key]):
            # It stands elsewhere, whatever form the reference to the parent has.
            spec = {**subject.resource.spec, "parentRef": {"accountID": "an account that is to be made"}}
            subject = replace(subject, resource=replace(subject.resource, spec=spec))
        return await kept(subject, planned, account)

    def _new_parent(self, above: Key | None) -> str | None:
        """What the account above is called, where it is to be made by this very plan."""
        parent = self._planned.get(above) if above is not None else None
        return f"the Account {parent.key.name}" if parent and parent.action is Action.CREATE else None


def _orderly(resource: Resource) -> Resource:
    """The object as others look at it: what its spec says about its parent, if it is of the right form."""
    return replace(resource, spec={**resource.spec, "parentRef": reference(resource)}, status={})


def _against(kind: Kind, spec: JsonObject) -> list[Finding]:
    found = schema_findings(kind.spec, spec) + ignored_findings(kind.spec, spec)
    return found + [finding for rule in kind.rules for finding in rule.findings(spec)]


def _told(outcome: Outcome) -> Finding:
    path = outcome.message.partition(": ")[0] if outcome.message.startswith("spec.") else ""
    return Finding(outcome.reason.value, Severity.ERROR, path, outcome.message, "")


def _twice(path: str, wanted: str, other: Key) -> Finding:
    reason = Reason.REALM_TAKEN if path == "realm" else Reason.REJECTED
    text = f"{wanted} is to be that of {other.kind} {other.namespace}/{other.name} too, which comes first"
    return Finding(reason.value, Severity.ERROR, f"spec.{path}", text, f"choose another {path}")

"""What the engine would do about objects that are declared in files, found out with GET alone.

    Planning.report   all objects: accounts, parents before children, then what belongs to them
    _managed          which account is it: the engine's own questions, in the engine's order
    created           the plan for an account that is to be made                    intent.py
    kept              the plan for one that is there
    Attaching.plan    the plan for an object that belongs to an account             intent_attached.py

There is no status. What the engine would read there of the object above is what the plan for that one has
found, or its mark in KAZOO. A mark with an object's namespace and name is its own, whatever the owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date

from kazoo_operator.anchoring import Place, place_of
from kazoo_operator.backend.errors import (
    BackendError,
    CredentialUnreadable,
    Nonsense,
    Unauthorized,
    Unreachable,
)
from kazoo_operator.backend.protocol import Identity
from kazoo_operator.backend.registry import Connection
from kazoo_operator.charge_report import Priced, together
from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.finding import Finding
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.lineage import Parents, as_a_tree, levels, parents
from kazoo_operator.core.realm import normalised_name
from kazoo_operator.core.report import Action, PlannedObject, Report
from kazoo_operator.core.schema import without_nulls
from kazoo_operator.declaration import Declared
from kazoo_operator.failure import outcome_of
from kazoo_operator.held import Held, as_one_tree, homes, named_accounts, orderly
from kazoo_operator.hierarchy import parent_of, refuse_cycle
from kazoo_operator.identity import by_realm, identify
from kazoo_operator.intent import (
    Found,
    blocked,
    created,
    kept,
    observed_only,
    ready_status,
    suspended,
    told,
    twice,
)
from kazoo_operator.intent_attached import Attaching, Site
from kazoo_operator.observation import consult
from kazoo_operator.ownership import Ownership
from kazoo_operator.references import Referred
from kazoo_operator.subject import Halt, Subject, decided_realm
from kazoo_operator.validity import objections

AT_ONCE = 8
_ENDS_ALL = (Unreachable, Nonsense, Unauthorized, CredentialUnreadable)


class Planning:
    """Plans objects against one KAZOO. `tell` hears how many are done; `priced` then makes up the prices."""

    def __init__(
        self,
        kinds: Iterable[Kind],
        connection: Connection,
        day: date,
        tell: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`day` is today in UTC."""
        self._day = day
        self._kinds = {kind.name: kind for kind in kinds}
        self._connection = connection
        self._tell = tell
        self._attaching = Attaching(day)
        self._held = Held()
        self._above: Parents = {}
        self._homes: dict[Key, Key | None] = {}
        self._planned: dict[Key, PlannedObject] = {}
        self._anchors: dict[Key, str] = {}
        self.priced: list[Priced] = []
        self._taken: dict[str, Key] = {}
        self._ownership = Ownership()

    async def report(self, declared: Sequence[Declared]) -> Report:
        """The plan for all objects. Raises BackendError and NoRoot where it cannot be made at all."""
        connection = self._connection
        root = await connection.root()
        objects = {one.resource.key: one for one in declared}
        self._held.resources = {
            key: orderly(number, one.resource) for number, (key, one) in enumerate(objects.items())
        }
        await self._learn_marks(root, objects)
        others = [self._held.resources[key] for key in objects if not self._is_account(key)]
        self._above = parents(self._held.resources[key] for key in objects if self._is_account(key))
        for level in levels(self._above):
            await self._plan(level, objects, root)
        self._held.note_words()
        self._homes = homes(others, self._realms())
        for kind in dict.fromkeys(key.kind for key in self._homes):
            # What shares a budget is judged in the order of the files, as if each were booked.
            attachment = self._kinds[kind].attachment
            one_by_one = attachment is not None and attachment.budgeted
            level = [one.key for one in others if one.key.kind == kind]
            await self._plan(level, objects, root, 1 if one_by_one else AT_ONCE)
        listed = as_a_tree(as_one_tree(self._above, self._homes))
        planned = tuple(self._planned[key] for key in listed)
        login = await connection.backend.identity()
        return Report(
            connection.backend.url,
            root.account_id,
            root.realm.lower(),
            planned,
            login=login.realm.lower(),
            as_master=login.is_master,
            priced=together(self.priced, self._day),
        )

    def _is_account(self, key: Key) -> bool:
        """Whether the object stands for an account, and does not belong to one."""
        return self._kinds[key.kind].lifecycle is not None

    def _realms(self) -> Iterable[tuple[Key, str, str]]:
        """The Accounts that are planned, each with the id and the realm that it has or will have."""
        for key in self._above:
            held = self._held.resources[key]
            changed = {change.path: change.after for change in self._planned[key].changes}
            realm = changed.get("realm") or held.status.get("realm") or held.spec.get("realm") or ""
            yield key, str(held.status.get("accountID") or "-"), str(realm).lower()

    async def _plan(
        self, keys: Sequence[Key], objects: dict[Key, Declared], root: Identity, at_once: int = AT_ONCE
    ) -> None:
        """Plan objects of which none rests on another."""
        for key, found in zip(keys, await self._together(keys, objects, root, at_once), strict=True):
            await self._settle(objects[key], found, root)

    async def _learn_marks(self, root: Identity, objects: Iterable[Key]) -> None:
        """Whose marks stand where; and the Accounts that are named and not in the files, by their marks."""
        named = {key for one in self._held.resources.values() for key in named_accounts(one)}
        accounts = {key for key in objects if self._is_account(key)}
        self._ownership = await Ownership.read(self._connection, root, accounts or named)
        for key in named - self._held.resources.keys():
            held_by = self._ownership.account_of(key)
            if held_by is not None:
                self._held.resources[key] = Resource(key, "", 1, "", {}, ready_status(held_by))

    async def _together(
        self, level: Sequence[Key], objects: dict[Key, Declared], root: Identity, at_once: int
    ) -> list[Found]:
        """The plans for objects of which none stands below another, a few at a time."""
        turns = asyncio.Semaphore(at_once)
        done = len(self._planned)

        async def one(key: Key) -> Found:
            nonlocal done
            async with turns:
                found = await self._one(objects[key], root)
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
                planned, status = await self._blocked(subject, planned, twice(path, wanted[path], other)), {}
                found = Found(planned, status)
                break
        self._planned[key] = planned
        self._anchors[key] = found.above
        if found.priced is not None:
            self.priced.append(found.priced)
        self._held.resources[key] = replace(self._held.resources[key], status=status)

    async def _one(self, declared: Declared, root: Identity) -> Found:
        """The plan for one object; whatever keeps it from being carried out is a finding."""
        subject = self._subject(declared.resource, root)
        resource, kind = subject.resource, subject.kind
        spec = without_nulls(resource.spec)
        judged = {(finding.rule, finding.path) for finding in declared.findings}
        more = [one for one in objections(kind, spec, self._day) if (one.rule, one.path) not in judged]
        several = self._ownership.several(resource.key) if kind.lifecycle is not None else ()
        said = (*declared.findings, *more, *several)
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
            return await self._pass(replace(subject, fields=fields), planned)
        except Halt as halt:
            known = halt.found.fields.get("accountID")
            status = {"accountID": known} if known else {}
            return Found(await self._blocked(subject, planned, told(halt.found.outcome)), status)
        except _ENDS_ALL:
            raise
        except BackendError as error:
            return Found(await self._blocked(subject, planned, told(outcome_of(error, kind))))

    def _subject(self, resource: Resource, root: Identity) -> Subject:
        """The object, of whose spec nothing is known yet."""
        key, kind = resource.key, self._kinds[resource.key.kind]
        mark, created = self._ownership.mark_of(key), self._held.resources[key].created
        return Subject(replace(resource, created=created), kind, {}, self._connection, root, mark, self._held)

    async def _blocked(self, subject: Subject, planned: PlannedObject, *findings: Finding) -> PlannedObject:
        """The object as blocked; the root account, which no listing shows, is known to it as by status."""
        if subject.mark in self._ownership.on_root:
            known = replace(subject.resource, status={"accountID": subject.root.account_id})
            subject = replace(subject, resource=known)
        return await blocked(subject, planned, *findings)

    async def _pass(self, subject: Subject, planned: PlannedObject) -> Found:
        if subject.resource.spec.get("suspend") is True:
            return await suspended(subject, planned)
        if subject.kind.lifecycle is None:
            site = await self._site(subject)
            title = site.place.realm or planned.title
            return await self._attaching.plan(subject, replace(planned, title=title), site)
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
        return await self._managed(subject, planned)

    async def _managed(self, subject: Subject, planned: PlannedObject) -> Found:
        new = self._new_parent(subject.resource.key)
        account = await identify(subject)
        if account is None:
            below = new or await parent_of(subject)
            realm = decided_realm(subject)
            account = await by_realm(subject, realm)
            if account is None:
                return await created(subject, planned, below, realm, self._day)
        if new:
            # It stands elsewhere, whatever form the reference to the parent has.
            spec = {**subject.resource.spec, "parentRef": {"accountID": "an account that is to be made"}}
            subject = replace(subject, resource=replace(subject.resource, spec=spec))
        return await kept(subject, planned, account)

    def _new_parent(self, key: Key) -> Referred | None:
        """The account above, where it is to be made by this very plan, with the lowest that is there."""
        above = self._above[key]
        if above is None or not self._is_new(above):
            return None
        return Referred(self._anchors[above], f"the Account {above.name}")

    def _is_new(self, account: Key) -> bool:
        """Whether the account is to be made by this very plan."""
        planned = self._planned.get(account)
        return planned is not None and planned.action is Action.CREATE

    async def _site(self, subject: Subject) -> Site:
        """Where the account of an object is, or will be. Raises Halt, BackendError."""
        home = self._homes[subject.resource.key]
        if home is None:
            return Site(await place_of(subject))
        status = self._held.resources[home].status
        account_id, realm = str(status.get("accountID")), str(status.get("realm"))
        if self._is_new(home):
            parent = self._above[home]
            above = "" if parent is not None and self._is_new(parent) else self._anchors[home]
            return Site(Place(account_id, realm, new=True, above=above), self._anchors[home])
        if "realm" in subject.said["accountRef"] and self._held.resources[home].was_ready:
            # The realm that the account has, or will have once this plan is carried out.
            return Site(Place(account_id, str(subject.said["accountRef"]["realm"])))
        return Site(await place_of(subject))

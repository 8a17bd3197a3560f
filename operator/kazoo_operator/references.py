"""The account that a spec refers to: by the name of an object, by id or by realm; never one outside."""

from __future__ import annotations

from dataclasses import dataclass

from kazoo_operator.backend.errors import Forbidden, NotFound
from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.lineage import backend_of
from kazoo_operator.core.outcome import Reason, State
from kazoo_operator.subject import Halt, Subject


@dataclass(frozen=True)
class Referred:
    """An account that is referred to: its id, and what a person calls it."""

    account_id: str
    called: str


@dataclass(frozen=True)
class Referring:
    """A reference of a spec: the field where it stands, what it says, the reason while it leads nowhere."""

    subject: Subject
    field: str
    said: JsonObject
    reason: Reason

    async def account(self) -> Referred:
        """The account, if it is the root account or stands below it. Raises Halt, BackendError.

        An object that is not Ready yet is awaited; an id or a realm is looked for again at resync.
        """
        if "name" in self.said:
            return await self._by_name(str(self.said["name"]))
        if "accountID" in self.said:
            return await self._within(str(self.said["accountID"]), f"the account {self.said['accountID']}")
        return await self._by_realm(str(self.said["realm"]))

    async def _by_name(self, name: str) -> Referred:
        key = Key("Account", self.subject.resource.key.namespace, name)
        named = self.subject.objects.get(key)
        if named is not None and not self.subject.is_here(named):
            raise self._elsewhere(named)
        why = f"waiting for the Account {name} of this namespace, which is not there or not Ready yet"
        if named is not None and named.deleting:
            why = f"the Account {name} is being deleted; waiting for another of that name"
        elif named is not None and named.was_ready and named.status.get("accountID"):
            return await self._within(str(named.status["accountID"]), f"the Account {name}")
        # One sentence for both: that the account appears is no news to be written.
        raise Halt(self.reason, f"{self.field}: {why}.", awaits=(key,))

    async def _by_realm(self, realm: str) -> Referred:
        root, connection = self.subject.root, self.subject.connection
        if realm == root.realm.lower():
            return Referred(root.account_id, root.realm)
        rows = await connection.backend.find_by_realm(realm)
        found = {row.id for row in (*rows, *connection.index.holding(realm))}
        if not found:
            raise self._not_there(f"no account below {root.realm} has the realm {realm}")
        return await self._within(min(found), f"the account {realm}")

    async def _within(self, account_id: str, called: str) -> Referred:
        root, connection = self.subject.root.account_id, self.subject.connection
        if account_id == root or await connection.index.row(account_id, root) is not None:
            return Referred(account_id, called)
        try:
            above = await connection.backend.ancestors(account_id)
        except NotFound:
            raise self._not_there(f"{called} is not in KAZOO") from None
        except Forbidden:
            above = ()
        if root in above:
            return Referred(account_id, called)
        text = (
            f"{self.field}: {called} is not below {self.subject.root.realm}, and nothing outside is touched; "
            "name another."
        )
        raise Halt(Reason.OUTSIDE_SUBTREE, text)

    def _elsewhere(self, named: Resource) -> Halt:
        """An account of another KAZOO has no place in this tree."""
        theirs, mine = backend_of(named), backend_of(self.subject.resource)
        text = (
            f"{self.field}: the Account {named.key.name} refers to the TelephonyBackend {theirs.namespace}/"
            f"{theirs.name}, and this object to {mine.namespace}/{mine.name}; write the same backendRef in "
            "both (KZ180)."
        )
        return Halt(Reason.INVALID_SPEC, text, state=State.STALLED, awaits=(named.key,))

    def _not_there(self, what: str) -> Halt:
        """Nobody tells when such an account appears: it is looked for at each resync."""
        text = f"{self.field}: {what}; looked for again at each resync."
        return Halt(self.reason, text, state=State.RECONCILING)

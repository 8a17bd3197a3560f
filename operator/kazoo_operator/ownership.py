"""Whose marks stand where in KAZOO: a plan takes a mark with an object's namespace and name for its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from kazoo_operator.backend.protocol import Identity
from kazoo_operator.backend.registry import Connection
from kazoo_operator.core.custom_resource import Key
from kazoo_operator.core.documents import ACCOUNT
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.mark import Mark
from kazoo_operator.core.outcome import Reason


@dataclass(frozen=True)
class Ownership:
    """The marks below the root account and on it, and the owner for whom a plan is made."""

    marks: dict[Mark, str] = field(default_factory=dict)
    on_root: frozenset[Mark] = frozenset()
    owner: str = "none"
    owners: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    @staticmethod
    async def read(connection: Connection, root: Identity, accounts: Collection[Key]) -> Ownership:
        """As KAZOO has it. The owner is the one of most of the `accounts`. Raises BackendError."""
        marks = dict(await connection.index.marks(root.account_id))
        flags = (await connection.backend.read(root.account_id, ACCOUNT)).get("flags")
        on_root = frozenset(Mark.among(flags if isinstance(flags, list) else ()))
        for mark in on_root:
            marks.setdefault(mark, root.account_id)
        names = {(key.namespace, key.name) for key in accounts}
        owners = Counter(mark.owner for mark in marks if (mark.namespace, mark.name) in names)
        most = (owners or Counter(mark.owner for mark in marks)).most_common(1)
        by_name: dict[tuple[str, str], set[str]] = {}
        for mark in marks:
            by_name.setdefault((mark.namespace, mark.name), set()).add(mark.owner)
        return Ownership(marks, on_root, most[0][0] if most else "none", by_name)

    def mark_of(self, key: Key) -> Mark:
        """The mark of the account that an object stands for."""
        owners = self.owners.get((key.namespace, key.name), {self.owner})
        return Mark(self.owner if self.owner in owners else min(owners), key.namespace, key.name)

    def account_of(self, key: Key) -> str | None:
        """The id of the account that bears the object's mark."""
        return self.marks.get(self.mark_of(key))

    def several(self, key: Key) -> Iterable[Finding]:
        """What is to be said where accounts bear the object's mark for several owners."""
        owners = sorted(self.owners.get((key.namespace, key.name), ()))
        if len(owners) > 1:
            text = f"several accounts bear its mark, of the owners {', '.join(owners)}"
            hint = f"planned for {self.mark_of(key).owner}; remove the mark that is not wanted"
            yield Finding(Reason.REALM_TAKEN, Severity.WARNING, "", text, hint)

"""Changes that KAZOO refused as not unique and yet stored: put back, and not tried again for an hour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kazoo_operator.backend.errors import Invalid
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.outcome import Pass
from kazoo_operator.core.plan import make_plan
from kazoo_operator.identity import fenced
from kazoo_operator.subject import Account, Halt, Subject, read

REFUSED_FOR = 3600.0


@dataclass(frozen=True)
class Refusal:
    """A change that KAZOO refused as not unique: of which spec, what stood there before, and what to say."""

    uid: str
    generation: int
    old: JsonObject
    until: float
    found: Pass


class Refusals:
    """The refused changes of this life, by account. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refusals: dict[tuple[str, str], Refusal] = {}

    async def note(self, subject: Subject, account: Account, error: Invalid, found: Pass) -> None:
        """KAZOO 5.0 stores what it refuses as not unique: remember what stood there, and put it back."""
        unique = {name for name, kinds in error.fields.items() if "unique" in kinds}
        before = subject.kind.parse({subject.lifecycle.document.name: account.document})
        old = {name: value for name, value in before.items() if name in unique}
        if old:
            resource, until = subject.resource, self._clock() + REFUSED_FOR
            self._refusals[_which(subject, account)] = Refusal(
                resource.uid, resource.generation, old, until, found
            )
            again = await read(subject, account.id)
            if again is not None:
                await _put_back(subject, again, old)

    async def stop(self, subject: Subject, account: Account) -> None:
        """Raises Halt while the same spec was refused within the hour; what was stored is put back first."""
        refusal = self._refusals.get(_which(subject, account))
        if refusal is None:
            return
        await _put_back(subject, account, refusal.old)
        resource = subject.resource
        same = (refusal.uid, refusal.generation) == (resource.uid, resource.generation)
        if same and self._clock() < refusal.until:
            raise Halt.again(refusal.found)
        del self._refusals[_which(subject, account)]


def _which(subject: Subject, account: Account) -> tuple[str, str]:
    return subject.connection.backend.url, account.id


async def _put_back(subject: Subject, account: Account, old: JsonObject) -> None:
    plan = make_plan(subject.kind, old, {subject.lifecycle.document.name: account.document})
    if plan.writes:
        await fenced(subject, account.id)
    for write in plan.writes:
        await subject.connection.write(account.id, write.document, write.data)

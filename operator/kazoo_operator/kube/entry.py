"""One object as the rim keeps it: small, with all that decides about it read out once."""

from __future__ import annotations

import json
from dataclasses import dataclass

from kazoo_operator.core.custom_resource import GROUP, JsonObject, Key, Resource
from kazoo_operator.core.lineage import BACKEND, account_words, backend_of
from kazoo_operator.core.outcome import Pass
from kazoo_operator.kube import resync

# A change of one of these is a wish that is heeded at once; all other annotations are somebody else's.
WISHES = tuple(
    f"{GROUP}/{name}" for name in ("reconcile-now", "recreate", "confirm-delete", "approve-deletions")
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whether an object needs work, whom it refers to, and what others see of it.

    `destructive` says that the deletion policy is Delete or Reset; `parent` is the Account in
    `spec.parentRef.name`, `realm` that of the spec, where it is to be managed, and `words` tell which account
    it is or belongs to. `backend` is the TelephonyBackend that it refers to, or is itself; `per_second` is
    what such a one lets its KAZOO be asked.
    """

    uid: str
    generation: int
    observed: int
    ready: bool
    reason: str
    account_id: str
    deleting: bool
    finalizers: tuple[str, ...]
    destructive: bool
    wishes: tuple[str | None, ...]
    every: float
    parent: Key | None
    realm: str | None
    words: tuple[str, ...]
    backend: Key
    per_second: float

    @classmethod
    def of(cls, resource: Resource) -> Facts:
        """The facts of an object."""
        conditions = resource.status.get("conditions") or ()
        condition: JsonObject = next((one for one in conditions if one.get("type") == "Ready"), {})
        reference = resource.spec.get("parentRef")
        name = reference.get("name") if isinstance(reference, dict) else None
        realm = None if resource.observe_only else resource.spec.get("realm")
        return cls(
            uid=resource.uid,
            generation=resource.generation,
            observed=resource.observed_generation,
            ready=resource.ready,
            reason=str(condition.get("reason") or ""),
            account_id=str(resource.status.get("accountID") or ""),
            deleting=resource.deleting,
            finalizers=resource.finalizers,
            destructive=resource.spec.get("deletionPolicy") in ("Delete", "Reset"),
            wishes=tuple(resource.annotations.get(name) for name in WISHES),
            every=resync.interval(resource),
            parent=Key("Account", resource.key.namespace, name) if name else None,
            realm=realm if isinstance(realm, str) else None,
            words=account_words(resource),
            backend=resource.key if resource.key.kind == BACKEND else backend_of(resource),
            per_second=_number(resource.spec.get("requestsPerSecond")),
        )

    def wishes_more_than(self, before: Facts) -> bool:
        """Whether an annotation of ours has a new value; that one was taken away is no wish."""
        return any(
            new is not None and new != old for new, old in zip(self.wishes, before.wishes, strict=True)
        )

    @property
    def shown(self) -> tuple[object, ...]:
        """What those who await the object wait for a change of.

        That a new generation is Ready, as the last one was, is none: they were woken for the generation.
        """
        return (self.uid, self.generation, self.reason, self.account_id, self.deleting)


@dataclass(slots=True)
class Entry:
    """One object, and what this term has done about it.

    `attempted` is the generation that the last pass took up (-1: none in this term) and `since` the count of
    changes when it began; `open` says that this pass is still on, or that its status is not written yet: then
    `unwritten` is what it found, if the API server could not take it. `wished` asks for another pass.
    """

    raw: bytes
    version: int
    facts: Facts
    attempted: int = -1
    since: int = 0
    open: bool = False
    wished: bool = False
    unwritten: Pass | None = None

    @property
    def body(self) -> JsonObject:
        """The object as the API server sent it, without managed fields; a copy."""
        body: JsonObject = json.loads(self.raw)
        return body

    def inherit(self, known: Entry) -> None:
        """Go on where an older version of the same object stood."""
        self.attempted, self.since, self.open = known.attempted, known.since, known.open
        self.wished, self.unwritten = known.wished, known.unwritten

    def begin_anew(self) -> None:
        """Nothing was done about the object in this term."""
        self.attempted, self.since, self.open = -1, 0, False
        self.wished, self.unwritten = False, None

    @property
    def pass_is_due(self) -> bool:
        """Whether a worker makes a pass; else only the status of the last one is to be written."""
        return self.wished or self.unwritten is None or self.attempted != self.facts.generation

    def holds(self, finalizer: str) -> bool:
        """Whether our finalizer is on the object."""
        return finalizer in self.facts.finalizers

    def needs_work(self, finalizer: str) -> bool:
        """Whether a pass is due for what was seen.

        A new generation, or one that was never looked at in this term and is not Ready; of a generation that
        was looked at, only that somebody else has wiped what its status said, or has touched our finalizer.
        An object that is being deleted needs us only while our finalizer holds it.
        """
        facts, held = self.facts, self.holds(finalizer)
        if facts.deleting:
            return held and self.attempted != facts.generation
        if self.attempted != facts.generation:
            return not facts.ready or held != facts.destructive
        return not self.open and (facts.observed != facts.generation or held != facts.destructive)


def _number(said: object) -> float:
    """A rate that the spec gives, else the CRD's default: an object may be older than its schema."""
    return float(said) if isinstance(said, int | float) and said >= 1 else 50.0

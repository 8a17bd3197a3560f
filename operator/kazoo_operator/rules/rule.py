"""A rule: an id, what it says, what to do about it, and how it is judged (CEL, Python, or both)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from kazoo_operator.core.conformity import ENOUGH
from kazoo_operator.core.custom_resource import JsonObject, Resource
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.pricing.estimate import Day


class Objection(NamedTuple):
    """One place where a rule is broken; what is empty is as the rule says."""

    path: str = ""
    message: str = ""
    hint: str = ""


_EVERYWHERE = Objection()


class Place(StrEnum):
    """Where a rule is enforced."""

    CRD = "API server"
    STATUS = "status"
    VALIDATE = "validate"
    AGAINST = "validate --against"
    LIVE = "status, against KAZOO"


@dataclass(frozen=True)
class Rule:
    """One rule of the catalogue.

    `cel` stands in the CRD, at the root of the spec, with `path` as its fieldPath; a rule that names
    `oldSelf` judges transitions. Python judges one thing each, all plain JSON without nulls: `check` a spec
    (True: the rule holds), `each` a spec, `dated` a spec on a day, `of_object` a whole manifest, `change` a
    spec before and now, and `over` a set of objects (the number of an object, and what is to be said about
    it). Paths of `check`, `each` and `dated` begin below the spec. `live` rules are judged once more where
    KAZOO was asked; what `keyed` rules say, the keys of a list in the CRD say too, in the API server's words.
    """

    id: str
    severity: Severity
    path: str
    message: str
    hint: str
    source: str
    title: str = ""
    cel: str | None = None
    check: Callable[[JsonObject], bool] | None = None
    each: Callable[[JsonObject], Iterable[Objection]] | None = None
    dated: Callable[[JsonObject, Day], Iterable[Objection]] | None = None
    of_object: Callable[[JsonObject], Iterable[Objection]] | None = None
    change: Callable[[JsonObject, JsonObject], Iterable[Objection]] | None = None
    over: Callable[[Sequence[Resource]], Iterable[tuple[int, Objection]]] | None = None
    live: bool = False
    keyed: bool = False
    at: str = ""

    @property
    def is_transition(self) -> bool:
        """Whether the rule judges a change, not a spec."""
        return self.change is not None or (self.cel is not None and "oldSelf" in self.cel)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the rule is enforced, in the order of the pages."""
        found = []
        if self.cel is not None or self.keyed:
            found.append(Place.CRD)
        if self.severity is Severity.ERROR and (self.check or self.each or self.dated):
            found.append(Place.STATUS)
        if self.live:
            found.append(Place.LIVE)
        if self.is_transition:
            found.append(Place.AGAINST)
        elif self.check or self.each or self.dated or self.of_object or self.over or self.cel is not None:
            found.append(Place.VALIDATE)
        return tuple(found)

    def finding(self, said: Objection = _EVERYWHERE) -> Finding:
        """What the rule says when it is broken there; without a place, at its own field of the spec."""
        path = said.path or f"spec.{self.at or self.path}".rstrip(".")
        return Finding(self.id, self.severity, path, said.message or self.message, said.hint or self.hint)

    def findings(self, spec: JsonObject, day: Day | None = None) -> list[Finding]:
        """Empty when the rule holds for `spec` (`day` is today in UTC) or cannot be judged from it alone."""
        found = [self.finding()] if self.check is not None and not self.check(spec) else []
        if self.each is not None:
            found += [self.finding(_below_spec(said)) for said in islice(self.each(spec), ENOUGH)]
        if self.dated is not None and day is not None:
            found += [self.finding(_below_spec(said)) for said in islice(self.dated(spec, day), ENOUGH)]
        return found

    def on_object(self, body: JsonObject) -> Iterator[Finding]:
        """What the rule says about a whole manifest, its metadata above all."""
        for said in islice(self.of_object(body), ENOUGH) if self.of_object is not None else ():
            yield self.finding(said)

    def on_change(self, old: JsonObject, new: JsonObject) -> Iterator[Finding]:
        """What the rule says about a spec that takes the place of another (the Python part)."""
        for said in self.change(old, new) if self.change is not None else ():
            yield self.finding(_below_spec(said))

    def on_set(self, resources: Sequence[Resource]) -> Iterator[tuple[int, Finding]]:
        """What the rule says about objects that stand beside one another: (number of the object, finding)."""
        for number, said in self.over(resources) if self.over is not None else ():
            yield number, self.finding(said)


def _below_spec(said: Objection) -> Objection:
    return said._replace(path=f"spec.{said.path}" if said.path else "")


def part(spec: JsonObject, name: str) -> JsonObject:
    """A mapping of the spec; empty where it has none, whatever else is wrong with it."""
    found = spec.get(name)
    return found if isinstance(found, dict) else {}

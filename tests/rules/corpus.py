"""The corpus as values: cases, and which rules a case is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.schema import without_nulls
from kazoo_operator.kinds import discover
from kazoo_operator.manifests import load
from kazoo_operator.manifests.manifest import Manifest
from kazoo_operator.rules.catalogue import catalogue
from kazoo_operator.rules.rule import Place, Rule

TODAY = date(2026, 11, 28)
"""The day on which the corpus is judged."""

FOLDER = Path(__file__).resolve().parents[1] / "corpus"
KINDS = {kind.name: kind for kind in discover()}
CATALOGUE = catalogue(rule for kind in KINDS.values() for rule in kind.rules)

# What the schema alone decides, and some of its places leave to others.
AROUND_THE_SPEC = {"metadata", "object-name", "member", "label", "twice", "kind", "version"}
# kubectl takes the last of two equal keys, without a word.
NOT_IN_THE_CRD = {"drift-ignore", "twice"}


@dataclass(frozen=True)
class Case:
    """One folder."""

    folder: Path

    def __str__(self) -> str:
        return self.folder.name

    @property
    def id(self) -> str:
        """The id of the rule that `fail.yaml` breaks."""
        return self.folder.name.partition("-")[0]

    @property
    def variant(self) -> str:
        """What tells this case from others of the rule."""
        return self.folder.name.partition("-")[2]

    @property
    def before(self) -> Path | None:
        """What the files take the place of."""
        path = self.folder / "before.yaml"
        return path if path.exists() else None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of the id; none for the schema."""
        return CATALOGUE.get(self.id, ())

    @cached_property
    def broken(self) -> tuple[Rule, ...]:
        """Those of the rules that `fail.yaml` breaks; which transition that is, a case does not tell."""
        if self.before is not None:
            return tuple(rule for rule in self.rules if rule.is_transition)
        manifests = load([self.folder / "fail.yaml"]).documents
        set_of_them = [Resource(one.key, "", 0, "", one.spec, {}) for one in manifests]
        return tuple(rule for rule in self.rules if _breaks(rule, manifests, set_of_them))

    def claimed(self, place: Place) -> bool:
        """Whether `fail.yaml` is to be refused there."""
        if self.id != "SCHEMA":
            return any(place in rule.places for rule in self.broken)
        if place is Place.CRD:
            return self.variant not in NOT_IN_THE_CRD
        return self.variant not in AROUND_THE_SPEC


def _breaks(rule: Rule, manifests: Sequence[Manifest], set_of_them: Sequence[Resource]) -> bool:
    by_itself = (
        [*rule.findings(without_nulls(one.spec), TODAY), *rule.on_object(one.body)]
        for one in manifests
        if rule in KINDS[one.kind].rules
    )
    return any(by_itself) or any(rule.on_set(set_of_them))


CASES = [Case(path) for path in sorted(FOLDER.iterdir()) if path.is_dir() and path.name != "valid"]

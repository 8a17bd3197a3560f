"""The corpus as values: cases, and which rules a case is about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kazoo_operator.kinds import discover
from kazoo_operator.rules.catalogue import catalogue
from kazoo_operator.rules.rule import Place, Rule

FOLDER = Path(__file__).resolve().parents[1] / "corpus"
CATALOGUE = catalogue(rule for kind in discover() for rule in kind.rules)

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

    def claimed(self, place: Place) -> bool:
        """Whether `fail.yaml` is to be refused there."""
        if self.id != "SCHEMA":
            # A country that does not exist is told by the one rule of KZ092 that CEL cannot judge.
            broken = [
                rule for rule in self.rules if rule.check or rule.is_transition or rule.over or rule.of_object
            ]
            if self.variant == "assigned":
                broken = [rule for rule in self.rules if rule.each]
            return any(place in rule.places for rule in broken or self.rules)
        if place is Place.CRD:
            return self.variant not in NOT_IN_THE_CRD
        return self.variant not in AROUND_THE_SPEC


CASES = [Case(path) for path in sorted(FOLDER.iterdir()) if path.is_dir() and path.name != "valid"]

"""Operations on the specs of a kind, made of its schema: every field set, changed, unset, at its bounds.

They are those that Acto makes: nothing is known of a field but its schema, example, and what samples have.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml

from kazoo_operator.core.crd import crd
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import get, put
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.kind import Kind
from kazoo_operator.validity import objections

FOR_EVER = {
    *("accountRef", "parentRef", "realm", "accountID", "adopt", "grants"),
    *("allowRealmChange", "backendRef"),
}
"""What a spec keeps, or only adds to: the API server refuses the change."""
HELD_BACK = {"suspend", "managementPolicy"}
"""What keeps all else from being written: operations of their own."""


@dataclass(frozen=True)
class Operation:
    """A field is given a value."""

    path: str
    value: Any

    def on(self, spec: JsonObject) -> JsonObject:
        """The spec, with the field set."""
        changed = copy.deepcopy(spec)
        put(changed, self.path, copy.deepcopy(self.value))
        return changed


@dataclass
class Operations:
    """Those of a kind on a `base`: which are allowed by themselves, and which break the schema or a rule."""

    kind: Kind
    base: JsonObject
    day: date
    allowed: list[Operation] = field(default_factory=list)
    refused: list[Operation] = field(default_factory=list)

    def __post_init__(self) -> None:
        for one in operations(self.kind):
            top = one.path.partition(".")[0]
            if top not in FOR_EVER | HELD_BACK:
                (self.refused if self.breaks(one.on(self.base)) else self.allowed).append(one)

    def breaks(self, spec: JsonObject) -> bool:
        """Whether a spec breaks the schema or a rule."""
        found = objections(self.kind, spec, self.day)
        return any(one.severity is Severity.ERROR for one in found)

    def rounds(self, number: int) -> Iterator[tuple[JsonObject, list[Operation]]]:
        """Specs in which each allowed operation stands at least once; what was set before is unset again."""
        chance = random.Random(self.kind.name)
        waiting = self.allowed.copy()
        for _ in range(number):
            chance.shuffle(waiting)
            spec, made = self.base, []
            for one in waiting + chance.sample(self.allowed, min(3, len(self.allowed))):
                known = any(one.path.startswith(f"{other.path}.") for other in made)
                above = any(f"{other.path}.".startswith(f"{one.path}.") for other in made)
                if known or above or self.breaks(one.on(spec)):
                    continue
                spec, made = one.on(spec), [*made, one]
            waiting = [one for one in waiting if one not in made]
            yield spec, made
        assert waiting == [], "more rounds are needed"


def operations(kind: Kind) -> list[Operation]:
    """Every field with its example, what samples have, its words, both sides of its bounds, and nothing."""
    (version,) = crd(kind)["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    found: dict[str, Operation] = {}
    for path, node in _fields(schema, ""):
        values = [value for sample in kind.samples if (value := get(sample, path)) is not None]
        for value in (*_of_the_schema(node), *values):
            found.setdefault(f"{path}={value!r:.200}{len(str(value))}", Operation(path, value))
    return list(found.values())


def _fields(schema: JsonObject, above: str) -> Iterator[tuple[str, JsonObject]]:
    for name, node in schema.get("properties", {}).items():
        yield f"{above}{name}", node
        yield from _fields(node, f"{above}{name}.")


def _of_the_schema(node: JsonObject) -> Iterator[Any]:
    told = re.search(r"Example: (.*)\.$", node.get("description", ""))
    example = yaml.safe_load(told[1]) if told else None
    if example is not None:
        yield example
    yield from node.get("enum", ())
    kind = node["type"]
    if kind == "boolean":
        yield from (True, False)
    elif kind == "integer":
        yield from (node["minimum"], node["maximum"], node["minimum"] - 1, node["maximum"] + 1)
    elif kind == "string" and "enum" not in node:
        for length in (0, node.get("minLength", 1), node["maxLength"], node["maxLength"] + 1):
            yield "x" * length
    elif kind == "array" and isinstance(example, list):
        more = [f"x{number}" for number in range(node["maxItems"] + 1 - len(example))]
        yield from ([], [*example, *more[:-1]], [*example, *more])
    elif kind == "object":
        yield {}

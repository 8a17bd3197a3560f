"""The CEL rules of a kind's CRD, evaluated without a cluster on what the API server would see."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

# The library would bring its own command line along, and a terminal toolkit that takes longer than all of us.
sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))

import cel  # noqa: E402

from kazoo_operator.core.crd import crd  # noqa: E402
from kazoo_operator.core.custom_resource import JsonObject  # noqa: E402
from kazoo_operator.core.documents import get  # noqa: E402
from kazoo_operator.core.finding import Finding, Severity  # noqa: E402
from kazoo_operator.core.kind import Kind  # noqa: E402
from kazoo_operator.rules.rule import Rule  # noqa: E402

_NAMED = re.compile(r"\b(?:self|oldSelf)\.(\w+)")
# The library's own size() counts the bytes of a text, the API server its characters, as Python does.
_SIZE = re.compile(r"\bsize\(")
_FUNCTIONS = {"characters": len}
_MOST = 5000
# What CEL says when a value is missing, or has not the type that the schema asks for: the schema has said so.
_MISTYPED = (KeyError, TypeError, ValueError, RuntimeError)


@dataclass(frozen=True)
class _Nested:
    """A rule of a field below the spec."""

    path: str
    program: cel.Program
    message: str


class CelRules:
    """The rules of one CRD, compiled."""

    def __init__(self, kind: Kind) -> None:
        (version,) = crd(kind)["spec"]["versions"]
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        self._defaults = tuple(_defaults(spec, ()))
        self._of_items = _defaults_of_items(spec)
        self._nested = tuple(_nested(spec, ""))
        said = spec.get("x-kubernetes-validations", ())
        catalogued = [rule for rule in kind.rules if rule.cel is not None]
        pairs = list(zip(catalogued, said, strict=True))
        self._names = frozenset(name for _, one in pairs for name in _NAMED.findall(one["rule"]))
        self._states: list[tuple[Rule, cel.Program]] = []
        self._changes: list[tuple[Rule, cel.Program]] = []
        for rule, one in pairs:
            (self._changes if rule.is_transition else self._states).append((rule, _compiled(one["rule"])))

    def findings(self, spec: JsonObject) -> Iterator[Finding]:
        """What the rules say against a spec without nulls; where it is mistyped, their Python part speaks."""
        if any(len(value) > _MOST for value in spec.values() if isinstance(value, dict | list | str)):
            # Beyond every bound of the schema: the API server asks no CEL then.
            yield from (finding for rule, _ in self._states for finding in rule.findings(spec))
            return
        context = _context({"self": self._seen(spec)})
        for rule, program in self._states:
            if not _holds(rule, program, context, spec):
                yield rule.finding()
        for nested in self._nested:
            value = get(spec, nested.path)
            if value is not None and not _true(nested.program, _context({"self": value})):
                yield Finding("SCHEMA", Severity.ERROR, f"spec.{nested.path}", nested.message, "correct it")

    def changes(self, old: JsonObject, new: JsonObject) -> Iterator[Finding]:
        """What the transition rules say against `new` in the place of `old`."""
        context = _context({"self": self._seen(new), "oldSelf": self._seen(old)})
        for rule, program in self._changes:
            if not _true(program, context):
                yield rule.finding()

    def _seen(self, spec: JsonObject) -> JsonObject:
        """The members that a rule names, with the CRD's defaults."""
        seen = {name: value for name, value in spec.items() if name in self._names}
        for name in self._of_items.keys() & seen.keys():
            items, missing = seen[name], self._of_items[name]
            if isinstance(items, list):
                seen[name] = [{**missing, **item} if isinstance(item, dict) else item for item in items]
        for parents, name, value in self._defaults:
            node: Any = seen
            for parent in parents:
                node = node.get(parent) if isinstance(node, dict) else None
            if isinstance(node, dict) and name not in node:
                if parents:
                    # Never into the manifest itself.
                    seen[parents[0]] = {**seen[parents[0]], name: value}
                else:
                    seen[name] = value
        return seen


def _compiled(rule: str) -> cel.Program:
    return cel.compile(_SIZE.sub("characters(", rule))


def _context(variables: JsonObject) -> cel.Context:
    return cel.Context(variables=variables, functions=_FUNCTIONS)


def _holds(rule: Rule, program: cel.Program, context: cel.Context, spec: JsonObject) -> bool:
    try:
        return bool(program.execute(context))
    except _MISTYPED:
        return rule.check is None or rule.check(spec)


def _true(program: cel.Program, context: cel.Context) -> bool:
    try:
        return bool(program.execute(context))
    except _MISTYPED:
        return True


def _defaults(schema: JsonObject, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    for name, member in schema.get("properties", {}).items():
        if "default" in member:
            if len(above) > 1:
                raise ValueError(f"a default that stands too deep: {above} {name}")
            yield above, name, member["default"]
        yield from _defaults(member, (*above, name))


def _defaults_of_items(spec: JsonObject) -> dict[str, JsonObject]:
    """What the CRD adds to the items of each list of the spec."""
    found = {
        name: {member: one["default"] for member, one in properties.items() if "default" in one}
        for name, schema in spec.get("properties", {}).items()
        if (properties := schema.get("items", {}).get("properties"))
    }
    return {name: defaults for name, defaults in found.items() if defaults}


def _nested(schema: JsonObject, above: str) -> Iterator[_Nested]:
    for name, member in schema.get("properties", {}).items():
        path = f"{above}{name}"
        for said in member.get("x-kubernetes-validations", ()):
            yield _Nested(path, _compiled(said["rule"]), said["message"])
        yield from _nested(member, f"{path}.")

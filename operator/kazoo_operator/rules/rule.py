"""A rule: an id, what it says, what to do about it, and how it is judged (CEL, Python, or both)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.finding import Finding, Severity


@dataclass(frozen=True)
class Rule:
    """One rule of the catalogue.

    `cel` stands in the CRD, at the root of the spec, with `path` as its fieldPath; a rule that names
    `oldSelf` judges transitions. `check` judges a spec (plain JSON, nulls left out): True means it holds.
    """

    id: str
    severity: Severity
    path: str
    message: str
    hint: str
    source: str
    cel: str | None = None
    check: Callable[[JsonObject], bool] | None = None

    def finding(self) -> Finding:
        """What the rule says when it is broken."""
        return Finding(self.id, self.severity, f"spec.{self.path}", self.message, self.hint)

    def findings(self, spec: JsonObject) -> list[Finding]:
        """Empty when the rule holds for `spec` or cannot be judged from one spec alone."""
        return [] if self.check is None or self.check(spec) else [self.finding()]

"""What a rule or a guard has to say about a spec or a plan."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Errors block; warnings only speak."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Finding:
    """One objection: the rule's id, the field (`spec.contacts.billing.email`), what is wrong, what to do."""

    rule: str
    severity: Severity
    path: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}; {self.hint} ({self.rule})"

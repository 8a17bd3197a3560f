"""The ownership mark: one string in the account's `flags`, and the memory of who manages it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

PREFIX = "kazoo-operator"


@dataclass(frozen=True)
class Mark:
    """`kazoo-operator/<owner>/<namespace>/<name>`; it knows no uid, so a manifest restored attaches again."""

    owner: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{PREFIX}/{self.owner}/{self.namespace}/{self.name}"

    @classmethod
    def among(cls, flags: Iterable[object]) -> tuple[Mark, ...]:
        """The marks among an account's flags, ours or another's; anything else is left out."""
        found = []
        for flag in flags:
            parts = flag.split("/") if isinstance(flag, str) else []
            if len(parts) == 4 and parts[0] == PREFIX and all(parts):
                found.append(cls(*parts[1:]))
        return tuple(found)

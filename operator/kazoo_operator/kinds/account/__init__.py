"""Account: one KAZOO account, made below its parent and kept as its spec says."""

from __future__ import annotations

from kazoo_operator.kinds.account.kind import KIND

__all__ = ["KIND"]

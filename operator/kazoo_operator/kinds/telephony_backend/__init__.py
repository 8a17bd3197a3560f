"""TelephonyBackend: where a KAZOO is, who logs in there, which subtree is touched, and by what policy."""

from __future__ import annotations

from kazoo_operator.kinds.telephony_backend.kind import KIND

__all__ = ["KIND"]

"""AppRestrictions: which apps the users of an account may use, the others being blocked."""

from __future__ import annotations

from kazoo_operator.kinds.app_restrictions.kind import KIND

__all__ = ["KIND"]

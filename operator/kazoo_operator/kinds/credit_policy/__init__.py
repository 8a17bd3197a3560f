"""CreditPolicy: credit that is booked once and for ever, the alert, the recharge, and what is spent."""

from __future__ import annotations

from kazoo_operator.kinds.credit_policy.kind import KIND

__all__ = ["KIND"]

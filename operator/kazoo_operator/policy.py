"""The policy that a TelephonyBackend declares for its KAZOO."""

from __future__ import annotations

from kazoo_operator.backend.registry import Policy
from kazoo_operator.kinds.telephony_backend.spec import TelephonyBackendSpec


def policy_of(spec: TelephonyBackendSpec) -> Policy:
    """What counts for the objects that refer to it."""
    return Policy(
        spec.realm_template,
        spec.currency,
        root_of(spec),
        spec.max_deletions_per_hour,
        spec.budget_policy,
        spec.require_whitelabel,
        spec.name_pattern,
    )


def root_of(spec: TelephonyBackendSpec) -> str | None:
    """The id or the realm of the account below which everything happens; None for the credential's own."""
    return None if spec.root_account is None else spec.root_account.account_id or spec.root_account.realm

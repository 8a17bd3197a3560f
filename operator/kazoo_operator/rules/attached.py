"""The rules about every object that belongs to an account."""

from __future__ import annotations

from kazoo_operator.core.finding import Severity
from kazoo_operator.rules import attached_set, metadata
from kazoo_operator.rules.rule import Rule

ACCOUNT_IS_STATIC = Rule(
    id="KZ037",
    title="An object belongs to one account for ever",
    severity=Severity.ERROR,
    path="accountRef",
    message="the account of this object cannot be changed, nor the form in which it is named",
    hint="put the old value back, or make another object",
    source="Account settings guide: check which account you stand in before you add credit",
    cel="self.accountRef == oldSelf.accountRef",
)

RULES = (ACCOUNT_IS_STATIC, *attached_set.RULES, *metadata.RULES)

"""The rules about the consent to be charged."""

from __future__ import annotations

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.finding import Severity
from kazoo_operator.rules.rule import Rule, part

_SOURCE = "Account settings guide: changing trunk limits affects billing"
_LIMITS = ("maxRecurringIncrease", "maxOneTime")
_UP_TO = "!has(self.charges) || self.charges.accept != 'UpTo' || has(self.charges.maxRecurringIncrease) || "


def _says(charges: JsonObject, accept: str, *members: str) -> bool:
    """Whether such a consent has any of the members that say what it is to; of another there is no need."""
    return charges.get("accept") != accept or any(member in charges for member in members)


RULES = (
    Rule(
        id="KZ063",
        title="Consent to a charge says to how much",
        severity=Severity.ERROR,
        path="charges",
        message="accept: UpTo says neither how much a month nor how much at once",
        hint="add maxRecurringIncrease or maxOneTime",
        source=_SOURCE,
        cel=f"{_UP_TO}has(self.charges.maxOneTime)",
        check=lambda spec: (
            part(spec, "charges").get("accept") != "UpTo" or bool(_LIMITS & part(spec, "charges").keys())
        ),
    ),
    Rule(
        id="KZ063",
        title="Consent to a charge says to how much",
        severity=Severity.ERROR,
        path="charges",
        message="accept: Quote does not say which quote",
        hint="add quoteDigest with the digest of status.pendingQuote",
        source=_SOURCE,
        cel="!has(self.charges) || self.charges.accept != 'Quote' || has(self.charges.quoteDigest)",
        check=lambda spec: (
            part(spec, "charges").get("accept") != "Quote" or "quoteDigest" in part(spec, "charges")
        ),
    ),
)

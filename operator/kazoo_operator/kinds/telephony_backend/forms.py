"""The forms of a TelephonyBackend's texts, and what people write in their place."""

from __future__ import annotations

from kazoo_operator.core.form import Form


def _currency(text: str) -> str:
    """`usd` -> `USD`, `$` -> `USD`."""
    return {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP"}.get(text.strip(), text.strip().upper())


def _namespace(text: str) -> str:
    return text.strip().lower().replace("_", "-")


CURRENCY = Form(
    pattern=r"^[A-Z]{3}$",
    shortest=3,
    longest=3,
    what="currency: three capitals of ISO 4217, such as USD",
    meant=_currency,
)
NAMESPACE = Form(
    pattern=r"^(\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$",
    shortest=1,
    longest=63,
    what='namespace: 1 to 63 of a-z, 0-9 and -, or "*" for all',
    meant=_namespace,
)

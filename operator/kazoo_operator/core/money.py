"""Money as an int of 1/10000 of the currency unit, never a float."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

Amount = int

UNITS = 10_000


def from_number(number: Decimal | int) -> Amount:
    """Units of 1/10000 from a JSON number (read as Decimal); KAZOO prints doubles, hence the rounding."""
    return int((Decimal(number) * UNITS).to_integral_value(rounding=ROUND_HALF_EVEN))


def to_text(amount: Amount) -> str:
    """`250000` -> `"25.00"`: at least two decimals, up to four."""
    sign, whole, rest = "-" if amount < 0 else "", *divmod(abs(amount), UNITS)
    digits = f"{rest:04d}"
    return f"{sign}{whole}.{digits[:2]}{digits[2:].rstrip('0')}"

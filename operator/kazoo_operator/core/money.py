"""Money as an int of 1/10000 of the currency unit, never a float.

Prices and their products stay exact Decimals until they are summed: KAZOO's rates may have more than four
places.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

Amount = int

UNITS = 10_000
_NOISE = Decimal("1e-9")
_EXACT = Context(prec=60)


def without_noise(number: Decimal | int) -> Decimal:
    """A number without the last digits that only a double put there: `6.9900000000000002132` is `6.99`."""
    return Decimal(number).quantize(_NOISE, ROUND_HALF_EVEN, _EXACT)


def from_number(number: Decimal | int) -> Amount:
    """Units of 1/10000 from a JSON number (read as Decimal); KAZOO prints doubles, hence the rounding.

    A double's noise goes first, so that half a unit is rounded alike however it was added up.
    """
    return int((without_noise(number) * UNITS).to_integral_value(rounding=ROUND_HALF_EVEN))


def to_text(amount: Amount) -> str:
    """`250000` -> `"25.00"`: at least two decimals, up to four."""
    sign, whole, rest = "-" if amount < 0 else "", *divmod(abs(amount), UNITS)
    digits = f"{rest:04d}"
    return f"{sign}{whole}.{digits[:2]}{digits[2:].rstrip('0')}"


def price_to_text(price: Decimal) -> str:
    """`Decimal("20")` -> `"20.00"`, `Decimal("1.61739")` -> `"1.61739"`: two decimals or as many as it has.

    Never an exponent, a negative zero or a separator of thousands.
    """
    sign, whole, rest = "-" if price < 0 else "", *f"{abs(without_noise(price)):f}".split(".")
    text = f"{whole}.{rest[:2]}{rest[2:].rstrip('0')}"
    return f"{sign}{text}" if text.strip("0.") else text


def from_text(text: str) -> Amount:
    """`"25.5"` -> 255000: an amount as a spec writes it, four decimals at most. Raises ValueError."""
    whole, _, rest = text.removeprefix("-").partition(".")
    if not (whole.isdecimal() and whole.isascii() and (rest + "0").isdecimal() and len(rest) <= 4):
        raise ValueError(f"{text!r} is no amount of money")
    units = int(whole) * UNITS + int(rest.ljust(4, "0"))
    return -units if text.startswith("-") else units

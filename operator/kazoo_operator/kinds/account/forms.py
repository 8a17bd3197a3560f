"""The forms of an Account's texts, and what people write in their place."""

from __future__ import annotations

import re

from kazoo_operator.core.form import Form
from kazoo_operator.rules.countries import MEANT as COUNTRIES

_NORTH_AMERICAN = 10


def _language(text: str) -> str:
    """`EN-us` -> `en-US`, `de_DE.UTF-8` -> `de-DE`."""
    language, dash, region = re.sub(r"[_ ]", "-", text.partition(".")[0]).partition("-")
    return f"{language.lower()}{dash}{region.upper()}"


def _country(text: str) -> str:
    """`us` -> `US`, `USA` -> `US`."""
    code = re.sub(r"[^A-Z]", "", text.upper())
    return COUNTRIES.get(code, code)


def _e164(text: str) -> str:
    """`+1 (408) 555-0100`, `001 408 555 0100` and `408-555-0100` -> `+14085550100`."""
    digits = re.sub(r"[\s().\-/]|^tel:", "", text)
    if digits.startswith("+"):
        return digits
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    if len(digits) == _NORTH_AMERICAN:
        return f"+1{digits}"
    return f"+{digits}" if digits.startswith("1") and len(digits) == _NORTH_AMERICAN + 1 else ""


def _email(text: str) -> str:
    """`Bo Li <bo@acme.example>` and `mailto:bo@acme.example` -> `bo@acme.example`."""
    bracketed = re.search(r"<([^<>]*)>", text)
    return (bracketed.group(1) if bracketed else text).removeprefix("mailto:").replace(" ", "")


def _consent(text: str) -> str:
    """`a -> b`, `a => b` and `a to b` -> `a->b`."""
    return re.sub(r"\s*(->|=>|→|\sto\s)\s*", "->", text)


NAME = Form(
    pattern=r"^[^\p{Cc}\p{Cf}]+$",
    shortest=1,
    longest=128,
    what="name of an account: 1 to 128 characters that can be seen",
)
LANGUAGE = Form(
    pattern=r"^[a-z]{2,3}(-([A-Z]{2}|[0-9]{3}))?$",
    shortest=2,
    longest=16,
    what="language: two or three small letters, and behind a - the region's two capitals or three digits",
    meant=_language,
)
COUNTRY = Form(
    pattern="^[A-Z]{2}$",
    shortest=2,
    longest=2,
    what="country code of ISO 3166: two capitals",
    meant=_country,
)
E164 = Form(
    pattern=r"^\+[1-9][0-9]{1,14}$",
    shortest=3,
    longest=16,
    what="E.164 number: + and 2 to 15 digits, the country's first, and nothing between them",
    meant=_e164,
)
EMAIL = Form(
    pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
    shortest=3,
    longest=254,
    what="e-mail address: one name@host.domain, without accents and blanks",
    meant=_email,
)
CONSENT = Form(
    pattern=r"^[^ >]+->[^ >]+$",
    shortest=3,
    longest=508,
    what="consent to a change: the old realm, ->, and the new one, without blanks",
    meant=_consent,
)

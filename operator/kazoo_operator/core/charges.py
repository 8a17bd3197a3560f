"""What may be charged, as a spec consents to it, and what would be, as status shows it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from kazoo_operator.core.form import Form
from kazoo_operator.core.schema import Model

_WRITTEN = re.compile(r"(?:[A-Z]{3}|[$€£])? *([0-9][0-9.,]*) *(?:[A-Z]{3}|[$€£])?")
_THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")


def amount_meant(text: str) -> str:
    """`$1,250.5`, `1250,50`, `01250.5` and `USD 1250.50` -> the amount alone; empty where it is not plain."""
    found = _WRITTEN.fullmatch(text.strip())
    digits = found.group(1) if found is not None else ""
    if re.fullmatch(r"[0-9]+,[0-9]{1,2}", digits):
        digits = digits.replace(",", ".")
    elif _THOUSANDS.fullmatch(digits):
        digits = digits.replace(",", "")
    return re.sub(r"^0+(?=[0-9])", "", digits)


COST = Form(
    pattern=r"^[0-9]{1,9}(\.[0-9]{1,4})?$",
    shortest=1,
    longest=14,
    what='amount: digits, at most four of them behind a point, as "25.00"',
    meant=amount_meant,
)
DIGEST = Form(
    pattern="^sha256:[0-9a-f]{64}$",
    shortest=71,
    longest=71,
    what="digest of a quote: sha256: and 64 of 0-9 and a-f, as status.pendingQuote has it",
    meant=lambda text: text.strip().lower(),
)

Cost = Annotated[str, COST]
Digest = Annotated[str, DIGEST]


class Charges(Model):
    """Consent to be charged; without it nothing is written that costs more than before."""

    accept: Literal["Never", "UpTo", "Quote"] = Field(
        default="Never",
        description="Never: nothing that raises a bill is written. UpTo: it is, within the limits below. "
        "Quote: it is at exactly the price of the quote whose digest stands below. Default: Never. "
        "Example: Quote.",
        examples=["Quote"],
    )
    max_recurring_increase: Cost | None = Field(
        default=None,
        description="With UpTo: by how much the monthly bill may rise, in the backend's currency (quote it). "
        'Default: no rise. Example: "50.00".',
        examples=['"50.00"'],
    )
    max_one_time: Cost | None = Field(
        default=None,
        description="With UpTo: what may be charged at once, in the backend's currency (quote it). "
        'Default: nothing. Example: "10.00".',
        examples=['"10.00"'],
    )
    quote_digest: Digest | None = Field(
        default=None,
        description="With Quote: the digest of status.pendingQuote. Default: none. "
        "Example: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.",
        examples=["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    )


class QuotedItem(Model):
    """One item of the bill as it would be."""

    category: str = Field(max_length=128, description="Category of the item: limits, users and others.")
    item: str = Field(max_length=128, description="The item within its category.")
    quantity: int = Field(description="How many units are billed.")
    rate: str = Field(max_length=32, description="Price of one unit a month.")
    total: str = Field(max_length=32, description="Price of all units a month.")


class PendingQuote(Model):
    """The price of a change that waits for consent."""

    digest: Digest = Field(description="What charges.quoteDigest has to say to consent to this price.")
    today: str = Field(max_length=32, description="What would be charged at once.")
    recurring: str = Field(max_length=32, description="By how much the monthly bill would rise.")
    items: list[QuotedItem] = Field(
        max_length=256,
        description="The items of the bill that would change.",
    )

"""What a plan or an override may say of each item, as KAZOO describes it to whoever draws a form for it.

The items are those of a system that was left as it came.
"""

from __future__ import annotations

from typing import Any

from .release import Release

Field = dict[str, Any]


def _field(kind: str, description: str, **more: Any) -> Field:
    return {"description": description, "type": kind, **more}


def _object(properties: dict[str, Field], description: str | None = None) -> Field:
    told = {} if description is None else {"description": description}
    return {**told, "properties": properties, "type": "object"}


def _tiers(description: str, tier: str, **more: Any) -> Field:
    return _field("object", description, patternProperties={"^[0-9]+$": _field("number", tier)}, **more)


_discounted = _tiers(
    "Takes precedence over rate, sets the discount based on the billable quantity",
    "The amount to apply if the quantity is under the indicated in the key",
)
_tier = "The rate to charge when under the quantity indicated in the key"

ITEM: dict[str, Field] = {
    "activation_charge": _field("number", "What to charge when activating an Item", default=0.0),
    "cascade": _field(
        "boolean", "Whether to count quantities among all sub-accounts or just the account", default=False
    ),
    "discounts": _object({
        "cumulative": _object({
            "maximum": _field("integer", "The most number of Items to apply discount to"),
            "rate": _field("number", "The discount to apply, up to maximum Items (if applicable)"),
            "rates": _discounted,
        }),
        "single": _object({
            "rate": _field(
                "number",
                "A single discount amount to apply if there are more than 0 units and no match in rates",
            ),
            "rates": _discounted,
        }),
    }),
    "flat_rate": _field(
        "number", "Takes precedence over rates and rate, charges only the provided amount", default=0.0
    ),
    "flat_rates": _tiers(
        "Takes precedence over flat_rate, rates and rate, charges only the provided amount", _tier, default={}
    ),
    "markup_type": _field(
        "string", "How rate for this usage is calculated", enum=["fixed_price", "percentage", "rate"]
    ),
    "maximum": _field("integer", "The maximum quantity of items to bill for"),
    "minimum": _field("integer", "The minimum quantity of items to bill for", default=0),
    "name": _field("string", "Friendly name for this Item"),
    "prorate": _object(
        {
            "additions": _field("boolean", "Should this item be prorated during additions", default=True),
            "removals": _field("boolean", "Should this item be prorated during removals", default=False),
        },
        "Should this item be prorated",
    ),
    "rate": _field(
        "number",
        "Used if no flat_rates, flat_rate or rates apply,"
        " resulting charges is billable quantity multipled with rate",
        default=0.0,
    ),
    "rates": _tiers(
        "Takes precedence over rate, resulting charges is billable quantity multipled with tiered rate",
        _tier,
        default={},
    ),
    "step": _field("integer", "Step size for quantity", default=1),
    "taxes": {
        "items": _object({
            "name": _field("string", "The display name to use when generating invoices/reports"),
            "rate": _field("number", "The tax rate as a percentage"),
            "tax_id": _field("string", "The tax number/id (optional)"),
        }),
        "type": "array",
    },
}  # fmt: skip
"""The members of an item, in the words of KAZOO."""
ALL = {**ITEM, "as": _field("string", "Count Item as if it was another Item")}
"""Those of the item that stands for a whole category."""

NUMBER_SERVICES = (
    "carrier_name mms sms port e911 outbound_cnam inbound_cnam cnam ringback prepend force_outbound failover"
)
NUMBERS = "unknown international did_us caribbean emergency toll_us tollfree_us"
DEVICES = "softphone smartphone sip_uri mobile landline fax cellphone ata sip_device"
NEW_DEVICES = "application ctu"
PORTS = (
    "unconfirmed submitted scheduled rejected pending first_unconfirmed first_submitted first_scheduled"
    " first_rejected first_pending first_completed first_canceled completed canceled"
)
CATEGORIES = {
    "account_apps": "",
    "user_apps": "",
    "number_services": NUMBER_SERVICES,
    "number_carriers": "knm_local",
    "phone_numbers": NUMBERS,
    "users": "admin user",
    "devices": DEVICES,
    "limits": "outbound_trunks inbound_trunks twoway_trunks",
    "branding": "whitelabel",
    "ips": "dedicated",
    "port_request": PORTS,
    "voicemails": "transcription mailbox",
    "faxes": "mailbox",
    "conferences": "conference",
}


def fields(release: Release) -> dict[str, Any]:
    """Category -> item -> what may be said of it."""
    names = {category: items.split() for category, items in CATEGORIES.items()}
    if release.has_new_devices:
        names["devices"] += NEW_DEVICES.split()
    return {category: {**dict.fromkeys(items, ITEM), "_all": ALL} for category, items in names.items()}

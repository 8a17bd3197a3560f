"""The service plans that the master of a fresh sandbox sells: by id, rates in the currency and month."""

from __future__ import annotations

from typing import Any

PLANS: dict[str, dict[str, Any]] = {
    "gold-trunks": {
        "name": "Gold Trunks",
        "description": "Trunks with an activation charge",
        "category": "trunks",
        "plan": {
            "limits": {
                "twoway_trunks": {"rate": 29.99, "activation_charge": 20, "cascade": True},
                "inbound_trunks": {"rate": 6.99, "activation_charge": 5, "cascade": True},
                "outbound_trunks": {"rate": 0, "cascade": True},
            }
        },
    },
    "silver-trunks": {
        "name": "Silver Trunks",
        "description": "Trunks that get cheaper in numbers",
        "category": "trunks",
        "plan": {
            "limits": {
                "twoway_trunks": {"rates": {"10": 24.99, "50": 19.99}, "rate": 17.99, "cascade": True},
                "inbound_trunks": {"rate": 4.99, "minimum": 2, "cascade": True},
            }
        },
    },
    "gold-seats": {
        "name": "Gold Seats",
        "description": "Users, the first five free",
        "category": "seats",
        "plan": {
            "users": {
                "_all": {
                    "rate": 9.5,
                    "as": "seat",
                    "discounts": {"cumulative": {"maximum": 5}},
                    "cascade": True,
                }
            }
        },
    },
}

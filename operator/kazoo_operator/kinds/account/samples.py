"""Whole specs of Accounts: the laws run over them."""

from __future__ import annotations

from kazoo_operator.core.custom_resource import JsonObject

_MAIN_STREET = {
    "street": "1 Main St",
    "city": "San Jose",
    "region": "CA",
    "postalCode": "95113",
    "country": "US",
}

SAMPLES: tuple[JsonObject, ...] = (
    {
        "name": "Acme Dental",
        "timezone": "America/Los_Angeles",
        "language": "en-US",
        "address": _MAIN_STREET,
    },
    {
        "name": "Söhne & Töchter",
        "realm": "soehne.pbx.example.com",
        "enabled": False,
        "timezone": "Europe/Berlin",
        "language": "de",
        "address": {
            "street": "Lindenweg 3",
            "extra": "Hinterhaus",
            "city": "Berlin",
            "region": "BE",
            "postalCode": "10115",
            "country": "DE",
        },
        "contacts": {
            "technical": {"name": "Tess Ng", "email": "tess@soehne.example", "phone": "+493055501"},
            "billing": {"name": "Bo Li", "email": "bo@soehne.example", "phone": "+493055502"},
        },
    },
    {
        "name": "acme",
        "realm": "acme.pbx.example.com",
        "enabled": True,
        "timezone": "Etc/UTC",
        "language": "es-419",
        "address": _MAIN_STREET,
        "contacts": {"billing": {"email": "bo@acme.example"}},
        "resyncInterval": "1h30m",
    },
    {
        "name": "Fjord & Co",
        "realm": "fjord.pbx.example.com",
        "parentRef": {"name": "reseller"},
        "timezone": "Europe/Oslo",
        "language": "nb-NO",
        "address": _MAIN_STREET,
        "callRestrictions": {"international": "Deny", "emergency": "Allow", "closed_groups": "Deny"},
        "callerID": {
            "internal": {"name": "Fjord", "number": "100"},
            "external": {"name": "Fjord & Co", "number": "+4755501"},
            "emergency": {"name": "Fjord & Co", "number": "+4755502"},
        },
        "callerIDPrivacy": "Name",
        "controlCenter": {"preset": "SubAccount", "balance": {"show": True, "minutes": True}},
        "outboundRouting": "Reseller",
        "driftPolicy": "Report",
        "driftIgnore": ["callerID.external.name", "callRestrictions.emergency"],
        "deletionPolicy": "Delete",
    },
    {
        "name": "Fjord & Co",
        "realm": "fjord.pbx.example.com",
        "timezone": "Europe/Oslo",
        "language": "nb-NO",
        "callRestrictions": {},
        "callerIDPrivacy": "None",
        "controlCenter": {"twoWay": False},
        "outboundRouting": "Own",
        "managementPolicy": "ObserveOnly",
        "suspend": True,
    },
    {
        "name": "Taken Over",
        "timezone": "Asia/Tokyo",
        "language": "ja",
        "address": _MAIN_STREET,
        "callerID": {"external": {"name": "Taken"}},
        "outboundRouting": "Platform",
        "adopt": True,
        "accountID": "4c0c8f6f9d8b4a0f8e3d2c1b0a998877",
    },
)

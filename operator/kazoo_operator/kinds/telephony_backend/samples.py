"""Whole specs of TelephonyBackends."""

from __future__ import annotations

from kazoo_operator.core.custom_resource import JsonObject

SAMPLES: tuple[JsonObject, ...] = (
    {
        "url": "https://crossbar.example.com:8443",
        "auth": {"apiKeySecretRef": {"name": "kazoo", "key": "api-key"}},
    },
    {
        "url": "http://crossbar.telephony.svc:8000/v2",
        "insecureHTTP": True,
        "caBundleSecretRef": {"name": "kazoo-ca", "key": "ca.crt"},
        "auth": {"userSecretRef": {"name": "kazoo"}},
        "rootAccount": {"realm": "reseller.example.com"},
        "realmTemplate": "{name}.pbx.example.com",
        "currency": "EUR",
        "requestsPerSecond": 20,
        "allowedNamespaces": ["team-a", "team-b"],
        "budgetPolicy": "Deny",
        "maxDeletionsPerHour": 0,
        "requireWhitelabel": True,
        "namePattern": "^[A-Z]{2}-[0-9]{4} ",
    },
    {
        "url": "http://127.0.0.1:8000",
        "auth": {"apiKeySecretRef": {"name": "kazoo", "key": "api-key"}},
        "rootAccount": {"accountID": "4c0c8f6f9d8b4a0f8e3d2c1b0a998877"},
        "allowedNamespaces": ["*"],
        "budgetPolicy": "Off",
    },
)

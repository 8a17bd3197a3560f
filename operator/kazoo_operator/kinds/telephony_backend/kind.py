"""TelephonyBackend as a kind: its names and its columns. Nothing of it is kept in KAZOO."""

from __future__ import annotations

from kazoo_operator.core.kind import Column, Kind, ready_columns
from kazoo_operator.kinds.telephony_backend.samples import SAMPLES
from kazoo_operator.kinds.telephony_backend.spec import TelephonyBackendSpec
from kazoo_operator.kinds.telephony_backend.status import TelephonyBackendStatus
from kazoo_operator.rules import telephony_backend

KIND = Kind(
    name="TelephonyBackend",
    plural="telephonybackends",
    singular="telephonybackend",
    short_name="kztb",
    description="A KAZOO: where it is, who logs in there, which subtree is touched, and by what policy.",
    spec=TelephonyBackendSpec,
    status=TelephonyBackendStatus,
    columns=(
        Column("URL", ".spec.url"),
        Column("LEVEL", ".status.level"),
        Column("VERSION", ".status.version"),
        *ready_columns(),
    ),
    rules=telephony_backend.RULES,
    samples=SAMPLES,
)

"""What `/metrics` shows: controller-runtime's names where they exist, ours with the prefix `kazoo_`.

One registry for the process, with no metric of a library in it.
"""

from __future__ import annotations

from contextlib import suppress

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

RECONCILES = Counter(
    "controller_runtime_reconcile",
    "Passes over objects; result is success (Ready) or error (not Ready).",
    ["controller", "result"],
    registry=REGISTRY,
)
RECONCILE_ERRORS = Counter(
    "controller_runtime_reconcile_errors",
    "Passes over objects that did not end Ready.",
    ["controller"],
    registry=REGISTRY,
)
RECONCILE_TIME = Histogram(
    "controller_runtime_reconcile_time_seconds",
    "Length of a pass over an object, without the write of its status.",
    ["controller"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
    registry=REGISTRY,
)
QUEUE_DEPTH = Gauge("workqueue_depth", "Objects that wait for a worker.", ["name"], registry=REGISTRY)
LEADS = Gauge(
    "leader_election_master_status", "Whether this process leads: 1 or 0.", ["name"], registry=REGISTRY
)
BACKEND_READY = Gauge(
    "kazoo_backend_ready",
    "Whether the KAZOO of a TelephonyBackend can be worked with: 1 or 0.",
    ["backend"],
    registry=REGISTRY,
)
OBJECTS = Gauge("kazoo_objects", "Objects that are managed.", ["kind"], registry=REGISTRY)
WATCH_SILENCE = Gauge(
    "kazoo_watch_last_event_seconds",
    "Seconds since a watch of the kind delivered anything, bookmarks included.",
    ["kind"],
    registry=REGISTRY,
)
RESYNC_STRETCH = Gauge(
    "kazoo_resync_stretch_ratio",
    "Factor by which resync intervals are stretched to stay below half of requestsPerSecond; 1 is none.",
    registry=REGISTRY,
)
BACKEND_REQUESTS = Counter(
    "kazoo_api_requests",
    "Requests to a KAZOO; code is the HTTP status, or what kept it from coming.",
    ["backend", "method", "route", "code"],
    registry=REGISTRY,
)
BACKEND_SECONDS = Histogram(
    "kazoo_api_request_duration_seconds",
    "Length of a request to KAZOO, waiting for its turn aside.",
    ["backend", "method", "route"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120),
    registry=REGISTRY,
)


def show_backend(backend: str, ready: bool | None) -> None:
    """Tell of a TelephonyBackend (`namespace/name`) whether it is Ready; None: it is there no more."""
    if ready is None:
        with suppress(KeyError):
            BACKEND_READY.remove(backend)
    else:
        BACKEND_READY.labels(backend).set(ready)


def observe_backend(backend: str, method: str, route: str, code: str, seconds: float) -> None:
    """Count one request to the KAZOO of a TelephonyBackend (`namespace/name`) or of the `settings`.

    `route` is a template such as `/accounts/{id}`, never a real path.
    """
    BACKEND_REQUESTS.labels(backend, method, route, code).inc()
    BACKEND_SECONDS.labels(backend, method, route).observe(seconds)

"""The custom resources: one module is one kind, found by itself."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from kazoo_operator.core.kind import Kind


@cache
def discover() -> tuple[Kind, ...]:
    """Every kind in this package (each module's `KIND`), by name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return tuple(sorted((module.KIND for module in modules), key=lambda kind: kind.name))

"""The nouns of the API, one module each: one with a `NOUN` is part of the table, no other file names it."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ..routes import Noun, Routes


def discover() -> Routes:
    """Import every noun."""
    found: list[Noun] = [import_module(f"{__name__}.{module.name}").NOUN for module in iter_modules(__path__)]
    return Routes(found)

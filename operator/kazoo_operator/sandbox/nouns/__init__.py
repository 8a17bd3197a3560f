"""The nouns of the API, one module each; a module with a `NOUN` is part of the table, no other file names it.

`AWAITED` are nouns that KAZOO has: until such a module exists here, its paths answer 501.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ..routes import Noun, Routes

AWAITED = frozenset(
    {
        "user_auth",
        "token_auth",
        "limits",
        "services",
        "apps_store",
        "users",
        "callflows",
        "whitelabel",
        "phone_numbers",
        "transactions",
        "channels",
    }
)


def discover() -> Routes:
    """Import every noun."""
    found: list[Noun] = [import_module(f"{__name__}.{module.name}").NOUN for module in iter_modules(__path__)]
    return Routes(found, AWAITED)

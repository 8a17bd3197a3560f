"""The nouns of the API, one module each; a module with a `NOUN` is part of the table, no other file names it.

`AWAITED` are nouns that KAZOO has: until such a module exists here, its verbs answer 501. A verb that KAZOO
has not at a resource listed here is refused as KAZOO refuses it.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ..routes import Noun, Resource, Routes


def _awaited(name: str, *resources: tuple[tuple[str, ...], str]) -> Noun:
    return Noun(name, tuple(Resource(path, awaited=frozenset(verbs.split())) for path, verbs in resources))


AWAITED = (
    _awaited("apps_store", (("blacklist",), "GET POST")),
    _awaited("whitelabel", ((), "GET PUT POST DELETE")),
)


def discover() -> Routes:
    """Import every noun."""
    found: list[Noun] = [import_module(f"{__name__}.{module.name}").NOUN for module in iter_modules(__path__)]
    return Routes(found, AWAITED)

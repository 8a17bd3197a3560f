"""The engine over a real sandbox, as the engine's own tests have it."""

from __future__ import annotations

from tests.engine.conftest import clock, world

__all__ = ["clock", "world"]

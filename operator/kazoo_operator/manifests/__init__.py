"""Manifests in files: found, read, and every value with the line and column where it stands."""

from __future__ import annotations

from kazoo_operator.manifests.loading import load
from kazoo_operator.manifests.manifest import Loaded, Located, Manifest

__all__ = ["Loaded", "Located", "Manifest", "load"]

"""Manifests in files: found, read, and every value with the line and column where it stands."""

from __future__ import annotations

from kazoo_operator.manifests.loading import load, load_texts
from kazoo_operator.manifests.manifest import Loaded, Located, Manifest, Skipped, Source

__all__ = ["Loaded", "Located", "Manifest", "Skipped", "Source", "load", "load_texts"]

"""The examples as one set, for a sandbox wherever it listens: for the demo and the tests."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import yaml

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_BACKEND = EXAMPLES / "06-backend/backend.yaml"
_SPEC = yaml.safe_load(_BACKEND.read_text(encoding="utf-8"))["spec"]
_URL: str = _SPEC["url"]


def sandbox_port() -> int:
    """The port of the examples' backend, or 0, any that is free, where somebody listens there already."""
    port = int(_URL.rsplit(":", 1)[1])
    with socket.socket() as probe:
        return port if probe.connect_ex(("127.0.0.1", port)) else 0


def examples_for(url: str, folder: Path) -> Path:
    """The examples for the KAZOO at `url`: as they are, or a copy in `folder` whose backend has that URL."""
    if url == _URL:
        return EXAMPLES
    copied: Path = shutil.copytree(EXAMPLES, folder / "examples")
    path = copied / _BACKEND.relative_to(EXAMPLES)
    path.write_text(path.read_text(encoding="utf-8").replace(_URL, url), encoding="utf-8")
    return copied


def backend_secret(api_key: str) -> str:
    """The Secret that the examples' backend names, as a manifest."""
    names = _SPEC["auth"]["apiKeySecretRef"]
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": names["name"]},
        "stringData": {names["key"]: api_key},
    }
    return json.dumps(secret)

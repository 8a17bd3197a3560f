"""Base URLs of KAZOO as people write them: which are two spellings of one place."""

from __future__ import annotations

from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def place_of(url: str) -> str:
    """The URL in one spelling: small letters, its port, no `/v2` and no `/` at the end.

    What is no URL is given back as it is.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return url
    if not parts.hostname or port is None:
        return url
    path = parts.path.rstrip("/").removesuffix("/v2").rstrip("/")
    return f"{parts.scheme}://{parts.hostname.rstrip('.')}:{port}{path}"

"""Digests that people approve: of a quote, of a plan, of deletions that wait."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256

from kazoo_operator.core.custom_resource import JsonObject


def digest_of(content: JsonObject, default: Callable[[object], str] | None = None) -> str:
    """`sha256:` and 64 hex digits over canonical JSON; `default` makes text of what JSON does not know.

    Raises TypeError where that is needed and absent.
    """
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=default)
    return f"sha256:{sha256(canonical.encode()).hexdigest()}"

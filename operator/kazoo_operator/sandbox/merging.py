"""The ways in which documents are combined: KAZOO has two, and the control surface a third.

Documents are JSON objects; none of these functions changes its arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def patched(stored: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """What a PATCH asks for: objects merge, an empty object, an array or a scalar replaces, null removes."""
    result: dict[str, Any] = {}
    for key in (*stored, *(key for key in body if key not in stored)):
        if key not in body:
            result[key] = stored[key]
            continue
        new, old = body[key], stored.get(key)
        if isinstance(new, dict) and new:
            result[key] = patched(old if isinstance(old, dict) else {}, new)
        elif new is not None:
            result[key] = new
    return result


def overlaid(stored: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """What KAZOO 5.0 stores: each leaf of the validated document is set in the stored one.

    Hence a member that the validated document lacks survives, an empty object empties, and a null removes
    (Crossbar API, update).
    """
    result = dict(stored)
    for key, new in update.items():
        old = stored.get(key)
        if isinstance(new, dict) and new:
            result[key] = overlaid(old if isinstance(old, dict) else {}, new)
        elif new is None:
            result.pop(key, None)
        else:
            result[key] = new
    return result


def without_nulls(document: Any) -> Any:
    """What KAZOO 4.3 stores of an update: no member that is null, at any depth; items of arrays stay."""
    if not isinstance(document, dict):
        return document
    return {key: without_nulls(value) for key, value in document.items() if value is not None}


def merge_patched(document: Any, merge: Any) -> Any:
    """JSON merge patch, RFC 7396."""
    if not isinstance(merge, dict):
        return merge
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in merge.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patched(result.get(key), value)
    return result


def public(data: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a request's data that KAZOO looks at: not those that begin with `_` or `pvt_`."""
    return {key: value for key, value in data.items() if not key.startswith(("_", "pvt_"))}

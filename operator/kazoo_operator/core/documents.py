"""KAZOO's JSON documents of an account, and the left-scoped comparison that planning rests on.

Left-scoped: only what the left side mentions is compared; nothing else is ever seen as a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kazoo_operator.core.custom_resource import JsonObject


@dataclass(frozen=True)
class Document:
    """A JSON document of an account: `path` below `/accounts/{id}`, and the verb that changes it.

    `always` names members that go along with every write, as set or as observed.
    """

    name: str
    path: str
    verb: Literal["PATCH", "POST"]
    always: tuple[str, ...] = ()


ACCOUNT = Document("account", "", "PATCH", always=("enabled",))

Documents = Mapping[str, JsonObject]
"""Document name -> its content; a missing document is absent or `{}`."""

_MISSING: Any = object()


def get(tree: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None where there is none."""
    node: Any = tree
    for part in path.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def put(tree: JsonObject, path: str, value: Any) -> None:
    """Set the value at a dotted path, making the objects on the way."""
    *parents, last = path.split(".")
    for part in parents:
        tree = tree.setdefault(part, {})
    tree[last] = value


def differences(
    desired: Mapping[str, Any], observed: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted path, desired, observed) for each leaf that `desired` mentions and `observed` lacks."""
    for name, wanted in desired.items():
        found = observed.get(name, _MISSING) if isinstance(observed, Mapping) else _MISSING
        if isinstance(wanted, Mapping) and wanted:
            inner = found if isinstance(found, Mapping) else {}
            yield from differences(wanted, inner, f"{prefix}{name}.")
        elif found is _MISSING or found != wanted:
            yield f"{prefix}{name}", wanted, None if found is _MISSING else found

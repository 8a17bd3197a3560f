"""KAZOO's JSON documents of an account, and the left-scoped comparison that planning rests on.

Left-scoped: only what the left side mentions is compared; nothing else is ever seen as a difference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from kazoo_operator.core.custom_resource import JsonObject


@dataclass(frozen=True)
class Document:
    """A JSON document of an account: `path` below `/accounts/{id}`, and the verb that changes it.

    `always` names members that go along with every PATCH, as set or as observed. A POST replaces: what was
    observed goes along whole, but for the members `unsent`, which KAZOO only shows. Where `found_by` is
    given, `path` is that of a list, and the document is its item in whose member (the first word) the second
    stands.

    Of those that are only read, one that is `listed` is a whole list: its rows stand under `ROWS`. A `shared`
    one is the same for all accounts, as the root account sees it. `above`: KAZOO shows it to accounts above
    only. `revised`: KAZOO is known to hold a write to the revision that it was meant for.
    """

    name: str
    path: str
    verb: Literal["PATCH", "POST", "none"]
    always: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()
    found_by: tuple[str, str] | None = None
    item: str | None = None
    listed: bool = False
    shared: bool = False
    above: bool = False
    revised: bool = False

    def of(self, item: str) -> Document:
        """The document of that id in the list."""
        return replace(self, item=item)


ACCOUNT = Document("account", "", "PATCH", always=("enabled",))
NO_MATCH = Document("no_match", "callflows", "PATCH", found_by=("numbers", "no_match"))
LIMITS = Document(
    "limits",
    "limits",
    "POST",
    unsent=("id", "allow_postpay", "max_postpay_amount", "accept_charges"),
    revised=True,
)
CLASSIFIERS = Document("classifiers", "phone_numbers/classifiers", "none", shared=True)
BLACKLIST = Document("blacklist", "apps_store/blacklist", "POST", above=True)
APPS = Document("apps", "apps_store", "none", listed=True)
CATALOGUE = Document("catalogue", "apps_store", "none", listed=True, shared=True)
SERVICES_SUMMARY = Document("services_summary", "services/summary", "none")
PLANS_AVAILABLE = Document("plans_available", "services/available", "none")
BALANCE = Document("balance", "ledgers/total", "none")
WHITELABEL = Document("whitelabel", "whitelabel", "none")

ROWS = "rows"
"""The member of a `listed` document's content that has the rows."""
MEMORY = "memory"
"""The name under which what an object remembers of its account stands beside the documents."""

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


def merge(one: JsonObject, other: JsonObject) -> JsonObject:
    """`one` with the members of `other` put into it, objects member by member; neither is changed."""
    merged = dict(one)
    for name, value in other.items():
        old = merged.get(name)
        merged[name] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def without(tree: JsonObject, paths: Collection[str], prefix: str = "") -> JsonObject:
    """The tree without the values at `paths`, and without objects that this leaves empty."""
    kept: JsonObject = {}
    for name, value in tree.items():
        path = f"{prefix}{name}"
        if path in paths:
            continue
        inner = without(value, paths, f"{path}.") if isinstance(value, dict) and value else value
        if inner != {} or value == {}:
            kept[name] = inner
    return kept


def without_nones(tree: JsonObject) -> JsonObject:
    """The tree without members that are None."""
    return {
        name: without_nones(value) if isinstance(value, dict) else value
        for name, value in tree.items()
        if value is not None
    }


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

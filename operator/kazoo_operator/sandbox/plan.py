"""Service plans: what an account's assigned plans come to, one plan for each bookkeeper.

A plan is a JSON document: below `plan` it has items by category, `merge` says how it meets other plans, and
`bookkeeper` on whose invoice it stands. Overrides are documents of the same shape, laid over it. All of this
is as KAZOO was seen to do it; what it does with keys that nobody expects is part of that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]

DEFAULT_BOOKKEEPER = "default_bookkeeper"
HIGHEST_KEYS = ("rate", "flat_rate", "activation_charge", "step", "as", "name")
"""Of these the cumulative strategy takes what the highest plan says."""
MIXED_KEYS = ("rates", "flat_rates")
"""Tiers: of these the cumulative strategy takes each tier of the highest plan that has it."""


@dataclass(frozen=True)
class Plan:
    """One assigned plan with its overrides laid over it; `vendor` is the id of the account that owns it."""

    vendor: str
    document: Document

    @property
    def bookkeeper(self) -> str:
        """The id of the bookkeeper on whose invoice it stands."""
        return str(_at(self.document, "bookkeeper", "id") or DEFAULT_BOOKKEEPER)

    @property
    def strategy(self) -> str:
        """How it meets other plans: a key of `STRATEGIES`, or nothing that KAZOO knows."""
        return str(_at(self.document, "merge", "strategy") or "simple")

    @property
    def priority(self) -> float:
        """The higher wins; none at all is the highest."""
        return number(_at(self.document, "merge", "priority"), math.inf)


@dataclass(frozen=True)
class Merged:
    """What all plans on one invoice come to: items by category, and the bookkeeper as it is printed."""

    items: Document
    bookkeeper: Document


def overridden(document: Document, account_wide: Document, own: Document) -> dict[str, Any]:
    """A plan's document under the account-wide overrides, then under those of its assignment."""
    return merged(merged(document, account_wide), own)


def by_bookkeeper(plans: Sequence[Plan]) -> dict[str, Merged]:
    """The plans of an account, in the order of their assignment, as one for each bookkeeper."""
    groups: dict[str, list[Plan]] = {}
    for plan in plans:
        groups.setdefault(plan.bookkeeper, []).append(plan)
    return {bookkeeper: _merged_group(bookkeeper, group) for bookkeeper, group in groups.items()}


def _merged_group(bookkeeper: str, plans: list[Plan]) -> Merged:
    items: dict[str, Any] = {}
    for strategy, merge in STRATEGIES.items():
        chosen = [plan for plan in plans if plan.strategy == strategy]
        highest_first = sorted(chosen, key=lambda plan: -plan.priority)  # stable: the first assigned wins
        items = merged(items, merge([_items(plan) for plan in highest_first]))
    named = _at(plans[0].document, "bookkeeper")
    said = named if isinstance(named, dict) else {}
    return Merged(items, {"type": "default", "vendor_id": plans[0].vendor, **said, "id": bookkeeper})


def applications(plans: Sequence[Plan]) -> dict[str, dict[str, Any]]:
    """What all plans say of apps, by id; the highest wins, whatever their strategies."""
    highest_first = sorted(plans, key=lambda plan: -plan.priority)
    found = [plan.document.get("applications") for plan in highest_first]
    merged_apps = _deep(apps for apps in found if isinstance(apps, dict))
    return {app_id: said for app_id, said in merged_apps.items() if isinstance(said, dict)}


def _items(plan: Plan) -> Document:
    """What of the document is items by category: overrides may hold anything."""
    categories = plan.document.get("plan")
    return {
        category: {item: rules for item, rules in named.items() if isinstance(rules, dict)}
        for category, named in (categories if isinstance(categories, dict) else {}).items()
        if isinstance(named, dict)
    }


def merged(lower: Document, higher: Document) -> dict[str, Any]:
    """A deep merge in which the higher wins; arrays are replaced whole, null and {} take nothing away."""
    result = dict(lower)
    for key, value in higher.items():
        if isinstance(value, dict):
            old = result.get(key)
            if value or key not in result:
                result[key] = merged(old if isinstance(old, dict) else {}, value)
        elif value is not None:
            result[key] = value
    return result


def _deep(highest_first: Iterable[Document]) -> dict[str, Any]:
    """The strategies `simple` and `recursive`: no case was seen in which they differ."""
    result: dict[str, Any] = {}
    for items in highest_first:
        result = merged(items, result)
    return result


def _cumulative(highest_first: Sequence[Document]) -> dict[str, Any]:
    """Item by item from all plans; a key that it does not know is lost, even from a single plan."""
    found: dict[str, dict[str, list[Document]]] = {}
    for items in highest_first:
        for category, named in items.items():
            for item, rules in named.items():
                found.setdefault(category, {}).setdefault(item, []).append(rules)
    return {
        category: {item: _cumulated(rules) for item, rules in named.items()}
        for category, named in found.items()
    }


def _cumulated(rules: Sequence[Document]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key in HIGHEST_KEYS:
        _put(result, key, _first(rules, key))
    for key in MIXED_KEYS:
        _put(result, key, _mixed(rules, key))
    _put(result, "minimum", _summed(rules, "minimum"))
    _put(result, "cascade", _either(rules, "cascade"))
    _put(result, "exceptions", _united(rules))
    prorate = {flag: _either(rules, "prorate", flag) for flag in ("additions", "removals")}
    _put(result, "prorate", {flag: value for flag, value in prorate.items() if value is not None})
    discounts: dict[str, Any] = {}
    for kind in ("single", "cumulative"):
        discount: dict[str, Any] = {}
        _put(discount, "rate", _first(rules, "discounts", kind, "rate"))
        _put(discount, "rates", _mixed(rules, "discounts", kind, "rates"))
        if kind == "cumulative":
            _put(discount, "maximum", _summed(rules, "discounts", kind, "maximum"))
        _put(discounts, kind, discount)
    _put(result, "discounts", discounts)
    return result


def _put(target: dict[str, Any], key: str, value: Any) -> None:
    if value is not None and value not in ({}, []):
        target[key] = value


def _values(rules: Sequence[Document], *path: str) -> list[Any]:
    found = [_at(each, *path) for each in rules]
    return [value for value in found if value is not None]


def _first(rules: Sequence[Document], *path: str) -> Any:
    return next(iter(_values(rules, *path)), None)


def _mixed(rules: Sequence[Document], *path: str) -> dict[str, Any]:
    return _deep(value for value in _values(rules, *path) if isinstance(value, dict))


def _summed(rules: Sequence[Document], *path: str) -> int | None:
    values = _values(rules, *path)
    return sum(whole(value) for value in values) if values else None


def _either(rules: Sequence[Document], *path: str) -> bool | None:
    values = _values(rules, *path)
    return any(is_true(value) for value in values) if values else None


def _united(rules: Sequence[Document]) -> list[Any]:
    lists = [names for names in _values(rules, "exceptions") if isinstance(names, list)]
    return list(dict.fromkeys(str(name) for names in lists for name in names))


STRATEGIES: Mapping[str, Callable[[Sequence[Document]], dict[str, Any]]] = {
    "simple": _deep,
    "recursive": _deep,
    "cumulative": _cumulative,
}
"""Each over the one before it: the order of a system that was left as it came."""


def _at(document: Any, *path: str) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document


def number(value: Any, default: float = 0.0) -> float:
    """A price: texts that hold a number count as one."""
    try:
        found = math.nan if value is None or isinstance(value, bool) else float(value)
    except (ValueError, TypeError, OverflowError):
        return default
    return found if math.isfinite(found) else default


def whole(value: Any, default: int = 0) -> int:
    """A quantity."""
    return round(number(value, default))


def is_true(value: Any) -> bool:
    """Whether a flag is set."""
    return value in (True, "true")

"""The steps of an account's making and keeping, as status shows them."""

from __future__ import annotations

from collections.abc import Collection

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.kind import Lifecycle
from kazoo_operator.core.outcome import Outcome, State


def steps(lifecycle: Lifecycle, done: Collection[str], outcome: Outcome | None = None) -> list[JsonObject]:
    """The steps in order: those `done` (by document), the first other as `outcome` says, the rest pending."""
    found: list[JsonObject] = []
    blocked = False
    for name, document in lifecycle.steps:
        if document.name in done:
            found.append({"name": name, "state": "Done"})
            continue
        step: JsonObject = {"name": name, "state": "Pending"}
        if outcome is not None and not blocked:
            step["message"] = outcome.message
            if outcome.state is State.STALLED:
                step["state"] = "Failed"
        blocked = True
        found.append(step)
    return found

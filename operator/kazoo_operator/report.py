"""The steps of an account's making and keeping, as status shows them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from kazoo_operator.core.custom_resource import JsonObject, Resource
from kazoo_operator.core.kind import Kind, Lifecycle
from kazoo_operator.core.outcome import Event, Outcome, Pass, Reason, Return, State
from kazoo_operator.drift import Verdict, corrected
from kazoo_operator.subject import Account, Halt, Subject, marks_on


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


_READ_ONLY = "Suspended: nothing is written to KAZOO until spec.suspend is false."


def suspended(resource: Resource) -> Pass:
    """As it was: an object that is Ready stays so."""
    if resource.was_ready:
        return Pass(
            Outcome(Reason.READY, _READ_ONLY, State.READY, Return.ON_CHANGE),
            also=_as_it_was(resource, "Synced"),
        )
    return Pass(Outcome.of(Reason.SUSPENDED, _READ_ONLY))


def _as_it_was(resource: Resource, kind: str) -> dict[str, tuple[str, str, str]]:
    """A condition that status shows, to be said once more."""
    one = resource.condition(kind)
    return {kind: (str(one["status"]), str(one["reason"]), str(one.get("message", "")))} if one else {}


def with_steps(kind: Kind, resource: Resource, found: Pass) -> Pass:
    """What keeps an account from being made stands at its first step too."""
    known = resource.status.get("accountID") or found.fields.get("accountID")
    if kind.lifecycle is None or known or resource.deleting:
        return found
    return replace(found, fields={"steps": steps(kind.lifecycle, (), found.outcome), **found.fields})


def unfinished(halt: Halt, kind: Kind) -> Halt:
    """The end of a pass over an account that we made and did not see through: status keeps just this."""
    fields = halt.found.fields
    if kind.lifecycle is not None and "accountID" in fields:
        kept: JsonObject = {
            name: fields[name] for name in ("accountID", "realm", "balance", "steps") if name in fields
        }
        kept.setdefault("steps", steps(kind.lifecycle, (), halt.found.outcome))
        halt.found = replace(halt.found, fields=kept)
    return halt


def done_events(subject: Subject, account: Account, verdict: Verdict, made: bool) -> tuple[Event, ...]:
    """What the pass does to KAZOO, to be told once."""
    found = []
    if made:
        found.append(Event("Created", f"The account {account.id} was made below {account.parent}."))
    elif subject.mark not in marks_on(subject, account) and not subject.was_managed:
        found.append(Event("Adopted", f"The account {account.id} was taken over."))
    if verdict.drifted and verdict.plan.changes:
        found.append(corrected(verdict.plan.changes))
    elif verdict.plan.changes and not made:
        paths = ", ".join(change.path for change in verdict.plan.changes)
        found.append(Event("Updated", f"Written to KAZOO: {paths}."))
    return tuple(found)

"""What KAZOO shows otherwise than the spec says: which of it is put back, and which is told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import Documents, differences
from kazoo_operator.core.outcome import Event, Outcome, Pass, Reason
from kazoo_operator.core.plan import Change, Plan, make_plan
from kazoo_operator.subject import Subject

_LONGEST = 1000


@dataclass(frozen=True)
class Verdict:
    """The plan to carry out, and the changes that are told instead; `drifted`: KAZOO was the one to move."""

    plan: Plan
    reported: tuple[Change, ...] = ()
    drifted: bool = False


def judge(subject: Subject, wanted: JsonObject, documents: Documents, applied: bool) -> Verdict:
    """What to do about the differences.

    `applied` says that KAZOO equalled this very spec before: then it is KAZOO that has moved, and
    `driftPolicy` decides. A new spec is written, but for what was reported before and is still wanted so.
    Emergency calls are repaired in any case (KZ107).
    """
    kind, mark = subject.kind, str(subject.mark)
    ignored = tuple(subject.said.get("driftIgnore") or ())
    whole = make_plan(kind, wanted, documents, mark, ignored)
    if subject.observe_only:
        return Verdict(Plan(), make_plan(kind, wanted, documents, None, ignored).changes, applied)
    if subject.said.get("driftPolicy") != "Report":
        return Verdict(whole, (), applied)
    vital = {path for path, *_ in differences(kind.vital(documents), {})}
    told = _told(subject)
    kept = [
        change
        for change in whole.changes
        if change.path not in vital and (applied or told.get(change.path) == text(change.after))
    ]
    paths = (*ignored, *(change.path for change in kept))
    return Verdict(make_plan(kind, wanted, documents, mark, paths), tuple(kept), applied)


def _told(subject: Subject) -> dict[str, str]:
    """What status.drift says is wanted, by path."""
    told = subject.resource.status.get("drift") or ()
    return {str(drift.get("path")): str(drift.get("desired")) for drift in told}


def told(subject: Subject, reported: Iterable[Change]) -> Pass:
    """A Ready pass with the drift that stays: status, condition, and an event where it is news."""
    changes = sorted(reported, key=lambda change: change.path)
    drift = [
        {
            "path": change.path,
            "desired": text(change.after),
            **({} if change.before is None else {"observed": text(change.before)}),
        }
        for change in changes
    ]
    status = subject.resource.status
    quiet = subject.said.get("driftPolicy") != "Report" and not subject.observe_only
    also: dict[str, tuple[str, str, str]] = {}
    events: tuple[Event, ...] = ()
    if drift:
        sentence = (
            f"KAZOO shows other values at {', '.join(change.path for change in changes)}; see status.drift."
        )
        also["DriftDetected"] = ("True", Reason.DRIFT_DETECTED, sentence)
        also["Synced"] = ("False", Reason.DRIFT_DETECTED, sentence)
        if drift != status.get("drift"):
            events = (Event(Reason.DRIFT_DETECTED, described(changes), warning=True),)
    elif not quiet or subject.resource.condition("DriftDetected"):
        also["DriftDetected"] = ("False", Reason.READY, "KAZOO equals the spec.")
    ready = (
        "The account is observed only." if subject.observe_only else "The account in KAZOO equals the spec."
    )
    if drift and not subject.observe_only:
        ready = "The account was brought to the spec; what KAZOO shows otherwise since is in status.drift."
    return Pass(Outcome.of(Reason.READY, ready), {"drift": drift or None}, events, also=also)


def corrected(changes: Iterable[Change]) -> Event:
    """The event of what was put back."""
    return Event("DriftCorrected", f"{described(changes)}; it is put back.", warning=True)


def described(changes: Iterable[Change]) -> str:
    """`timezone: KAZOO shows Etc/UTC, the spec says Asia/Tokyo; ...`"""
    parts = []
    for change in changes:
        shows = "nothing" if change.before is None else text(change.before)
        parts.append(f"{change.path}: KAZOO shows {shows}, the spec says {text(change.after)}")
    return "; ".join(parts)[:_LONGEST]


def text(value: Any) -> str:
    """A value as status shows it: text as it is, anything else as JSON."""
    return (value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False))[
        :_LONGEST
    ]

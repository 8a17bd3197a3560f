"""What stands against a spec before KAZOO is changed: schema, rules, and a realm that must not move."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kazoo_operator.core.custom_resource import JsonObject, Resource
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.outcome import Reason, State
from kazoo_operator.core.pricing.estimate import Day
from kazoo_operator.core.schema import Spec, ignored_findings, schema_findings, without_nulls
from kazoo_operator.rules.account import REALM_IS_STATIC
from kazoo_operator.subject import Account, Halt, Subject


def validated(kind: Kind, resource: Resource, day: Day) -> Spec:
    """The spec as a model, judged on a day. Raises Halt with InvalidSpec: each finding, with its remedy."""
    spec = without_nulls(resource.spec)
    refuse(objections(kind, spec, day) + _moved_realm(resource, spec))
    return kind.spec.model_validate(spec)


def objections(kind: Kind, spec: JsonObject, day: Day) -> list[Finding]:
    """What stands against a spec by itself, on a day: schema, paths that are ignored, rules."""
    found = schema_findings(kind.spec, spec) + ignored_findings(kind.spec, spec)
    return found + [finding for rule in kind.rules for finding in rule.findings(spec, day)]


def refuse(findings: Iterable[Finding], state: State | None = None, fields: JsonObject | None = None) -> None:
    """Raises Halt with InvalidSpec, and the status `fields`, when an error is among the findings."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        text = ". ".join(str(finding) for finding in errors) + "."
        raise Halt(Reason.INVALID_SPEC, text, fields, state)


def _moved_realm(resource: Resource, spec: JsonObject) -> list[Finding]:
    known, wanted = resource.status.get("realm"), spec.get("realm")
    if not resource.status.get("accountID") or not known or not wanted or wanted == known:
        return []
    if spec.get("managementPolicy") == "ObserveOnly" or consents(spec, str(known), str(wanted)):
        return []  # what an object only observes is drift
    hint = f"put {known} back, or consent with allowRealmChange: {known}->{wanted}"
    return [replace(REALM_IS_STATIC.finding(), hint=hint)]


def consents(spec: JsonObject, old: str, new: str) -> bool:
    """Whether the spec consents to exactly this change of the realm."""
    return bool(spec.get("allowRealmChange") == f"{old}->{new}")


def refuse_other_realm(subject: Subject, account: Account) -> None:
    """Raises Halt when the account has another realm than the spec, neither drift nor consented to."""
    wanted, held = subject.fields.get("realm"), account.realm
    if not wanted or wanted in (held, subject.resource.status.get("realm")):
        return
    if not consents(subject.said, held, wanted) and not _moved_with_consent(subject, wanted):
        finding = replace(
            REALM_IS_STATIC.finding(), hint=f"write {held}, or allowRealmChange: {held}->{wanted}"
        )
        text = f"{finding}. The account {account.id} of this object has the realm {held}."
        raise Halt(Reason.INVALID_SPEC, text, state=State.STALLED)


def _moved_with_consent(subject: Subject, wanted: str) -> bool:
    known = subject.resource.status.get("realm")
    return bool(known) and consents(subject.said, str(known), wanted)

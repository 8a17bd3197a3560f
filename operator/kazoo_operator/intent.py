"""What would be done about one object, as far as GET tells; the engine's own questions give the answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date

from kazoo_operator.backend.errors import BackendError, Refused
from kazoo_operator.charge_gate import ONE_ACCOUNT, appraised_child
from kazoo_operator.charge_report import Priced, bill_of, refusal, unknowns
from kazoo_operator.conventions import refuse_misnamed, refuse_unbranded
from kazoo_operator.core.custom_resource import JsonObject, Key
from kazoo_operator.core.documents import Documents, differences
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.outcome import Outcome, Reason
from kazoo_operator.core.plan import Plan, plan_creation
from kazoo_operator.core.report import Action, PlannedObject
from kazoo_operator.core.wizard import changes
from kazoo_operator.drift import described, judge
from kazoo_operator.examination import accepted, compare, half_built
from kazoo_operator.failure import lacks_databases
from kazoo_operator.identity import fenced, observed, placed, refuse_taken
from kazoo_operator.observation import empty_lists, observe, with_fallbacks
from kazoo_operator.references import Referred
from kazoo_operator.rescue import known_account, rescue
from kazoo_operator.rules.account import EMERGENCY_STAYS
from kazoo_operator.subject import Account, Halt, Subject, marks_on, start_fields, wanted_fields


@dataclass(frozen=True)
class Found:
    """The plan for one object, what its status would say by then, and what its price is made of.

    `above` is the lowest account that is there above one that is to be made.
    """

    planned: PlannedObject
    status: JsonObject = field(default_factory=dict)
    above: str = ""
    priced: Priced | None = None


async def blocked(subject: Subject, planned: PlannedObject, *findings: Finding) -> PlannedObject:
    """The plan for an object that is blocked: emergency calls are allowed in any case, nothing else is done.

    Raises BackendError where KAZOO cannot be asked.
    """
    if subject.kind.lifecycle is None or subject.observe_only or subject.resource.spec.get("suspend") is True:
        return planned.blocked(*findings)
    try:
        account = await known_account(subject)
        plan = Plan() if account is None else await rescue(subject, account)
        if account is not None and not plan.empty:
            await fenced(subject, account.id)
    except (Halt, Refused):
        plan = Plan()
    made = [(change.path, change.before, change.after) for change in plan.changes]
    notes = [_rescue_note(change.path) for change in plan.changes]
    return planned.blocked(*findings, *notes, written=changes(made))


def _rescue_note(path: str) -> Finding:
    text = "KAZOO denies emergency calls; the operator allows them again, whatever else is blocked"
    hint = "find out who denied them"
    return Finding(EMERGENCY_STAYS.id, Severity.WARNING, f"spec.{path}", text, hint)


async def suspended(subject: Subject, planned: PlannedObject) -> Found:
    """The plan for an object that is suspended; what was found before stays as it was."""
    planned = suspended_note(planned)
    if subject.kind.lifecycle is None:
        return Found(planned)
    rows = await subject.connection.index.marked(subject.mark, subject.root.account_id)
    return Found(planned, ready_status(rows[0].id) if rows else {})


def suspended_note(planned: PlannedObject) -> PlannedObject:
    """The object with what its suspension means."""
    text = "is true: nothing is written to KAZOO for this object"
    return noted(planned, Finding(Reason.SUSPENDED, Severity.WARNING, "spec.suspend", text, _GO_ON))


_GO_ON = "set it to false to go on"


def noted(planned: PlannedObject, *notes: Finding) -> PlannedObject:
    """The object with more to say about it."""
    return replace(planned, findings=(*planned.findings, *notes))


async def observed_only(subject: Subject, planned: PlannedObject) -> Found:
    """The plan for an object that only observes. Raises Halt, BackendError."""
    account = await placed(subject, await observed(subject))
    documents = await observe(subject, account, subject.fields)
    return Found(observation_note(subject, planned, documents), ready_status(account.id, account.realm))


def observation_note(subject: Subject, planned: PlannedObject, documents: Documents) -> PlannedObject:
    """The object with what KAZOO shows otherwise than the spec of one that only observes."""
    told = judge(subject, subject.fields, documents, applied=True).reported
    if not told:
        return planned
    text = f"nothing is written under ObserveOnly; {described(told)}"
    hint = "set managementPolicy: Manage to have it written"
    return noted(
        planned, Finding(Reason.DRIFT_DETECTED, Severity.WARNING, "spec.managementPolicy", text, hint)
    )


async def created(subject: Subject, planned: PlannedObject, parent: Referred, realm: str, day: date) -> Found:
    """The plan for an account that is to be made. Raises Halt, BackendError.

    `parent`: what the account above is called, and the id of the lowest one that is there.
    """
    nowhere = Account("", {})
    refuse_misnamed(subject)
    await refuse_unbranded(subject, parent.account_id)
    fields = await with_fallbacks(subject, nowhere, start_fields(subject, realm), empty_lists(subject))
    plan = plan_creation(subject.kind, fields, str(subject.mark))
    named = tuple(change for change in plan.changes if change.path == "name")
    await refuse_taken(subject, nowhere, Plan(named))
    made = [(change.path, None, change.after) for change in plan.changes if change.after != {}]
    if said := subject.said.get("parentRef"):
        made.append(("parentRef", None, said))
    priced = Priced(await appraised_child(subject, parent.account_id, realm, day), ONE_ACCOUNT)
    planned, refused = await with_price(subject, planned, priced)
    if refused is not None:
        return Found(planned.blocked(refused, withheld=changes(made)), priced=priced)
    planned = replace(planned, action=Action.CREATE, changes=changes(made), below=parent.called)
    # No account has such an id: what stands below another one is not below this.
    status = {"accountID": f"the account that is to be made of {subject.resource.key.name}", "realm": realm}
    return Found(planned, status, parent.account_id, priced)


async def with_price(
    subject: Subject, planned: PlannedObject, priced: Priced, *, unnamed: bool = False
) -> tuple[PlannedObject, Finding | None]:
    """The object with its price, and why it is not written where nobody consented to that.

    `unnamed`: it belongs to an account that is still to be made; a quote names the id, which it has not yet.
    Raises BackendError.
    """
    refused, bill = refusal(subject, priced, unnamed=unnamed), await bill_of(subject, priced)
    told = "" if refused is None else priced.appraisal.asking
    notes = await unknowns(subject, priced, told)
    return noted(replace(planned, bill=replace(bill, digest="") if unnamed else bill), *notes), refused


async def kept(subject: Subject, planned: PlannedObject, account: Account) -> Found:
    """The plan for an account that is there. Raises Halt, BackendError."""
    refuse_misnamed(subject)
    try:
        account = await accepted(subject, account)
        compared = await compare(subject, account, wanted_fields(subject), applied=False)
    except BackendError as error:
        if lacks_databases(error):
            raise Halt(Reason.HALF_BUILT, half_built(account), {"accountID": account.id}) from None
        raise
    status, plan = ready_status(account.id, account.realm), compared.verdict.plan
    if plan.empty:
        return Found(planned, status)
    await refuse_taken(subject, account, plan)
    taken = set(marks_on(subject, account)) != {subject.mark}
    made = [(change.path, change.before, change.after) for change in plan.changes]
    planned = replace(
        planned,
        action=Action.UPDATE,
        changes=changes(made or [("adopt", False, True)]),
        takes_over=account.id if taken else "",
    )
    vital = {path for path, *_ in differences(subject.kind.vital(compared.documents), {})}
    return Found(report_note(subject, planned, [path for path, *_ in made if path not in vital]), status)


def report_note(subject: Subject, planned: PlannedObject, paths: Collection[str]) -> PlannedObject:
    """The object with what `driftPolicy: Report` means for the changes at `paths`."""
    if subject.said.get("driftPolicy") != "Report" or not paths:
        return planned
    text = "is Report: where this very spec was applied before, such differences are told and not written"
    hint = "see status.drift of the object"
    return noted(planned, Finding(Reason.DRIFT_DETECTED, Severity.WARNING, "spec.driftPolicy", text, hint))


def ready_status(account_id: str, realm: str = "") -> JsonObject:
    """The status of an object that is Ready, as those below it look at it."""
    conditions = [{"type": "Ready", "status": "True", "reason": Reason.READY.value}]
    return {"accountID": account_id, "conditions": conditions, **({"realm": realm} if realm else {})}


def told(outcome: Outcome) -> Finding:
    """What the operator would say about an object that it stops at."""
    path = outcome.message.partition(": ")[0] if outcome.message.startswith("spec.") else ""
    return Finding(outcome.reason.value, Severity.ERROR, path, outcome.message, "")


def twice(path: str, wanted: str, other: Key) -> Finding:
    """What stands against an object that is to get the realm or the name of one that comes before it."""
    reason = Reason.REALM_TAKEN if path == "realm" else Reason.REJECTED
    text = f"{wanted} is to be that of {other.kind} {other.namespace}/{other.name} too, which comes first"
    return Finding(reason.value, Severity.ERROR, f"spec.{path}", text, f"choose another {path}")

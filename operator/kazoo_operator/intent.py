"""What would be done about one object, as far as GET tells; the engine's own questions give the answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kazoo_operator.backend.errors import BackendError, Refused
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import differences
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.outcome import Reason
from kazoo_operator.core.plan import Plan, plan_creation
from kazoo_operator.core.report import Action, PlannedObject, changes
from kazoo_operator.drift import described, judge
from kazoo_operator.examination import accepted, compare, half_built, lacks_databases
from kazoo_operator.identity import fenced, observed, placed, refuse_taken
from kazoo_operator.observation import empty_lists, observe, with_fallbacks
from kazoo_operator.rescue import known_account, rescue
from kazoo_operator.rules.account import EMERGENCY_STAYS
from kazoo_operator.subject import Account, Halt, Subject, marks_on, start_fields, wanted_fields


@dataclass(frozen=True)
class Found:
    """The plan for one object, and what its status would say by then."""

    planned: PlannedObject
    status: JsonObject = field(default_factory=dict)


async def blocked(subject: Subject, planned: PlannedObject, *findings: Finding) -> PlannedObject:
    """The plan for an object that is blocked: emergency calls are allowed in any case, nothing else is done.

    Raises BackendError where KAZOO cannot be asked.
    """
    if subject.observe_only or subject.resource.spec.get("suspend") is True:
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
    return planned.blocked(*findings, *notes, rescue=changes(made))


def _rescue_note(path: str) -> Finding:
    text = "KAZOO denies emergency calls; the operator allows them again, whatever else is blocked"
    hint = "find out who denied them"
    return Finding(EMERGENCY_STAYS.id, Severity.WARNING, f"spec.{path}", text, hint)


async def suspended(subject: Subject, planned: PlannedObject) -> Found:
    """The plan for an object that is suspended; what was found before stays as it was."""
    text = "is true: nothing is written to KAZOO for this object"
    note = Finding(Reason.SUSPENDED, Severity.WARNING, "spec.suspend", text, "set it to false to go on")
    rows = await subject.connection.index.marked(subject.mark, subject.root.account_id)
    return Found(
        replace(planned, findings=(*planned.findings, note)), ready_status(rows[0].id) if rows else {}
    )


async def observed_only(subject: Subject, planned: PlannedObject) -> Found:
    """The plan for an object that only observes. Raises Halt, BackendError."""
    account = await placed(subject, await observed(subject))
    documents = await observe(subject, account, subject.fields)
    told = judge(subject, subject.fields, documents, applied=True).reported
    if told:
        text = f"nothing is written under ObserveOnly; {described(told)}"
        hint = "set managementPolicy: Manage to have it written"
        note = Finding(Reason.DRIFT_DETECTED, Severity.WARNING, "spec.managementPolicy", text, hint)
        planned = replace(planned, findings=(*planned.findings, note))
    return Found(planned, ready_status(account.id, account.realm))


async def created(subject: Subject, planned: PlannedObject, below: str, realm: str) -> Found:
    """The plan for an account that is to be made. Raises Halt, BackendError."""
    nowhere = Account("", {})
    fields = await with_fallbacks(subject, nowhere, start_fields(subject, realm), empty_lists(subject))
    plan = plan_creation(subject.kind, fields, str(subject.mark))
    named = tuple(change for change in plan.changes if change.path == "name")
    await refuse_taken(subject, nowhere, Plan(named))
    made = [(change.path, None, change.after) for change in plan.changes if change.after != {}]
    if parent := subject.said.get("parentRef"):
        made.append(("parentRef", None, parent))
    planned = replace(planned, action=Action.CREATE, changes=changes(made), below=below)
    # No account has such an id: what stands below another one is not below this.
    return Found(planned, {"accountID": f"the account that is to be made of {subject.resource.key.name}"})


async def kept(subject: Subject, planned: PlannedObject, account: Account) -> Found:
    """The plan for an account that is there. Raises Halt, BackendError."""
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
    if subject.said.get("driftPolicy") == "Report" and any(path not in vital for path, *_ in made):
        text = "is Report: where this very spec was applied before, such differences are told and not written"
        hint = "see status.drift of the object"
        note = Finding(Reason.DRIFT_DETECTED, Severity.WARNING, "spec.driftPolicy", text, hint)
        planned = replace(planned, findings=(*planned.findings, note))
    return Found(planned, status)


def ready_status(account_id: str, realm: str = "") -> JsonObject:
    """The status of an object that is Ready, as those below it look at it."""
    conditions = [{"type": "Ready", "status": "True", "reason": Reason.READY.value}]
    return {"accountID": account_id, "conditions": conditions, **({"realm": realm} if realm else {})}

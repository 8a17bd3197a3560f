"""What the backend asks of each account: a name that fits its pattern, and a reseller with a white-label."""

from __future__ import annotations

from kazoo_operator.backend.errors import BackendError, Forbidden, NotFound
from kazoo_operator.core.documents import WHITELABEL
from kazoo_operator.core.expression import matches
from kazoo_operator.core.outcome import Reason, State
from kazoo_operator.subject import Halt, Subject, read, sells


def refuse_misnamed(subject: Subject) -> None:
    """Raises Halt where the name does not match the backend's `namePattern`; what only observes needs not."""
    pattern, name = subject.connection.policy.name_pattern, str(subject.said.get("name") or "")
    if pattern and name and not subject.observe_only and not matches(pattern, name):
        text = (
            f"spec.name: {name!r} does not match {pattern}, the namePattern of "
            f"{subject.connection.called}; write a name that does (KZ083)."
        )
        raise Halt(Reason.INVALID_SPEC, text, state=State.STALLED)


async def refuse_unbranded(subject: Subject, parent_id: str) -> None:
    """Before an account is made: raises Halt where its reseller must have a whitelabel, and has none.

    Crossbar API: the reseller is the nearest account above that is one, else the master; no whitelabel is
    inherited. Raises BackendError.
    """
    if not subject.connection.policy.require_whitelabel:
        return
    parent = await read(subject, parent_id)
    document = {} if parent is None else parent.document
    reseller_id = (
        parent_id if sells(document) else str(document.get("reseller_id") or subject.root.account_id)
    )
    try:
        await subject.connection.backend.read(reseller_id, WHITELABEL)
    except (NotFound, Forbidden) as error:
        raise _unbranded(subject, reseller_id, error) from None


def _unbranded(subject: Subject, reseller_id: str, error: BackendError) -> Halt:
    found = "has none" if isinstance(error, NotFound) else "does not show its own to this credential"
    text = (
        f"The reseller {reseller_id} {found}, and requireWhitelabel of {subject.connection.called} asks for "
        "a white-label: set it up there first, so that the account's realm and branding follow it (KZ024)."
    )
    return Halt(Reason.INVALID_SPEC, text, state=State.STALLED)

"""What a pass finds out about an account before it writes: may it be touched, and what differs. Only GET."""

from __future__ import annotations

from dataclasses import dataclass

from kazoo_operator.core.custom_resource import GROUP, JsonObject
from kazoo_operator.core.documents import Documents
from kazoo_operator.drift import Verdict, judge
from kazoo_operator.hierarchy import refuse_other_parent
from kazoo_operator.identity import placed, refuse_twin
from kazoo_operator.observation import observe, with_fallbacks
from kazoo_operator.subject import Account, Subject
from kazoo_operator.validity import refuse_other_realm


@dataclass(frozen=True)
class Comparison:
    """The fields that the account is to have, KAZOO's documents about them, and what to do."""

    wanted: JsonObject
    documents: Documents
    verdict: Verdict


async def accepted(subject: Subject, account: Account) -> Account:
    """The account with what is above it. Raises Halt where it is not as the spec needs it to be managed."""
    account = await placed(subject, account)
    await refuse_other_parent(subject, account)
    refuse_other_realm(subject, account)
    await refuse_twin(subject, account)
    return account


async def compare(
    subject: Subject, account: Account, wanted: JsonObject, applied: bool, known: Documents | None = None
) -> Comparison:
    """KAZOO beside the spec's fields. Raises Halt, BackendError.

    `applied`: KAZOO equalled this very spec before; what is `known` of its documents is not asked for.
    """
    wanted = await with_fallbacks(subject, account, wanted, known or {})
    documents = await observe(subject, account, wanted, known)
    return Comparison(wanted, documents, judge(subject, wanted, documents, applied))


def half_built(account: Account) -> str:
    """What is told about an account that lacks its databases."""
    return (
        f"The account {account.id} lacks its databases, as after an interrupted creation; if it stays "
        f"so, annotate this object with {GROUP}/recreate: {account.id} to have it deleted and made anew."
    )

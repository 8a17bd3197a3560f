"""What an account has to call with: its balance, its trunks, and the conditions that follow."""

from __future__ import annotations

from collections.abc import Mapping

from kazoo_operator.core import calling, money
from kazoo_operator.core.calling import Means, Said
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import LIMITS
from kazoo_operator.subject import Account, Subject, is_real


async def standing(subject: Subject, account: Account) -> tuple[JsonObject, Mapping[str, Said]]:
    """The status fields and the conditions. Raises BackendError."""
    backend = subject.connection.backend
    balance = await backend.balance(account.id)
    means = Means.of(await backend.read(account.id, LIMITS), account.document, balance)
    fields = {"balance": money.to_text(balance), "callCapacity": calling.report(means)}
    threshold = calling.threshold_of(account.document)
    payer = None if is_real(subject, account.id, account.document) else account.parent or "the account above"
    return fields, calling.conditions(means, threshold, subject.connection.policy.currency, payer)

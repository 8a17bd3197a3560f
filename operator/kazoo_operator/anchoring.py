"""Which account an object belongs to, whether it may keep it, and being alone with what it writes there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from kazoo_operator.core.custom_resource import JsonObject, Resource
from kazoo_operator.core.documents import ACCOUNT
from kazoo_operator.core.outcome import Reason
from kazoo_operator.references import Referring
from kazoo_operator.subject import Halt, Subject


@dataclass(frozen=True)
class Place:
    """The account that an object belongs to.

    `new`: a plan is to make it first, and nothing is there yet; `above` is then the id of the account that it
    will stand below, empty where that is new too.
    """

    account_id: str
    realm: str
    new: bool = False
    above: str = ""

    @property
    def known(self) -> JsonObject:
        """What status says of it."""
        return {"accountID": self.account_id, "realm": self.realm}


async def place_of(subject: Subject) -> Place:
    """The account of `spec.accountRef`. Raises Halt, BackendError."""
    said = subject.said["accountRef"]
    found = await Referring(subject, "spec.accountRef", said, Reason.ACCOUNT_NOT_READY).account()
    root = subject.root
    if found.account_id == root.account_id:
        return Place(root.account_id, root.realm.lower())
    row = await subject.connection.index.row(found.account_id, root.account_id)
    if row is not None:
        return Place(row.id, row.realm.lower())
    document = await subject.connection.backend.read(found.account_id, ACCOUNT)
    return Place(found.account_id, str(document.get("realm", "")).lower())


def refuse_rival(subject: Subject, place: Place) -> None:
    """Raises Halt when an older object of the kind keeps the same account."""
    older = rival(subject, place)
    if older is None:
        return
    kind, key = subject.kind.name, older.key
    text = (
        f"spec.accountRef: the {kind} {key.called} keeps the account {place.realm} already, "
        "and it is older; delete one of the two (KZ159)."
    )
    raise Halt(Reason.CONFLICT, text, place.known, awaits=(key,))


def rival(subject: Subject, place: Place) -> Resource | None:
    """The oldest other object that manages the same account and comes before this one."""

    def age(one: Resource) -> tuple[str, str, str]:
        return (one.created, one.key.namespace, one.key.name)

    mine = subject.resource
    others = (
        one
        for one in subject.objects.attached(subject.kind.name, place.account_id, place.realm)
        if one.key != mine.key and one.spec.get("managementPolicy") != "ObserveOnly" and not one.deleting
    )
    return min((one for one in others if age(one) < age(mine)), key=age, default=None)


@asynccontextmanager
async def held(subject: Subject, place: Place) -> AsyncIterator[None]:
    """Alone with the documents of the account that the kind writes."""
    async with AsyncExitStack() as stack:
        for name in sorted(document.name for document in subject.kind.documents):
            await stack.enter_async_context(subject.connection.alone(f"{name} of {place.account_id}"))
        yield

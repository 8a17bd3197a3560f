"""What KAZOO holds of an account, as far as an object that belongs to it needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kazoo_operator.anchoring import Place
from kazoo_operator.backend.errors import Forbidden, NotFound
from kazoo_operator.backend.protocol import Revised
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import MEMORY, Document, Documents
from kazoo_operator.core.outcome import Reason
from kazoo_operator.subject import Halt, Subject


@dataclass(frozen=True)
class Survey:
    """The documents of an account: its own, those they are judged by, and what the object remembers.

    `revisions` are those of its own, as far as KAZOO tells them.
    """

    documents: Documents
    revisions: Mapping[str, str | None] = field(default_factory=dict)


async def survey(subject: Subject, place: Place, fields: JsonObject, before: Survey | None = None) -> Survey:
    """Read what `fields` need. Raises Halt, BackendError.

    What the object remembers is told anew, or kept as it was `before` this pass wrote.
    """
    seen = {one.name: await _revised(subject, place, one) for one in subject.kind.documents}
    held = {name: one.content for name, one in seen.items()}
    documents = await beside(subject, place, fields, held, before)
    return Survey(documents, {name: one.revision for name, one in seen.items()})


async def beside(
    subject: Subject, place: Place, fields: JsonObject, held: Documents, before: Survey | None = None
) -> Documents:
    """The documents `held`, with those that the kind judges them by, and what the object remembers.

    Of an account that is still to be made only what is alike for all accounts is there. Raises BackendError.
    """
    found, kind = dict(held), subject.kind
    while missing := [one for one in kind.consults(fields, found) if one.name not in found]:
        for document in missing:
            found[document.name] = await _consulted(subject, place, document)
    if before is not None:
        return {**found, MEMORY: before.documents[MEMORY]}
    status = subject.resource.status
    known = status if status.get("accountID") == place.account_id else {}
    return {**found, MEMORY: {} if kind.attachment is None else kind.attachment.recall(known, fields, found)}


async def _consulted(subject: Subject, place: Place, document: Document) -> JsonObject:
    if document.shared:
        return await subject.connection.consult(document)
    if place.new:
        return {}
    try:
        return await subject.connection.read(place.account_id, document)
    except NotFound:
        if document.item is None:
            raise
        return {}  # an item that is gone


async def _revised(subject: Subject, place: Place, document: Document) -> Revised:
    try:
        return await subject.connection.backend.read_revised(place.account_id, document)
    except Forbidden:
        if not document.above:
            raise
        text = (
            f"KAZOO leaves the {document.name} of {place.realm} to the accounts above it, and the credential "
            "is of none of them; use a credential of one, or ask its owner to make the change."
        )
        raise Halt(Reason.FORBIDDEN, text, place.known) from None

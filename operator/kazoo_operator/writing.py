"""One write of a plan, carried out."""

from __future__ import annotations

from kazoo_operator.core.documents import Documents
from kazoo_operator.core.plan import Write
from kazoo_operator.subject import Account, Subject


async def carry_out(subject: Subject, account: Account, write: Write, documents: Documents) -> str | None:
    """The id of the item of a list that was written; None for a document of its own. Raises BackendError."""
    connection, document = subject.connection, write.document
    if write.new:
        return str((await connection.backend.make(account.id, document, write.data)).get("id"))
    item = str(documents[document.name].get("id")) if document.found_by is not None else None
    await connection.write(account.id, document.of(item) if item is not None else document, write.data)
    return item

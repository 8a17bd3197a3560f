"""What KAZOO holds about an account, as far as the spec's fields need it."""

from __future__ import annotations

from collections.abc import Mapping

from kazoo_operator.backend.errors import BackendError, Forbidden, NotFound, Refused, ServerFailure
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import Document, Documents
from kazoo_operator.core.outcome import Reason
from kazoo_operator.subject import Account, Halt, Subject


async def consult(subject: Subject, documents: Documents) -> Documents:
    """The documents, with those that the kind looks things up in. Raises Halt, BackendError.

    One that KAZOO does not give is done without, as long as the spec's own fields do not need it.
    """
    found, needed = dict(documents), subject.kind.consults(subject.fields, {})
    for document in subject.kind.consults(subject.fields, documents):
        try:
            found[document.name] = await subject.connection.consult(document)
        except BackendError as error:
            if document not in needed:
                continue
            if type(error) not in _NOT_GIVEN:
                raise
            text = f"KAZOO does not give its {document.name}, by which the spec is judged ({error}); retried."
            raise Halt(Reason.BACKEND_UNAVAILABLE, text) from None
    return found


_NOT_GIVEN = (Refused, NotFound, Forbidden, ServerFailure)


def empty_lists(subject: Subject) -> Documents:
    """What is known of the lists of an account that was made just now."""
    return {document.name: {} for document in subject.kind.documents if document.found_by is not None}


async def observe(
    subject: Subject, account: Account, fields: JsonObject, known: Documents | None = None
) -> Documents:
    """The account's documents that `fields` speak of, with what they are judged by. Raises BackendError.

    What is `known` already is not asked for.
    """
    documents = {subject.lifecycle.document.name: account.document}
    wanted = subject.kind.render(fields, documents)
    for document in subject.kind.documents:
        if document.name in wanted and document.found_by is not None:
            found = (known or {}).get(document.name)
            documents[document.name] = await _listed(subject, account, document) if found is None else found
    return await consult(subject, documents)


async def read_back(
    subject: Subject, account: Account, before: Documents, written: Mapping[str, str | None]
) -> Documents:
    """The documents of lists: those written, by their ids, as KAZOO shows them now, the others as before."""
    found = {}
    for document in subject.kind.documents:
        item = written.get(document.name)
        if document.found_by is None or document.name not in before:
            continue
        found[document.name] = before[document.name]
        if item is not None:
            found[document.name] = await subject.connection.backend.read(account.id, document.of(item))
    return found


async def _listed(subject: Subject, account: Account, document: Document) -> JsonObject:
    """The document of a list that `found_by` tells; empty where there is none."""
    backend = subject.connection.backend
    assert document.found_by is not None
    member, value = document.found_by
    rows = await backend.items(account.id, document, {f"filter_{member}": value})
    for row in rows:
        # A filter that the server does not know is no filter.
        if value in (row.get(member) or ()) and isinstance(row.get("id"), str):
            return await backend.read(account.id, document.of(row["id"]))
    return {}


async def with_fallbacks(
    subject: Subject, account: Account, fields: JsonObject, known: Documents
) -> JsonObject:
    """The fields, and those that an account gets as long as a list of its documents is empty."""
    if subject.said.get("adopt") is True:
        return fields
    for document, fallback in subject.lifecycle.when_empty:
        if fallback.keys() & subject.said.keys() or subject.observe_only:
            continue
        empty = document.name in known and not known[document.name]
        if empty or not await subject.connection.backend.holds_any(account.id, document):
            fields = {**fallback, **fields}
    return fields

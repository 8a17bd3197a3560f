"""Lists: pages, keys, order and filters, the same for every list (Crossbar API, lists).

A list reads a view in the order of its key, from a start key on, and stops when a page is full: the first
row that no longer fits gives `next_start_key`. KAZOO 5.0 descends unless `ascending=true`; in 4.3 all but
searches ascend, whatever is asked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from itertools import islice
from sqlite3 import Row
from typing import Any

from .call import Call, Reply
from .refusal import system_error
from .schema import rounded

PAGE_SIZE = 50
Start = tuple[str, str] | None
Rows = Callable[[Start, bool], Iterator[Row]]
"""Rows of a view, from where, and whether ascending: `key` and `id`, and what filters look at."""


def listing(
    call: Call, view: str, rows: Rows, item: Callable[[Row], dict[str, Any]], *,
    by_id: bool = False, searched: bool = False, strict: bool = False,
) -> Reply:  # fmt: skip
    """Answer with the page of a view that the call asks for; `item` makes one entry of a row.

    A list `by_id` has no start key of its own, and takes one that it has not issued for an id. What is
    `searched` has the same order in every release, what is `strict` refuses a senseless page size in each.
    """
    size = page_size(call, strict=strict) if is_paginated(call) else None
    ascending = call.flag("ascending") or not (searched or call.world.release.lists_turn)
    given = call.value("start_key")
    start, known = _decoded(view, given)
    if by_id and not known:
        start, known = (str(given), str(given)), True
    fits = filters(call)
    found = (row for row in rows(start, ascending) if fits(row)) if known else iter(())
    page = list(islice(found, size))
    data = [item(row) for row in page]
    members: dict[str, Any] = {}
    if size is not None:
        members = {"page_size": len(page)}
        if given or not by_id:
            members["start_key"] = given or first_key(view)
        following = next(found, None)
        if following is not None:
            members["next_start_key"] = _encoded(view, (following["key"], following["id"]))
    return Reply(data, revision=list_tag(call) if data else None, members=members)


def list_tag(call: Call) -> str:
    """The tag of a list: a hash over what is new in every answer, so it never comes again."""
    return hashlib.md5(f"{call.request_id}{time.time_ns()}".encode()).hexdigest()  # noqa: S324


def is_paginated(call: Call) -> bool:
    """Whether a page is asked for, and not everything."""
    return call.value("paginate") not in (False, "false")


def first_key(view: str) -> str:
    """The start key of a view's first page."""
    return _encoded(view, None)


def page_size(call: Call, *, strict: bool = False) -> int:
    """The page size that is asked for, 50 without a word, and in 4.3 also where it makes no sense."""
    given = call.value("page_size")
    if given is None:
        return PAGE_SIZE
    try:
        size = rounded(float(given))
        wrong = "" if size >= 1 else "page size must be at least 1"
    except (ValueError, TypeError, OverflowError):
        size, wrong = PAGE_SIZE, "invalid page size"
    if not wrong:
        return size
    if strict or call.world.release.refuses_page_sizes:
        raise system_error(404, "faulty_request", wrong)
    return PAGE_SIZE


def _encoded(view: str, start: Start) -> str:
    return base64.urlsafe_b64encode(json.dumps([view, start]).encode()).decode().rstrip("=")


def _decoded(view: str, key: Any) -> tuple[Start, bool]:
    """Where to start, and whether the key means anything here: one that does not comes after every row."""
    if key is None:
        return None, True
    try:
        given_view, start = json.loads(base64.b64decode(str(key) + "==", altchars=b"-_", validate=False))
        if given_view == view:
            return (None if start is None else (str(start[0]), str(start[1]))), True
    except (ValueError, TypeError, IndexError):
        pass
    return None, False


def filters(call: Call) -> Callable[[Row], bool]:
    """All filters of the query together, over the stored document."""
    tests = [test for name, value in call.query.items() if (test := _test(name, value))]
    if not tests:
        return lambda row: True

    def fits(row: Row) -> bool:
        document = {
            **json.loads(row["document"]),
            "id": row["id"],
            "created": row["created"],
            "modified": row["created"],
        }
        return all(test(document) for test in tests)

    return fits


Test = Callable[[dict[str, Any]], bool]


def _test(name: str, value: str) -> Test | None:
    if name.startswith("filter_not_"):
        return lambda document: _printed(_at(document, name.removeprefix("filter_not_"))) != value
    if name.startswith("filter_"):
        return lambda document: _printed(_at(document, name.removeprefix("filter_"))) == value
    if name == "has_key":
        return lambda document: _at(document, value) is not None
    if name == "key_missing":
        return lambda document: _at(document, value) is None
    if name == "has_value":
        return lambda document: _at(document, value) not in (None, "", [], {})
    if name == "value_missing":
        return lambda document: _at(document, value) in (None, "", [], {})
    if name in ("created_from", "modified_from"):
        return lambda document: value.isdigit() and int(document[name.partition("_")[0]]) >= int(value)
    if name in ("created_to", "modified_to"):
        return lambda document: value.isdigit() and int(document[name.partition("_")[0]]) <= int(value)
    return None


def _at(document: Any, path: str) -> Any:
    for part in path.split("."):
        document = document.get(part) if isinstance(document, dict) else None
    return document


def _printed(value: Any) -> str | None:
    """A value as the query would spell it: a list of texts is their concatenation, an object nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "".join(value)
    return str(value) if isinstance(value, (str, int, float)) else None

"""What must hold of a sandbox's state, whatever was asked of it: `contradictions` says what does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from kazoo_operator.sandbox.account import normalised
from kazoo_operator.sandbox.ledger import UNITS

State = Mapping[str, Any]


def contradictions(
    state: State,
    *,
    spoiled: Collection[str] = (),
    reborn: Collection[str] = (),
    half_built: Collection[str] = (),
) -> list[str]:
    """Each in words; none is as it should be.

    Names and realms of `spoiled` accounts may be those of others: after an edit behind KAZOO's back, or a
    refusal of 5.0 that was stored. Trees with one of `reborn` in them may be old ones: a create with such an
    id, or a move under it, has its way. No view knows those that are `half_built`.
    """
    accounts = state["accounts"]
    judged = {key: held for key, held in accounts.items() if key not in spoiled and key not in half_built}
    return [
        *_twice("realm", (held["account"]["realm"].lower() for held in judged.values())),
        *_twice("name", (normalised(held["account"]["name"]) for held in judged.values())),
        *_trees({key: held["tree"] for key, held in accounts.items()}, reborn, half_built, accounts),
        *(text for key, held in accounts.items() for text in _holdings(key, held, state["now"])),
    ]


def _twice(what: str, values: Iterable[str]) -> Iterator[str]:
    for value, times in Counter(values).items():
        if times > 1:
            yield f"{times} accounts have the {what} {value!r}"


def _trees(
    trees: Mapping[str, list[str]], reborn: Collection[str], half_built: Collection[str],
    accounts: Mapping[str, Any],
) -> Iterator[str]:  # fmt: skip
    for key, tree in trees.items():
        if {key, *tree} & set(reborn):
            continue
        parent = tree[-1] if tree else None
        if parent in trees and tree != [*trees[parent], parent]:
            yield f"{key} stands below {tree}, and its parent below {trees[parent]}"
        below = sum(key in other for id_, other in trees.items() if id_ not in half_built)
        if below != accounts[key]["account"].get("descendants_count", 0):
            yield f"{below} accounts stand below {key}, which says {accounts[key]['account']}"


def _holdings(key: str, held: State, now: str) -> Iterator[str]:
    month = now[:4] + now[5:7]
    booked = sum(round(entry["amount"] * UNITS) for entry in held["ledgers"] if entry["id"].startswith(month))
    if held["balance"] is not None and round(held["balance"] * UNITS) != booked:
        yield f"the balance of {key} is {held['balance']}, its entries make {booked / UNITS}"
    yield from _twice("entry", (entry["id"] for entry in held["ledgers"]))
    yield from _twice("username", (user["username"] for user in held["users"] if user.get("username")))
    yield from _twice("number", (number for flow in held["callflows"] for number in set(flow["numbers"])))

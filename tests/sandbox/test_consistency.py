"""The judge of states finds what it is there to find."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.consistency import contradictions


def held(name: str, tree: list[str], **more: Any) -> dict[str, Any]:
    """An account that holds nothing, with `more`; `below` is how many it says stand below it."""
    account = {"name": name, "realm": more.pop("realm", f"{name}.example.org")}
    below = more.pop("below", 0)
    return {
        "account": account | ({"descendants_count": below} if below else {}),
        "tree": tree, "balance": 0, "ledgers": [], "users": [], "callflows": [], **more,
    }  # fmt: skip


def state(**accounts: dict[str, Any]) -> dict[str, Any]:
    """At the end of November."""
    return {"now": "2026-11-25T05:00:00Z", "accounts": accounts}


def test_a_state_that_agrees_with_itself_has_no_contradictions() -> None:
    entries = [{"id": "202610-x", "amount": 7.5}, {"id": "202611-y", "amount": 5}]
    good = state(top=held("top", [], below=1), one=held("one", ["top"], balance=5, ledgers=entries))
    assert contradictions(good) == []


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (held("a", []), held("b", [], realm="A.example.org"), "have the realm 'a.example.org'"),
        (held("a", []), held("A!", [], realm="b.example.org"), "have the name 'a'"),
        (held("a", [], balance=5), held("b", []), "its entries make 0.0"),
        (held("a", [], below=1), held("b", []), "0 accounts stand below one"),
        (held("a", []), held("b", ["one"]), "1 accounts stand below one"),
        (held("a", ["x"], below=1), held("b", ["one"]), "and its parent below ['x']"),
        (held("a", [], users=[{"username": "ada"}] * 2), held("b", []), "have the username 'ada'"),
        (held("a", [], callflows=[{"numbers": ["1"]}] * 2), held("b", []), "have the number '1'"),
    ],
)
def test_what_contradicts_itself_is_told(one: dict[str, Any], other: dict[str, Any], said: str) -> None:
    assert any(said in text for text in contradictions(state(one=one, other=other)))

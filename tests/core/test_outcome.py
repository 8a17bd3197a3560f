"""Outcomes become conditions by one table, and by kstatus's rules."""

from __future__ import annotations

import pytest

from kazoo_operator.core.outcome import MEANINGS, Outcome, Pass, Reason, Return, State, merge_conditions

WHILE_READY = {
    Reason.READY,
    Reason.DRIFT_DETECTED,
    Reason.NO_CREDIT,
    Reason.LOW_BALANCE,
    Reason.NO_TRUNKS_NO_CREDIT,
    Reason.NO_CALLS_ALLOWED,
    Reason.OVERFLOW_BLOCKED,
    Reason.RESTRICTED,
    Reason.PER_MINUTE_OFF,
    Reason.APPS_NOT_USABLE,
}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_gives_a_status_that_kstatus_understands(reason: Reason) -> None:
    found = merge_conditions([], Pass(Outcome.of(reason, "Because.")), 3, "2026-01-01T00:00:00Z")
    by_type = {condition["type"]: condition for condition in found}
    assert {"Ready", "Synced"} <= set(by_type)
    assert not {"Reconciling", "Stalled"} <= set(by_type)
    assert (by_type["Ready"]["status"] == "True") is (reason in WHILE_READY)
    assert (by_type["Ready"]["status"] == "True") is not bool({"Reconciling", "Stalled"} & set(by_type))
    assert {condition["reason"] for condition in found} == {reason.value}
    assert {condition["observedGeneration"] for condition in found} == {3}


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Reason)
    assert all(meaning.text.endswith(".") for meaning in MEANINGS.values())


def test_a_graver_state_is_looked_at_again_at_resync_only() -> None:
    usual = Outcome.of(Reason.ROLLED_BACK, "m")
    grave = Outcome.of(Reason.ROLLED_BACK, "m", State.STALLED)
    assert (usual.state, usual.comes_back) == (State.RECONCILING, Return.BACK_OFF)
    assert (grave.state, grave.comes_back) == (State.STALLED, Return.AT_RESYNC)


def test_transition_times_move_only_with_the_status_and_others_conditions_stay() -> None:
    theirs = {
        "type": "Audited",
        "status": "True",
        "reason": "Fine",
        "message": "",
        "lastTransitionTime": "t0",
    }
    first = merge_conditions([theirs], Pass(Outcome.of(Reason.BACKEND_UNAVAILABLE, "a")), 1, "t1")
    second = merge_conditions(first, Pass(Outcome.of(Reason.REJECTED, "b")), 2, "t2")
    third = merge_conditions(second, Pass(Outcome.of(Reason.READY, "c")), 2, "t3")
    when = {c["type"]: c["lastTransitionTime"] for c in second}
    assert when == {"Audited": "t0", "Ready": "t1", "Synced": "t1", "Stalled": "t2"}
    assert {c["type"]: c["lastTransitionTime"] for c in third} == {
        "Audited": "t0",
        "Ready": "t3",
        "Synced": "t3",
    }
    assert theirs in third

"""What kstatus, Flux and Argo CD rely on, asked of every status that a test produces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def check(body: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> None:
    """AssertionError when the status of `body` breaks an invariant; `before` is the object as it was."""
    status = body["status"]
    conditions = {one["type"]: one for one in status["conditions"]}
    assert len(conditions) == len(status["conditions"]), "a condition type stands twice"
    assert "Ready" in conditions, "Ready must always be there"
    abnormal = [kind for kind in ("Reconciling", "Stalled") if kind in conditions]
    assert len(abnormal) < 2, "Reconciling and Stalled are never both present"
    for kind in abnormal:
        assert conditions[kind]["status"] == "True", f"{kind} is present only while it is true"
        assert conditions["Ready"]["status"] == "False", f"Ready is never True beside {kind}"
        assert conditions["Ready"]["reason"] == conditions[kind]["reason"]
    assert abnormal or conditions["Ready"]["status"] == "True", "not Ready must say why"
    assert 0 < status["observedGeneration"] <= body["metadata"]["generation"]
    for one in conditions.values():
        assert one["lastTransitionTime"]
        assert one.get("observedGeneration", 0) <= body["metadata"]["generation"]
    for old in ((before or {}).get("status") or {}).get("conditions") or ():
        new = conditions.get(old["type"])
        if new is not None and new["status"] == old["status"]:
            assert new["lastTransitionTime"] == old["lastTransitionTime"], "the time moves with status only"

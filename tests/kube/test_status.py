from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazoo_operator.core.outcome import Outcome, Pass, Reason, State
from kazoo_operator.kube.cache import Cache
from kazoo_operator.kube.session import Refused, Unreachable
from kazoo_operator.kube.status import StatusWriter, Target, Written, status_patch
from tests.kube import kstatus
from tests.kube.api_server import merge
from tests.kube.harness import ACCOUNT
from tests.kube.objects import KEY, LATER, NOW, account, said

TARGET = Target(KEY, "uid-1", 1)


def applied(body: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """`body` after the patch, as the API server makes it."""
    after = copy.deepcopy(body)
    after["status"] = merge(body.get("status"), patch["status"])
    after["metadata"]["resourceVersion"] = str(int(body["metadata"]["resourceVersion"]) + 1)
    return after


def written(body: dict[str, Any], found: Pass, generation: int = 1, now: str = NOW) -> dict[str, Any]:
    patch = status_patch(body, found, generation, now)
    assert patch is not None
    after = applied(body, patch)
    kstatus.check(after, body)
    return after


def test_the_first_status_says_it_all() -> None:
    after = written(account(), said(balance="25.00", accountID="a" * 32))
    assert after["status"]["observedGeneration"] == 1
    assert after["status"]["balance"] == "25.00"
    assert {one["type"]: one["status"] for one in after["status"]["conditions"]} == {
        "Ready": "True",
        "Synced": "True",
    }


def test_the_patch_is_fenced_by_the_version_it_was_computed_from() -> None:
    patch = status_patch(account(123), said(), 1, NOW)
    assert patch is not None
    assert patch["metadata"] == {"resourceVersion": "123"}


def test_a_status_that_says_so_already_is_not_written() -> None:
    after = written(account(), said(balance="25.00", drift=[], capacity={"inbound": 3}))
    assert status_patch(after, said(balance="25.00", drift=[], capacity={"inbound": 3}), 1, LATER) is None
    assert status_patch(after, said(), 1, LATER) is None, "a field that is not spoken of stays"


def test_a_field_that_is_gone_is_removed_and_so_are_members_of_one() -> None:
    before = written(account(), said(balance="25.00", quote={"digest": "x", "total": "1.00"}))
    patch = status_patch(before, said(balance=None, quote={"total": "1.00"}), 1, LATER)
    assert patch is not None
    assert patch["status"] == {"balance": None, "quote": {"digest": None}}
    assert applied(before, patch)["status"]["quote"] == {"total": "1.00"}


def test_only_what_differs_is_sent() -> None:
    before = written(account(), said(balance="25.00", realm="acme.example"))
    patch = status_patch(before, said(balance="24.00", realm="acme.example"), 1, LATER)
    assert patch is not None
    assert patch["status"] == {"balance": "24.00"}


def test_conditions_of_others_stay() -> None:
    body = account(status={"observedGeneration": -1, "conditions": [{"type": "Audited", "status": "True"}]})
    patch = status_patch(body, said(), 1, NOW)
    assert patch is not None
    assert {"type": "Audited", "status": "True"} in patch["status"]["conditions"]


def test_a_transition_time_moves_only_with_the_status_of_its_condition() -> None:
    creating = written(account(), said(Reason.CREATING))
    waiting = written(creating, said(Reason.BACKEND_UNAVAILABLE), now=LATER)
    ready = written(waiting, said(), now="2026-11-25T06:20:00Z")
    times = [
        {one["type"]: one["lastTransitionTime"] for one in body["status"]["conditions"]}
        for body in (creating, waiting, ready)
    ]
    assert times[0]["Ready"] == times[1]["Ready"] == NOW
    assert times[1]["Reconciling"] == NOW
    assert times[2]["Ready"] == "2026-11-25T06:20:00Z"


def test_an_object_without_a_status_gets_one() -> None:
    body = account()
    del body["status"]
    assert written(body, said())["status"]["observedGeneration"] == 1


OUTCOMES = st.builds(
    Outcome.of,
    st.sampled_from(Reason),
    st.sampled_from(["It is so.", "Line\nbreak, ünïcode."]),
    st.sampled_from([None, State.STALLED]),
).filter(lambda outcome: (outcome.reason is Reason.READY) == (outcome.state is State.READY))
VALUES = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=6,
)
PASSES = st.builds(Pass, OUTCOMES, st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3))


@given(st.lists(PASSES, min_size=1, max_size=5))
def test_any_sequence_of_passes_gives_sound_statuses_that_need_no_second_write(passes: list[Pass]) -> None:
    body = account()
    for found in passes:
        patch = status_patch(body, found, 1, NOW)
        if patch is not None:
            after = applied(body, patch)
            kstatus.check(after, body)
            body = after
        assert status_patch(body, found, 1, LATER) is None


class Scripted:
    """An API server that answers each call with the next of `answers`: an object, or an error."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, str]] = []

    async def get(self, path: str) -> Any:
        return self._next("GET", path)

    async def patch(self, path: str, patch: dict[str, Any], query: dict[str, str]) -> Any:
        assert query == {"fieldManager": "kazoo-operator"}
        return self._next("PATCH", path)

    def _next(self, method: str, path: str) -> Any:
        self.calls.append((method, path))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]


MakeWriter = Callable[..., tuple[StatusWriter, Scripted, Cache]]


@pytest.fixture
def writer() -> MakeWriter:
    def make(*answers: Any) -> tuple[StatusWriter, Scripted, Cache]:
        cache, api = Cache(), Scripted(*answers)
        cache.put("Account", account(100))
        observe = cache.put
        return StatusWriter(api, cache, {"Account": ACCOUNT}, observe, lambda: NOW), api, cache  # type: ignore[arg-type]

    return make


CONFLICT = Refused(409, "Conflict", "the object has been modified")
NOT_FOUND = Refused(404, "NotFound", "no such account")


async def test_a_status_is_written_once_and_the_answer_is_what_we_know(writer: MakeWriter) -> None:
    answer = written(account(100), said())
    status, api, cache = writer(answer)
    assert await status.write(TARGET, said()) is Written.TURNED
    assert api.calls == [
        ("PATCH", "/apis/kazoo-operator.io/v1alpha1/namespaces/default/accounts/acme/status")
    ]
    entry = cache.get(KEY)
    assert entry is not None
    assert entry.version == 101
    assert await status.write(TARGET, said()) is Written.EQUAL


async def test_a_figure_alone_is_no_change_of_the_conditions(writer: MakeWriter) -> None:
    status, _, cache = writer(account(102))
    cache.put("Account", written(account(100), said(balance="1.00")))
    assert await status.write(TARGET, said(balance="2.00")) is Written.AMENDED


async def test_after_a_conflict_the_patch_is_computed_anew_from_the_fresh_object(writer: MakeWriter) -> None:
    labelled = account(140)
    status, api, _ = writer(CONFLICT, labelled, written(labelled, said()))
    assert await status.write(TARGET, said()) is Written.TURNED
    assert api.methods == ["PATCH", "GET", "PATCH"]


async def test_after_a_conflict_over_a_new_spec_nothing_is_written(writer: MakeWriter) -> None:
    status, api, _ = writer(CONFLICT, account(140, generation=2))
    assert await status.write(TARGET, said()) is Written.MOVED
    assert api.methods == ["PATCH", "GET"]


async def test_another_object_of_that_name_gets_no_status_of_ours(writer: MakeWriter) -> None:
    status, api, _ = writer(CONFLICT, account(140, uid="uid-2"))
    assert await status.write(TARGET, said()) is Written.GONE
    assert api.methods == ["PATCH", "GET"]


async def test_an_object_that_keeps_changing_does_not_keep_us(writer: MakeWriter) -> None:
    answers = [answer for version in range(5) for answer in (CONFLICT, account(200 + version))]
    status, api, _ = writer(*answers)
    with pytest.raises(Refused, match="409"):
        await status.write(TARGET, said())
    assert api.methods.count("PATCH") == 5


@pytest.mark.parametrize("answers", [(NOT_FOUND,), (CONFLICT, NOT_FOUND)])
async def test_an_object_that_is_gone_is_forgotten(
    writer: MakeWriter, answers: tuple[Exception, ...]
) -> None:
    status, _, cache = writer(*answers)
    assert await status.write(TARGET, said()) is Written.GONE
    assert KEY not in cache
    assert await status.write(TARGET, said()) is Written.GONE


@pytest.mark.parametrize(
    "error",
    [Refused(503, "ServiceUnavailable", ""), Refused(403, "Forbidden", ""), Unreachable("no answer")],
)
async def test_what_the_api_server_cannot_take_is_told_to_the_caller(
    writer: MakeWriter, error: Exception
) -> None:
    status, api, _ = writer(error)
    with pytest.raises(type(error)):
        await status.write(TARGET, said())
    assert api.methods == ["PATCH"]

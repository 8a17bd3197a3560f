"""Secrets by name: what the API server answers, and what becomes of it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kazoo_operator.kube.api_secrets import ApiSecrets
from kazoo_operator.kube.session import ApiServerError, Refused, Unreachable


class Answering:
    """An API server that gives one answer to each GET."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def get(self, path: str) -> Any:
        self.asked.append(path)
        if isinstance(self.answer, ApiServerError):
            raise self.answer
        return self.answer


def of(answer: Any) -> tuple[ApiSecrets, Answering]:
    api = Answering(answer)
    return ApiSecrets(api), api  # type: ignore[arg-type]


async def test_a_secret_is_asked_for_by_its_name_alone() -> None:
    secrets, api = of({"data": {"api-key": base64.b64encode(b"hunter2\n").decode()}})
    assert await secrets.get("team", "kazoo") == {"api-key": b"hunter2\n"}
    assert api.asked == ["/api/v1/namespaces/team/secrets/kazoo"]


async def test_one_that_holds_nothing_has_no_entries() -> None:
    assert await of({"metadata": {}})[0].get("team", "kazoo") == {}


async def test_one_that_is_not_there_is_none() -> None:
    assert await of(Refused(404, "NotFound", "not found"))[0].get("team", "kazoo") is None


@pytest.mark.parametrize("name", ["", ".", "..", "../configmaps/x", "a/b", "A", "a?x=1", "a" * 254])
async def test_a_name_that_none_can_have_is_not_asked_for(name: str) -> None:
    secrets, api = of({"data": {}})
    assert await secrets.get("team", name) is None
    assert await secrets.get(name, "kazoo") is None
    assert api.asked == []


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_is_one_of_permission(status: int) -> None:
    with pytest.raises(PermissionError):
        await of(Refused(status, "Forbidden", "no"))[0].get("team", "kazoo")


@pytest.mark.parametrize(
    "answer",
    [
        Unreachable("no answer"),
        Refused(500, "InternalError", "etcd"),
        {"data": {"api-key": "no base64!"}},
        {"data": {"api-key": 5}},
    ],
)
async def test_what_is_no_answer_says_nothing_about_the_secret(answer: Any) -> None:
    with pytest.raises(OSError, match=r"API server|no answer") as raised:
        await of(answer)[0].get("team", "kazoo")
    assert not isinstance(raised.value, PermissionError)

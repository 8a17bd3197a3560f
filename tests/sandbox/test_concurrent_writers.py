"""Eight writers at once: one of them wins where KAZOO lets only one win, and nothing is lost or torn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

import pytest

from tests.sandbox.client import IN_BOTH, Answer, Client
from tests.sandbox.consistency import contradictions

WRITERS = 8
CREDIT = {
    "amount": 5, "source": {"service": "adjustments", "id": "grant"}, "period": {"start": 63_962_784_000},
    "usage": {"type": "credit", "quantity": 0, "unit": "USD"},
}  # fmt: skip
ADA = {"first_name": "Ada", "last_name": "Byron", "username": "ada", "password": "x"}
ACME = {"name": "Acme", "realm": "acme.example.org"}
FLOW = {"numbers": ["no_match"], "flow": {"module": "offnet", "data": {}, "children": {}}}


async def at_once(client: Client, write: Callable[[int], Awaitable[Answer]]) -> list[Answer]:
    """The answers of all writers, and a state that agrees with itself."""
    answers = await asyncio.gather(*(write(number) for number in range(WRITERS)))
    assert contradictions((await client.get("/sandbox/state")).body) == []
    return answers


def counted(answers: Iterable[Answer]) -> dict[int, int]:
    """Status -> how many have it."""
    return dict(Counter(answer.status for answer in answers))


@IN_BOTH
async def test_of_eight_bookings_with_one_key_one_is_booked_and_seven_conflict(master: Client) -> None:
    acme = await master.create("Acme")
    answers = await at_once(master, lambda n: master.put(f"/v2/accounts/{acme}/ledgers/credit", CREDIT))
    assert counted(answers) == {201: 1, 409: 7}
    refused = [answer.body["message"] for answer in answers if answer.status == 409]
    assert refused == ["datastore_conflict"] * 7
    assert (await master.state())[acme]["balance"] == 5


@IN_BOTH
async def test_eight_bookings_with_keys_of_their_own_are_all_in_the_balance(master: Client) -> None:
    acme = await master.create("Acme")

    def book(number: int) -> Awaitable[Answer]:
        source = {"service": "adjustments", "id": f"grant {number}"}
        return master.put(f"/v2/accounts/{acme}/ledgers/credit", {**CREDIT, "source": source})

    assert counted(await at_once(master, book)) == {201: 8}
    assert (await master.state())[acme]["balance"] == 40


@IN_BOTH
async def test_of_eight_changes_of_limits_with_one_revision_one_is_stored(master: Client) -> None:
    limits = f"/v2/accounts/{await master.create('Acme')}/limits"
    revision = (await master.post(limits, {"twoway_trunks": 9})).body["revision"]
    guard = {"If-Match": f'"{revision}"'}
    answers = await at_once(master, lambda n: master.post(limits, {"twoway_trunks": n}, headers=guard))
    assert counted(answers) == {200: 1, 412: 7}
    winner = next(answer for answer in answers if answer.status == 200)
    assert (await master.get(limits)).data["twoway_trunks"] == winner.data["twoway_trunks"]


@IN_BOTH
async def test_eight_changes_of_limits_without_a_revision_are_stored_one_after_the_other(
    master: Client,
) -> None:
    limits = f"/v2/accounts/{await master.create('Acme')}/limits"
    answers = await at_once(master, lambda n: master.post(limits, {"twoway_trunks": n, "inbound_trunks": n}))
    assert counted(answers) == {200: 8}
    last = max(answers, key=lambda answer: int(answer.body["revision"].partition("-")[0]))
    stored = (await master.get(limits)).data
    assert stored["twoway_trunks"] == stored["inbound_trunks"] == last.data["twoway_trunks"]
    assert len({answer.body["revision"] for answer in answers}) == 8


@IN_BOTH
async def test_eight_patches_of_one_account_are_all_in_it(master: Client) -> None:
    acme = await master.create("Acme")
    answers = await at_once(master, lambda n: master.patch(f"/v2/accounts/{acme}", {f"x{n}": n}))
    assert counted(answers) == {200: 8}
    stored = await master.read(acme)
    assert [stored[f"x{n}"] for n in range(WRITERS)] == list(range(WRITERS))


@IN_BOTH
@pytest.mark.parametrize(
    ("path", "data", "refusal"),
    [("", ACME, 400), ("users", ADA, 400), ("callflows", FLOW, 400), ("phone_numbers/+12125550123", {}, 409)],
)
async def test_of_eight_that_want_one_name_one_gets_it(
    master: Client, path: str, data: dict[str, object], refusal: int
) -> None:
    there = f"/v2/accounts/{await master.create('Bolt')}/{path}"
    answers = await at_once(master, lambda n: master.put(there, data))
    assert counted(answers) == {201: 1, refusal: 7}

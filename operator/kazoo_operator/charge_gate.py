"""What would cost more is written only with consent: the price first, then the write (KZ063).

KAZOO asks only the account that logs in, only about its own bill, and never about flat prices; and a write
that it does not ask about goes through. So the price is told from our own estimate before anything is sent.
Where KAZOO asks all the same, the price that it asks at that moment is the one that is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from kazoo_operator.backend.errors import ChargesNotAccepted, Forbidden
from kazoo_operator.core import money
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import SERVICES_SUMMARY, get
from kazoo_operator.core.money import Amount
from kazoo_operator.core.outcome import Event, Reason
from kazoo_operator.core.pricing.figures import Unpriced
from kazoo_operator.core.pricing.payers import Payer, who_pays
from kazoo_operator.core.pricing.quote import Quote, digest, quote_of, read_quote
from kazoo_operator.core.pricing.summary import Delta
from kazoo_operator.core.printable import printable
from kazoo_operator.subject import Halt, Subject

Written = TypeVar("Written")
_LONGEST = 800
Chain = tuple[tuple[str, JsonObject | None], ...]


@dataclass(frozen=True)
class Price:
    """What a change of an account costs: whose bill rises first, by how much a month, and at once.

    `quotes` are those of all who pay for the change, by their ids; `payer` is the highest of them.
    """

    account_id: str
    payer: str
    quotes: Mapping[str, Quote]
    increase: Amount

    @property
    def today(self) -> Amount:
        """What the payer is charged at once."""
        return self.quotes[self.payer].today

    def digest(self, currency: str) -> str:
        """What a consent to this very price names."""
        return digest(self.account_id, currency, self.quotes)

    def pending(self, currency: str) -> JsonObject:
        """As `status.pendingQuote` says it."""
        items = [
            {
                "category": one.category,
                "item": one.item,
                "quantity": one.quantity,
                "rate": money.price_to_text(one.rate),
                "total": money.to_text(one.total),
            }
            for one in sorted(self.quotes[self.payer].items)
        ]
        return {
            "digest": self.digest(currency),
            "today": money.to_text(self.today),
            "recurring": money.to_text(self.increase),
            "items": items,
        }


@dataclass(frozen=True)
class Appraisal:
    """What our estimate says about a change of an account.

    `chain` are the account and those above it up to the one that logs in, each with its summary of services,
    None where that is not to be read. `asking` is the highest whose bill would rise, empty where none would;
    `price` is what would have to be consented to then, None where `unknown` says why there is none.
    `kazoo_asks`: the account that logs in is sure to be asked.
    """

    chain: Chain = ()
    payers: tuple[Payer, ...] = ()
    asking: str = ""
    price: Price | None = None
    unknown: str = ""
    kazoo_asks: bool = False

    @property
    def billed(self) -> bool:
        """Whether the change is on any bill, as far as one knows."""
        return any(payer.pays for payer in self.payers)


ONE_ACCOUNT = (Delta("accounts", "account", 1),)
"""What another account is, where accounts are counted."""


async def appraised(subject: Subject, account_id: str, deltas: Iterable[Delta], day: date) -> Appraisal:
    """The price of a change of an account by our own estimate. Raises BackendError."""
    wanted = tuple(delta for delta in deltas if delta.units)
    if not wanted:
        return Appraisal()
    return _appraisal(account_id, await _upwards(subject, account_id), wanted, day)


async def appraised_child(subject: Subject, parent_id: str, called: str, day: date) -> Appraisal:
    """The price of one more account below `parent_id`, by its realm. Raises BackendError.

    KAZOO 5.0 counts accounts as it counts trunks, and never asks about them; 4.3 counts none.
    """
    chain = await _upwards(subject, parent_id)
    counted = any((get(summary or {}, "quantities.account") or {}).get("accounts") for _, summary in chain)
    deltas = ONE_ACCOUNT if counted else ()
    return _appraisal(called, ((called, _NOTHING), *chain), deltas, day)


async def appraised_below(
    subject: Subject, above_id: str, called: str, deltas: Iterable[Delta], day: date
) -> Appraisal:
    """The price of a change of an account that is still to be made below `above_id`. Raises BackendError."""
    wanted = tuple(delta for delta in deltas if delta.units)
    if not wanted:
        return Appraisal()
    chain = await _upwards(subject, above_id)
    return _appraisal(called, ((called, _NOTHING), *chain), wanted, day)


_NOTHING: JsonObject = {
    "plans": {},
    "invoices": [],
    "quantities": {"account": {}, "cascade": {}, "manual": {}},
}


def _appraisal(name: str, chain: Chain, deltas: tuple[Delta, ...], day: date) -> Appraisal:
    payers, rises = who_pays(chain, deltas, day), any(delta.units > 0 for delta in deltas)
    # What takes units away is never held up by a bill that is not understood.
    asking = [one for one in payers if one.estimate.asks_approval and (rises or not one.estimate.unknown)]
    if not asking:
        return Appraisal(chain, payers)
    highest = asking[-1]
    certain = highest is payers[-1] and highest.estimate.kazoo_asks is True
    found = Appraisal(chain, payers, highest.account, kazoo_asks=certain)
    try:
        return replace(found, price=_price(name, highest, payers))
    except Unpriced as fault:
        return replace(found, unknown=str(fault))


async def _upwards(subject: Subject, account_id: str) -> Chain:
    """The account and those above it up to the one that logs in, each with its summary of services."""
    line = [account_id, *reversed(await subject.connection.backend.ancestors(account_id))]
    return tuple([(one, await summary_of(subject, one)) for one in line])


async def paid(
    subject: Subject, found: Appraisal, known: JsonObject, write: Callable[[bool], Awaitable[Written]]
) -> Written:
    """Carry out `write(accept charges)` if the spec consents to its price. Raises Halt, BackendError.

    It is sent without acceptance first: KAZOO then says its own price, or carries it out.
    """
    if found.asking and not (found.price is None and found.kazoo_asks):
        _consented(subject, found.price, found.unknown, known)
    try:
        return await write(False)
    except ChargesNotAccepted as asked:
        try:
            price = _asked(found, asked)
        except Unpriced as fault:
            halt = refused(subject, None, str(fault), known)
            halt.found = replace(halt.found, events=(*halt.found.events, _not_understood(asked)))
            raise halt from None
    _consented(subject, price, "", known)
    return await write(True)


def _not_understood(asked: ChargesNotAccepted) -> Event:
    """The quote as it came, for who may mend what reads it; it holds names and prices, and no secret."""
    body = printable(json.dumps(asked.quote, default=str, ensure_ascii=False)[:_LONGEST])
    return Event("QuoteNotUnderstood", f"KAZOO asks for consent with: {body}", warning=True)


def _asked(found: Appraisal, asked: ChargesNotAccepted) -> Price:
    """The price with KAZOO's own quote for the account that logs in. Raises Unpriced."""
    quote = read_quote(asked.quote)
    if not found.payers:
        raise Unpriced("KAZOO asks for what we know no price of")
    asker, others = found.payers[-1], found.payers[:-1]
    before = asker.estimate.before
    if before is None:
        raise Unpriced("the present bill is not known")
    quotes = {payer.account: quote_of(payer.estimate) for payer in others if payer.pays}
    return Price(
        found.payers[0].account, asker.account, {**quotes, asker.account: quote}, quote.recurring - before
    )


def refused(subject: Subject, price: Price | None, unknown: str, known: JsonObject) -> Halt:
    """The end of a pass whose change costs what nobody consented to, or what nobody knows."""
    text, pending = (
        f"This may raise a bill, and its price cannot be told: {unknown}; nothing is written.",
        None,
    )
    if price is not None:
        currency = subject.connection.policy.currency
        pending = price.pending(currency)
        text = (
            f"This raises the monthly bill of the account {price.payer} by {pending['recurring']} "
            f"{currency} and costs {pending['today']} {currency} at once; to consent, write charges: "
            f"{{accept: Quote, quoteDigest: {pending['digest']}}}, or UpTo with limits (KZ063)."
        )
    halt = Halt(Reason.CHARGES_NOT_ACCEPTED, text, {**known, "pendingQuote": pending})
    also = {"ChargesAccepted": ("False", Reason.CHARGES_NOT_ACCEPTED.value, text)}
    halt.found = replace(halt.found, also=also)
    return halt


def consented(subject: Subject, found: Appraisal, known: JsonObject) -> None:
    """Raises Halt unless the spec consents to what our estimate says, where KAZOO asks nobody."""
    if found.asking:
        _consented(subject, found.price, found.unknown, known)


def _consented(subject: Subject, price: Price | None, unknown: str, known: JsonObject) -> None:
    """Raises Halt unless the spec's `charges` accept this price."""
    said = subject.said.get("charges") or {}
    if price is None or not _accepts(said, price, subject.connection.policy.currency):
        raise refused(subject, price, unknown, known)


def _accepts(said: JsonObject, price: Price, currency: str) -> bool:
    if said.get("accept") == "Quote":
        return str(said.get("quoteDigest")) == price.digest(currency)
    if said.get("accept") != "UpTo":
        return False
    month, once = (money.from_text(said.get(one, "0")) for one in ("maxRecurringIncrease", "maxOneTime"))
    return price.increase <= month and price.today <= once


async def summary_of(subject: Subject, account_id: str) -> JsonObject | None:
    """What the account is billed for; None where the credential may not know. Raises BackendError."""
    try:
        return await subject.connection.backend.read(account_id, SERVICES_SUMMARY)
    except Forbidden:
        return None


def _price(account_id: str, highest: Payer, payers: Iterable[Payer]) -> Price:
    """The price by our estimates. Raises Unpriced."""
    quotes = {payer.account: quote_of(payer.estimate) for payer in payers if payer.pays}
    increase = highest.estimate.difference
    if increase is None:
        raise Unpriced("; ".join(highest.estimate.unknown))
    return Price(account_id, highest.account, quotes, increase)

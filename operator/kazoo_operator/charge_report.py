"""What a plan says about the price of a change: the bill, who pays it, and what is not known about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from kazoo_operator.charge_gate import Appraisal, consented
from kazoo_operator.core import money
from kazoo_operator.core.bill import Bill, PricedItem, Share, Total
from kazoo_operator.core.finding import Finding, Severity
from kazoo_operator.core.money import Amount
from kazoo_operator.core.outcome import Reason
from kazoo_operator.core.pricing.estimate import Line, estimate_together
from kazoo_operator.core.pricing.payers import Payer
from kazoo_operator.core.pricing.summary import Delta
from kazoo_operator.subject import Halt, Subject

_PATH = "spec.charges"


@dataclass(frozen=True)
class Priced:
    """The price of one object's change: what the gate says, and the units that it is about."""

    appraisal: Appraisal
    deltas: tuple[Delta, ...] = ()

    @property
    def payer(self) -> Payer | None:
        """Whose bill rises first: the highest that would have to consent, else the highest that pays."""
        found = self.appraisal
        asking = [one for one in found.payers if one.account == found.asking]
        paying = [one for one in found.payers if one.pays]
        return next(reversed(asking or paying), None)

    @property
    def alone(self) -> tuple[Amount, Amount] | None:
        """What the change costs its payer at once and a month, as if it were the only one."""
        if self.payer is None:
            return 0, 0
        found, price = self.payer.estimate, self.appraisal.price
        if price is not None:
            return price.today, price.increase
        if found.one_time is None or found.difference is None:
            return None
        return found.one_time, found.difference


async def bill_of(subject: Subject, priced: Priced) -> Bill:
    """The bill of a change, accounts by their realms where those are known. Raises BackendError."""
    found, payer = priced.appraisal, priced.payer
    if payer is None:
        return Bill(authoritative=all(one.estimate.authoritative for one in found.payers))
    shares = [await _share(subject, one) for one in reversed(found.payers) if one.pays]
    price = found.price
    once, month = priced.alone or (None, None)
    return Bill(
        today=once,
        recurring=month,
        payer=await _called(subject, payer.account),
        authoritative=all(one.estimate.authoritative for one in found.payers),
        digest="" if price is None else price.digest(subject.connection.policy.currency),
        shares=tuple(shares),
    )


async def unknowns(subject: Subject, priced: Priced, told: str = "") -> tuple[Finding, ...]:
    """What could not be priced, and why; of the account `told` it is said elsewhere. Raises BackendError."""
    found = []
    for payer in priced.appraisal.payers:
        for why in () if payer.account == told else payer.estimate.unknown:
            text = f"what {await _called(subject, payer.account)} pays for this is not known: {why}"
            hint = "look at its service plans, or ask who bills it"
            found.append(Finding(Reason.CHARGES_NOT_ACCEPTED, Severity.WARNING, _PATH, text, hint))
    return tuple(found)


def refusal(subject: Subject, priced: Priced, *, unnamed: bool = False) -> Finding | None:
    """Why the operator does not write the change: nobody consented to its price. None where it is written.

    `unnamed`: the account is still to be made; a quote names its id, which it has not got yet.
    """
    found = priced.appraisal
    if found.price is None and found.kazoo_asks and _accepts(subject) != "Never":
        return None  # KAZOO itself tells the price then, and the consent is for that
    try:
        consented(subject, found, {})
    except Halt as halt:
        text = halt.found.outcome.message
        if unnamed and found.price is not None:
            currency = subject.connection.policy.currency
            pending = found.price.pending(currency)
            text = (
                f"This raises the monthly bill by {pending['recurring']} {currency} and costs "
                f"{pending['today']} {currency} at once; to consent, write charges with accept: UpTo and "
                "limits (KZ063): a quote can be named once the account is there."
            )
        return Finding(Reason.CHARGES_NOT_ACCEPTED, Severity.ERROR, _PATH, text, "")
    return None


def together(priced: Iterable[Priced], day: date) -> Total | None:
    """What all changes cost together, where that is not the sum of their prices; else None.

    Tiers, minimums and discounts make the second of two changes cost otherwise than it would alone.
    """
    by_payer: dict[str, list[Priced]] = {}
    for one in priced:
        if one.payer is not None:
            by_payer.setdefault(one.payer.account, []).append(one)
    today, recurring, apart, certain = 0, 0, 0, True
    for account, held in by_payer.items():
        own, below = _units(account, held)
        joint = estimate_together(_summaries(held)[account], own, below, day)
        if joint.difference is None:
            return None
        recurring += joint.difference
        for one in held:
            if one.alone is None:
                return None
            # What is charged at once is charged at each write, whatever the others take away.
            once, month = one.alone
            today, apart = today + once, apart + month
        certain = certain and joint.authoritative
    return Total(today, recurring, certain, apart) if apart != recurring else None


def _units(account: str, held: Iterable[Priced]) -> tuple[tuple[Delta, ...], tuple[Delta, ...]]:
    """The units of an account itself and of those below it, of all changes."""
    own: Counter[tuple[str, str]] = Counter()
    below: Counter[tuple[str, str]] = Counter()
    for one in held:
        side = own if one.appraisal.chain[0][0] == account else below
        for category, item, units in one.deltas:
            side[category, item] += units
    return tuple(_deltas(own)), tuple(_deltas(below))


def _deltas(counted: Mapping[tuple[str, str], int]) -> Iterator[Delta]:
    return (Delta(category, item, units) for (category, item), units in counted.items())


def _summaries(held: Iterable[Priced]) -> dict[str, object]:
    return {account: summary for one in held for account, summary in one.appraisal.chain}


def _accepts(subject: Subject) -> str:
    return str((subject.said.get("charges") or {}).get("accept", "Never"))


async def _share(subject: Subject, payer: Payer) -> Share:
    found = payer.estimate
    return Share(
        await _called(subject, payer.account),
        found.one_time,
        found.difference,
        found.first_month,
        tuple(map(_item, found.lines)),
        found.authoritative,
    )


def _item(line: Line) -> PricedItem:
    return PricedItem(
        line.name,
        line.before.billable,
        line.before.rate,
        line.after.billable,
        line.after.rate,
        money.from_number(line.difference),
    )


async def _called(subject: Subject, account_id: str) -> str:
    """The account's realm, as far as the login may know it; else its id."""
    root, login = subject.root, await subject.connection.backend.identity()
    for one in (root, login):
        if account_id == one.account_id:
            return one.realm.lower()
    if len(account_id) != 32:
        return account_id  # one that is still to be made goes by its realm
    row = await subject.connection.index.row(account_id, root.account_id)
    return row.realm.lower() if row is not None else account_id

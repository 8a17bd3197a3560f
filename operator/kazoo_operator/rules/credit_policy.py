"""The rules about the credit of one account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from kazoo_operator.core import ledger, money
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.finding import Severity
from kazoo_operator.core.money import Amount
from kazoo_operator.core.pricing.estimate import Day
from kazoo_operator.rules import budget_set
from kazoo_operator.rules.grants import amount, date, grants, is_day, signed
from kazoo_operator.rules.rule import Objection, Rule, part

_COMMON_START = 20 * money.UNITS


def _no_days(spec: JsonObject) -> Iterator[Objection]:
    for number, grant in grants(spec):
        written = date(grant)
        if written is not None and not is_day(written):
            yield Objection(f"grants[{number}].date", f"the calendar has no day {written}")


def _in_future(spec: JsonObject, day: Day) -> Iterator[Objection]:
    today = ledger.day_of(day)
    for number, grant in grants(spec):
        written = date(grant)
        if written is not None and is_day(written) and written > today:
            text = f"{written} lies in the future (today is {today} in UTC), and a grant is booked at once"
            yield Objection(f"grants[{number}].date", text)


def _beyond_cap(spec: JsonObject, day: Day) -> Iterator[Objection]:
    cap = amount(part(spec, "caps").get("maxGrantPerMonth"))
    granted: dict[str, Amount] = defaultdict(int)
    for number, grant in grants(spec):
        written = date(grant)
        if cap is None or written is None or grant.get("type") == "Debit":
            continue
        month = written[:7]
        granted[month] += signed(grant)
        # What was granted before there was such a cap stays granted.
        if month >= ledger.day_of(day)[:7] and granted[month] > cap:
            text = (
                f"with it the grants of {month} come to {money.to_text(granted[month])}, beyond "
                f"caps.maxGrantPerMonth, {money.to_text(cap)}"
            )
            yield Objection(f"grants[{number}].amount", text)


def _twice(spec: JsonObject) -> Iterator[Objection]:
    seen: set[str] = set()
    for number, grant in grants(spec):
        name = grant.get("id")
        if isinstance(name, str) and name in seen:
            yield Objection(f"grants[{number}].id")
        seen.add(str(name))


def _comes_in_time(spec: JsonObject) -> bool:
    alert = part(spec, "lowBalanceAlert")
    threshold = amount(alert.get("threshold"))
    return threshold is None or not 0 < threshold < _COMMON_START or alert.get("enabled") is False


def _lasts(spec: JsonObject) -> bool:
    recharge = part(spec, "autoRecharge")
    below, added = amount(recharge.get("threshold")), amount(recharge.get("amount"))
    return below is None or added is None or not 0 < added < below or recharge.get("enabled") is False


def _alert_is_whole(spec: JsonObject) -> bool:
    alert = spec.get("lowBalanceAlert")
    return not isinstance(alert, dict) or alert.get("enabled") is False or "threshold" in alert


def _recharge_is_whole(spec: JsonObject) -> bool:
    recharge = spec.get("autoRecharge")
    if not isinstance(recharge, dict):
        return True
    said = [name in recharge for name in ("threshold", "amount")]
    return said[0] == said[1] and (said[0] or recharge.get("enabled") is False)


RULES = (
    Rule(
        id="KZ046",
        title="A grant stays as it is",
        severity=Severity.ERROR,
        path="grants",
        message="a grant never changes and never leaves: it is booked once and for ever",
        hint="put it back as it was; to take credit back add a grant of type Debit",
        source="Crossbar ledgers API: entries cannot be changed or deleted",
        cel="!has(oldSelf.grants) || (has(self.grants) && oldSelf.grants.all(one, one in self.grants))",
    ),
    Rule(
        id="KZ046",
        title="A grant stays as it is",
        severity=Severity.ERROR,
        path="grants",
        message="an earlier grant has this id, and each id is booked once",
        hint="give each grant an id of its own",
        source="Crossbar ledgers API: an entry is known by the id of its source",
        each=_twice,
        keyed=True,
    ),
    Rule(
        id="KZ079",
        title="A grant has a day",
        severity=Severity.ERROR,
        path="grants",
        message="the calendar has no such day",
        hint="write a day such as 2026-11-28",
        source="Account settings guide: clear records when value was allotted",
        each=_no_days,
    ),
    Rule(
        id="KZ079",
        title="A grant has a day",
        severity=Severity.ERROR,
        path="grants",
        message="the day lies in the future, and credit is booked at once",
        hint="write today's date in UTC, or add the grant on that day",
        source="Account settings guide: clear records when value was allotted",
        dated=_in_future,
    ),
    Rule(
        id="KZ041",
        title="Grants stay within the cap of a month",
        severity=Severity.ERROR,
        path="grants",
        message="the grants of a month go beyond caps.maxGrantPerMonth",
        hint="grant less, or raise the cap",
        source="Account settings guide: allotted money limits fraud",
        dated=_beyond_cap,
    ),
    Rule(
        id="KZ048",
        title="An alert says at which balance",
        severity=Severity.ERROR,
        path="lowBalanceAlert",
        message="the alert is on and does not say at which balance",
        hint='add threshold, for example "25.00", or enabled: false',
        source="Account settings guide: threshold alert",
        cel="!has(self.lowBalanceAlert) || !self.lowBalanceAlert.enabled || "
        "has(self.lowBalanceAlert.threshold)",
        check=_alert_is_whole,
    ),
    Rule(
        id="KZ050",
        title="An alert comes in time",
        severity=Severity.WARNING,
        path="lowBalanceAlert.threshold",
        message="an alert below 20 may come too late to do something about it",
        hint="20 to 25 dollars are a common start",
        source="Account settings guide: a common start is 20 to 25 dollars",
        check=_comes_in_time,
    ),
    Rule(
        id="KZ051",
        title="A recharge has threshold and amount",
        severity=Severity.ERROR,
        path="autoRecharge",
        message="a recharge needs both threshold and amount, or enabled: false and neither",
        hint='write {threshold: "10.00", amount: "50.00"}, or {enabled: false}',
        source="Account settings guide: auto recharge",
        cel="!has(self.autoRecharge) || "
        "(has(self.autoRecharge.threshold) == has(self.autoRecharge.amount) && "
        "(has(self.autoRecharge.threshold) || !self.autoRecharge.enabled))",
        check=_recharge_is_whole,
    ),
    Rule(
        id="KZ052",
        title="A recharge lasts for a day",
        severity=Severity.WARNING,
        path="autoRecharge.amount",
        message="the recharge is smaller than its threshold: it is made once a day at most, and must last",
        hint="write an amount that covers at least a day, and not less than the threshold",
        source="Account settings guide: the recharge must cover at least a day",
        check=_lasts,
    ),
    *budget_set.RULES,
)

"""The rules about the limits of one account."""

from __future__ import annotations

from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.finding import Severity
from kazoo_operator.rules import calling_set, charges
from kazoo_operator.rules.rule import Rule
from kazoo_operator.rules.trunks import TRUNKS, counts


def _takes_calls(spec: JsonObject) -> bool:
    held = (spec.get(name) for name in ("inbound", "twoWay"))
    return any(isinstance(trunks, int) and trunks > 0 for trunks in held)


TOLL_FREE_IS_PER_MINUTE = Rule(
    id="KZ102",
    title="Inbound toll-free calls are paid by the minute",
    severity=Severity.WARNING,
    path="allowPerMinute",
    message="inbound toll-free calls will fail: no trunk covers them, and paying by the minute is off",
    hint="write allowPerMinute: true and give the account credit, if it has toll-free numbers",
    source="Account manager guide: inbound toll-free is always charged per minute",
    check=lambda spec: spec.get("allowPerMinute") is not False or not _takes_calls(spec),
)


def _second_call(spec: JsonObject) -> bool:
    known = counts(spec)
    return spec.get("allowPerMinute") is not False or len(known) < len(TRUNKS) or sum(known) != 1


ONE_TRUNK_IS_ONE_CALL = Rule(
    id="KZ100",
    title="Calls beyond the trunks",
    severity=Severity.WARNING,
    path="allowPerMinute",
    message="a second call at the same time is refused: there is one trunk, and paying by the minute is off",
    hint="add trunks, or write allowPerMinute: true and give the account credit",
    source="Account manager guide: when all trunks are busy, calls are paid by the minute from the balance",
    check=_second_call,
    live=True,
)

RULES = (TOLL_FREE_IS_PER_MINUTE, ONE_TRUNK_IS_ONE_CALL, *charges.RULES, *calling_set.RULES)

"""Where each field of an Account stands in KAZOO's documents, and how it reads there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kazoo_operator.core import mapping
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.documents import ACCOUNT, CLASSIFIERS, NO_MATCH, Document, Documents, get, put
from kazoo_operator.core.finding import Finding
from kazoo_operator.core.mapping import Row
from kazoo_operator.core.near import nearest
from kazoo_operator.core.schema import Spec
from kazoo_operator.rules.account import CLASSIFIER_IS_KNOWN, EMERGENCY_STAYS


def _language(value: Any) -> Any:
    """`en-us` and `en-US` are one language to KAZOO: read both as the spec would write it."""
    if not isinstance(value, str):
        return value
    language, dash, region = value.partition("-")
    return f"{language.lower()}{dash}{region.upper()}"


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


_TAB = "ui_restrictions.myaccount"
_CALLERS = ("internal", "external", "emergency")

TABLE = (
    Row("name", ACCOUNT, "name"),
    Row("realm", ACCOUNT, "realm", read=_lower),
    Row("enabled", ACCOUNT, "enabled", absent=True),
    Row("timezone", ACCOUNT, "timezone"),
    Row("language", ACCOUNT, "language", read=_language),
    Row("address.street", ACCOUNT, "contact.billing.street_address"),
    Row("address.extra", ACCOUNT, "contact.billing.street_address_extra"),
    Row("address.city", ACCOUNT, "contact.billing.locality"),
    Row("address.region", ACCOUNT, "contact.billing.region"),
    Row("address.postalCode", ACCOUNT, "contact.billing.postal_code"),
    Row("address.country", ACCOUNT, "contact.billing.country"),
    Row("contacts.billing.name", ACCOUNT, "contact.billing.name"),
    Row("contacts.billing.email", ACCOUNT, "contact.billing.email"),
    Row("contacts.billing.phone", ACCOUNT, "contact.billing.number"),
    Row("contacts.technical.name", ACCOUNT, "contact.technical.name"),
    Row("contacts.technical.email", ACCOUNT, "contact.technical.email"),
    Row("contacts.technical.phone", ACCOUNT, "contact.technical.number"),
    *(Row(f"callerID.{one}.name", ACCOUNT, f"caller_id.{one}.name") for one in _CALLERS),
    *(Row(f"callerID.{one}.number", ACCOUNT, f"caller_id.{one}.number") for one in _CALLERS),
    Row(
        "callerIDPrivacy",
        ACCOUNT,
        "caller_id_options.outbound_privacy",
        words={"None": "none", "Name": "name", "Number": "number", "Full": "full"},
        absent="None",
    ),
    Row("controlCenter.user", ACCOUNT, f"{_TAB}.user.show_tab"),
    Row("controlCenter.account", ACCOUNT, f"{_TAB}.account.show_tab"),
    Row("controlCenter.creditCard", ACCOUNT, f"{_TAB}.billing.show_tab"),
    Row("controlCenter.balance.show", ACCOUNT, f"{_TAB}.balance.show_tab"),
    Row("controlCenter.balance.credit", ACCOUNT, f"{_TAB}.balance.show_credit"),
    Row("controlCenter.balance.minutes", ACCOUNT, f"{_TAB}.balance.show_minutes"),
    Row("controlCenter.servicePlan", ACCOUNT, f"{_TAB}.service_plan.show_tab"),
    Row("controlCenter.transactions", ACCOUNT, f"{_TAB}.transactions.show_tab"),
    Row("controlCenter.inbound", ACCOUNT, f"{_TAB}.inbound.show_tab"),
    Row("controlCenter.outbound", ACCOUNT, f"{_TAB}.outbound.show_tab"),
    Row("controlCenter.twoWay", ACCOUNT, f"{_TAB}.twoway.show_tab"),
    Row("controlCenter.errorTracker", ACCOUNT, f"{_TAB}.errorTracker.show_tab"),
)

_SWITCHES = tuple(row.spec for row in TABLE if row.spec.startswith("controlCenter."))
_SUB_ACCOUNT = frozenset({"controlCenter.user", "controlCenter.account", "controlCenter.errorTracker"})
_ACTIONS = {"Allow": "inherit", "Deny": "deny"}
_VERDICTS = {action: verdict for verdict, action in _ACTIONS.items()}


def normal(spec: Spec) -> JsonObject:
    """The fields of the spec that stand in KAZOO's documents, presets expanded."""
    said = spec.model_dump(by_alias=True, exclude_none=True)
    fields: JsonObject = {}
    for row in TABLE:
        value = get(said, row.spec)
        if value is None and row.spec in _SWITCHES and "controlCenter" in said:
            value = said["controlCenter"]["preset"] == "All" or row.spec in _SUB_ACCOUNT
        if value is not None:
            put(fields, row.spec, value)
    if "callRestrictions" in said:
        fields["callRestrictions"] = dict(said["callRestrictions"])
    if said.get("outboundRouting", "Unmanaged") != "Unmanaged":
        fields["outboundRouting"] = said["outboundRouting"]
    return fields


def render(fields: JsonObject, observed: Documents) -> Documents:
    """The documents that the fields ask for; the reseller's id is taken from the observed account."""
    documents = dict(mapping.render(TABLE, fields))
    if "callRestrictions" in fields:
        said = fields["callRestrictions"].items()
        entries = {name: {"action": _ACTIONS[verdict]} for name, verdict in said}
        documents.setdefault(ACCOUNT.name, {})["call_restriction"] = entries
    routing = fields.get("outboundRouting")
    if routing is not None:
        documents[NO_MATCH.name] = {"numbers": ["no_match"], "flow": _flow(routing, _reseller(observed))}
    return documents


def parse(documents: Documents) -> JsonObject:
    """The fields that the documents amount to; what KAZOO does not hold is absent."""
    fields = mapping.parse(TABLE, documents)
    entries = get(documents.get(ACCOUNT.name) or {}, "call_restriction")
    if isinstance(entries, dict):
        # A name with a dot is no path of ours, and no classifier that a spec can name.
        fields["callRestrictions"] = {
            name: _verdict(held) for name, held in entries.items() if "." not in name
        }
    flow = get(documents.get(NO_MATCH.name) or {}, "flow")
    if isinstance(flow, dict):
        fields["outboundRouting"] = _routing(flow, _reseller(documents))
    return fields


def absent(path: str) -> Any:
    """What KAZOO takes for granted where it holds nothing; None where that is no value."""
    if path.startswith("callRestrictions."):
        return "Allow"
    return next((row.absent for row in TABLE if row.spec == path), None)


def complete(fields: JsonObject, documents: Documents) -> JsonObject:
    """The whole map of call restrictions, where the spec has one; a class it does not list is allowed."""
    if "callRestrictions" not in fields:
        return fields
    classes = [name for name in documents.get(CLASSIFIERS.name) or () if "." not in name]
    everything = dict.fromkeys(classes, "Allow")
    whole = {**everything, **fields["callRestrictions"]}
    others = {name: value for name, value in fields.items() if name != "callRestrictions"}
    return {**others, "callRestrictions": whole} if whole else others


def vital(documents: Documents) -> JsonObject:
    """Emergency calls are allowed, whatever the policies and the spec say (KZ107)."""
    live = parse(documents).get("callRestrictions") or {}
    denied = [name for name in live if live[name] == "Deny" and is_emergency(name, documents)]
    return {"callRestrictions": dict.fromkeys(denied, "Allow")} if denied else {}


def is_emergency(classifier: str, documents: Documents) -> bool:
    """Whether calls of that class reach the emergency services, by its name or by KAZOO's own flag."""
    flag = get(documents.get(CLASSIFIERS.name) or {}, f"{classifier}.emergency")
    return classifier == "emergency" or flag is True


def consults(fields: JsonObject, documents: Documents) -> tuple[Document, ...]:
    """KAZOO's classifiers, where the spec restricts calls, or the account does: is it an emergency class?"""
    live = parse(documents).get("callRestrictions") or {}
    return (CLASSIFIERS,) if "callRestrictions" in fields or "Deny" in live.values() else ()


def findings(fields: JsonObject, documents: Documents) -> list[Finding]:
    """Restrictions of a class that KAZOO does not list, which would restrict nothing; emergency classes."""
    known = documents.get(CLASSIFIERS.name)
    found = []
    for name, verdict in sorted((fields.get("callRestrictions") or {}).items()):
        path = f"spec.callRestrictions.{name}"
        if verdict == "Deny" and is_emergency(name, documents):
            found.append(replace(EMERGENCY_STAYS.finding(), path=path))
        elif known is not None and name not in known and name != "closed_groups":
            near = nearest(name, sorted(known))
            hint = f"write {near}" if near else f"write one of {', '.join(sorted(known))}"
            found.append(replace(CLASSIFIER_IS_KNOWN.finding(), path=path, hint=hint))
    return found


def _verdict(entry: Any) -> Any:
    action = entry.get("action") if isinstance(entry, dict) else None
    return _VERDICTS.get(action if isinstance(action, str) else "inherit", "Allow")


def _flow(routing: str, reseller: str) -> JsonObject:
    flows: dict[str, JsonObject] = {
        "Platform": {"module": "offnet"},
        "Own": {"module": "resources", "data": {"hunt_account_id": None}},
        "Reseller": {"module": "resources", "data": {"hunt_account_id": reseller}},
    }
    return flows.get(routing) or {"module": routing}


def _routing(flow: JsonObject, reseller: str) -> str:
    """The routing that a flow amounts to; what is none of ours reads as what it is."""
    module, hunted = str(flow.get("module")), get(flow, "data.hunt_account_id")
    if module == "offnet":
        return "Platform"
    if module != "resources":
        return module
    if hunted is None:
        return "Own"
    return "Reseller" if hunted == reseller else f"resources of {hunted}"


def _reseller(documents: Documents) -> str:
    return str((documents.get(ACCOUNT.name) or {}).get("reseller_id", ""))

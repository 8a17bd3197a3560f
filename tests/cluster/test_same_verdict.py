"""Specs that hypothesis makes up: what the API server takes, `validate` takes, and the other way round."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kubernetes.client import ApiException, CustomObjectsApi
from kubernetes.config import new_client_from_config

from kazoo_operator.kinds import discover
from kazoo_operator.manifests import load
from kazoo_operator.manifests.judgement import judge
from kazoo_operator.rules.rule import Place
from tools.cluster import ControlPlane

pytestmark = pytest.mark.cluster

NAMESPACE = "same-verdict"
IN_THE_CRD = {
    f"{rule.message}|{rule.id}" for kind in discover() for rule in kind.rules if Place.CRD in rule.places
}
# A set or a map of the schema says these, and the rule names the member.
KEYED = {rule.id for kind in discover() for rule in kind.rules if rule.keyed}
PLURALS = {kind.name: kind.plural for kind in discover()}
# The API server cannot know these; docs/rules says so.
OFFLINE_ONLY = ("spec.driftIgnore",)

odd: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        "",
        " ",
        "x",
        "NO",
        True,
        0,
        5,
        -1,
        1.5,
        [],
        {},
        ["a"],
        {"a": "b"},
        [None],
        {"a": None},
        "é" * 40,
        "\u200b",
    ]
)
text: st.SearchStrategy[Any] = st.one_of(odd, st.text(max_size=12))


def mapping(known: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """A mapping with some of the members known, now and then something else."""
    some = st.fixed_dictionaries({}, optional=known)
    return st.one_of(some, some, some, some, odd)


def rather(*values: Any) -> st.SearchStrategy[Any]:
    """Mostly one of the values."""
    return st.one_of(*[st.sampled_from(list(values))] * 4, text)


ADDRESS = {
    "street": rather("1 Main St"),
    "extra": rather("Suite 2"),
    "city": rather("San Jose"),
    "region": rather("CA"),
    "postalCode": rather("95113", 95113),
    "country": rather("US", "us", "USA"),
}
CALLER = mapping(
    {"name": rather("Acme", "x" * 35, "x" * 36), "number": rather("+14085550100", "100", "+0", "+1")}
)
SWITCH = st.sampled_from([True, False, "true", None, 1])
CONTACT = mapping(
    {
        "name": rather("Tess"),
        "email": rather("a@b.c", "a@b", "a b@c.d", "a@b.c\n", "é@b.c", "a@-.-"),
        "phone": rather("+14085550100", "+123456789012345", "+1234567890123456", "4085550100"),
    }
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "realm": rather(
        "acme.example", "a.b", "A.example", "a..b", "-a_.b-", "acme.example\n", "a" * 64 + ".bc", "ab.c" * 70
    ),
    "parentRef": mapping({"name": rather("a"), "realm": rather("a.example"), "accountID": rather("0" * 32)}),
    "enabled": SWITCH,
    "contacts": mapping({"technical": CONTACT, "billing": CONTACT}),
    "callRestrictions": st.one_of(
        st.dictionaries(
            st.one_of(st.sampled_from(["emergency", "a.b", "a b", "é" * 64, "x" * 65]), st.text(max_size=4)),
            st.sampled_from(["Allow", "Deny", "deny", None, True]),
            max_size=2,
        ),
        odd,
    ),
    "callerID": mapping({"internal": CALLER, "external": CALLER, "emergency": CALLER}),
    "callerIDPrivacy": rather("None", "Full", "none"),
    "controlCenter": mapping(
        {
            "preset": rather("All", "SubAccount"),
            "user": SWITCH,
            "twoWay": SWITCH,
            "balance": mapping({"show": SWITCH, "credit": SWITCH, "minutes": SWITCH}),
        }
    ),
    "outboundRouting": rather("Platform", "Unmanaged", "platform"),
    "adopt": SWITCH,
    "accountID": rather("0" * 32, "A" * 32, "0" * 31),
    "backendRef": mapping({"name": rather("eu", "default"), "namespace": rather("telephony")}),
    "deletionPolicy": rather("Retain", "Delete"),
    "allowRealmChange": rather("a->b", "a.example->b.example", "a -> b", "->", "a>b"),
    "managementPolicy": rather("Manage", "ObserveOnly"),
    "driftIgnore": st.one_of(st.just(["name"]), st.just(["name", "name"]), st.just([""]), odd),
    "suspend": SWITCH,
    "resyncInterval": rather(
        "30s", "29s", "24h", "24h1s", "1h30m15s", "1d", "1500ms", "90m", "1s1h", "0h30s", "999999s"
    ),
    "whatever": odd,
}
NEEDED: dict[str, st.SearchStrategy[Any]] = {
    "name": rather("Acme", "x" * 128, "x" * 129, "Söhne 😀", "a\tb", "a\u200db"),
    "timezone": rather("Etc/UTC", "America/Los_Angeles", "UTC", "a b/c", "/Etc/UTC", "Etc/UTC\n"),
    "language": rather("en", "en-US", "en-us", "es-419", "english", "en-US\n"),
    "address": mapping(ADDRESS),
}


REFERENCE = mapping({"name": rather("a"), "realm": rather("a.example"), "accountID": rather("0" * 32)})
AMOUNT = rather(
    *(
        "25.00",
        "1",
        "0.9999",
        "0.0001",
        "0",
        "-1",
        "25.00001",
        "999999999.9999",
        "1000000000",
        "1e3",
        "01",
        "NaN",
    ),
    *(25, 25.5, "25.", ".5", "5\n", "5 "),
)
CHARGES = mapping(
    {
        "accept": rather("Never", "UpTo", "Quote", "never"),
        "maxRecurringIncrease": AMOUNT,
        "maxOneTime": AMOUNT,
        "quoteDigest": rather("sha256:" + "0a" * 32, "sha256:" + "0A" * 32, "sha256:0a"),
    }
)
ATTACHED: dict[str, st.SearchStrategy[Any]] = {
    "deletionPolicy": rather("Retain", "Reset", "Delete"),
    "whatever": odd,
    **{name: FIELDS[name] for name in ("backendRef", "managementPolicy", "suspend", "resyncInterval")},
}
TRUNKS = st.sampled_from([0, 1, 5, 5.0, 100_000, 100_001, -1, -2, "5", True, None, 1.5])
LIMITS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("inbound", "outbound", "twoWay", "burst", "maxCalls"), TRUNKS),
    "maxResourceConsumingCalls": TRUNKS,
    "charges": CHARGES,
    "driftIgnore": st.one_of(st.just(["twoWay"]), odd),
    **ATTACHED,
}
GRANT = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "a", "b", "c.1_-", "x" * 64, "x" * 65, "-a", "a b", "", 5]),
        "amount": AMOUNT,
        "date": rather(
            "2026-11-28", "2024-02-29", "2026-13-01", "2026-1-1", "2026-11-28T00:00:00Z", "2026-00-10"
        ),
    },
    optional={
        "type": rather("Credit", "Debit", "credit"),
        "description": rather("Initial", "x" * 128, "x" * 129),
        "whatever": odd,
    },
)
CREDIT: dict[str, st.SearchStrategy[Any]] = {
    "grants": st.one_of(st.lists(GRANT, max_size=3), st.lists(GRANT, max_size=3), odd),
    "lowBalanceAlert": mapping({"enabled": SWITCH, "threshold": AMOUNT}),
    "autoRecharge": mapping({"enabled": SWITCH, "threshold": AMOUNT, "amount": AMOUNT}),
    "caps": mapping({"maxGrantPerMonth": AMOUNT, "maxBalance": AMOUNT}),
    "driftIgnore": st.one_of(st.just(["autoRecharge.amount"]), odd),
    **ATTACHED,
}
APP = rather(
    "voip", "fax", "Call Center", "x" * 128, "x" * 129, "a" * 32, " voip", "voip ", "v\u200boip", "f\u00e4x"
)
APPS: dict[str, st.SearchStrategy[Any]] = {
    "mode": rather("Full", "Restricted", "full"),
    "allowedApps": st.one_of(
        *[st.lists(APP, max_size=3).map(lambda some: ["voip", *some])] * 2,
        st.lists(APP, max_size=2),
        st.just([f"app-{number}" for number in range(201)]),
        odd,
    ),
    "driftIgnore": st.one_of(st.just(["allowedApps"]), odd),
    **ATTACHED,
}
SECRET = mapping({"name": rather("kazoo"), "key": rather("api-key")})
AUTH = mapping({"apiKeySecretRef": SECRET, "userSecretRef": mapping({"name": rather("kazoo")})})
URL = rather(
    *(
        "https://kazoo.example.com:8443",
        "http://kazoo.example.com",
        "http://127.0.0.1:8000",
        "http://[::1]/v2",
    ),
    *("https://bo:secret@kazoo.example.com", "ftp://kazoo.example.com", "kazoo.example.com:8443"),
    *(
        "http://169.254.169.254",
        "https://[fe80::1]:80",
        "https://metadata.google.internal",
        "https://2852039166",
    ),
    *("https://k\u00e4zoo.example.com", "https://kazoo.example.com/?x=1", "https://kazoo.example.com:99999"),
)
BACKEND: dict[str, st.SearchStrategy[Any]] = {
    "insecureHTTP": SWITCH,
    "caBundleSecretRef": SECRET,
    "rootAccount": mapping({"realm": rather("a.example", "A.example"), "accountID": rather("0" * 32)}),
    "realmTemplate": rather("{name}.example.com", "", "x.example.com", "{name}", "{name}.{x}", "{name}.a b"),
    "currency": rather("USD", "usd", "US"),
    "requestsPerSecond": st.sampled_from([1, 50, 50.0, 0, -1, 10_000, 10_001, "5", None, 1.5]),
    "allowedNamespaces": st.one_of(st.just(["a", "*"]), st.just(["a", "a"]), st.just(["A"]), odd),
    "budgetPolicy": rather("Deny", "Off", "off"),
    "maxDeletionsPerHour": st.sampled_from([0, 1, 1000, 1001, -1, True]),
    "requireWhitelabel": SWITCH,
    "namePattern": rather("", "^[A-Z]", "x" * 256, "x" * 257),
    "whatever": odd,
}
# Of each kind: what the least spec is made of, what spoils a part of it, and what may be added.
KINDS: dict[
    str, tuple[dict[str, Any], dict[str, st.SearchStrategy[Any]], dict[str, st.SearchStrategy[Any]]]
] = {
    "Account": (
        {
            **{"name": "Acme", "timezone": "Etc/UTC", "language": "en"},
            "address": dict(zip(ADDRESS, ("1", "2", "3", "4", "5", "US"), strict=True)),
        },
        NEEDED,
        {**FIELDS, "charges": CHARGES},
    ),
    "TrunkLimits": (
        {"accountRef": {"name": "acme"}, "allowPerMinute": True},
        {"accountRef": REFERENCE, "allowPerMinute": SWITCH},
        LIMITS,
    ),
    "CreditPolicy": ({"accountRef": {"realm": "acme.example"}}, {"accountRef": REFERENCE}, CREDIT),
    "AppRestrictions": ({"accountRef": {"name": "acme"}}, {"accountRef": REFERENCE, "mode": SWITCH}, APPS),
    "TelephonyBackend": (
        {
            "url": "https://kazoo.example.com",
            "auth": {"apiKeySecretRef": {"name": "kazoo", "key": "api-key"}},
        },
        {"url": URL, "auth": AUTH},
        BACKEND,
    ),
}


@st.composite
def specs(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A kind, and a spec with a few optional fields; most are valid but for one or two of them."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    least, needed, fields = KINDS[kind]
    spec = dict(least)
    for name in draw(st.lists(st.sampled_from(sorted(needed)), max_size=1)):
        spec[name] = draw(needed[name])
    chosen = draw(st.lists(st.sampled_from(sorted(fields)), max_size=3, unique=True))
    return kind, {**spec, **{name: draw(fields[name]) for name in chosen}}


@pytest.fixture(scope="module")
def namespace(plane: ControlPlane) -> Iterator[str]:
    """A namespace of its own, in which no operator looks."""
    plane.kubectl("create", "namespace", NAMESPACE)
    yield NAMESPACE
    plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> Iterator[CustomObjectsApi]:
    """The API server without kubectl, whose own checks come first and stop at the first fault."""
    with new_client_from_config(str(plane.kubeconfig)) as client:
        yield CustomObjectsApi(client)


def refusal(api: CustomObjectsApi, body: dict[str, Any]) -> str:
    """What the API server says against an object; empty where it takes it."""
    where = ("kazoo-operator.io", "v1alpha1", NAMESPACE, PLURALS[body["kind"]])
    try:
        api.create_namespaced_custom_object(*where, body, dry_run="All", field_validation="Strict")
    except ApiException as error:
        assert error.status in (400, 422), error
        return str(json.loads(error.body)["message"])
    return ""


def test_every_kind_is_made_up() -> None:
    assert set(KINDS) == set(PLURALS)


@given(st.lists(specs(), min_size=60, max_size=60))
@settings(
    max_examples=40,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
    database=None,
)
def test_one_verdict_on_specs_that_nobody_thought_of(
    api: CustomObjectsApi,
    namespace: str,
    tmp_path_factory: pytest.TempPathFactory,
    made: list[tuple[str, dict[str, Any]]],
) -> None:
    path = tmp_path_factory.mktemp("made") / "list.json"
    items = [
        {
            "apiVersion": "kazoo-operator.io/v1alpha1",
            "kind": kind,
            "metadata": {"name": f"made-{number}"},
            "spec": spec,
        }
        for number, (kind, spec) in enumerate(made)
    ]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    refused: dict[str, list[str]] = {}
    for one in judge(load([path])):
        unknown = one.finding.path.startswith(OFFLINE_ONLY) and "no field" in one.finding.message
        by_rule = f"{one.finding.message}|{one.finding.rule}" in IN_THE_CRD or one.finding.rule in KEYED
        if by_rule or (one.finding.rule == "SCHEMA" and not unknown):
            refused.setdefault(one.name, []).append(str(one.finding))
    other = {}
    for item in items:
        name = item["metadata"]["name"]
        said = refusal(api, item)
        if bool(said) is not (name in refused):
            other[name] = (item["spec"], said, refused.get(name))
    assert other == {}

"""TelephonyBackends in files: what CEL and Python say of one, and which KAZOO each object stands in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.manifests.cel_rules import CelRules
from tests.rules.corpus import CATALOGUE, KINDS

KIND = KINDS["TelephonyBackend"]
CEL = CelRules(KIND)
AUTH = {"apiKeySecretRef": {"name": "kazoo", "key": "api-key"}}
URL = "https://crossbar.example.com"

HOSTS = st.sampled_from(
    [
        *(
            "crossbar.example.com",
            "localhost",
            "127.0.0.1",
            "127.1",
            "[::1]",
            "169.254.169.254",
            "0xa9fea9fe",
        ),
        *("2852039166", "metadata", "metadata.google.internal.", "[fe80::1]", "[fd00:ec2::254]", "0.0.0.0"),
        *(
            "224.0.0.1",
            "100.100.100.200",
            "10.0.0.1",
            "a_b.svc",
            "-",
            "",
            "a..b",
            "x.123",
            "[::ffff:a9fe:a9fe]",
            "[0:0:0:0:0:FFFF:169.254.169.254]",
            "[0:0:0:0:0:0:0:0]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "168.63.129.16",
        ),
    ]
)
URLS = st.one_of(
    st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from(["https://", "http://", "HTTP://", "ftp://", "//", ""]),
        st.sampled_from(["", "", "", "bo@", "bo:secret@"]),
        HOSTS,
        st.sampled_from(["", "", ":8443", ":0", ":65536", ":x", ":"]),
        st.sampled_from(["", "/", "/v2", "/a?b", "/#c", "/ "]),
    ),
    st.text(alphabet="htps:/@.[]?#a1 ", max_size=20),
)
SPECS = st.fixed_dictionaries(
    {
        "url": URLS,
        "auth": st.sampled_from(
            [{}, AUTH, {"userSecretRef": {"name": "a"}}, {**AUTH, "userSecretRef": {"name": "a"}}]
        ),
    },
    optional={
        "insecureHTTP": st.booleans(),
        "rootAccount": st.sampled_from(
            [{}, {"realm": "a.b"}, {"accountID": "0" * 32}, {"realm": "a.b", "accountID": "0" * 32}]
        ),
        "realmTemplate": st.one_of(
            st.sampled_from(
                ["", "{name}.a.b", "a.b", "{name}", "a-{name}.{name}.b", "{name}.{x}", "{name}..b"]
            ),
            st.text(alphabet="{name}.A_", max_size=12),
        ),
    },
)


@given(spec=SPECS)
def test_cel_and_python_judge_alike(spec: dict[str, Any]) -> None:
    found = {(one.rule, one.path) for one in CEL.findings(spec)}
    judged = [rule for rule in KIND.rules if rule.cel is not None]
    assert found == {(one.rule, one.path) for rule in judged for one in rule.findings(spec)}


def backend(name: str = "default", namespace: str = "a", url: str = URL, **more: Any) -> Resource:
    return Resource(
        Key("TelephonyBackend", namespace, name), "", 0, "", {"url": url, "auth": AUTH, **more}, {}
    )


def account(name: str, namespace: str = "a", **more: Any) -> Resource:
    spec = {"name": name, "realm": f"{name.lower()}.example.com", **more}
    return Resource(Key("Account", namespace, name.lower()), "", 0, "", spec, {})


def attached(kind: str, name: str, namespace: str = "a", **more: Any) -> Resource:
    return Resource(Key(kind, namespace, name), "", 0, "", {"allowPerMinute": True, **more}, {})


def said(resources: Sequence[Resource], *rules: str) -> list[tuple[int, str, str]]:
    """What the rules over the set say: (number of the object, rule, path)."""
    named = [rule for name in rules or CATALOGUE for rule in CATALOGUE[name]]
    return [(number, one.rule, one.path) for rule in named for number, one in rule.on_set(resources)]


def hints(resources: Sequence[Resource], name: str) -> list[str]:
    return [one.hint for rule in CATALOGUE[name] for _, one in rule.on_set(resources)]


EU = {"backendRef": {"name": "eu"}}


def test_a_realm_and_a_name_may_stand_once_in_each_kazoo() -> None:
    two = [account("Acme"), account("Acme", "b")]
    assert said(two, "KZ131", "KZ083") == [(1, "KZ131", "spec.realm"), (1, "KZ083", "spec.name")]
    same = [backend(), backend(namespace="b", url=f"{URL}:443/v2"), *two]
    assert said(same, "KZ131", "KZ083") == [(3, "KZ131", "spec.realm"), (3, "KZ083", "spec.name")]
    other = [backend(), backend(namespace="b", url="https://other.example.com"), *two]
    assert said(other, "KZ131", "KZ083") == []


def test_of_places_that_no_file_tells_nothing_is_said() -> None:
    assert said([backend(), account("Acme"), account("Acme", "b")], "KZ131", "KZ083") == []
    assert said([account("Acme", **EU), account("Acme", "b")], "KZ131", "KZ083") == []


def test_an_unknown_backend_is_one_place() -> None:
    far = {"backendRef": {"name": "eu", "namespace": "a"}}
    both = [account("Acme", **EU), account("Acme", "b", **far)]
    assert said(both, "KZ131") == [(1, "KZ131", "spec.realm")]


def test_limits_of_accounts_in_two_kazoos_are_no_rivals() -> None:
    reference = {"accountRef": {"realm": "acme.example.com"}}
    both = [attached("TrunkLimits", "one", **reference), attached("TrunkLimits", "two", **reference)]
    assert [number for number, *_ in said(both, "KZ159")] == [1]
    elsewhere = attached("TrunkLimits", "two", **reference, **EU)
    assert said([backend("eu"), both[0], elsewhere], "KZ159") == []


def test_a_parent_by_realm_is_looked_for_in_the_same_kazoo() -> None:
    loop = [account("Top", parentRef={"realm": "low.example.com"}), account("Low", parentRef={"name": "top"})]
    assert len(said(loop, "KZ080")) == 2
    apart = [loop[0], account("Low", parentRef={"name": "top"}, **EU)]
    assert said([backend(), backend("eu", url="https://eu.example.com"), *apart], "KZ080") == []


def test_a_backend_that_is_not_among_the_files_is_told_beside_others_of_its_namespace() -> None:
    lost = account("Acme", backendRef={"name": "uk"})
    assert said([lost], "KZ178") == []
    assert said([backend("eu", "b"), lost], "KZ178") == []
    assert said([backend("eu"), lost], "KZ178") == [(1, "KZ178", "spec.backendRef.name")]
    assert said([backend("eu"), account("Acme")], "KZ178") == []


def test_the_backend_that_was_meant_is_named() -> None:
    found = [backend("europe"), backend("asia"), account("Acme", backendRef={"name": "eurpe"})]
    assert hints(found, "KZ178") == ["did you mean europe?"]


@pytest.mark.parametrize(
    ("allowed", "namespace", "refused"),
    [
        ([], "b", True),
        (["c"], "b", True),
        (["b"], "b", False),
        (["*"], "b", False),
        ([], "a", False),
        ([], "", False),
    ],
)
def test_only_namespaces_that_are_allowed_may_refer(
    allowed: list[str], namespace: str, refused: bool
) -> None:
    far = account("Acme", namespace, backendRef={"name": "default", "namespace": "a"})
    found = said([backend(allowedNamespaces=allowed), far], "KZ179")
    assert found == ([(1, "KZ179", "spec.backendRef")] if refused else [])


def test_names_are_searched_for_the_pattern_of_their_own_backend() -> None:
    found = [
        backend(namePattern="-[0-9]{2}$"),
        backend("eu", namePattern="^EU "),
        *(account("Acme-42"), account("Acme"), account("EU Acme", **EU)),
        account("Seen", managementPolicy="ObserveOnly"),
    ]
    assert said(found, "KZ083") == [(3, "KZ083", "spec.name")]


def test_a_pattern_that_is_none_is_told_where_it_stands_alone() -> None:
    assert said([backend(namePattern="["), account("Acme")], "KZ083") == []
    assert [one.rule for rule in KIND.rules for one in rule.findings({"namePattern": "["})] == ["KZ177"]


def test_a_realm_may_be_left_to_the_template_of_the_own_backend() -> None:
    bare = account("Acme", realm=None)
    assert said([bare], "KZ021") == []
    assert said([backend(realmTemplate="{name}.example.com"), bare], "KZ021") == []
    assert said([backend(), bare], "KZ021") == [(1, "KZ021", "spec.realm")]
    assert said([backend(), account("Acme", realm=None, accountID="0" * 32, adopt=True)], "KZ021") == []


def test_realms_of_templates_are_compared_with_those_that_are_written() -> None:
    found = [backend(realmTemplate="{name}.example.com"), account("Acme"), account("Other", realm=None)]
    assert said(found, "KZ131") == []
    found.append(account("ACMÉ", realm=None))
    assert said(found, "KZ131") == [(3, "KZ131", "spec.name")]


def test_what_belongs_to_an_account_names_the_same_backend() -> None:
    credit = attached("CreditPolicy", "acme", accountRef={"name": "acme"})
    assert said([account("Acme", **EU), credit], "KZ180") == [(1, "KZ180", "spec.accountRef")]
    # As the operator does: two TelephonyBackends are two, though they lead to one KAZOO.
    apart = [backend(), backend("eu"), account("Acme", **EU), credit]
    assert said(apart, "KZ180") == [(3, "KZ180", "spec.accountRef")]
    spelt = attached("CreditPolicy", "acme", accountRef={"name": "acme"}, backendRef={"name": "default"})
    assert said([account("Acme"), spelt], "KZ180") == []


def test_where_no_file_names_a_namespace_a_named_one_may_be_meant() -> None:
    child = account("Kid", "", parentRef={"name": "acme"})
    far = {"backendRef": {"name": "default", "namespace": "a"}}
    assert said([account("Acme", "", **far), child], "KZ180") == []
    assert said([account("Acme", "a", **EU), account("Kid", "a", parentRef={"name": "acme"})], "KZ180") != []


def test_one_kazoo_has_one_currency() -> None:
    euros = backend("eu", url=f"{URL}/v2", currency="EUR")
    assert said([backend(), euros], "KZ181") == [(1, "KZ181", "spec.currency")]
    assert said([backend(), backend("us", currency="USD")], "KZ181") == []
    assert said([backend(), backend("eu", url="https://eu.example.com", currency="EUR")], "KZ181") == []

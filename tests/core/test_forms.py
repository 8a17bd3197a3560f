"""What a text that has not its form is told: what is wrong, and what was meant where that is plain."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kazoo_operator.core.conformity import ignored_findings, schema_findings
from kazoo_operator.core.finding import Finding
from kazoo_operator.core.form import Form
from kazoo_operator.core.model_fields import form_of, members, model_of
from kazoo_operator.core.printable import printable, quoted
from kazoo_operator.kinds import discover
from kazoo_operator.rules.account import RULES

(KIND,) = [kind for kind in discover() if kind.name == "Account"]
SPEC: dict[str, Any] = {
    "name": "Acme",
    "timezone": "Etc/UTC",
    "language": "en",
    "address": {"street": "1", "city": "2", "region": "3", "postalCode": "4", "country": "US"},
}


def judged(path: str, value: Any) -> Finding:
    """The one finding about a spec that has this value at a path."""
    *above, last = path.split(".")
    spec = {**SPEC, "address": dict(SPEC["address"])}
    node = spec
    for part in above:
        node = node.setdefault(part, {})
    node[last] = value
    found = schema_findings(KIND.spec, spec) + ignored_findings(KIND.spec, spec)
    found += [one for rule in RULES if rule.severity == "error" for one in rule.findings(spec)]
    (finding,) = found
    return finding


@pytest.mark.parametrize(
    ("path", "value", "meant"),
    [
        ("timezone", "UTC", "Etc/UTC"),
        ("timezone", "GMT", "Etc/GMT"),
        ("timezone", "EST", "America/New_York"),
        ("timezone", "Etc/UTC ", "Etc/UTC"),
        ("timezone", "America/Los Angeles", "America/Los_Angeles"),
        ("language", "EN-us", "en-US"),
        ("language", "en_US", "en-US"),
        ("language", "de_DE.UTF-8", "de-DE"),
        ("address.country", "us", "US"),
        ("address.country", "USA", "US"),
        ("address.country", "U.S.", "US"),
        ("address.country", "United Kingdom", "GB"),
        ("resyncInterval", "1d", "24h"),
        ("resyncInterval", "90 minutes", "1h30m"),
        ("resyncInterval", "1h 30m", "1h30m"),
        ("resyncInterval", "30m1h", "1h30m"),
        ("resyncInterval", "10M", "10m"),
        ("realm", "Acme.Example.COM", "acme.example.com"),
        ("realm", "sip:acme.example.com", "acme.example.com"),
        ("realm", "acme.example.com.", "acme.example.com"),
        ("realm", "acme.\u200bexample.com", "acme.example.com"),
        ("allowRealmChange", "a.example -> b.example", "a.example->b.example"),
        ("contacts.billing.phone", "+1 (408) 555-0100", "+14085550100"),
        ("contacts.billing.phone", "4085550100", "+14085550100"),
        ("contacts.billing.phone", "0044 20 7946 0000", "+442079460000"),
        ("contacts.billing.phone", 14085550100, "+14085550100"),
        ("contacts.billing.email", "Bo Li <bo@acme.example>", "bo@acme.example"),
        ("contacts.billing.email", " bo@acme.example", "bo@acme.example"),
        ("accountID", "4C0C8F6F-9D8B-4A0F-8E3D-2C1B0A998877", "4c0c8f6f9d8b4a0f8e3d2c1b0a998877"),
        ("name", "Acme\u00a0Dental\u200d", None),
    ],
    ids=str,
)
def test_what_was_meant_is_proposed(path: str, value: Any, meant: str | None) -> None:
    spec = {"adopt": True} if path == "accountID" else {}
    SPEC.update(spec)
    try:
        finding = judged(path, value)
    finally:
        for name in spec:
            del SPEC[name]
    assert finding.path == f"spec.{path}"
    assert meant is None or finding.hint == f'did you mean "{meant}"?'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("timezone", "abc"),
        ("language", "english"),
        ("address.country", "Atlantis"),
        ("resyncInterval", "500ms"),
        ("resyncInterval", "soon"),
        ("realm", "acme"),
        ("allowRealmChange", "a.example"),
        ("contacts.billing.phone", "100"),
        ("contacts.billing.email", "bo@acme"),
    ],
    ids=str,
)
def test_where_it_would_be_a_guess_the_example_stands(path: str, value: str) -> None:
    finding = judged(path, value)
    assert finding.hint.startswith("write it as in the example ")
    assert "is no " in finding.message


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("2 days", 'that is 48h; write "24h", the nearest that is allowed'),
        ("48h", 'write "24h", the nearest that is allowed'),
        ("5s", 'write "30s", the nearest that is allowed'),
    ],
)
def test_an_interval_out_of_bounds_is_told_the_nearest_within(value: str, hint: str) -> None:
    assert judged("resyncInterval", value).hint == hint


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("name", "Acme\u200b", "U+200B ZERO WIDTH SPACE at character 5"),
        ("name", "\u202eAcme", "U+202E RIGHT-TO-LEFT OVERRIDE at character 1"),
        ("name", "Acme\tDental", "U+0009 TAB at character 5"),
        ("name", "Acme\x85", "U+0085 CONTROL CHARACTER at character 5"),
        ("realm", "acme.exa\u00admple", "U+00AD SOFT HYPHEN at character 9"),
        ("timezone", "Etc/\ufeffUTC", "U+FEFF ZERO WIDTH NO-BREAK SPACE at character 5"),
        ("timezone", "Etc/\u3164UTC", "U+3164 HANGUL FILLER at character 5"),
        ("timezone", "Etc/\ue000UTC", "U+E000 PRIVATE USE at character 5"),
        ("contacts.billing.phone", "+1\u00a04085550100", "U+00A0 NO-BREAK SPACE at character 3"),
    ],
)
def test_an_invisible_character_is_named_and_placed(path: str, value: str, told: str) -> None:
    finding = judged(path, value)
    assert told in finding.message
    assert finding.message.isprintable() and finding.hint.isprintable()


@pytest.mark.parametrize("text", ["a\U000e0001b", "a\u3164b", 'say "no"\n', "\U0001f600 caf\u00e9", "a\\b"])
def test_what_is_quoted_is_the_same_text_to_yaml_and_hides_nothing(text: str) -> None:
    said = quoted(text)
    assert yaml.safe_load(said) == text
    assert printable(said) == said


def test_a_blank_at_the_end_is_told_once_and_as_such() -> None:
    assert judged("timezone", "Etc/UTC ").message == '"Etc/UTC " has a blank at its beginning or its end'


def test_a_null_in_a_list_is_told_as_null() -> None:
    finding = judged("driftIgnore", [None])
    assert (finding.path, finding.message) == ("spec.driftIgnore[0]", "is null, which a list cannot hold")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("address.country", False, "must be text, and YAML reads it as false"),
        ("address.postalCode", 95113, "must be text, and YAML reads it as a number"),
        ("contacts", 5, "5 stands where a mapping must"),
        ("contacts", ["a"], "a list stands where a mapping must"),
        ("driftIgnore", "name", '"name" stands where a list must'),
        ("name", {}, "a mapping stands where text must"),
        ("address.city", "", "is empty"),
        ("callerID.external.name", "x" * 36, f'"{"x" * 36}" is too long: 36 characters of 35'),
    ],
)
def test_a_value_of_another_type_is_told_what_it_is(path: str, value: Any, message: str) -> None:
    finding = judged(path, value)
    assert finding.message == message
    assert finding.hint


def forms(model: Any) -> list[tuple[str, Form]]:
    found = []
    for name, field in members(model).items():
        inner, form = model_of(field.annotation), form_of(field)
        found += forms(inner) if inner is not None else [(name, form)] if form is not None else []
    return found


def test_each_pattern_of_the_schema_has_words_of_its_own() -> None:
    found = forms(KIND.spec)
    assert {name for name, _ in found} >= {
        "name",
        "realm",
        "timezone",
        "language",
        "country",
        "email",
        "phone",
    }
    patterns = str(KIND.spec.model_json_schema()).count("'pattern'")
    assert len({form.what for _, form in found}) == len({form.pattern for _, form in found})
    # Models that stand twice have one definition.
    assert patterns <= len(found)


@pytest.mark.parametrize("hostile", ["x" * 100_000, "\u200b" * 10_000, "1d" * 10_000, "<" * 50_000, ""])
def test_hostile_texts_are_judged_without_fail(hostile: str) -> None:
    for _, form in forms(KIND.spec):
        assert form.objection(hostile)
        assert isinstance(form.advice(hostile), str)


def test_a_word_that_yaml_takes_for_a_switch_is_to_be_quoted() -> None:
    (kind,) = [kind for kind in discover() if kind.name == "TelephonyBackend"]
    auth = {"userSecretRef": {"name": "kazoo"}}
    spec = {"url": "https://kazoo.example.com", "auth": auth, "budgetPolicy": False}
    (finding,) = schema_findings(kind.spec, spec)
    assert finding.path == "spec.budgetPolicy"
    assert finding.hint == 'put it in quotes: "Off", which YAML takes for a switch'
    (other,) = schema_findings(kind.spec, {**spec, "budgetPolicy": True})
    assert other.hint == "write Deny or Warn or Off"

"""What must not be seen: passwords in excerpts and messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazoo_operator.manifests.confidential import masked, secrets_of, without
from kazoo_operator.manifests.judgement import judge
from tests.loading.test_files import ACCOUNT, of


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("password: hunter2", "password: *******"),
        ("  - adminPassword:   hunter2 # mine", "  - adminPassword:   **************"),
        ("{password: hunter2, name: x}", "{password: *******, name: x}"),
        ("{a: {token: hunter2}, name: x}", "{a: {token: *******}, name: x}"),
        ('"apiKey": "hun\\"ter2", "b": 1', '"apiKey": ***********, "b": 1'),
        ('{"api_key":12345,"b":1}', '{"api_key":*****,"b":1}'),
        ("api-key: 'it''s', b: 1", "api-key: *******, b: 1"),
        ("password=hunter2", "password=*******"),
        ("secret: [a, b]", "secret: ******"),
        ("passwordSecretRef: hunter2", "passwordSecretRef: *******"),
        ("pin: 1234", "pin: ****"),
        ("cardNumber: 4111 1111", "cardNumber: *********"),
        ("url: https://bo:hunter2@kazoo.example", "url: https://**********@kazoo.example"),
        ('{"url":"https://bo:hun@ter2@kazoo.example/v2"}', '{"url":"https://***********@kazoo.example/v2"}'),
    ],
)
def test_a_secret_is_stars_of_the_same_length(line: str, shown: str) -> None:
    assert masked([line], 1) == shown


@pytest.mark.parametrize(
    "line",
    [
        "passwordSecretRef: {name: acme, key: password}",
        "secretName: acme",
        "tokenFile: /run/token",
        "kind: Secret",
        "name: Bob # password",
        "spinning: 1",
        "password: # below",
        "url: https://kazoo.example/@x, mail: a@b.example",
    ],
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert masked([line], 1) == line


@pytest.mark.parametrize(
    ("text", "number", "shown"),
    [
        ("privateKey: |\n  -----BEGIN\n  abc: d", 3, "  ******"),
        ("password:\n  hunter2", 2, "  *******"),
        ('password: "hunter\n  2 and more"', 2, "  ***********"),
        ("a:\n  tokens:\n  - abc\n  b: c", 3, "  - ***"),
        ("a:\n  tokens:\n  - abc\n  b: c", 4, "  b: c"),
        ("credentials:\n  user: x\n  b: y", 3, "  b: *"),
        ("passwordSecretRef:\n  name: x\n  key: password", 3, "  key: password"),
        ("- password: x\n  emial: y", 2, "  emial: y"),
        ("- password: |\n    x\n  emial: y", 2, "    *"),
        ("spec:\n  password: x\n  name: y", 3, "  name: y"),
    ],
)
def test_a_secret_on_several_lines_is_hidden_on_each(text: str, number: int, shown: str) -> None:
    assert masked(text.split("\n"), number) == shown


# What grows with the square of the line's length would take hours.
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("x" * 3_000_000, "x" * 3_000_000),
        ('"token":1,' * 300_000, '"token":' + "*" * (300_000 * 10 - 8)),
        ("password" * 300_000, "password" * 300_000),
    ],
    ids=["a word", "secrets", "their names"],
)
def test_a_line_of_megabytes_is_masked_in_one_go(line: str, shown: str) -> None:
    assert masked([line], 1) == shown


def test_a_message_quotes_no_secret() -> None:
    body = {
        "spec": {"password": "hunter2", "ref": {"tokenRef": {"name": "abc"}, "pin": 1}},
        "token": ["x" * 80],
    }
    secrets = secrets_of(body)
    assert set(secrets) == {"hunter2", "1", "x" * 80}
    assert without("'hunter2' and hunter2 are wrong, not 1", secrets) == "*** and *** are wrong, not 1"
    assert without(f'"{"x" * 60}"... is too long', secrets) == "*** is too long"


@pytest.mark.parametrize(
    "lines",
    [
        "  password: hunter2\n  name: a\n",
        "  administrators: [{email: a, password: hunter2}]\n",
        "  address: {passwordSecretRef: hunter2}\n",
        "  language: {apiKey: hunter2}\n",
        "  password: *hunter2\n",
        "  password: !hunter2 a\n",
        "  token: {hunter2: [}\n",
    ],
)
def test_nothing_that_validate_says_holds_it(tmp_path: Path, lines: str) -> None:
    found = judge(of(ACCOUNT.format(name="a") + lines, tmp_path))
    assert found
    for one in found:
        assert "hunter2" not in f"{one.finding.message}{one.finding.hint}{one.source.excerpt(one.line)}"


def test_a_label_that_is_wrong_is_not_quoted_where_it_is_a_password(tmp_path: Path) -> None:
    text = ACCOUNT.format(name="a").replace("  namespace", "  labels: {password: 'hunter 2'}\n  namespace")
    said = [one.finding.message for one in judge(of(text, tmp_path))]
    assert "*** is no value of a label" in said

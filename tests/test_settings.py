"""Settings come from the environment, and flags win."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from kazoo_operator.backend.login import User
from kazoo_operator.settings import Settings, SettingsRefused, load

KEY = "5ecre7" * 10 + "abcd"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZOO_URL", "https://kazoo.example:8443")
    monkeypatch.setenv("KAZOO_API_KEY", KEY)


def test_a_flag_wins_over_the_environment() -> None:
    assert load(url="https://other.example").url == "https://other.example"
    assert load().url == "https://kazoo.example:8443"


def test_a_key_file_on_the_command_line_takes_the_place_of_the_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("another key\n")
    settings = load(api_key_file=tmp_path / "key")
    assert key_of(settings) == "another key"
    (tmp_path / "key").write_text("rotated\n")
    assert key_of(settings) == "rotated"


def test_the_key_is_in_no_text_of_the_settings() -> None:
    settings = load()
    assert key_of(settings) == KEY
    assert KEY not in repr(settings) + str(settings.model_dump())


def test_an_empty_variable_is_an_absent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZOO_OPERATOR_OWNER", "")
    monkeypatch.setenv("KAZOO_API_KEY_FILE", "")
    settings = load()
    assert (settings.owner, settings.api_key_file) == (None, None)


def test_http_is_for_loopback_or_for_those_who_insist(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(url="http://127.0.0.1:8000").url == "http://127.0.0.1:8000"
    assert load(url="http://[::1]:8000").url == "http://[::1]:8000"
    monkeypatch.setenv("KAZOO_INSECURE_HTTP", "true")
    assert load(url="http://kazoo.example").url == "http://kazoo.example"


USER = {"KAZOO_USERNAME": "ada", "KAZOO_PASSWORD_FILE": "password", "KAZOO_ACCOUNT_NAME": "Acme, Inc."}
BOTH_KEYS = {"KAZOO_API_KEY": KEY, "KAZOO_API_KEY_FILE": "key"}


def test_a_user_stands_in_for_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(" hunter2 \n")
    given(monkeypatch, {**USER, "KAZOO_PASSWORD_FILE": str(tmp_path / "password")})
    settings = load()
    user = settings.credential()
    assert isinstance(user, User)
    assert (user.name, user.account_name) == ("ada", "Acme, Inc.")
    assert user.password().get_secret_value() == " hunter2 "
    (tmp_path / "password").write_text("new")
    assert user.password().get_secret_value() == "new"
    assert "hunter2" not in repr(settings) + repr(user)


def test_a_key_file_on_the_command_line_takes_the_place_of_a_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(KEY)
    given(monkeypatch, USER)
    assert key_of(load(api_key_file=tmp_path / "key")) == KEY


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({}, "KAZOO_API_KEY_FILE: give either it, or KAZOO_API_KEY, or a user by KAZOO_USERNAME"),
        (BOTH_KEYS, "KAZOO_API_KEY_FILE and KAZOO_API_KEY: give one of them, not both"),
        ({"KAZOO_API_KEY": KEY, **USER}, "KAZOO_API_KEY and KAZOO_USERNAME: give one of them, not both"),
        ({**BOTH_KEYS, **USER}, "KAZOO_API_KEY_FILE and KAZOO_API_KEY: give one of them, not both"),
        ({"KAZOO_API_KEY": KEY, "KAZOO_ACCOUNT_NAME": "Acme"}, "KAZOO_API_KEY and KAZOO_ACCOUNT_NAME: give"),
        *(
            ({name: value for name, value in USER.items() if name != absent}, f"{absent}: is not set")
            for absent in USER
        ),
    ],
)
def test_there_is_exactly_one_credential(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], text: str
) -> None:
    given(monkeypatch, environment)
    with pytest.raises(SettingsRefused) as caught:
        load()
    assert str(caught.value).startswith(text)
    assert KEY not in str(caught.value)


def test_a_private_authority_takes_the_place_of_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().tls() is None
    monkeypatch.setenv("KAZOO_CA_FILE", str(Path(__file__).parent / "backend" / "localhost.pem"))
    context = load().tls()
    assert context is not None
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "KAZOO_CA_FILE: cannot be read: No such file or directory"),
        ("", "KAZOO_CA_FILE: holds no certificate in PEM form"),
        ("-----BEGIN CERTIFICATE-----\nhunter2\n", "KAZOO_CA_FILE: holds no certificate in PEM form"),
    ],
)
def test_an_authority_that_cannot_be_used_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, text: str
) -> None:
    if content is not None:
        (tmp_path / "ca.crt").write_text(content)
    monkeypatch.setenv("KAZOO_CA_FILE", str(tmp_path / "ca.crt"))
    with pytest.raises(SettingsRefused) as caught:
        load()
    assert str(caught.value) == text


def given(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    """Only these of the variables of credentials."""
    for name in (*BOTH_KEYS, *USER):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def key_of(settings: Settings) -> str:
    credential = settings.credential()
    assert not isinstance(credential, User)
    return credential().get_secret_value()


def test_only_an_operator_may_have_no_backend_in_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAZOO_URL")
    monkeypatch.delenv("KAZOO_API_KEY")
    assert load(with_backend=False).name_a_backend is False
    with pytest.raises(SettingsRefused, match="KAZOO_URL: is not set, for example https://"):
        load()


def test_a_credential_without_a_url_is_half_a_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAZOO_URL")
    with pytest.raises(SettingsRefused, match="KAZOO_URL: is not set"):
        load(with_backend=False)

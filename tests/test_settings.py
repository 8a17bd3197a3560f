"""Settings come from the environment, and flags win."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazoo_operator.settings import load

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
    assert settings.credential()().get_secret_value() == "another key"
    (tmp_path / "key").write_text("rotated\n")
    assert settings.credential()().get_secret_value() == "rotated"


def test_the_key_is_in_no_text_of_the_settings() -> None:
    settings = load()
    assert settings.credential()().get_secret_value() == KEY
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

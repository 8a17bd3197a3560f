"""What `run` hands to the operator."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from kazoo_operator.kube.options import Options

# The package's attribute of that name is the verb.
verb = import_module("kazoo_operator.cli.run")


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """The options of each start, which is none."""
    started: list[Options] = []

    def serve(_: Any, options: Options) -> None:
        started.append(options)

    monkeypatch.setattr(verb, "_serve", serve)
    monkeypatch.setattr(verb, "_log", lambda *_: None)
    monkeypatch.setenv("KAZOO_URL", "https://kazoo.example")
    monkeypatch.setenv("KAZOO_API_KEY", "x" * 64)
    return started


def test_a_leader_is_elected_unless_told_otherwise(options: list[Options]) -> None:
    verb.run()
    verb.run(no_leader_election=True)
    assert [one.elect for one in options] == [True, False]


def test_every_kind_is_watched_with_the_finalizer_that_is_documented(options: list[Options]) -> None:
    verb.run(namespace=["voice", "data", "voice"])
    assert [(one.kind, one.plural, one.finalizer) for one in options[0].kinds] == [
        ("Account", "accounts", "kazoo-operator.io/account"),
        ("AppRestrictions", "apprestrictions", "kazoo-operator.io/reset"),
        ("CreditPolicy", "creditpolicies", "kazoo-operator.io/reset"),
        ("TelephonyBackend", "telephonybackends", ""),
        ("TrunkLimits", "trunklimits", "kazoo-operator.io/reset"),
    ]
    assert options[0].namespaces == ("voice", "data")

"""The command line as a user meets it: exit codes, clear errors, no traceback, no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

KEY = "5ecre7" * 10 + "abcd"
VALID = {"KAZOO_URL": "https://kazoo.example", "KAZOO_API_KEY": KEY}
CRDS = Path(__file__).resolve().parents[2] / "crds"


def kazoo_operator(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KAZOO_", "KUBE"))}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "kazoo_operator", *arguments],
        capture_output=True,
        text=True,
        env={**inherited, "HOME": "/nonexistent", **environment},
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert KEY not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-verb"],
        ["run", "--no-such-flag"],
        ["run", "--probe-port", "many"],
        ["run", "--api-key", KEY],
        ["run", "--namespace", "team-*"],
        ["crds", "surplus"],
        ["sandbox", "--compat", "1.0"],
        [],
    ],
    ids=lambda arguments: "-".join(arguments)[:24] or "nothing",
)
def test_wrong_usage_exits_64(arguments: list[str]) -> None:
    assert kazoo_operator(*arguments).returncode == 64


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"KAZOO_API_KEY": KEY}, "KAZOO_URL"),
        ({"KAZOO_URL": "https://kazoo.example"}, "KAZOO_API_KEY_FILE"),
        ({"KAZOO_URL": "http://kazoo.example", "KAZOO_API_KEY": KEY}, "KAZOO_INSECURE_HTTP"),
        ({"KAZOO_URL": f"https://u:{KEY}@kazoo.example", "KAZOO_API_KEY": "x"}, "must not hold a user name"),
        ({"KAZOO_URL": "kazoo.example", "KAZOO_API_KEY": KEY}, "must read like https://"),
        ({**VALID, "KAZOO_API_KEY_FILE": "/x"}, "not both"),
        ({**VALID, "KAZOO_URL": "https://kazoo.example/?a=1"}, "no ? and no #"),
        ({**VALID, "KAZOO_URL": "https://kazoo.example:99999/"}, "must read like https://"),
        (
            {
                "KAZOO_URL": "https://k.example",
                "KAZOO_API_KEY": KEY,
                "KAZOO_OPERATOR_REALM_TEMPLATE": "{id}.x",
            },
            "KAZOO_OPERATOR_REALM_TEMPLATE",
        ),
        (
            {**VALID, "KAZOO_OPERATOR_OWNER": "a/b"},
            "KAZOO_OPERATOR_OWNER",
        ),
        (
            {**VALID, "KAZOO_OPERATOR_CURRENCY": "usd"},
            "KAZOO_OPERATOR_CURRENCY",
        ),
        ({**VALID, "KUBECONFIG": "/nonexistent"}, "kube"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_is_named_in_one_line(environment: dict[str, str], said: str) -> None:
    done = kazoo_operator("run", **environment)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.startswith("Error: ") and len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_the_crds_are_printed_as_they_stand_in_the_tree() -> None:
    printed = list(yaml.safe_load_all(kazoo_operator("crds").stdout))
    plurals = ("accounts", "apprestrictions", "creditpolicies", "telephonybackends", "trunklimits")
    names = [f"{plural}.kazoo-operator.io" for plural in plurals]
    assert [one["metadata"]["name"] for one in printed] == names
    assert printed == [yaml.safe_load((CRDS / f"{name}.yaml").read_text()) for name in names]


def test_crds_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert kazoo_operator("crds", "--output", str(tmp_path / "file" / "below")).returncode == 1


def test_help_teaches_every_setting() -> None:
    shown = " ".join(kazoo_operator("run", "--help").stdout.split())
    for name in (
        *("--namespace", "--owner", "--no-leader-election", "--kubeconfig", "--context", "--url"),
        *("--api-key-file", "--metrics-port", "--probe-port", "--quiet", "--no-color"),
        *("KAZOO_URL", "KAZOO_API_KEY_FILE", "KAZOO_OPERATOR_REALM_TEMPLATE", "KAZOO_OPERATOR_OWNER"),
    ):
        assert name in shown, name


def test_the_version_is_told() -> None:
    from kazoo_operator import __version__

    assert kazoo_operator("--version").stdout.strip() == __version__

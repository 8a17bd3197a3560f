"""The demo, as a newcomer starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_shows_all_five_kinds_ready_and_ends_well() -> None:
    command = [sys.executable, "-P", "-m", "tools.demo", "demo"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    kinds = ("account", "apprestrictions", "creditpolicy", "telephonybackend", "trunklimits")
    shown = [line for line in done.stdout.splitlines() if line.startswith(tuple(f"{one}." for one in kinds))]
    assert {line.partition(".")[0] for line in shown} == set(kinds)
    assert [line for line in shown if "True    Ready" not in line] == []
    assert "DriftCorrected" in done.stdout and "to confirm, annotate this object" in done.stdout

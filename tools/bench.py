"""`make bench`: many accounts applied at once, against a real API server and the sandbox.

Prints seconds, CPU and memory of the operator, and the writes and calls for each object. Machines are noisy:
compare the figures of one run with one another, and the counts with anything.

    make bench                  300 accounts
    make bench ACCOUNTS=1000    more
    make bench RATE=50          at most so many requests to KAZOO a second, the operator's default; 10000 here
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

from tools.cluster import Cluster, ControlPlane, audit_writes, running_control_plane, service_account_user
from tools.cluster import service_account_kubeconfig as kubeconfig_of
from tools.stack import OperatorProcess, SandboxProcess, heed_sigterm, running_sandbox, until

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE = "kazoo-operator"


def main(count: int, rate: str) -> None:
    """Measure with `count` accounts, and at most `rate` requests to KAZOO a second."""
    heed_sigterm()
    with (
        running_control_plane() as plane,
        running_sandbox() as sandbox,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        plane.kubectl("apply", "--server-side", "-k", str(ROOT / "manifests/base"))
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=120s")
        (folder / "api-key").write_text(sandbox.ready["reseller"]["apiKey"])
        settings = {
            "KAZOO_URL": sandbox.url,
            "KAZOO_API_KEY_FILE": str(folder / "api-key"),
            "KAZOO_OPERATOR_REQUESTS_PER_SECOND": rate,
        }
        kubeconfig = kubeconfig_of(plane, NAMESPACE, "kazoo-operator", folder)
        operator = OperatorProcess(kubeconfig, folder / "log", settings, ("--namespace", NAMESPACE))
        operator.start()
        try:
            _measure(plane, sandbox, operator, count)
        finally:
            operator.stop()


def _measure(plane: ControlPlane, sandbox: SandboxProcess, operator: OperatorProcess, count: int) -> None:
    assert operator.process is not None
    process = psutil.Process(operator.process.pid)
    idle_cpu, idle_rss = _cpu(process), process.memory_info().rss
    began = time.monotonic()
    applying = subprocess.Popen(
        [plane.kubectl_path, "create", "-f", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=plane.environment(),
    )
    applying.communicate(json.dumps(_accounts(count)))
    applied = time.monotonic() - began
    until(lambda: _ready(plane) == count, f"{count} Ready", 600)
    converged = time.monotonic() - began
    cpu, rss = _cpu(process) - idle_cpu, process.memory_info().rss
    writes = audit_writes(
        plane.audit_log, user=service_account_user(NAMESPACE, "kazoo-operator"), refused=True
    )
    calls, kazoo_writes = sandbox.calls(), sandbox.writes()
    operator.stop()
    began = time.monotonic()
    operator.start()
    until(lambda: f"with {count} objects" in operator.said().split("ended")[-1], "the restart")
    rows = [
        ("accounts", count),
        ("requests to KAZOO, at most", f"{operator.environment['KAZOO_OPERATOR_REQUESTS_PER_SECOND']}/s"),
        ("applied by kubectl after", f"{applied:.1f} s"),
        ("all Ready after", f"{converged:.1f} s ({count / converged:.0f} accounts/s)"),
        ("operator's CPU", f"{cpu:.2f} s ({1000 * cpu / count:.1f} ms an account)"),
        ("operator's RSS", f"{rss / 2**20:.0f} MiB (idle {idle_rss / 2**20:.0f} MiB)"),
        ("writes to the API server", f"{len(writes) / count:.3f} an account"),
        (
            "calls to KAZOO",
            f"{len(calls) / count:.2f} an account, {len(kazoo_writes) / count:.3f} writes",
        ),
        ("restarted and watching after", f"{time.monotonic() - began:.1f} s"),
    ]
    for name, value in rows:
        print(f"{name:30} {value}")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _ready(cluster: Cluster) -> int:
    template = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"
    return cluster.kubectl("get", "accounts", "-n", NAMESPACE, "-o", template).split().count("True")


def _accounts(count: int) -> dict[str, Any]:
    example = yaml.safe_load((ROOT / "examples/01-account/account.yaml").read_text())
    items = [
        {
            **example,
            "metadata": {"name": f"bench-{number}", "namespace": NAMESPACE},
            "spec": {**example["spec"], "name": f"Bench {number}", "realm": f"bench-{number}.example.com"},
        }
        for number in range(count)
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

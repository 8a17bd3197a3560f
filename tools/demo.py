"""`make demo`, `make up`, `make down`: the whole on this machine, from nothing to accounts that are Ready.

demo    control plane, sandbox, operator; apply examples/; a change that reaches KAZOO, an edit in KAZOO that
        is put back, a deletion that waits for its confirmation; stop
up      the same parts, left running; prints what to export
down    stop what `up` started

CLUSTER=current uses the present kube context instead of a control plane of our own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from kazoo_operator.kinds import discover
from tools.cluster import (
    Cluster,
    KubectlFailed,
    current_cluster,
    running_control_plane,
    service_account_kubeconfig,
)
from tools.examples import EXAMPLES, backend_secret, examples_for, sandbox_port
from tools.stack import (
    OperatorProcess,
    SandboxProcess,
    TookTooLong,
    end,
    heed_sigterm,
    running_sandbox,
    until,
)

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".demo"
NAMESPACE = "kazoo-operator"
KINDS = ",".join(kind.plural for kind in discover())
CHANGED = EXAMPLES / "01-account/account.yaml"
DELETABLE = EXAMPLES / "04-deletable/account.yaml"
GRANTED = "acme-dental"

console = Console(highlight=False)
progress = Console(highlight=False, stderr=True)


@dataclass
class Parts:
    """What runs."""

    cluster: Cluster
    sandbox: SandboxProcess
    operator: OperatorProcess
    examples: Path


def step(text: str) -> None:
    """A line of progress."""
    progress.print(f"[bold cyan]==>[/] {text}", soft_wrap=True)


@contextlib.contextmanager
def running_parts() -> Iterator[Parts]:
    """Everything that the demo needs, ended with the block in the reverse order."""
    with contextlib.ExitStack() as stack:
        if os.environ.get("CLUSTER") == "current":
            step("the cluster of the present kube context")
            cluster = current_cluster()
        else:
            step("a Kubernetes API server of our own")
            cluster = stack.enter_context(running_control_plane())
        step(f"CRDs, namespace and roles into {cluster.url}")
        stack.enter_context(_applied(cluster))
        step("a simulated KAZOO")
        sandbox = stack.enter_context(running_sandbox("--port", str(sandbox_port())))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kazoo-demo-")))
        secret = backend_secret(sandbox.ready["reseller"]["apiKey"])
        cluster.kubectl("apply", "-n", NAMESPACE, "-f", "-", input=secret)
        kubeconfig = service_account_kubeconfig(cluster, NAMESPACE, "kazoo-operator", folder)
        operator = OperatorProcess(kubeconfig, folder / "operator.log", {}, ("--namespace", NAMESPACE))
        step("the operator, with the roles that the manifests ship")
        stack.callback(lambda: operator.process and end(operator.process))
        operator.start()
        yield Parts(cluster, sandbox, operator, examples_for(sandbox.url, folder))


@contextlib.contextmanager
def _applied(cluster: Cluster) -> Iterator[None]:
    """`manifests/base` without its Deployment, which the operator of the demo stands for."""
    built = cluster.kubectl("kustomize", str(ROOT / "manifests/base"))
    kept = [one for one in yaml.safe_load_all(built) if one["kind"] != "Deployment"]
    text = yaml.safe_dump_all(kept)
    present = cluster.kubectl("get", "-f", "-", "--ignore-not-found", "-o", "name", input=text).strip()
    if present:
        raise KubectlFailed(f"the cluster holds these already, and the demo would change them:\n{present}")
    try:
        cluster.kubectl("apply", "--server-side", "-f", "-", input=text)
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=120s")
        yield
    finally:
        _let_go(cluster)
        cluster.kubectl("delete", "--wait=false", "--ignore-not-found", "-f", "-", input=text)


def _let_go(cluster: Cluster) -> None:
    """Take the finalizers off what is left: the operator that would is gone, and so is its KAZOO."""
    with contextlib.suppress(KubectlFailed):
        left = cluster.kubectl("get", KINDS, "-n", NAMESPACE, "-o", "name").split()
        for name in left:
            patch = '{"metadata": {"finalizers": null}}'
            cluster.kubectl("patch", name, "-n", NAMESPACE, "--type=merge", "-p", patch)


def demo() -> None:
    """From nothing to Ready, a change, a repair, and an end."""
    heed_sigterm()
    began = time.monotonic()
    with running_parts() as parts:
        cluster = parts.cluster
        step("kubectl apply -R -f examples/")
        cluster.kubectl("apply", "-n", NAMESPACE, "-R", "-f", str(parts.examples))
        with progress.status("waiting for Ready"):
            wait = ("wait", "--for=condition=Ready", KINDS, "--all", "--timeout=120s")
            cluster.kubectl(*wait, "-n", NAMESPACE)
        _grant(parts)
        step(f"kubectl get kazoo -n {NAMESPACE}")
        console.print(cluster.kubectl("get", "kazoo", "-n", NAMESPACE).rstrip(), soft_wrap=True)
        manifest = yaml.safe_load(CHANGED.read_text())
        _change(parts, manifest)
        _drift(parts, manifest)
        _show_conditions(cluster, manifest["metadata"]["name"])
        _delete(parts)
        step("stopping everything")
    console.print(f"[bold green]done[/] in {time.monotonic() - began:.0f} s. What you can do next:")
    console.print("    make up                      leave it running, and work with kubectl")
    console.print("    less docs/tour.md            how it works, in 30 minutes")
    console.print("    less docs/kinds/account.md   every field of an Account")
    console.print("    less docs/operations.md      how to run it in your cluster")


def _grant(parts: Parts) -> None:
    """Credit, booked exactly once; the balance shows in the policy and, a little later, in the account."""
    policy, grant = GRANTED, {"id": "initial", "amount": "30.00", "date": f"{datetime.now(UTC):%F}"}
    step(f"a grant of {grant['amount']} in creditpolicies/{policy}")
    patch = json.dumps({"spec": {"grants": [grant]}})
    parts.cluster.kubectl("patch", f"creditpolicies/{policy}", "-n", NAMESPACE, "--type=merge", "-p", patch)
    with progress.status("waiting for it to be booked"):
        balance = ("-o", "jsonpath={.status.balance}", "-n", NAMESPACE)
        for one in (f"creditpolicies/{policy}", f"accounts/{policy}"):
            until(
                lambda one=one: parts.cluster.kubectl("get", one, *balance) == grant["amount"],  # type: ignore[misc]
                f"the balance of {one}",
            )


def _change(parts: Parts, manifest: dict[str, Any]) -> None:
    """A new phone number in the spec reaches KAZOO."""
    name, phone = manifest["metadata"]["name"], "+14085550199"
    step(f"a new phone number of the billing contact of {name}: {phone}")
    before = len(parts.sandbox.writes())
    manifest["spec"]["contacts"]["billing"]["phone"] = phone
    parts.cluster.kubectl("apply", "-n", NAMESPACE, "-f", "-", input=json.dumps(manifest))
    with progress.status("waiting for it to reach KAZOO"):
        until(lambda: _in_kazoo(parts, manifest)["contact"]["billing"]["number"] == phone, "the number")
        until(lambda: _observed(parts.cluster, name), "the status")
    console.print(f"    in KAZOO: {_in_kazoo(parts, manifest)['contact']['billing']['number']}")
    console.print(f"    KAZOO's journal: {parts.sandbox.writes()[before:]}")


def _drift(parts: Parts, manifest: dict[str, Any]) -> None:
    """An edit behind the operator's back is put back: at the next resync, or now, for an annotation."""
    name, zone = manifest["metadata"]["name"], manifest["spec"]["timezone"]
    step(f"somebody sets the time zone of {name} to Etc/UTC, in KAZOO itself")
    edit = {"accountID": _in_kazoo(parts, manifest)["id"], "document": "account"}
    parts.sandbox.control("POST", "documents", {**edit, "merge": {"timezone": "Etc/UTC"}})
    console.print(f"    in KAZOO: {_in_kazoo(parts, manifest)['timezone']}")
    annotation = "kazoo-operator.io/reconcile-now=1"
    step(f"kubectl annotate kzacct/{name} {annotation}    (a resync would find it too, within 10 minutes)")
    parts.cluster.kubectl("annotate", f"accounts/{name}", annotation, "-n", NAMESPACE)
    with progress.status("waiting for it to be put back"):
        until(lambda: _in_kazoo(parts, manifest)["timezone"] == zone, "the time zone")
        told = until(lambda: _told_of(parts.cluster, "DriftCorrected"), "the event")
    console.print(f"    in KAZOO: {_in_kazoo(parts, manifest)['timezone']}")
    console.print(f"    event: DriftCorrected: {told}", soft_wrap=True)


def _delete(parts: Parts) -> None:
    """All objects go; the one account that goes along waits until a person confirms."""
    cluster, manifest = parts.cluster, yaml.safe_load(DELETABLE.read_text())
    name, called = manifest["metadata"]["name"], manifest["spec"]["name"]
    step("kubectl delete -R -f examples/    (Retain: the accounts stay in KAZOO)")
    cluster.kubectl("delete", "-n", NAMESPACE, "--wait=false", "-R", "-f", str(parts.examples))
    with progress.status(f"waiting for {name}, which is to be deleted in KAZOO too"):
        until(lambda: _ready(cluster, name)["reason"] == "DeletionNotConfirmed", "the question")
    console.print(f"    {name}: {_ready(cluster, name)['message']}", soft_wrap=True)
    annotation = f"kazoo-operator.io/confirm-delete={called}"
    step(f"kubectl annotate kzacct/{name} {shlex.quote(annotation)}")
    cluster.kubectl("annotate", f"accounts/{name}", annotation, "-n", NAMESPACE)
    cluster.kubectl("wait", "--for=delete", f"accounts/{name}", "-n", NAMESPACE, "--timeout=120s")
    left = sorted(held["name"] for held in parts.sandbox.accounts().values() if held.get("flags"))
    console.print(f"    left in KAZOO: {', '.join(left)}", soft_wrap=True)


def _in_kazoo(parts: Parts, manifest: dict[str, Any]) -> dict[str, Any]:
    """The account's document, by its realm."""
    held = parts.sandbox.accounts().items()
    found = (
        {**document, "id": key} for key, document in held if document["realm"] == manifest["spec"]["realm"]
    )
    return next(found)


def _observed(cluster: Cluster, name: str) -> bool:
    found = _object(cluster, name)
    return bool(found["status"]["observedGeneration"] == found["metadata"]["generation"])


def _object(cluster: Cluster, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        cluster.kubectl("get", "accounts", name, "-n", NAMESPACE, "-o", "json")
    )
    return found


def _ready(cluster: Cluster, name: str) -> dict[str, str]:
    conditions: list[dict[str, str]] = _object(cluster, name)["status"]["conditions"]
    return next(condition for condition in conditions if condition["type"] == "Ready")


def _told_of(cluster: Cluster, reason: str) -> str:
    selected = ("--field-selector", f"reason={reason}", "-o", "jsonpath={.items[*].message}")
    return cluster.kubectl("get", "events", "-n", NAMESPACE, *selected)


def _show_conditions(cluster: Cluster, name: str) -> None:
    step(f"the conditions of {name}")
    for condition in _object(cluster, name)["status"]["conditions"]:
        line = f"    {condition['type']}={condition['status']} {condition['reason']}: {condition['message']}"
        console.print(line, soft_wrap=True)


def serve() -> None:
    """The parts in the foreground until SIGTERM; what to export goes to `.demo/up.json` when they run."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with running_parts() as parts:
        told = {
            "pid": os.getpid(),
            "process": _process(os.getpid()),
            "export": {
                "KUBECONFIG": str(parts.cluster.kubeconfig),
                "KAZOO_URL": parts.sandbox.url,
                "KAZOO_API_KEY": parts.sandbox.ready["reseller"]["apiKey"],
            },
            "kubectl": str(parts.cluster.kubectl_path),
            "examples": str(parts.examples),
        }
        (STATE / "up.new").write_text(json.dumps(told))
        (STATE / "up.new").rename(STATE / "up.json")
        ended.wait()


def up() -> None:
    """Start the parts in the background, and print what to export."""
    told = _told()
    if told and _alive(told):
        sys.exit("already up: make down ends it")
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir()
    with (STATE / "log").open("wb") as log:
        command = [sys.executable, "-m", "tools.demo", "serve"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    step("starting; .demo/log tells more")
    with progress.status("starting"):
        until(lambda: process.poll() is not None or (STATE / "up.json").exists(), "the start", 3600)
    if process.poll() is not None:
        sys.exit((STATE / "log").read_text())
    told = _told()
    for name, value in told["export"].items():
        print(f"export {name}={shlex.quote(value)}")
    print(f"export PATH={shlex.quote(str(Path(told['kubectl']).parent))}:$PATH")
    examples = os.path.relpath(told["examples"]) if told["examples"] == str(EXAMPLES) else told["examples"]
    print(f"# kubectl apply -n {NAMESPACE} -R -f {examples}; kubectl get kazoo -A")


def down() -> None:
    """Stop what `up` started."""
    told = _told()
    if not told:
        step("nothing is up")
        return
    if _alive(told):
        with contextlib.suppress(ProcessLookupError):
            os.kill(told["pid"], signal.SIGTERM)
        until(lambda: not _alive(told), "the end")
    shutil.rmtree(STATE)
    step("stopped")


def _told() -> dict[str, Any]:
    """What a running `serve` has written down; empty where none has."""
    path = STATE / "up.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _alive(told: dict[str, Any]) -> bool:
    """Whether the process that wrote this down lives; one that has its number since then does not count."""
    return bool(told["process"]) and _process(told["pid"]) == told["process"]


def _process(pid: int) -> str:
    """When a process began, and its command; empty where there is none."""
    command = ["ps", "-o", "lstart=", "-o", "args=", "-p", str(pid)]
    return subprocess.run(command, text=True, capture_output=True, check=False).stdout.strip()


VERBS = {"demo": demo, "up": up, "down": down, "serve": serve}

if __name__ == "__main__":
    try:
        VERBS[sys.argv[1] if len(sys.argv) > 1 else "demo"]()
    except (TookTooLong, KubectlFailed) as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)

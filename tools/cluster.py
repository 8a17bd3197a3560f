"""A Kubernetes API server to work with: our own control plane as a process, or the present context's."""

from __future__ import annotations

import atexit
import base64
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parent / "control-plane" / "control_plane.py"
GROUP = "kazoo-operator.io"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class KubectlFailed(Exception):
    """kubectl ended with an error; the message is what it said."""


@dataclass
class Cluster:
    """An API server, and the kubectl that acts there by `kubeconfig`."""

    kubeconfig: Path
    url: str
    kubectl_path: Path

    def kubectl(self, *arguments: str, input: str | None = None, kubeconfig: Path | None = None) -> str:  # noqa: A002
        """What kubectl prints; raises KubectlFailed."""
        done = subprocess.run(
            [self.kubectl_path, *arguments],
            input=input, env=self.environment(kubeconfig), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise KubectlFailed(done.stderr)
        return done.stdout

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """What kubectl is started with."""
        return {**os.environ, "KUBECONFIG": str(kubeconfig or self.kubeconfig)}


def current_cluster() -> Cluster:
    """The cluster of the present kube context. Raises KubectlFailed when there is none."""
    found = shutil.which("kubectl")
    if found is None:
        raise KubectlFailed("CLUSTER=current needs kubectl on the PATH")
    folder = Path(tempfile.mkdtemp(prefix="kazoo-context-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    done = subprocess.run(
        [found, "config", "view", "--minify", "--raw", "--flatten", "-o", "json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise KubectlFailed(done.stderr)
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(done.stdout)
    return Cluster(path, json.loads(done.stdout)["clusters"][0]["cluster"]["server"], Path(found))


@dataclass
class ControlPlane(Cluster):
    """A control plane of our own; `kubectl` acts as its administrator."""

    directory: Path
    audit_log: Path
    process: subprocess.Popen[str] = field(repr=False)
    pids: dict[str, int | None]

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """For a kubectl that leaves nothing in the home directory, and heeds nothing there."""
        return {
            **super().environment(kubeconfig),
            "KUBECACHEDIR": str(self.directory / "kubectl-cache"),
            "KUBECTL_KUBERC": "false",
        }

    def read(self, plural: str, namespace: str, name: str = "") -> dict[str, Any] | None:
        """An object of ours, or the list of all; None where there is none. Raises KubectlFailed."""
        return self.ask("GET", f"/apis/{GROUP}/v1alpha1/namespaces/{namespace}/{plural}/{name}".rstrip("/"))

    def ask(self, method: str, path: str, patch: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """The answer to a request, for which a PATCH merges; None for 404. Raises KubectlFailed.

        What is asked for many times a second is asked for without a process for each.
        """
        headers = {
            "Authorization": f"Bearer {self._access[0]}",
            "Content-Type": "application/merge-patch+json",
        }
        body = None if patch is None else json.dumps(patch).encode()
        request = urllib.request.Request(f"{self.url}{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._access[1]) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise KubectlFailed(f"{error.code}: {error.read().decode()}") from None
        except OSError as error:
            raise KubectlFailed(str(error)) from None

    @cached_property
    def _access(self) -> tuple[str, ssl.SSLContext]:
        """The administrator's token, and whom to trust."""
        config = json.loads(self.kubeconfig.read_text())
        authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
        tls = ssl.create_default_context(cadata=authority)
        # The authority of a test's control plane lacks extensions that Python 3.13 has come to demand.
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return config["users"][0]["user"]["token"], tls

    def stop_api_server(self) -> None:
        """End kube-apiserver, as a crash would; returns when it is gone."""
        self.process.send_signal(signal.SIGUSR1)
        assert _line(self.process) == {"apiServer": "stopped"}
        self.pids["kube-apiserver"] = None

    def start_api_server(self) -> None:
        """Start it again on the same port; returns when it is ready."""
        self.process.send_signal(signal.SIGUSR2)
        self.pids = _line(self.process)["pids"]


@contextmanager
def running_control_plane(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[ControlPlane]:
    """Start one with these arguments of `control_plane.py run`; nothing of it is left at the end.

    It gets its programs first if the machine has none, which takes minutes: `control_plane.py build`.
    """
    process = started("run", "--while-stdin-open", *arguments, environment=environment)
    try:
        line = _line(process)
        yield ControlPlane(
            kubeconfig=Path(line["kubeconfig"]),
            url=line["url"],
            directory=Path(line["directory"]),
            audit_log=Path(line["auditLog"]),
            kubectl_path=Path(line["kubectl"]),
            process=process,
            pids=line["pids"],
        )
    finally:
        stopped(process)


def started(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """The program with these arguments; its stderr is ours."""
    return subprocess.Popen(
        [sys.executable, "-P", PROGRAM, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def stopped(process: subprocess.Popen[str], within: float = 60) -> int:
    """End the program in good order; its exit code."""
    process.terminate()
    try:
        return process.wait(within)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


def _line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the control plane ended with code {process.wait()}: see its stderr"
    found: dict[str, Any] = json.loads(line)
    return found


@dataclass(frozen=True)
class AuditWrite:
    """A write request for an object of our group."""

    verb: str
    user: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int


def audit_writes(
    audit_log: Path,
    *,
    user: str | None = None,
    resource: str | None = None,
    namespace: str | None = None,
    name: str | None = None,
    refused: bool = False,
) -> list[AuditWrite]:
    """The writes to objects of our group, oldest first; with `refused` those that were not accepted too.

    `user` is a whole user name; `service_account_user` makes one.
    The line of a request is written when its answer has been sent: poll for a count that must be reached.
    """
    wanted = {"user": user, "resource": resource, "namespace": namespace, "name": name}
    return [
        write
        for write in _writes(audit_log)
        if (refused or write.code < 400)
        and all(value is None or getattr(write, key) == value for key, value in wanted.items())
    ]


def _writes(audit_log: Path) -> Iterator[AuditWrite]:
    text = audit_log.read_text()
    # A last line without its end is still being written.
    for line in text[: text.rfind("\n") + 1].splitlines():
        event = json.loads(line)
        ref = event.get("objectRef", {})
        if event["verb"] in WRITES and ref.get("apiGroup") == GROUP:
            yield AuditWrite(
                verb=event["verb"],
                user=event["user"]["username"],
                resource=ref["resource"],
                subresource=ref.get("subresource", ""),
                namespace=ref.get("namespace", ""),
                name=ref.get("name", ""),
                code=event["responseStatus"]["code"],
            )


def service_account_user(namespace: str, name: str) -> str:
    """The user name of a service account, as the audit log has it."""
    return f"system:serviceaccount:{namespace}:{name}"


def service_account_kubeconfig(cluster: Cluster, namespace: str, name: str, directory: Path) -> Path:
    """A kubeconfig with a token of that service account; its context's namespace is `namespace`."""
    config = json.loads(cluster.kubeconfig.read_text())
    token = cluster.kubectl("--namespace", namespace, "create", "token", name, "--duration=24h").strip()
    config["users"] = [{"name": name, "user": {"token": token}}]
    config["contexts"][0]["context"].update(user=name, namespace=namespace)
    path = directory / f"{namespace}-{name}.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2))
    return path

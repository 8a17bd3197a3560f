"""etcd, kube-apiserver and kube-controller-manager as child processes of this one."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from processes import HOST, TAIL, Failed, PortTaken, Server, free_port, is_free

GROUP = "kazoo-operator.io"
WITHIN = 120.0
ATTEMPTS = 5
# Only what our own objects cost is counted, and each request once, when it is over.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted", "Panic"],
    "rules": [{"level": "Metadata", "resources": [{"group": GROUP}]}, {"level": "None"}],
}
ETCD, API_SERVER, CONTROLLERS = "etcd", "kube-apiserver", "kube-controller-manager"

Pause = Callable[[float], None]


class ControlPlane:
    """The three servers in one folder; `pause` is how to wait, and raises to give up waiting."""

    def __init__(self, binaries: Path, directory: Path, audit_log: Path, port: int, pause: Pause) -> None:
        self.directory = directory
        self.audit_log = audit_log
        self.kubeconfig = directory / "kubeconfig"
        self.url = ""
        self._binaries = binaries
        self._fixed_port = port
        self._pause = pause
        self._certificate = directory / "certificates" / "apiserver.crt"
        self._admin, self._controllers = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._servers: dict[str, Server] = {}

    def start(self) -> None:
        """Start all three and wait until they are of use."""
        if self._fixed_port and not is_free(self._fixed_port):
            raise Failed(f"port {self._fixed_port} is taken")
        self._write("audit-policy.json", json.dumps(AUDIT_POLICY))
        people = {"admin": self._admin, "system:kube-controller-manager": self._controllers}
        rows = (f'{token},{name},{name},"system:masters"\n' for name, token in people.items())
        self._write("tokens.csv", "".join(rows))
        for attempt in range(1, ATTEMPTS + 1):
            self._prepare()
            try:
                self._bring_up()
                break
            except PortTaken:
                self.stop()
                if attempt == ATTEMPTS:
                    raise

    def stop(self) -> None:
        """End all, the last started first."""
        for server in reversed(self._servers.values()):
            server.stop()

    def stop_api_server(self) -> None:
        """End kube-apiserver alone; the others go on."""
        self._servers[API_SERVER].stop()

    def start_api_server(self) -> None:
        """Start kube-apiserver again, on the same port, and wait until it is of use."""
        # After a long outage their back-off would hold a namespace's deletion for most of a minute.
        self._servers[CONTROLLERS].stop()
        self._bring_up()

    def check(self) -> None:
        """Raise if one of the servers has ended by itself."""
        for server in self._servers.values():
            server.check()

    def ready_line(self) -> dict[str, Any]:
        """What users of the control plane need to know."""
        return {
            "kubeconfig": str(self.kubeconfig),
            "url": self.url,
            "directory": str(self.directory),
            "auditLog": str(self.audit_log),
            "kubectl": str(self._binaries / "kubectl"),
            "pids": {name: server.pid for name, server in self._servers.items()},
        }

    def _prepare(self) -> None:
        client, peer = (f"http://{HOST}:{free_port()}" for _ in range(2))
        port = self._fixed_port or free_port()
        self.url = f"https://{HOST}:{port}"
        commands = {
            ETCD: self._etcd(client, peer),
            API_SERVER: self._api_server(client, port),
            CONTROLLERS: self._controller_manager(),
        }
        self._servers = {
            name: Server([str(self._binaries / name), *arguments], self.directory / f"{name}.log")
            for name, arguments in commands.items()
        }

    def _etcd(self, client: str, peer: str) -> list[str]:
        return [
            f"--data-dir={self.directory / secrets.token_hex(4)}.etcd",
            "--unsafe-no-fsync",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--log-level=warn",
        ]

    def _api_server(self, etcd: str, port: int) -> list[str]:
        # The key that the server makes for its own certificate signs the service accounts' tokens too:
        # the standard library makes none.
        key = self._certificate.with_suffix(".key")
        return [
            f"--etcd-servers={etcd}",
            # If another control plane's etcd has won the port, we must not see its objects.
            f"--etcd-prefix=/{secrets.token_hex(8)}",
            f"--bind-address={HOST}",
            f"--secure-port={port}",
            f"--cert-dir={self._certificate.parent}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self.directory / 'tokens.csv'}",
            f"--audit-policy-file={self.directory / 'audit-policy.json'}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-maxsize=100000",  # megabytes: counts would be lost with a log that is rotated
        ]

    def _controller_manager(self) -> list[str]:
        return [
            f"--kubeconfig={self.directory / 'controllers.kubeconfig'}",
            "--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller",
            f"--service-account-private-key-file={self._certificate.with_suffix('.key')}",
            "--leader-elect=false",
            "--secure-port=0",
        ]

    def _bring_up(self) -> None:
        deadline = time.monotonic() + WITHIN
        self._servers[ETCD].start()
        self._servers[API_SERVER].start()
        self._until(self._has_certificate, deadline)
        self._write("kubeconfig", self._kubeconfig("admin", self._admin))
        self._write("controllers.kubeconfig", self._kubeconfig("controllers", self._controllers))
        self._until(self._answers("/readyz"), deadline)
        self._servers[CONTROLLERS].start()
        self._until(self._answers("/api/v1/namespaces/default/serviceaccounts/default"), deadline)

    def _until(self, true: Callable[[], bool], deadline: float) -> None:
        while not true():
            self.check()
            if time.monotonic() > deadline:
                log = self._servers[API_SERVER].log.read_text(errors="replace").splitlines()
                message = f"{API_SERVER} was not ready within {WITHIN:.0f} s; its log's last lines:"
                raise Failed("\n".join([message, *log[-TAIL:]]))
            self._pause(0.02)

    def _has_certificate(self) -> bool:
        files = (self._certificate, self._certificate.with_suffix(".key"))
        return all(path.exists() and path.read_text().endswith("-----\n") for path in files)

    def _answers(self, path: str) -> Callable[[], bool]:
        context = ssl.create_default_context(cafile=str(self._certificate))
        address = self.url.removeprefix("https://")

        def ask() -> bool:
            connection = http.client.HTTPSConnection(address, context=context, timeout=5)
            try:
                connection.request("GET", path, headers={"Authorization": f"Bearer {self._admin}"})
                return connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False
            finally:
                connection.close()

        return ask

    def _kubeconfig(self, user: str, token: str) -> str:
        name = "control-plane"
        authority = base64.b64encode(self._certificate.read_bytes()).decode()
        cluster = {"server": self.url, "certificate-authority-data": authority}
        context = {"cluster": name, "user": user, "namespace": "default"}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": name, "cluster": cluster}],
                "users": [{"name": user, "user": {"token": token}}],
                "contexts": [{"name": name, "context": context}],
                "current-context": name,
            },
            indent=2,
        )

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)

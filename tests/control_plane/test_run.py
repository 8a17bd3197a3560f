"""The servers: of use when they say so, and gone when they are told to end."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import psutil
import pytest

from tools.cluster import (
    GROUP,
    PROGRAM,
    ControlPlane,
    KubectlFailed,
    audit_writes,
    running_control_plane,
    service_account_kubeconfig,
    service_account_user,
    started,
    stopped,
)
from tools.stack import until

SERVERS = {"etcd", "kube-apiserver", "kube-controller-manager"}
CRD = f"""
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: samples.{GROUP}}}
spec:
  group: {GROUP}
  scope: Namespaced
  names: {{kind: Sample, plural: samples}}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {{status: {{}}}}
    schema:
      openAPIV3Schema:
        type: object
        x-kubernetes-preserve-unknown-fields: true
"""
SAMPLE = f"apiVersion: {GROUP}/v1\nkind: Sample\nmetadata: {{name: NAME}}\n"
SCRIPT = "#!/bin/sh\n"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with running_control_plane() as one:
        one.kubectl("apply", "-f", "-", input=CRD)
        one.kubectl("wait", "--for=condition=Established", f"crd/samples.{GROUP}", "--timeout=120s")
        yield one


def children(process: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    """The servers that run, by name; those that Python has only forked are not yet among them."""
    found = {child.name()[:15]: child for child in psutil.Process(process.pid).children()}
    return {name: found[name[:15]] for name in SERVERS if name[:15] in found}


def both_started(process: subprocess.Popen[str]) -> Callable[[], list[psutil.Process]]:
    """The first two servers, once there are two."""

    def look() -> list[psutil.Process]:
        found = children(process)
        return list(found.values()) if len(found) >= 2 else []

    return look


@pytest.mark.cluster
def test_both_sides_have_the_pinned_version(plane: ControlPlane) -> None:
    said = json.loads(plane.kubectl("version", "--output=json"))
    pinned = re.search(r"k8s.io/kubernetes (v\S+)", (PROGRAM.parent / "go.mod").read_text())
    assert pinned
    assert said["clientVersion"]["gitVersion"] == said["serverVersion"]["gitVersion"] == pinned.group(1)


@pytest.mark.cluster
def test_the_servers_run_apart_from_our_terminal(plane: ControlPlane) -> None:
    running = children(plane.process)
    assert {name: child.pid for name, child in running.items()} == plane.pids
    assert set(plane.pids) == SERVERS
    assert os.getsid(plane.process.pid) not in {os.getsid(child.pid) for child in running.values()}


@pytest.mark.cluster
def test_tls_is_verified(plane: ControlPlane, tmp_path: Path) -> None:
    config = json.loads(plane.kubeconfig.read_text())
    authority = Path(certifi.where()).read_bytes()
    config["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(authority).decode()
    wrong = tmp_path / "kubeconfig"
    wrong.write_text(json.dumps(config))
    with pytest.raises(KubectlFailed, match="certificate signed by unknown authority"):
        plane.kubectl("get", "namespaces", kubeconfig=wrong)
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"{plane.url}/readyz", timeout=60)


@pytest.mark.cluster
def test_nobody_gets_in_without_a_token(plane: ControlPlane) -> None:
    config = json.loads(plane.kubeconfig.read_text())
    authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    with pytest.raises(urllib.request.HTTPError) as refused:
        urllib.request.urlopen(f"{plane.url}/api/v1/namespaces", timeout=60, context=context)
    with refused.value as answer:
        assert answer.code == 403
    for secret in (plane.kubeconfig, plane.directory / "tokens.csv"):
        assert secret.stat().st_mode & 0o077 == 0


@pytest.mark.cluster
def test_writes_of_our_group_are_counted_by_user_and_object(plane: ControlPlane, tmp_path: Path) -> None:
    plane.kubectl("create", "namespace", "counted")
    say = ("--namespace", "counted")
    plane.kubectl(*say, "create", "serviceaccount", "writer")
    grant = ("--verb=create,get,patch", f"--resource=samples.{GROUP},samples.{GROUP}/status")
    plane.kubectl(*say, "create", "role", "writer", *grant)
    plane.kubectl(*say, "create", "rolebinding", "writer", "--role=writer", "--serviceaccount=counted:writer")
    limited = service_account_kubeconfig(plane, "counted", "writer", tmp_path)

    plane.kubectl("create", "-f", "-", input=SAMPLE.replace("NAME", "one"), kubeconfig=limited)
    merge = ("patch", "sample", "one", "--type=merge")
    plane.kubectl(*merge, '--patch={"spec": {"a": 1}}', kubeconfig=limited)
    plane.kubectl(*merge, "--subresource=status", '--patch={"status": {"b": 1}}', kubeconfig=limited)
    with pytest.raises(KubectlFailed, match="forbidden"):
        plane.kubectl("delete", "sample", "one", kubeconfig=limited)
    plane.kubectl(*say, "create", "-f", "-", input=SAMPLE.replace("NAME", "two"))
    plane.kubectl(*say, "delete", "sample", "two")

    def counts(**only: Any) -> Counter[tuple[str, str, str]]:
        found = audit_writes(plane.audit_log, namespace="counted", **only)
        return Counter((write.verb, write.name, write.subresource) for write in found)

    writer = service_account_user("counted", "writer")
    until(lambda: counts(name="two") == {("create", "two", ""): 1, ("delete", "two", ""): 1}, "both writes")
    accepted = {("create", "one", ""): 1, ("patch", "one", ""): 1, ("patch", "one", "status"): 1}
    assert counts(user=writer, resource="samples") == accepted
    assert counts(user=writer, refused=True) == {**accepted, ("delete", "one", ""): 1}
    assert counts(user="admin") == counts(name="two")
    assert counts(resource="accounts") == {}


@pytest.mark.cluster
def test_a_service_accounts_kubeconfig_acts_in_its_namespace(plane: ControlPlane, tmp_path: Path) -> None:
    kubeconfig = service_account_kubeconfig(plane, "default", "default", tmp_path)
    who = json.loads(plane.kubectl("auth", "whoami", "--output=json", kubeconfig=kubeconfig))
    assert who["status"]["userInfo"]["username"] == service_account_user("default", "default")
    view = json.loads(plane.kubectl("config", "view", "--minify", "--output=json", kubeconfig=kubeconfig))
    assert view["contexts"][0]["context"]["namespace"] == "default"
    with pytest.raises(KubectlFailed, match="forbidden"):
        plane.kubectl("get", "secrets", kubeconfig=kubeconfig)


@pytest.mark.cluster
def test_a_namespace_that_is_deleted_goes(plane: ControlPlane) -> None:
    plane.kubectl("create", "namespace", "short-lived")
    plane.kubectl("--namespace", "short-lived", "create", "-f", "-", input=SAMPLE.replace("NAME", "one"))
    plane.kubectl("delete", "namespace", "short-lived", "--timeout=120s")
    with pytest.raises(KubectlFailed, match="NotFound"):
        plane.kubectl("get", "namespace", "short-lived")


@pytest.mark.cluster
def test_the_api_server_can_be_away_and_comes_back_with_all_it_knew(plane: ControlPlane) -> None:
    plane.kubectl("create", "configmap", "kept")
    before = dict(plane.pids)
    plane.stop_api_server()
    with pytest.raises(KubectlFailed, match="refused"):
        plane.kubectl("get", "configmap", "kept")
    plane.start_api_server()
    plane.kubectl("get", "configmap", "kept")
    assert {name for name in SERVERS if plane.pids[name] != before[name]} == SERVERS - {"etcd"}
    assert {name: child.pid for name, child in children(plane.process).items()} == plane.pids


@pytest.mark.cluster
def test_ctrl_c_leaves_neither_process_nor_directory(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    log = tmp_path / "audit.log"
    process = started("run", "--directory", str(given), "--audit-log", str(log))
    try:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        running = children(process)
        assert set(running) == SERVERS
        assert (line["directory"], line["auditLog"]) == (str(given), str(log))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not any(child.is_running() for child in running.values())
        assert list(given.iterdir()) == [], "a directory that was there stays, as it was"
        assert log.exists()
    finally:
        stopped(process)


@pytest.mark.cluster
@pytest.mark.parametrize("how", ["SIGTERM", "SIGHUP", "SIGKILL", "stdin"])
def test_an_end_during_the_start_leaves_nothing_running(tmp_path: Path, how: str) -> None:
    directory = tmp_path / "new" / "directory"
    process = started("run", "--while-stdin-open", "--directory", str(directory))
    try:
        running = until(both_started(process), "its children")
        assert directory.exists()
        if how == "stdin":
            assert process.stdin is not None
            process.stdin.close()
        else:
            process.send_signal(signal.Signals[how])
        code = process.wait(20)
        until(lambda: not any(child.is_running() for child in running), "their end")
        assert (code, directory.exists()) == ((-9, True) if how == "SIGKILL" else (0, False))
    finally:
        stopped(process)


@pytest.mark.cluster
def test_a_server_that_dies_ends_the_rest_and_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with running_control_plane() as plane:
        running = children(plane.process)
        running["etcd"].kill()
        assert plane.process.wait(20) == 1
    assert not any(child.is_running() for child in running.values())
    assert not plane.directory.exists()
    error = capfd.readouterr().err
    assert "etcd ended with code -9; its log's last lines:" in error
    assert "Traceback" not in error


@pytest.fixture
def stand_ins(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run with shell scripts for servers: by default they do nothing, for long."""

    def run(*arguments: str, **scripts: str) -> subprocess.CompletedProcess[str]:
        assets = tmp_path / "assets"
        assets.mkdir()
        for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl"):
            script = assets / name
            script.write_text(SCRIPT + scripts.get(name.replace("-", "_"), "exec sleep 60"))
            script.chmod(0o755)
        return subprocess.run(
            [sys.executable, "-P", PROGRAM, "run", *arguments],
            env={**os.environ, "KUBEBUILDER_ASSETS": str(assets), "TMPDIR": str(tmp_path / "temporary")},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    (tmp_path / "temporary").mkdir()
    return run


def test_the_end_of_a_failing_servers_log_is_shown(
    stand_ins: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    lines = "for n in $(seq 100); do echo line $n; done; echo no such flag >&2; exit 3"
    done = stand_ins(kube_apiserver=lines)
    assert (done.returncode, done.stdout) == (1, "")
    assert "kube-apiserver ended with code 3; its log's last lines:\nline 82\n" in done.stderr
    assert done.stderr.endswith("line 100\nno such flag\n")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_ports_that_somebody_else_took_meanwhile_are_tried_anew(
    stand_ins: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    tried = tmp_path / "tried"
    taken = f"""echo once >> {tried}
test $(wc -l < {tried}) = 3 && exit 4
echo bind: address already in use
exit 1"""
    done = stand_ins(etcd=taken)
    assert done.returncode == 1
    assert "etcd ended with code 4" in done.stderr
    assert tried.read_text().split() == ["once"] * 3


def test_a_fixed_port_that_is_taken_is_said_at_once(
    stand_ins: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = stand_ins("--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"control-plane: port {port} is taken\n"


@pytest.mark.parametrize("number", ["99999", "-1", "http"])
def test_a_port_that_is_none_is_wrong_usage(
    stand_ins: Callable[..., subprocess.CompletedProcess[str]], number: str
) -> None:
    done = stand_ins(f"--port={number}")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"argument --port: invalid port value: '{number}'" in done.stderr


def test_a_directory_with_something_in_it_is_refused_and_left_alone(
    stand_ins: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "data").touch()
    done = stand_ins("--directory", str(precious))
    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert [path.name for path in precious.iterdir()] == ["data"]

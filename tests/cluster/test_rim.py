"""The rim against a real API server: what it writes is counted in the audit log.

The operator runs with a service account that may do no more than a Role in one namespace grants.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from kazoo_operator.core.custom_resource import Key, Resource
from kazoo_operator.core.outcome import Event, Outcome, Pass, Reason
from kazoo_operator.kube.reconciler import Progress
from tests.kube import kstatus
from tests.kube.harness import GRACE, Engine, Operator, options_for, ready, running
from tools.cluster import (
    ControlPlane,
    KubectlFailed,
    audit_writes,
    service_account_kubeconfig,
    service_account_user,
)
from tools.stack import PATIENCE

pytestmark = pytest.mark.cluster

GROUP = "kazoo-operator.io"
EXAMPLE = yaml.safe_load((Path(__file__).parents[2] / "examples/01-account/account.yaml").read_text())
ROLE = f"""
apiVersion: v1
kind: ServiceAccount
metadata: {{name: operator}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: operator}}
rules:
- {{apiGroups: [{GROUP}], resources: [accounts], verbs: [get, list, watch, patch]}}
- {{apiGroups: [{GROUP}], resources: [accounts/status], verbs: [patch]}}
- {{apiGroups: [events.k8s.io], resources: [events], verbs: [create]}}
- {{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]}}
- {{apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [kazoo-operator],
   verbs: [get, patch]}}
- {{apiGroups: [""], resources: [namespaces], resourceNames: [NAMESPACE], verbs: [get]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: operator}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator}}
subjects: [{{kind: ServiceAccount, name: operator}}]
"""


_numbers = count(1)


class Tenant:
    """A namespace of its own, and a kubeconfig for a service account that may act in it alone."""

    def __init__(self, plane: ControlPlane, namespace: str, folder: Path) -> None:
        self.plane = plane
        self.namespace = namespace
        plane.kubectl("create", "namespace", namespace)
        self.kubectl("apply", "-f", "-", stdin=ROLE.replace("NAMESPACE", namespace))
        self.kubeconfig = service_account_kubeconfig(plane, namespace, "operator", folder)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints; in this namespace, as administrator."""
        return self.plane.kubectl("--namespace", self.namespace, *arguments, input=stdin)

    async def call(self, *arguments: str, stdin: str | None = None) -> str:
        """As `kubectl`, while the loop goes on."""
        return await asyncio.to_thread(self.kubectl, *arguments, stdin=stdin)

    async def apply(self, *names: str, **spec: Any) -> None:
        """Apply Accounts: the example's, with some members changed."""
        bodies = [
            {**EXAMPLE, "metadata": {"name": name}, "spec": {**EXAMPLE["spec"], **spec}} for name in names
        ]
        await self.call("apply", "-f", "-", stdin=yaml.safe_dump_all(bodies))

    async def object(self, name: str) -> dict[str, Any]:
        """The object, as the API server has it."""
        found = await asyncio.to_thread(self.plane.read, "accounts", self.namespace, name)
        if found is None:
            raise KubectlFailed(f"there is no Account {name}")
        return found

    def writes(self) -> dict[str, int]:
        """How often the operator wrote each object's status; it must write nothing else."""
        made = self.write_parts()
        assert {part for _, part in made} <= {"status"}
        return dict(Counter(name for name, _ in made))

    def write_parts(self, refused: bool = False) -> list[tuple[str, str]]:
        """Name and part (`status`, or nothing for the object itself) of each patch; it only ever patches."""
        user = service_account_user(self.namespace, "operator")
        made = audit_writes(self.plane.audit_log, user=user, refused=refused)
        assert {one.verb for one in made} <= {"patch"}
        return [(one.name, one.subresource) for one in made]

    async def events(self, name: str) -> list[tuple[str, str]]:
        """Type and reason of each Event about an object, oldest first."""
        chosen = ("--field-selector", f"involvedObject.name={name}")
        found = json.loads(await self.call("get", "events", *chosen, "-o", "json"))["items"]
        told = sorted(found, key=lambda one: one["eventTime"])
        assert {one["reportingComponent"] for one in told} <= {"kazoo-operator"}
        return [(one["type"], one["reason"]) for one in told]

    async def written(self, **times: int) -> None:
        """Wait until the operator has written each status so often; fails when it wrote any oftener."""
        async with asyncio.timeout(PATIENCE):
            while (made := self.writes()) != times:
                assert all(number <= times.get(name, 0) for name, number in made.items()), made
                await asyncio.sleep(0.05)


@pytest.fixture
def tenant(plane: ControlPlane, tmp_path: Path) -> Tenant:
    return Tenant(plane, f"rim-{next(_numbers)}", tmp_path)


@pytest.fixture
async def engine() -> Engine:
    return Engine()


@pytest.fixture
async def operator(tenant: Tenant, engine: Engine) -> AsyncIterator[Operator]:
    options = options_for(tenant.kubeconfig, namespaces=(tenant.namespace,))
    async with running(options, engine) as one:
        await one.until_ready()
        yield one


async def shown(tenant: Tenant, name: str, generation: int) -> dict[str, Any]:
    """The object once its status speaks of `generation`; its status is sound."""
    async with asyncio.timeout(PATIENCE):
        while True:
            body = await tenant.object(name)
            if body["status"]["observedGeneration"] == generation:
                kstatus.check(body)
                return body


async def test_one_write_for_a_created_object_one_for_an_updated_none_for_a_deleted(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    await tenant.apply("acme", timezone="Etc/UTC")
    body = await shown(tenant, "acme", 1)
    assert body["status"]["balance"] == "25.00"
    await tenant.written(acme=1)
    await tenant.apply("acme", timezone="Europe/Oslo")
    await shown(tenant, "acme", 2)
    await tenant.written(acme=2)
    await tenant.call("label", "account", "acme", "team=voice")
    await tenant.call("delete", "account", "acme")
    await operator.quiet(1)
    await tenant.written(acme=2)
    assert engine.passes == ["acme", "acme"]
    uid = await tenant.call("get", "namespace", tenant.namespace, "-o", "jsonpath={.metadata.uid}")
    assert engine.owner == uid


OURS = "kazoo-operator.io/account"


async def finalizers(tenant: Tenant, name: str) -> list[str]:
    found: list[str] = (await tenant.object(name))["metadata"].get("finalizers") or []
    return found


async def deleting(resource: Resource, progress: Progress) -> Pass:
    """A pass that deletes when it is confirmed."""
    if not resource.deleting:
        return await ready(resource, progress)
    if resource.annotations.get("kazoo-operator.io/confirm-delete") == "acme":
        return Pass(Outcome.of(Reason.READY, "It is deleted."), released=True)
    return Pass(Outcome.of(Reason.REALM_TAKEN, "Confirm it."))


async def test_under_delete_a_creation_costs_two_writes_and_a_confirmed_deletion_one(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    engine.work = deleting
    await tenant.apply("acme", deletionPolicy="Delete")
    await shown(tenant, "acme", 1)
    assert await finalizers(tenant, "acme") == [OURS]
    assert tenant.write_parts() == [("acme", ""), ("acme", "status")]
    await tenant.call("annotate", "account", "acme", "kazoo-operator.io/confirm-delete=acme")
    await operator.until(lambda: len(engine.passes) == 2)
    await tenant.call("delete", "account", "acme", "--timeout=120s")
    await operator.quiet(0.5)
    assert tenant.write_parts() == [("acme", ""), ("acme", "status"), ("acme", "")]
    assert engine.passes == ["acme"] * 3


async def test_an_unconfirmed_deletion_says_so_and_goes_on_when_it_is_confirmed(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    engine.work = deleting
    await tenant.apply("acme", deletionPolicy="Delete")
    await shown(tenant, "acme", 1)
    await tenant.call("delete", "account", "acme", "--wait=false")
    body = await shown(tenant, "acme", 2)
    assert {one["type"]: one["message"] for one in body["status"]["conditions"]}["Ready"] == "Confirm it."
    await tenant.call("annotate", "account", "acme", "kazoo-operator.io/confirm-delete=acme")
    await tenant.call("wait", "--for=delete", "account/acme", "--timeout=120s")
    parts = [part for _, part in tenant.write_parts()]
    assert parts == ["", "status", "status", ""]


async def test_retain_takes_our_finalizer_off_and_leaves_those_of_others(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    await tenant.apply("acme", deletionPolicy="Delete")
    await shown(tenant, "acme", 1)
    held = '[{"op": "add", "path": "/metadata/finalizers/0", "value": "somebody.else/hold"}]'
    await tenant.call("patch", "account", "acme", "--type=json", "--patch", held)
    await tenant.apply("acme", deletionPolicy="Retain")
    await shown(tenant, "acme", 2)
    assert await finalizers(tenant, "acme") == ["somebody.else/hold"]
    await tenant.call("delete", "account", "acme", "--wait=false")
    await operator.quiet(1)
    assert [part for _, part in tenant.write_parts()] == ["", "status", "", "status"]
    gone = '[{"op": "remove", "path": "/metadata/finalizers"}]'
    await tenant.call("patch", "account", "acme", "--type=json", "--patch", gone)
    await tenant.call("wait", "--for=delete", "account/acme", "--timeout=120s")
    assert engine.passes == ["acme", "acme"]


async def test_a_finalizer_is_never_written_over_a_version_that_we_have_not_seen(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    await tenant.apply("seed")
    await shown(tenant, "seed", 1)
    names = [f"a{number}" for number in range(40)]
    await tenant.apply(*names, deletionPolicy="Delete")
    await tenant.call("label", "account", "--all", "team=voice")
    for name in names:
        body = await shown(tenant, name, 1)
        assert body["metadata"]["finalizers"] == [OURS]
        assert body["metadata"]["labels"] == {"team": "voice"}
    assert sorted(engine.passes) == sorted(["seed", *names])


async def test_our_annotations_bring_a_ready_object_at_once_and_others_never(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    await tenant.apply("acme")
    await shown(tenant, "acme", 1)
    await tenant.call("annotate", "account", "acme", "note=x", "kazoo-operator.io/unheard-of=1")
    await tenant.call("annotate", "account", "acme", "kazoo-operator.io/reconcile-now=1")
    await operator.until(lambda: len(engine.passes) == 2)
    await tenant.call("annotate", "account", "acme", "kazoo-operator.io/reconcile-now-")
    await operator.quiet(0.5)
    assert engine.passes == ["acme", "acme"]
    await tenant.written(acme=1)


async def test_a_transition_is_one_event_that_kubectl_describe_shows(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    async def refused(resource: Resource, progress: Progress) -> Pass:
        told = Event("TwinFound", "ü" * 2000, warning=True)
        return Pass(Outcome.of(Reason.REJECTED, "spec.name: is too long."), events=(told,))

    await tenant.apply("acme")
    await shown(tenant, "acme", 1)
    engine.work = refused
    for wish in "123":
        passes = len(engine.passes)
        await tenant.call(
            "annotate", "account", "acme", "--overwrite", f"kazoo-operator.io/reconcile-now={wish}"
        )
        await operator.until(lambda passes=passes: len(engine.passes) > passes)  # type: ignore[misc]
    expected = [("Normal", "Ready"), ("Warning", "Rejected"), ("Warning", "TwinFound")]
    async with asyncio.timeout(PATIENCE):
        while await tenant.events("acme") != expected:
            await operator.quiet(0.1)
    assert "spec.name: is too long." in await tenant.call("describe", "account", "acme")


async def test_deletions_are_remembered_on_the_lease_beside_its_renewals(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    await operator.until(lambda: engine.surroundings)
    assert engine.surroundings is not None
    deletions = engine.surroundings.deletions
    ids = [f"{number:032x}" for number in range(12)]
    for account_id in ids:
        await deletions.add(account_id)
        await operator.quiet(0.4)
    assert [one.account_id for one in await deletions.read()] == ids
    assert engine.surroundings.leads()
    lease = json.loads(await tenant.call("get", "lease", "kazoo-operator", "-o", "json"))
    noted = json.loads(lease["metadata"]["annotations"]["kazoo-operator.io/deletions"])
    assert [one["accountID"] for one in noted] == ids
    assert {type(one["at"]) for one in noted} <= {int, float}
    assert lease["spec"]["leaseDurationSeconds"] == 10
    assert lease["spec"]["holderIdentity"]


async def test_a_parked_object_is_woken_by_the_parent_and_polls_for_nothing(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    async def work(resource: Resource, progress: Progress) -> Pass:
        if (name := (resource.spec.get("parentRef") or {}).get("name")) is None:
            return await ready(resource, progress)
        parent = Key("Account", resource.key.namespace, name)
        assert engine.surroundings is not None
        found = engine.surroundings.objects.get(parent)
        if found is None or not found.ready:
            return Pass(Outcome.of(Reason.INVALID_SPEC, "It awaits its parent.", awaits=[parent]))
        return await ready(resource, progress)

    engine.work = work
    children = [f"child-{number}" for number in range(30)]
    await tenant.apply(*children, parentRef={"name": "parent"})
    await tenant.written(**dict.fromkeys(children, 1))
    await operator.quiet(1)
    assert len(engine.passes) == 30
    await tenant.apply("parent")
    await tenant.written(parent=1, **dict.fromkeys(children, 2))


async def test_no_write_for_an_unchanged_object_through_resyncs(
    tenant: Tenant, operator: Operator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kazoo_operator.kube.resync._LONGEST", 0.1)
    await tenant.apply("acme")
    await operator.until(lambda: len(engine.passes) > 5)
    await tenant.written(acme=1)


async def test_a_wiped_status_is_written_again(tenant: Tenant, operator: Operator, engine: Engine) -> None:
    await tenant.apply("acme")
    await shown(tenant, "acme", 1)
    merge = ("patch", "account", "acme", "--subresource=status", "--type=merge")
    await tenant.call(*merge, "--patch", '{"status": null}')
    await operator.until(lambda: len(engine.passes) == 2)
    await shown(tenant, "acme", 1)
    await tenant.written(acme=2)


async def test_a_spec_that_changes_during_a_pass_is_worked_on_anew(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    go = asyncio.Event()
    seen: list[int] = []

    async def slow(resource: Resource, progress: Progress) -> Pass:
        seen.append(resource.generation)
        await go.wait()
        return await ready(resource, progress)

    engine.work = slow
    await tenant.apply("acme", timezone="Etc/UTC")
    await operator.until(lambda: seen)
    await tenant.apply("acme", timezone="Europe/Oslo")
    await tenant.call("annotate", "account", "acme", "note=in-between")
    go.set()
    await shown(tenant, "acme", 2)
    assert seen == [1, 2]
    await tenant.written(acme=1)


async def test_labels_that_change_during_a_pass_cost_no_second_pass(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    for number in range(5):
        go = asyncio.Event()

        async def slow(resource: Resource, progress: Progress, go: asyncio.Event = go) -> Pass:
            await go.wait()
            return await ready(resource, progress)

        engine.work = slow
        await tenant.apply(f"a{number}")
        await operator.until(partial(engine.passes.__contains__, f"a{number}"))
        labelling = asyncio.create_task(tenant.call("label", "account", f"a{number}", "team=voice"))
        await asyncio.sleep(number * 0.02)
        go.set()
        await labelling
        await shown(tenant, f"a{number}", 1)
    assert len(engine.passes) == 5
    await tenant.written(**{f"a{number}": 1 for number in range(5)})


def connections(plane: ControlPlane) -> int:
    """How many connections this process has to the API server."""
    port = int(plane.url.rsplit(":", 1)[1])
    return sum(1 for one in psutil.Process().net_connections("tcp") if one.raddr and one.raddr.port == port)


def kopfs_heart() -> set[asyncio.Task[Any]]:
    """The task of kopf's that runs its watches."""
    return {task for task in asyncio.all_tasks() if task.get_name() == "multidimensional multitasker"}


def another(old: asyncio.Task[Any]) -> bool:
    return bool(kopfs_heart() - {old})


async def test_kopf_that_dies_is_started_again_in_the_same_process(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    await tenant.apply("before")
    await shown(tenant, "before", 1)
    for number in range(3):
        (kopf,) = kopfs_heart()
        kopf.cancel()
        await tenant.apply(f"during-{number}")
        await shown(tenant, f"during-{number}", 1)
        await operator.until(partial(another, kopf))
        await operator.until_ready()
    assert engine.passes == ["before", "during-0", "during-1", "during-2"]
    await tenant.written(**dict.fromkeys(engine.passes, 1))


async def test_three_hundred_objects_at_once_cost_a_write_each_and_few_connections(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    names = [f"a{number}" for number in range(300)]
    most = 0
    applying = asyncio.create_task(tenant.apply(*names))
    while len(engine.passes) < 300 or not applying.done():
        await operator.quiet(0.1)
        most = max(most, connections(tenant.plane))
    await tenant.written(**dict.fromkeys(names, 1))
    await operator.quiet(0.5)
    await tenant.written(**dict.fromkeys(names, 1))
    assert sorted(engine.passes) == sorted(names)
    assert 0 < most <= 33


async def test_an_api_server_that_stops_and_comes_back_costs_nothing_but_time(
    tenant: Tenant, operator: Operator, engine: Engine
) -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def creation(resource: Resource, progress: Progress) -> Pass:
        if resource.key.name == "in-flight":
            entered.set()
            await go.wait()
        return await ready(resource, progress)

    engine.work = creation
    await tenant.apply("before")
    await shown(tenant, "before", 1)
    await tenant.apply("in-flight")
    await entered.wait()
    await asyncio.to_thread(tenant.plane.stop_api_server)
    go.set()
    async with asyncio.timeout(PATIENCE):
        while (await operator.probe("/readyz"))[0] == 200:
            await operator.quiet(0.2)
    assert (await operator.probe("/healthz"))[0] == 200
    await asyncio.to_thread(tenant.plane.start_api_server)
    await operator.until_ready()
    await tenant.apply("after")
    await shown(tenant, "in-flight", 1)
    await shown(tenant, "after", 1)
    assert engine.passes == ["before", "in-flight", "after"], "no backend call was repeated"
    await tenant.written(**dict.fromkeys(engine.passes, 1))


async def test_an_operator_that_starts_anew_reads_nothing_that_is_ready_and_writes_nothing(
    tenant: Tenant, engine: Engine
) -> None:
    options = options_for(tenant.kubeconfig, namespaces=(tenant.namespace,))
    await tenant.apply("acme", "beta")
    async with running(options, engine):
        await shown(tenant, "acme", 1)
        await shown(tenant, "beta", 1)
    second = Engine()
    async with running(options, second) as operator:
        await operator.until_ready()
        await tenant.apply("beta", timezone="Etc/UTC")
        await shown(tenant, "beta", 2)
        await operator.quiet(0.5)
    assert second.passes == ["beta"]
    await tenant.written(acme=1, beta=2)


async def test_an_api_server_that_hangs_does_not_keep_the_operator_from_ending(
    tenant: Tenant, operator: Operator
) -> None:
    server = tenant.plane.pids["kube-apiserver"]
    assert server is not None
    os.kill(server, signal.SIGSTOP)
    try:
        assert await operator.end() < GRACE
        await asyncio.sleep(0)
        assert connections(tenant.plane) == 0
    finally:
        os.kill(server, signal.SIGCONT)


async def test_without_a_namespace_the_operator_asks_for_the_whole_cluster_and_says_what_it_lacks(
    tenant: Tenant, engine: Engine
) -> None:
    async with running(options_for(tenant.kubeconfig), engine) as operator:
        async with asyncio.timeout(PATIENCE):
            while "cannot list resource" not in (text := (await operator.probe("/readyz"))[1]):
                await operator.quiet(0.1)
        assert "accounts" in text
        assert "cluster scope" in text


PROCESS = """
import asyncio, sys
from pathlib import Path
from kazoo_operator.kube.process import serve
from tests.kube.harness import Engine, options_for

async def main():
    options = options_for(Path(sys.argv[1]), namespaces=(sys.argv[2],))
    await serve(options, Engine().start)

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
async def test_signals_end_the_process_with_code_0_in_time_and_without_a_traceback(
    tenant: Tenant, number: signal.Signals
) -> None:
    await tenant.apply("acme")
    path = os.pathsep.join(sys.path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, str(tenant.kubeconfig), tenant.namespace,
        env={**os.environ, "PYTHONPATH": path}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await shown(tenant, "acme", 1)
        process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    assert b"Traceback" not in errors

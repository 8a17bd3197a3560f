"""An API server as far as the rim needs one: Accounts in memory, with versions, watches and faults."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from tests.kube import kstatus

GROUP = "kazoo-operator.io"
OWNER_UID = "0e4a7a6e-5d7f-4f7c-9a56-2f3f6a6f8f10"

Json = dict[str, Any]
Fault = Callable[[web.Request], web.StreamResponse | None]


def status(code: int, reason: str, message: str = "as the test says") -> web.Response:
    body = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}
    return web.json_response(body, status=code)


class FakeApiServer:
    """`fault`, when set, may answer a request in the server's stead."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Json] = {}
        self.version = 100
        self.history: list[tuple[int, str, Json]] = []
        self.changed = asyncio.Event()
        self.requests: list[tuple[str, str]] = []
        self.patches: list[Json] = []
        self.lease: Json | None = None
        self.lease_requests: list[tuple[str, Json]] = []
        self.events: list[Json] = []
        self.unsound: list[str] = []
        self.authorizations: list[str | None] = []
        self.has_crd = True
        self.seconds_per_patch = 0.0
        self.fault: Fault = lambda _: None
        self.said: list[Json] = []
        self.cut = False
        self.url = ""

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Writes to Accounts; those to the Lease and Events have lists of their own."""
        return [
            (method, path)
            for method, path in self.requests
            if method not in ("GET", "HEAD") and path.startswith(f"/apis/{GROUP}/")
        ]

    @property
    def holder(self) -> str:
        """Who holds the Lease."""
        return str(((self.lease or {}).get("spec") or {}).get("holderIdentity") or "")

    def count(self, method: str, part: str) -> int:
        return sum(method == m and part in path for m, path in self.requests)

    def asked(self, times: int, method: str, part: str) -> bool:
        return self.count(method, part) >= times

    def create(self, name: str, spec: Json | None = None, namespace: str = "default", **status: Any) -> Json:
        body = {
            "apiVersion": f"{GROUP}/v1alpha1",
            "kind": "Account",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": f"uid-{name}-{self.version}",
                "generation": 1,
                "managedFields": [{"manager": "kubectl"}],
            },
            "spec": spec or {},
            "status": status or {"observedGeneration": -1},
        }
        self.objects[namespace, name] = body
        return self._store("ADDED", body)

    def change(self, name: str, /, namespace: str = "default", **spec: Any) -> Json:
        body = self.objects[namespace, name]
        body["spec"].update(spec)
        body["metadata"]["generation"] += 1
        return self._store("MODIFIED", body)

    def touch(self, name: str, /, namespace: str = "default", **parts: Any) -> Json:
        """Somebody writes status, labels or annotations."""
        body = self.objects[namespace, name]
        for part, value in parts.items():
            if part == "status":
                body["status"] = value
            else:
                body["metadata"][part] = value
        return self._store("MODIFIED", body)

    def delete(self, name: str, namespace: str = "default") -> None:
        """As the API server does: at once, or by a time of deletion while a finalizer holds the object."""
        body = self.objects[namespace, name]
        if body["metadata"].get("finalizers"):
            body["metadata"]["deletionTimestamp"] = "2026-11-25T06:00:00Z"
            body["metadata"]["generation"] += 1
            self._store("MODIFIED", body)
        else:
            self._store("DELETED", self.objects.pop((namespace, name)))

    def status_of(self, name: str, namespace: str = "default") -> Json:
        found: Json = self.objects[namespace, name]["status"]
        return found

    def _store(self, kind: str, body: Json) -> Json:
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, kind, copy.deepcopy(body)))
        self._wake()
        return copy.deepcopy(body)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs))
        self.authorizations.append(request.headers.get("Authorization"))
        if (faulty := self.fault(request)) is not None:
            return faulty
        path = request.path
        if path == "/api":
            return web.json_response({"versions": ["v1"]})
        if path == "/api/v1":
            return web.json_response({"resources": [_resource("namespaces"), _resource("events")]})
        if path == "/apis":
            groups = ["apiextensions.k8s.io/v1"] + [f"{GROUP}/v1alpha1"] * self.has_crd
            return web.json_response({"groups": [_group(one) for one in groups]})
        if path == "/apis/apiextensions.k8s.io/v1":
            return web.json_response({"resources": [_resource("customresourcedefinitions")]})
        if path == f"/apis/{GROUP}/v1alpha1" and self.has_crd:
            return web.json_response({"resources": [_resource("accounts"), _resource("accounts/status")]})
        if path.endswith(("/leases", "/leases/kazoo-operator", "/events")):
            return await (self._leases if "/leases" in path else self._event)(request)
        if path.startswith("/api/v1/namespaces/"):
            return web.json_response({"metadata": {"name": path.split("/")[-1], "uid": OWNER_UID}})
        if path.startswith(f"/apis/{GROUP}/v1alpha1/") and self.has_crd:
            return await self._accounts(request, path.removeprefix(f"/apis/{GROUP}/v1alpha1/").split("/"))
        return status(404, "NotFound")

    async def _accounts(self, request: web.Request, parts: list[str]) -> web.StreamResponse:
        namespace = parts[1] if parts[0] == "namespaces" else ""
        rest = parts[2:] if namespace else parts
        if len(rest) == 1:
            if request.query.get("watch") == "true":
                return await self._watch(request, namespace)
            return self._list(request, namespace)
        body = self.objects.get((namespace, rest[1]))
        if body is None:
            return status(404, "NotFound")
        if request.method == "GET":
            return web.json_response(body)
        await asyncio.sleep(self.seconds_per_patch)
        return self._patch(body, await request.json(), request)

    async def _event(self, request: web.Request) -> web.Response:
        self.events.append(await request.json())
        return web.json_response(self.events[-1], status=201)

    async def _leases(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response(self.lease) if self.lease else status(404, "NotFound")
        said = await request.json()
        self.lease_requests.append((request.method, said))
        if request.method == "POST":
            if self.lease is not None:
                return status(409, "AlreadyExists")
            self.lease = said
        elif self.lease is None:
            return status(404, "NotFound")
        else:
            assert request.content_type == "application/merge-patch+json"
            if said["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
                return status(409, "Conflict")
            self.lease = merge(self.lease, said)
        return web.json_response(self.touch_lease(), status=201 if request.method == "POST" else 200)

    def touch_lease(self, **spec: Any) -> Json:
        """Somebody writes the Lease."""
        assert self.lease is not None
        self.version += 1
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        self.lease["spec"].update(spec)
        return self.lease

    def _patch(self, body: Json, patch: Any, request: web.Request) -> web.Response:
        assert request.method == "PATCH"
        assert request.query["fieldManager"] == "kazoo-operator"
        if request.content_type == "application/json-patch+json":
            return self._patch_finalizers(body, patch, request)
        assert request.path.endswith("/status")
        assert request.content_type == "application/merge-patch+json"
        self.patches.append(patch)
        if patch["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            return status(409, "Conflict")
        before = copy.deepcopy(body)
        body["status"] = merge(body.get("status") or {}, patch["status"])
        try:
            kstatus.check(body, before)
        except AssertionError as unsound:
            self.unsound.append(str(unsound))
        return web.json_response(self._store("MODIFIED", body))

    def _patch_finalizers(self, body: Json, patch: list[Json], request: web.Request) -> web.Response:
        assert not request.path.endswith("/status")
        metadata = body["metadata"]
        test, change = patch
        assert (test["op"], test["path"]) == ("test", "/metadata/resourceVersion")
        if test["value"] != metadata["resourceVersion"]:
            return status(422, "Invalid", "the server rejected our request due to an error in our request")
        if change["op"] == "add":
            if metadata.get("deletionTimestamp"):
                return status(422, "Invalid", "no new finalizers can be added")
            value = change["value"]
            metadata["finalizers"] = [
                *metadata.get("finalizers", []),
                *([value] * isinstance(value, str)),
            ] or value
        else:
            metadata["finalizers"].pop(int(change["path"].rsplit("/", 1)[1]))
        if metadata.get("deletionTimestamp") and not metadata["finalizers"]:
            key = metadata["namespace"], metadata["name"]
            answer = copy.deepcopy(body)
            self._store("DELETED", self.objects.pop(key))
            return web.json_response(answer)
        return web.json_response(self._store("MODIFIED", body))

    def _list(self, request: web.Request, namespace: str) -> web.Response:
        items = [b for (where, _), b in sorted(self.objects.items()) if namespace in ("", where)]
        start = int(request.query.get("continue") or 0)
        end = start + int(request.query.get("limit") or len(items) or 1)
        metadata = {"resourceVersion": str(self.version), "continue": str(end) if end < len(items) else ""}
        return web.json_response({"kind": "AccountList", "metadata": metadata, "items": items[start:end]})

    async def _watch(self, request: web.Request, namespace: str) -> web.StreamResponse:
        seen = int(request.query["resourceVersion"])
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        heard = len(self.said)
        try:
            while True:
                changed = self.changed
                for version, kind, body in [one for one in self.history if one[0] > seen]:
                    seen = version
                    if namespace in ("", body["metadata"]["namespace"]):
                        await _send(response, {"type": kind, "object": body})
                for event in self.said[heard:]:
                    heard += 1
                    await _send(response, event)
                if self.cut:
                    assert request.transport is not None
                    request.transport.close()
                await changed.wait()
        except ConnectionError:
            return response

    def say(self, event: Json) -> None:
        """Put `event` into the streams of all watches."""
        self.said.append(event)
        self._wake()

    def cut_watches(self) -> None:
        """Break the connections of all watches."""
        self.cut = True
        self._wake()
        asyncio.get_running_loop().call_soon(setattr, self, "cut", False)

    def _wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


async def _send(response: web.StreamResponse, event: Json) -> None:
    await response.write(json.dumps(event).encode() + b"\n")


def _resource(name: str) -> Json:
    verbs = ["get", "list", "watch", "patch", "create"]
    kinds = {"accounts": "Account", "namespaces": "Namespace", "events": "Event"}
    kind = kinds.get(name, "CustomResourceDefinition")
    return {"name": name, "singularName": kind.lower(), "kind": kind, "namespaced": True, "verbs": verbs}


def _group(version: str) -> Json:
    group, short = version.split("/")
    one = {"groupVersion": version, "version": short}
    return {"name": group, "versions": [one], "preferredVersion": one}


def merge(old: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


@asynccontextmanager
async def running_api_server() -> AsyncIterator[FakeApiServer]:
    api = FakeApiServer()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", api.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    api.url = f"http://{host}:{port}"
    try:
        yield api
    finally:
        await runner.cleanup()
    assert not api.unsound, "a status that breaks what kstatus relies on"


def write_kubeconfig(path: Path, url: str, user: Json | None = None, namespace: str | None = None) -> Path:
    context = {"cluster": "test", "user": "me"} | ({"namespace": namespace} if namespace else {})
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": context}],
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": user or {}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path

"""The plan for objects that refer to TelephonyBackends: whose policy counts, and what is blocked."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.registry import NoRoot, Policy
from kazoo_operator.core.report import Report
from kazoo_operator.core.report_markdown import markdown
from kazoo_operator.core.report_text import plain
from kazoo_operator.declaration import declared, declared_backends
from kazoo_operator.kinds import discover
from kazoo_operator.manifests import Source, load_texts
from kazoo_operator.manifests.judgement import judge
from kazoo_operator.plan_by_backend import Plans, Reached
from tests.engine.conftest import SPEC, World

from .conftest import TODAY, account, apply, changed, named, reasons

__all__ = ["account"]

Files = Callable[..., Awaitable[Report]]
FAR = {"name": "kazoo", "namespace": "telephony"}


@pytest.fixture
def files(world: World) -> Files:
    async def planned(*bodies: dict[str, Any], url: str = "", **policy: Any) -> Report:
        """The plan of the command line for these objects as files."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
        loaded = load_texts([Source("all.json", text)])
        objects, at_fault = declared(loaded.documents, judge(loaded, day=TODAY), "default")
        secret = SecretStr(world.sandbox.identity.reseller.api_key)
        async with Crossbar(
            world.sandbox.url, lambda: secret, requests_per_second=10_000, may_write=lambda: False
        ) as backend:
            reached = Reached(url or world.sandbox.url, backend, Policy(**policy))
            backends = declared_backends(loaded.documents, "default")
            return await Plans(discover(), reached, backends, at_fault, TODAY).report(objects)

    return planned


def body(kind: str, name: str, spec: dict[str, Any], namespace: str | None = "team") -> dict[str, Any]:
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {"apiVersion": "kazoo-operator.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def acme(called: str = "acme", namespace: str | None = "team", **more: Any) -> dict[str, Any]:
    spec = {key: value for key, value in {**SPEC, **more}.items() if value is not None}
    return body("Account", called, spec, namespace)


def backend(
    world: World, name: str = "default", namespace: str | None = "team", **more: Any
) -> dict[str, Any]:
    auth = {"apiKeySecretRef": {"name": "kazoo", "key": "api-key"}}
    return body("TelephonyBackend", name, {"url": world.sandbox.url, "auth": auth, **more}, namespace)


async def reads(world: World) -> int:
    return len((await world.control("GET", "requests"))["requests"])


async def test_the_policy_of_the_own_backend_counts_and_not_the_settings(world: World, files: Files) -> None:
    found = backend(world, realmTemplate="{name}.own.example.com", currency="EUR")
    one = named(await files(found, acme(realm=None), realm_template="{name}.pbx.example.com"))
    assert changed(one)["realm"] == (None, "acme-dental.own.example.com")
    assert one.currency == "EUR"


async def test_what_refers_to_no_backend_is_planned_by_the_settings(world: World, files: Files) -> None:
    found = backend(world, namespace="other", realmTemplate="{name}.own.example.com")
    one = named(await files(found, acme(realm=None), realm_template="{name}.pbx.example.com"))
    assert changed(one)["realm"] == (None, "acme-dental.pbx.example.com")


async def test_everything_happens_below_the_root_account_of_the_backend(world: World, files: Files) -> None:
    root = world.sandbox.identity.reseller.account_id
    made = await world.call(
        "PUT", f"accounts/{root}", {"name": "Branch", "realm": "branch.example.com", "timezone": "Etc/UTC"}
    )
    report = await files(backend(world, rootAccount={"realm": "branch.example.com"}), acme())
    assert (report.root, report.root_realm) == (made["id"], "branch.example.com")
    assert named(report).below == "branch.example.com"


async def test_a_root_account_that_is_not_there_is_named_where_it_is_said(world: World, files: Files) -> None:
    with pytest.raises(NoRoot, match="check rootAccount of the TelephonyBackend team/default"):
        await files(backend(world, rootAccount={"realm": "nowhere.example.com"}), acme())


async def test_several_policies_of_one_kazoo_make_one_plan(world: World, files: Files) -> None:
    found = [
        backend(world, realmTemplate="{name}.a.example.com"),
        backend(world, "other", realmTemplate="{name}.b.example.com"),
        *(acme(realm=None), acme("kid", name="Kid", realm=None, backendRef={"name": "other"})),
        acme("third", "elsewhere", name="Third", realm="third.example.com"),
    ]
    report = await files(*found)
    made = {one.key.name: changed(one)["realm"][1] for one in report.objects}
    assert made == {
        "acme": "acme-dental.a.example.com",
        "kid": "kid.b.example.com",
        "third": "third.example.com",
    }
    assert report.root_realm == "reseller.sandbox.example"
    assert report.exit_code == 2 and report.summary["create"] == 3


@pytest.mark.parametrize(
    ("spec", "reference", "why"),
    [
        ({"url": "https://other.example.com"}, FAR, "leads to https://other.example.com"),
        ({"allowedNamespaces": ["others"]}, FAR, "does not allow the namespace team"),
        ({"currency": "euro"}, FAR, "is not valid"),
        ({}, {**FAR, "name": "kazo"}, "is not among the files"),
    ],
)
async def test_an_object_whose_backend_cannot_be_asked_is_blocked(
    world: World, files: Files, spec: dict[str, Any], reference: dict[str, str], why: str
) -> None:
    found = backend(world, "kazoo", "telephony", **{"allowedNamespaces": ["*"], **spec})
    before = await reads(world)
    report = await files(found, acme(backendRef=reference))
    one = named(report)
    assert one.action == "blocked" and "BackendNotReady" in reasons(one)
    assert any(why in error.message for error in one.errors)
    assert report.exit_code == 1
    assert await reads(world) == before, "no KAZOO is asked in vain"
    where = f"KAZOO at {world.sandbox.url}"
    assert plain(report).splitlines()[0] == where, "nobody looked below which account"
    assert f"KAZOO at `{world.sandbox.url}`.\n" in markdown(report)


async def test_a_url_may_be_spelt_otherwise(world: World, files: Files) -> None:
    spelt = f"{world.sandbox.url}/v2/".replace("http", "HTTP").lower()
    assert named(await files(backend(world), acme(), url=spelt)).action == "create"


async def test_a_namespace_that_no_file_names_is_the_command_lines(world: World, files: Files) -> None:
    found = backend(world, namespace="default", namePattern="^[0-9]")
    one = named(await files(found, acme(namespace=None)))
    assert one.action == "blocked" and "namePattern" in one.errors[0].message
    far = backend(world, "kazoo", "telephony", allowedNamespaces=["team"])
    one = named(await files(far, acme(namespace=None, backendRef=FAR)))
    assert [error.message for error in one.errors] == [
        "the TelephonyBackend telephony/kazoo does not allow the namespace default"
    ]


async def test_an_account_that_stands_needs_no_template(world: World, files: Files) -> None:
    await apply(world, account(realm=None), realm_template="{name}.pbx.example.com")
    bare = {**acme(realm=None), "metadata": {"name": "acme", "namespace": account().key.namespace}}
    found = backend(world, namespace=account().key.namespace)
    assert named(await files(found, bare)).action == "none"
    new = acme("new", account().key.namespace, name="New", realm=None)
    one = named(await files(found, new), "new")
    assert one.action == "blocked" and "KZ021" in one.errors[0].message


async def test_without_the_whitelabel_that_is_asked_for_nothing_is_made(world: World, files: Files) -> None:
    found = backend(world, requireWhitelabel=True)
    root = world.sandbox.identity.reseller.account_id
    await world.call("DELETE", f"accounts/{root}/whitelabel")
    one = named(await files(found, acme()))
    assert one.action == "blocked" and "KZ024" in one.errors[0].message
    await world.call("PUT", f"accounts/{root}/whitelabel", {"domain": "pbx.example.com"})
    assert named(await files(found, acme())).action == "create"

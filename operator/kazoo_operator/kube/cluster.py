"""Which cluster, and as whom: in-cluster configuration, else a kubeconfig, as kubectl would read it."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kubernetes.client import Configuration
from kubernetes.client.rest import should_bypass_proxies
from kubernetes.config import (
    ConfigException,
    list_kube_config_contexts,
    load_incluster_config,
    load_kube_config,
)

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_READ_AGAIN = 60.0

log = logging.getLogger(__name__)


class NoCluster(Exception):
    """No usable configuration for a cluster; the message says where it was looked for."""


@dataclass(frozen=True)
class Cluster:
    """A cluster as configured.

    `namespace` is the one in which we run: the pod's, else the context's. `tls` is None for plain http.
    `load` reads `configuration` anew; it may run a credential plugin, so it belongs into a thread.
    """

    url: str
    namespace: str
    tls: ssl.SSLContext | None
    server_name: str | None
    proxy: str | None
    configuration: Configuration = field(repr=False)
    load: Callable[[], Configuration] = field(repr=False)


def find_cluster(kubeconfig: Path | None, context: str | None) -> Cluster:
    """The cluster that we run in, unless a kubeconfig or context is named; blocking, for a thread.

    Raises `NoCluster`.
    """
    if kubeconfig is None and context is None:
        try:
            return _cluster(_in_cluster(), _NAMESPACE_FILE.read_text().strip(), _in_cluster)
        except (ConfigException, OSError):
            log.debug("not in a pod: the kubeconfig is used")
    source = str(kubeconfig or os.environ.get("KUBECONFIG") or Path("~/.kube/config").expanduser())

    def load() -> Configuration:
        configuration = Configuration()
        load_kube_config(source, context, configuration, persist_config=False)  # type: ignore[no-untyped-call]
        return configuration

    try:
        return _cluster(load(), _namespace_of(source, context), load)
    except (ConfigException, OSError, ValueError) as error:
        raise NoCluster(f"no cluster: not in a pod, and {source} cannot be used: {error}") from None


def _in_cluster() -> Configuration:
    configuration = Configuration()
    load_incluster_config(configuration)  # type: ignore[no-untyped-call]
    return configuration


def _namespace_of(source: str, context: str | None) -> str:
    contexts, active = list_kube_config_contexts(source)  # type: ignore[no-untyped-call]
    chosen = next((one for one in contexts if one["name"] == context), active)
    return str(chosen["context"].get("namespace") or "default")


def _cluster(configuration: Configuration, namespace: str, load: Callable[[], Configuration]) -> Cluster:
    url = configuration.host.rstrip("/")
    return Cluster(
        url=url,
        namespace=namespace,
        tls=_tls(configuration) if url.startswith("https:") else None,
        server_name=configuration.tls_server_name or None,
        proxy=_proxy(configuration),
        configuration=configuration,
        load=load,
    )


def _proxy(configuration: Configuration) -> str | None:
    bypass = should_bypass_proxies(configuration.host, configuration.no_proxy or "")
    return None if bypass else configuration.proxy or None


def _tls(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert or None)
    # Cluster CAs often lack extensions that Python 3.13 has come to demand, and that kubectl does not.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    if not configuration.verify_ssl:
        log.warning("the kubeconfig says insecure-skip-tls-verify: the API server is not verified")
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Credentials:
    """The Authorization header, kept fresh.

    Token files and plugins are asked again once a minute (a plugin runs only when its token expires), and
    the whole configuration is read again when the API server refuses what we have.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._load = cluster.load
        self._configuration = cluster.configuration
        self._loop = asyncio.get_running_loop()
        self._value: str | None = None
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def header(self) -> str | None:
        """The header's value; None where the client certificate says who we are."""
        if self._loop.time() >= self._read_at + _READ_AGAIN:
            async with self._lock:
                if self._loop.time() >= self._read_at + _READ_AGAIN:
                    await self._read(afresh=False)
        return self._value

    async def renew(self, refused: str | None) -> str | None:
        """What to use after `refused` was not accepted: the same, if there is nothing newer."""
        async with self._lock:
            if self._value == refused:
                await self._read(afresh=True)
        return self._value

    async def _read(self, *, afresh: bool) -> None:
        try:
            self._value = await asyncio.to_thread(self._header, afresh)
        except Exception as error:  # plugins of others raise what they like
            log.warning("the credential for the API server cannot be read again: %s", error)
        self._read_at = self._loop.time()

    def _header(self, afresh: bool) -> str | None:
        if afresh:
            self._configuration = self._load()
        value = self._configuration.get_api_key_with_prefix("BearerToken")
        return value.strip() if value else None

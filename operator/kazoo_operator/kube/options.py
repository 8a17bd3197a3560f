"""What the rim is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kazoo_operator.core.custom_resource import GROUP, VERSION, Key
from kazoo_operator.core.kind import Kind


@dataclass(frozen=True)
class WatchedKind:
    """A kind that is watched, the plural that stands in its paths, and our finalizer on its objects."""

    kind: str
    plural: str
    finalizer: str = f"{GROUP}/account"

    @classmethod
    def of(cls, kind: Kind) -> WatchedKind:
        """What the rim needs to know of a kind: the finalizer tells what is done before the end."""
        word = "account" if kind.lifecycle is not None else "reset"
        return cls(kind.name, kind.plural, f"{GROUP}/{word}" if kind.managed else "")


@dataclass(frozen=True)
class Options:
    """How the operator runs.

    `namespaces` empty: all of them. `owner` None: the uid of the namespace in which the operator runs.
    `requests_per_second` is what KAZOO may be asked, `calls_per_pass` what one pass costs when nothing has
    changed: together they say whether resyncs must be spread wider. Without `elect` we lead always.
    """

    kinds: tuple[WatchedKind, ...]
    namespaces: tuple[str, ...] = ()
    owner: str | None = None
    metrics_port: int = 8080
    probe_port: int = 8081
    kubeconfig: Path | None = None
    context: str | None = None
    requests_per_second: float = 50
    calls_per_pass: int = 4
    elect: bool = True

    def collections(self, kind: WatchedKind) -> tuple[str, ...]:
        """The paths that are listed and watched for `kind`: one for all namespaces, or one for each."""
        return tuple(collection(kind.plural, namespace) for namespace in self.namespaces or ("",))


def collection(plural: str, namespace: str) -> str:
    """The path of the objects of a kind in `namespace`; in all namespaces where it is empty."""
    where = f"namespaces/{namespace}/" if namespace else ""
    return f"/apis/{GROUP}/{VERSION}/{where}{plural}"


def path_of(kind: WatchedKind, key: Key) -> str:
    """The path of one object."""
    return f"{collection(kind.plural, key.namespace)}/{key.name}"

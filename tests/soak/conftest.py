"""The stage of the cluster tests, with an operator behind a proxy that can hold a call for ever."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import Stage, new_stage, plane, shipped_role
from tests.engine.conftest import clock, world
from tests.soak.killing import Mortal, running_holding_proxy
from tools.api_proxy import through

__all__ = ["clock", "new_stage", "plane", "shipped_role", "world"]


@pytest.fixture
def mortal(new_stage: Callable[..., Stage], tmp_path: Path) -> Iterator[Mortal]:
    """An operator without election, so that a life follows the other at once; not started yet."""
    stage = new_stage(KAZOO_OPERATOR_MAX_DELETIONS_PER_HOUR="100000")
    kubeconfig = stage.operator.kubeconfig
    stage.operator.arguments = (*stage.operator.arguments, "--no-leader-election")
    with running_holding_proxy(kubeconfig) as proxy:
        stage.operator.kubeconfig = through(proxy, kubeconfig, tmp_path)
        made = Mortal(stage, proxy)
        yield made
        made.end()


@pytest.fixture
def chance() -> random.Random:
    """Seeded by SEED; the seed is printed."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"\nSEED={seed}", flush=True)
    return random.Random(seed)

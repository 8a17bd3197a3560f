"""What holds for all tests: how they judge the code, and not how fast a shared machine is."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# What is made up is the same at each run; `make soak` looks further.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("project", calm, derandomize=True)
settings.register_profile("explore", calm)
settings.load_profile("project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A soak takes as long as it takes."""
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.timeout(0))

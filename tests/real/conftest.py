"""Fixtures of a real Apache Mesos 1.11.0.

Where its binary can run (Linux on x86-64) a failed set-up fails the tests that need it: they are the proof
that this library works. Elsewhere those tests are skipped, with the reason printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from . import backends
from .cluster import RealCluster
from .setup import RealMesos, set_up, unsupported

SET_UP_TIMEOUT = 300  # seconds: the first test of a session may have to download and compile


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Allow for the set-up in the timeout of whichever test comes first."""
    for item in items:
        if "real_mesos" in getattr(item, "fixturenames", ()) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SET_UP_TIMEOUT))


@pytest.fixture(scope="session")
def real_mesos() -> RealMesos:
    """Mesos, installed in the repository's .cache (about 10 s the first time)."""
    if reason := unsupported():
        pytest.skip(reason)
    return set_up()


@pytest.fixture(scope="session")
def libmesos(real_mesos: RealMesos) -> Path:
    """Apache Mesos' shared library, as shipped."""
    return real_mesos.library


@pytest.fixture(scope="session")
def real_cluster(real_mesos: RealMesos, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """Start a master and an agent that all tests share; a test leaves no tasks on it."""
    with RealCluster(real_mesos, tmp_path_factory.mktemp("real")) as cluster:
        yield cluster


@pytest.fixture(params=backends.BACKENDS)
def connect(request: pytest.FixtureRequest, real_mesos: RealMesos) -> backends.Connect:
    """Make drivers over each backend in turn."""
    excluded = backends.EXCLUDED.get(request.node.originalname)
    if request.param == "libmesos" and excluded is not None:
        pytest.skip(f"libmesos: {excluded}")
    return backends.connect(request.param, real_mesos)

"""A cluster for each test; what a test opened on it is closed after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from client import Client
from mesos.local import LocalCluster

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while Client.opened:
        Client.opened.pop().close()


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster() as cluster:
        yield cluster

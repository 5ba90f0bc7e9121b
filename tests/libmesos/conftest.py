"""Drivers over stand-ins for libmesos, compiled once for each release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mesos
import pytest
from fake_libmesos import MASTER, Make, Script, build
from recorder import PATIENCE


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Build stand-ins for several releases, each once."""
    directory, built = tmp_path_factory.mktemp("fake"), dict[int, Path]()

    def library(release: int = 111) -> Path:
        if release not in built:
            built[release] = build(directory, release)
        return built[release]

    return library


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path / "script")


@pytest.fixture
def make(libraries: Callable[[int], Path], script: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make drivers over the stand-in; they have ended when the test ends."""
    made = []
    # the name of the machine that tests run on may have no address
    monkeypatch.setenv("LIBPROCESS_IP", "127.0.0.1")

    def make(scheduler: object, release: int = 111, **settings: Any) -> mesos.SchedulerDriver:
        settings = {"framework": script.framework, "master": MASTER, "dispatcher": "poll"} | settings
        driver = mesos.SchedulerDriver(scheduler, backend="libmesos", library=libraries(release), **settings)
        made.append(driver)
        return driver

    yield make
    for driver in made:
        driver.abort()
        assert driver.status == mesos.DRIVER_NOT_STARTED or driver._native.settle(PATIENCE)

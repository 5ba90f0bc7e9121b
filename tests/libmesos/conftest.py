"""Drivers over stand-ins for libmesos, compiled once for each release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mesos
import pytest
from fake_libmesos import MASTER, Make, Script, build, executor_environment
from recorder import PATIENCE


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build stand-ins for several releases, each once."""
    directory, built = tmp_path_factory.mktemp("fake"), dict[tuple[int, bool], Path]()

    def library(release: int = 111, *, executors: bool = True) -> Path:
        if (release, executors) not in built:
            built[release, executors] = build(directory, release, executors)
        return built[release, executors]

    return library


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path / "script")


@pytest.fixture
def make(libraries: Callable[..., Path], script: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make drivers over the stand-in; they have ended when the test ends."""
    made: list[Any] = []
    # the name of the machine that tests run on may have no address
    monkeypatch.setenv("LIBPROCESS_IP", "127.0.0.1")

    def make(scheduler: object, release: int = 111, **settings: Any) -> mesos.SchedulerDriver:
        settings = {"framework": script.framework, "master": MASTER, "dispatcher": "poll"} | settings
        driver = mesos.SchedulerDriver(scheduler, backend="libmesos", library=libraries(release), **settings)
        made.append(driver)
        return driver

    yield make
    abort(made)


@pytest.fixture
def make_executor(
    libraries: Callable[..., Path], script: Script, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., mesos.ExecutorDriver]]:
    """Make executors' drivers over the stand-in; they have ended when the test ends."""
    made: list[Any] = []
    for name, value in executor_environment(script).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MESOS_LOCAL", raising=False)

    def make(executor: object, **settings: Any) -> mesos.ExecutorDriver:
        settings = {"dispatcher": "poll", "library": libraries()} | settings
        made.append(mesos.ExecutorDriver(executor, backend="libmesos", **settings))
        return made[-1]

    yield make
    abort(made)


def abort(drivers: list[Any]) -> None:
    """End drivers that a test has made."""
    for driver in drivers:
        driver.abort()
        assert driver.status == mesos.DRIVER_NOT_STARTED or driver._native.settle(PATIENCE)
        assert driver.exception is driver.exception, "reading it counts as fetching it"

"""What libmesos lacks, or would answer by ending the process, raises and says what to use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mesos
import pytest
from fake_libmesos import CONSTRAINTS, MASTER, Make, Notes, Script, end, hear, registered, text

ABSENT: dict[str, Callable[[mesos.SchedulerDriver], object]] = {
    "accept_inverse_offers": lambda driver: driver.accept_inverse_offers("o"),
    "decline_inverse_offers": lambda driver: driver.decline_inverse_offers("o"),
    "shutdown_executor": lambda driver: driver.shutdown_executor("e", "a"),
    "reconcile_operations": lambda driver: driver.reconcile_operations([]),
    "kill_policy": lambda driver: driver.kill_task("t", kill_policy={}),
    "an operation with an id": lambda driver: driver.accept_offers("o", [{"type": "RESERVE", "id": "x"}]),
}


@pytest.mark.parametrize("name", ABSENT)
def test_what_libmesos_has_no_call_for_raises(make: Make, script: Script, name: str) -> None:
    registered(script)
    notes = Notes()
    driver = make(notes)
    driver.start()
    hear(driver, notes, 1)
    with pytest.raises(mesos.ConfigurationError, match=r'libmesos.*use backend="http"'):
        ABSENT[name](driver)
    assert driver.status == mesos.DRIVER_RUNNING
    end(driver)
    assert script.names == ["construct", "stop", "destroy"]


NEWER: dict[str, tuple[int, str, Callable[[mesos.SchedulerDriver], object]]] = {
    "revive": (108, "1.9.0", lambda driver: driver.revive_offers(["r"])),
    "suppress": (108, "1.9.0", lambda driver: driver.suppress_offers(["r"])),
    "update": (108, "1.9.0", lambda driver: driver.update_framework("x")),
    "constraints": (109, "1.11.0", lambda driver: driver.update_framework("x", offer_constraints={})),
}


@pytest.mark.parametrize("name", NEWER)
def test_what_came_later_names_the_release(make: Make, script: Script, name: str) -> None:
    release, brought_by, call = NEWER[name]
    registered(script)
    notes = Notes()
    driver = make(notes, release)
    driver.start()
    hear(driver, notes, 1)
    before = driver.framework
    if name == "constraints":
        call = lambda driver: driver.update_framework(  # noqa: E731 - one that says something
            script.framework, offer_constraints=CONSTRAINTS
        )
    with pytest.raises(mesos.ConfigurationError, match=f"it came with Mesos {brought_by}"):
        call(driver)
    assert driver.framework == before
    driver.revive_offers()
    end(driver)
    assert script.names == ["construct", "reviveOffers", "stop", "destroy"]


def test_updates_of_the_framework_as_1_9_takes_them(make: Make, script: Script) -> None:
    registered(script)
    notes = Notes()
    driver = make(notes, 109)
    driver.start()
    hear(driver, notes, 1)
    driver.update_framework(script.framework, suppressed_roles=["r"])
    end(driver)
    name, _, role = script.calls[1]
    assert (name, role) == ("updateFramework", text(b"r"))


def test_roles_suppressed_from_the_start_need_1_9(make: Make, script: Script) -> None:
    driver = make(mesos.Scheduler(), 108, suppressed_roles=["r"])
    with pytest.raises(mesos.ConfigurationError, match=r"libmesos-108.so .* it came with Mesos 1\.9\.0"):
        driver.start()
    assert driver.status == mesos.DRIVER_ABORTED


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "local": ({"master": "local"}, 'embedded cluster.*use backend="http"'),
    "a URL": ({"master": "http://h:1"}, "does not speak HTTP"),
    "several masters": ({"master": "h:1,i:1"}, 'takes one "host:port"'),
    "tls": ({"tls": mesos.TLS()}, "LIBPROCESS_SSL"),
    "token": ({"token": "t"}, "token: libmesos does not speak HTTP"),
    "http and a library": ({"backend": "http", "library": "x.so"}, 'only with backend="libmesos"'),
    "another backend": ({"backend": "grpc"}, '"http", "libmesos" or'),
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_that_libmesos_does_not_have(name: str) -> None:
    settings, words = WRONG[name]
    settings = {"master": MASTER, "backend": "libmesos"} | settings
    with pytest.raises(mesos.ConfigurationError, match=words):
        mesos.SchedulerDriver(mesos.Scheduler(), "x", **settings)


def test_constraints_from_the_start_need_1_11(make: Make, script: Script) -> None:
    driver = make(mesos.Scheduler(), 109, offer_constraints=CONSTRAINTS)
    with pytest.raises(mesos.ConfigurationError, match=r"libmesos-109.so .* it came with Mesos 1\.11\.0"):
        driver.start()


def test_a_library_that_is_missing_is_named_by_start(tmp_path: Path) -> None:
    missing = tmp_path / "libmesos.so"
    driver = mesos.SchedulerDriver(mesos.Scheduler(), "x", MASTER, backend="libmesos", library=missing)
    with pytest.raises(mesos.ConfigurationError, match=rf"^{missing} \(given as library=\) cannot be loaded"):
        driver.start()

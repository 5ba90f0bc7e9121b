"""A real master that speaks TLS: libprocess' own, over the OpenSSL of its time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mesos
import pytest
import trustme

from .cluster import Daemon
from .schedulers import TIMEOUT, Notes, run_until
from .setup import RealMesos

FRAMEWORK = {"name": "secure", "failover_timeout": 60}
RSA = trustme.KeyType.RSA


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA(key_type=RSA)
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    cert = authority.issue_cert("127.0.0.1", key_type=RSA)
    cert.cert_chain_pems[0].write_to_path(str(directory / "cert.pem"))
    cert.private_key_pem.write_to_path(str(directory / "key.pem"))
    return directory


@pytest.fixture(scope="module")
def master(
    real_mesos: RealMesos, certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("secure")
    flags = {"work_dir": str(directory)}
    daemon = Daemon(real_mesos, "master", "master", directory, flags, tls=certificates)
    try:
        yield daemon.address
    finally:
        daemon.kill9()


def test_registers_calls_and_tears_down(master: str, certificates: Path) -> None:
    notes = Notes(react=lambda driver, _: None)
    tls = mesos.TLS(ca=certificates / "ca.pem")
    driver = mesos.SchedulerDriver(notes, FRAMEWORK, f"https://{master}", tls=tls, dispatcher="poll")
    driver.start()
    run_until(driver, lambda: notes.calls == ["registered"])
    driver.reconcile_tasks([{"task_id": "unknown", "state": "TASK_RUNNING"}])
    run_until(driver, lambda: notes.updates)
    assert notes.updates[0].reason == mesos.TaskStatus.REASON_RECONCILIATION
    driver.stop()
    assert driver.join(TIMEOUT) == mesos.DRIVER_STOPPED


def test_the_environment_of_other_programs_of_mesos_will_do(
    master: str, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBPROCESS_SSL_ENABLED", "1")
    monkeypatch.setenv("LIBPROCESS_SSL_CA_FILE", str(certificates / "ca.pem"))
    notes = Notes()
    driver = mesos.SchedulerDriver(notes, FRAMEWORK, master, dispatcher="poll")
    driver.start()
    run_until(driver, lambda: notes.calls == ["registered"])
    driver.abort()


def test_a_stranger_and_plain_text_are_told_apart(master: str) -> None:
    stranger = mesos.TLS(ca=trustme.CA().cert_pem.bytes())
    driver = mesos.SchedulerDriver(Notes(), FRAMEWORK, f"https://{master}", tls=stranger)
    with pytest.raises(mesos.MasterConnectionError, match="invalid peer certificate"):
        driver.run()
    driver = mesos.SchedulerDriver(Notes(), FRAMEWORK, master, connect_timeout=1)
    with pytest.raises(mesos.MasterConnectionError, match="if it speaks TLS, write"):
        driver.run()

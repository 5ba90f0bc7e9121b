"""HTTP Basic and CRAM-MD5 on a real Mesos: credentials right, wrong, missing, of others; and roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import mesos
import pytest

from .backends import Connect
from .cluster import RealCluster
from .relay import Relay
from .schedulers import Notes, run_until
from .setup import RealMesos


@pytest.fixture(scope="module")
def guarded_cluster(real_mesos: RealMesos, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """Start a master that lets in only who authenticates."""
    directory = tmp_path_factory.mktemp("guarded")
    me, roles = {"principals": {"values": ["me"]}}, {"values": ["*", "mine"]}
    rules = {"register_frameworks": [me | {"roles": roles}, me | {"roles": {"type": "NONE"}}]}
    flags = {"acls": json.dumps(rules)}
    with RealCluster(
        real_mesos, directory, agents=0, credentials={"me": "s3cret"}, master_flags=flags
    ) as cluster:
        yield cluster


@pytest.mark.parametrize(
    ("credential", "words"),
    [
        (None, "no credential or token was given|is not authenticated"),
        (("me", "wr0ng"), "that was given is wrong|refused authentication"),
        (("other", "s3cret"), "that was given is wrong|refused authentication"),
    ],
)
def test_a_wrong_credential_is_refused(
    connect: Connect, guarded_cluster: RealCluster, credential: tuple[str, str] | None, words: str
) -> None:
    driver = connect(Notes(), "wrong", guarded_cluster.master, credential=credential)
    with pytest.raises(mesos.AuthenticationError, match=words) as caught:
        driver.run()
    assert driver.status == mesos.DRIVER_ABORTED
    assert "wr0ng" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_right_credential_is_accepted(
    connect: Connect, guarded_cluster: RealCluster, tmp_path: Path
) -> None:
    file = tmp_path / "credential"
    file.write_text("me s3cret")
    for credential in (("me", "s3cret"), {"principal": "me", "secret": "s3cret"}, file):
        notes = Notes()
        driver = connect(notes, "right", guarded_cluster.master, credential=credential, dispatcher="poll")
        with driver:
            run_until(driver, lambda notes=notes: notes.calls == ["registered"])
            assert driver.framework.principal == "me"


def test_a_principal_that_is_not_the_credential_s(connect: Connect, guarded_cluster: RealCluster) -> None:
    notes = Notes()
    framework = {"name": "wrong", "principal": "other"}
    driver = connect(notes, framework, guarded_cluster.master, credential=("me", "s3cret"))
    with pytest.raises(
        mesos.AuthenticationError, match=r"principal '\w+' does not match \w* ?principal '\w+'"
    ):
        driver.run()
    assert driver.status == mesos.DRIVER_ABORTED
    assert notes.calls == []


def test_a_role_that_the_principal_may_not_have(connect: Connect, guarded_cluster: RealCluster) -> None:
    framework = {"name": "forbidden", "roles": ["others"], "capabilities": [{"type": "MULTI_ROLE"}]}
    driver = connect(Notes(), framework, guarded_cluster.master, credential=("me", "s3cret"))
    with pytest.raises(mesos.AuthenticationError, match=r"Not authorized to .* others"):
        driver.run()
    assert driver.status == mesos.DRIVER_ABORTED


class Ambitious(Notes):
    """Notes what the master refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[tuple[int, str]] = []

    def call_rejected(
        self, driver: mesos.SchedulerDriver, call: mesos.v1.scheduler.Call, code: int, message: str
    ) -> None:
        self.refused.append((code, message))


def test_a_role_that_an_update_may_not_have_is_not_asked_for_again(guarded_cluster: RealCluster) -> None:
    """By HTTP: over libmesos nobody hears what the master says to an update."""
    framework = {"name": "x", "failover_timeout": 60, "capabilities": [{"type": "MULTI_ROLE"}]}
    notes = Ambitious()
    with (
        Relay(guarded_cluster.master) as relay,
        mesos.SchedulerDriver(
            notes,
            {**framework, "roles": ["mine"]},
            relay.address,
            credential=("me", "s3cret"),
            dispatcher="poll",
        ) as driver,
    ):
        run_until(driver, lambda: notes.calls == ["registered"])
        driver.update_framework({**framework, "roles": ["mine", "others"]})
        run_until(driver, lambda: len(notes.refused) == 1)
        code, words = notes.refused[0]
        assert code == 403
        assert "others" in words
        assert list(driver.framework.roles) == ["mine"]
        relay.cut()
        run_until(driver, lambda: notes.calls[-1] == "disconnected")
        relay.mend()
        run_until(driver, lambda: notes.calls[-1] == "reregistered")
        driver.stop()

"""Masters found through a real ZooKeeper: elections that the tests hold themselves, of scripted masters."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mesos
import pytest
import trustme
from kazoo.client import KazooClient
from kazoo.security import make_digest_acl
from recorder import PATIENCE, Recorder, until
from scripted import ScriptedMaster

from .backends import Connect
from .cluster import wait_until
from .zookeeper import ZooKeeper, unsupported

FRAMEWORK = {"name": "test", "failover_timeout": 1}  # pauses are a tenth of it at most
Start = Callable[..., tuple[mesos.SchedulerDriver, Recorder]]


@pytest.fixture(scope="module")
def zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeper]:
    if reason := unsupported():
        pytest.skip(reason)
    with ZooKeeper(tmp_path_factory.mktemp("zookeeper")) as zookeeper:
        yield zookeeper


@pytest.fixture
def client(zookeeper: ZooKeeper) -> Iterator[KazooClient]:
    with zookeeper.client() as client:
        yield client


@pytest.fixture
def path(request: pytest.FixtureRequest) -> str:
    """Return a path of the test's own."""
    return f"/{request.node.name}/mesos"


@pytest.fixture
def framework() -> dict[str, Any]:
    return FRAMEWORK


def stand(
    client: KazooClient, path: str, master: ScriptedMaster, ephemeral: bool = True, name: str = "nowhere"
) -> str:
    """Let a master stand for election, as Mesos' own does."""
    host, _, port = master.address.rpartition(":")
    address = {"hostname": name, "ip": host, "port": int(port)}
    info = {"id": "m", "ip": 1, "port": 1, "hostname": name, "address": address, "capabilities": [{}]}
    data = json.dumps(info).encode()
    return client.create(f"{path}/json.info_", data, ephemeral=ephemeral, sequence=True, makepath=True)


def test_the_first_of_the_masters_leads_and_is_followed(
    zookeeper: ZooKeeper, client: KazooClient, path: str, start: Start
) -> None:
    with ScriptedMaster() as first, ScriptedMaster() as second:
        client.ensure_path(f"{path}/log_replicas")
        node = stand(client, path, first)
        stand(client, path, second)
        driver, scheduler = start(zookeeper.url(path))
        until(scheduler, "registered")
        assert first.subscribes.get(timeout=PATIENCE)
        assert second.subscribes.empty()
        client.delete(node)  # it leads no more, but still serves
        until(scheduler, "registered", "disconnected", "reregistered")
        assert second.subscribes.get(timeout=PATIENCE)
        assert driver.stats.reconnects == 1


def test_waits_for_a_path_and_then_for_a_master(
    zookeeper: ZooKeeper, client: KazooClient, path: str, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedMaster() as master:
        _, scheduler = start(zookeeper.url(path))
        wait_until(lambda: "is not there yet" in caplog.text, lambda: caplog.text)
        client.ensure_path(path)
        wait_until(lambda: "no master leads" in caplog.text, lambda: caplog.text)
        assert scheduler.names == []
        stand(client, path, master)
        until(scheduler, "registered")


def test_a_master_that_serves_is_kept_when_its_node_is_gone(
    zookeeper: ZooKeeper, client: KazooClient, path: str, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedMaster() as master:
        node = stand(client, path, master)
        driver, scheduler = start(zookeeper.url(path))
        until(scheduler, "registered")
        client.delete(node)
        wait_until(lambda: "no master leads" in caplog.text, lambda: caplog.text)
        assert driver.connected
        assert scheduler.names == ["registered"]
        master.cut()
        until(scheduler, "registered", "disconnected")
        assert master.subscribes.get(timeout=PATIENCE)
        assert master.subscribes.empty(), "nobody asks a master that does not lead"
        stand(client, path, master)
        until(scheduler, "registered", "disconnected", "reregistered")


def test_a_password_opens_what_is_closed(
    zookeeper: ZooKeeper, client: KazooClient, path: str, start: Start
) -> None:
    with ScriptedMaster() as master:
        stand(client, path, master)
        client.set_acls(path, [make_digest_acl("me", "pass:w@rd", all=True)])
        _, scheduler = start(zookeeper.url(path, "me:pass:w@rd"))
        until(scheduler, "registered")


def test_masters_that_speak_tls_are_called_by_name(
    zookeeper: ZooKeeper, client: KazooClient, path: str, start: Start
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with ScriptedMaster(tls=context) as master:
        stand(client, path, master, name="localhost")
        _, scheduler = start(zookeeper.url(path), tls=mesos.TLS(ca=authority.cert_pem.bytes()))
        until(scheduler, "registered")
        assert master.subscribes.get(timeout=PATIENCE).headers["host"].startswith("localhost:")


@pytest.mark.parametrize("credentials", ["", "me:wr0ng"], ids=["none", "another"])
def test_a_wrong_password_ends_the_driver_and_is_not_shown(
    connect: Connect,
    zookeeper: ZooKeeper,
    client: KazooClient,
    path: str,
    *,
    credentials: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client.ensure_path(path)
    client.set_acls(path, [make_digest_acl("me", "right", all=True)])
    driver = connect(Recorder(), FRAMEWORK, zookeeper.url(path, credentials))
    assert "wr0ng" not in repr(driver)
    with pytest.raises(mesos.AuthenticationError, match="refuses to tell the master") as raised:
        driver.run()
    assert zookeeper.hosts in str(raised.value)
    assert "wr0ng" not in str(raised.value) + caplog.text


def test_nonsense_is_waited_out(
    zookeeper: ZooKeeper, client: KazooClient, path: str, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    node = client.create(f"{path}/json.info_", b"{", sequence=True, makepath=True)
    with ScriptedMaster() as master:
        _, scheduler = start(zookeeper.url(path))
        wait_until(lambda: "does not say where the master is" in caplog.text, lambda: caplog.text)
        stand(client, path, master)
        client.delete(node)
        until(scheduler, "registered")


def test_connect_timeout_says_what_zookeeper_said(zookeeper: ZooKeeper, path: str) -> None:
    driver = mesos.SchedulerDriver(Recorder(), FRAMEWORK, zookeeper.url(path), connect_timeout=2)
    with pytest.raises(mesos.MasterConnectionError, match=r"no master within 2 s.*not there yet"):
        driver.run()


def test_no_zookeeper_is_no_error_but_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    driver = mesos.SchedulerDriver(Recorder(), FRAMEWORK, "zk://127.0.0.1:1/mesos", connect_timeout=1)
    with pytest.raises(
        mesos.MasterConnectionError, match=r"cannot connect to any server of zk://127.0.0.1:1/mesos"
    ):
        driver.run()
    assert "next try in" in caplog.text


def test_a_quorum_loses_servers_and_comes_back(
    tmp_path: Path, path: str, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    if reason := unsupported():
        pytest.skip(reason)
    with (
        ZooKeeper(tmp_path, servers=3) as zookeeper,
        ScriptedMaster() as first,
        ScriptedMaster() as second,
    ):
        with zookeeper.client() as client:
            node = stand(client, path, first, ephemeral=False)
        driver, scheduler = start(zookeeper.url(path))
        until(scheduler, "registered")
        for server in zookeeper.servers:  # one after the other: the session moves, or another one begins
            server.kill9()
            server.start()
            zookeeper.wait_for(server)
        for server in zookeeper.servers:  # all at once: until then nothing can be known
            server.kill9()
        wait_until(lambda: "cannot connect to any server" in caplog.text, lambda: caplog.text)
        assert driver.connected, "ZooKeeper's end is no news of the master"
        for server in zookeeper.servers:
            server.start()
        for server in zookeeper.servers:
            zookeeper.wait_for(server)
        with zookeeper.client() as client:
            stand(client, path, second, ephemeral=False)
            client.delete(node)
        until(scheduler, "registered", "disconnected", "reregistered")
        assert second.subscribes.get(timeout=PATIENCE)


def test_a_driver_leaves_no_session_and_no_descriptor_behind(
    zookeeper: ZooKeeper, client: KazooClient, path: str
) -> None:
    descriptors = Path("/proc/self/fd")
    with ScriptedMaster() as master:
        stand(client, path, master)
        before = sessions(client)
        counts = []
        for _ in range(20):
            scheduler = Recorder()
            driver = mesos.SchedulerDriver(scheduler, FRAMEWORK, zookeeper.url(path), dispatcher="thread")
            driver.start()
            until(scheduler, "registered")
            driver.stop(failover=True)
            driver.join(PATIENCE)
            before = no_more_than(before, client)
            counts.append(len(os.listdir(descriptors)))
        # ZooKeeper may see the end of a connection before our side of it is closed
        wait_until(lambda: len(os.listdir(descriptors)) <= counts[0], lambda: f"{counts} descriptors")


def no_more_than(before: int, client: KazooClient) -> int:
    """Wait until there are no more sessions than before; return how many, as those of earlier tests end."""
    wait_until(lambda: sessions(client) <= before, lambda: f"{sessions(client)} sessions")
    return sessions(client)


def sessions(client: KazooClient) -> int:
    """Count the connections of ZooKeeper, this one included."""
    status = client.command(b"srvr")
    return int(next(line for line in status.splitlines() if line.startswith("Connections")).split()[1])


def test_a_driver_of_a_forked_child_finds_the_master_too(
    zookeeper: ZooKeeper, client: KazooClient, path: str, start: Start
) -> None:
    with ScriptedMaster() as master:
        stand(client, path, master)
        _, scheduler = start(zookeeper.url(path))
        until(scheduler, "registered")
        child = os.fork()
        if child == 0:
            registered = False
            try:
                registered = finds(zookeeper.url(path))
            finally:
                os._exit(0 if registered else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def finds(master: str) -> bool:
    """Tell whether a driver gets to a master."""
    scheduler = Recorder()
    driver = mesos.SchedulerDriver(scheduler, FRAMEWORK, master, dispatcher="poll", connect_timeout=PATIENCE)
    driver.start()
    while not scheduler.names:
        driver.run_once(PATIENCE)
    return scheduler.names == ["registered"]

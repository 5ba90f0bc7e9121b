"""How an embedded cluster ends: closed, collected, at exit, killed; and what a fork inherits of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from client import FAMILY, PATIENCE, Client, alive, pids_in, task, wait_until
from mesos.local import LocalCluster

if TYPE_CHECKING:
    pass


def test_close_ends_streams_tasks_and_files() -> None:
    cluster = LocalCluster(agents=2)
    client = Client(cluster)
    offers = client.expect("OFFERS")["offers"]["offers"]
    assert len({offer["agent_id"]["value"] for offer in offers}) == 2
    client.launch(task("t", FAMILY), offer=offers[0])
    client.states("TASK_RUNNING")
    sandbox = cluster.sandbox("t")
    wait_until(lambda: len(pids_in(sandbox)) == 5, "the family is complete")
    pids = pids_in(sandbox)
    began = time.monotonic()
    cluster.close()
    assert time.monotonic() - began < PATIENCE / 2, "its tasks would take 1000 seconds"
    assert not any(map(alive, pids))
    assert not sandbox.exists()
    while client.event() is not None:
        pass
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(cluster.master.split(":")[1])), PATIENCE)
    cluster.close()
    assert "closed" in repr(cluster)


def test_a_given_directory_is_kept(tmp_path: Path) -> None:
    with LocalCluster(work_dir=tmp_path / "new" / "work") as cluster:
        client = Client(cluster)
        client.launch(task("t", "echo kept"))
        client.states("TASK_FINISHED")
    assert cluster.stdout("t") == "kept\n"
    assert cluster.sandbox("t").is_relative_to(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("forked", [False, True], ids=["alone", "with a forked child"])
def test_nothing_outlives_a_process_that_is_killed(tmp_path: Path, forked: bool) -> None:
    program = f"""
        import os, sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from client import FAMILY, Client, task
        from mesos.local import LocalCluster
        cluster = LocalCluster(work_dir={str(tmp_path)!r})
        client = Client(cluster)
        client.launch(task("t", FAMILY))
        client.states("TASK_RUNNING")
        if {forked} and os.fork() == 0:
            os.write(1, b"%d\\n" % os.getpid())
            time.sleep(1000)
        os.write(1, b"%d\\n" % os.getpid())
        time.sleep(1000)
    """
    python = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert python.stdout is not None
    children: list[int] = []
    try:
        printed = [int(python.stdout.readline()) for _ in range(1 + forked)]
        children = [pid for pid in printed if pid != python.pid]
        wait_until(lambda: len(pids_in(tmp_path)) == 5, "the family is complete")
        pids = pids_in(tmp_path)
        assert all(map(alive, pids))
        python.kill()
        python.wait()
        wait_until(lambda: not any(map(alive, pids)), "all are gone")
        assert all(map(alive, children)), "the forked child is none of the tasks"
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        python.kill()
        python.stdout.close()
        python.wait()


@pytest.mark.parametrize(
    "half", [b"POST /api/v1/sch", b"POST /api/v1/scheduler HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"]
)
def test_closing_ends_connections_that_are_in_the_middle_of_a_request(half: bytes) -> None:
    with LocalCluster() as cluster:
        host, port = cluster.master.split(":")
        connection = socket.create_connection((host, int(port)), timeout=PATIENCE)
        connection.sendall(half)
        assert Client(cluster).event(), "the cluster has seen it"
    with connection:
        assert connection.recv(1000) == b""


def test_a_batch_of_launches_keeps_nobody_waiting(tmp_path: Path) -> None:
    with LocalCluster(resources="cpus:1000;mem:100000", work_dir=tmp_path) as cluster:
        client = Client(cluster)
        client.launch(*[task(str(number), "true") for number in range(400)])
        assert Client(cluster).event(), "another framework is let in"
        started = len(list(tmp_path.glob("agents/*/frameworks/*/executors/*")))
        assert started < 400
        client.call("TEARDOWN")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_gets_a_default_of_its_own_and_leaves_the_parents_alone() -> None:
    program = """
        import os, sys, threading, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        sys.path.insert(0, sys.argv[1])
        from client import Client, task
        from mesos.local import LocalCluster
        from mesos.errors import ForkedDriverError
        parent = LocalCluster.default()
        assert LocalCluster.default() is parent
        client = Client(parent)
        client.launch(task("t", "sleep 1000"))
        client.states("TASK_RUNNING")
        pid = os.fork()
        if pid == 0:
            assert "closed" in repr(parent)
            try:
                parent.stdout("t")
            except ForkedDriverError as error:
                assert "LocalCluster" in str(error)
            parent.close()
            own = LocalCluster.default()
            assert own is not parent and own.master != parent.master
            other = Client(own)
            other.launch(task("u", "echo child"))
            other.states("TASK_FINISHED")
            assert own.stdout("u") == "child\\n"
            own.close()
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert client.call("KILL", kill={"task_id": {"value": "t"}}) == 202
        assert client.states("TASK_KILLED") == ["TASK_KILLED"]
        parent.close()
        again = LocalCluster.default()
        assert again is not parent
        print("ok")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


def run_alone(program: str) -> None:
    """Run a program that prints "ok" and nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_forks_at_any_moment_keep_no_cluster_from_closing() -> None:
    run_alone("""
        import os, signal, sys, threading, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        sys.path.insert(0, sys.argv[1])
        from mesos.local import LocalCluster
        children, enough = [], threading.Event()
        def fork():
            while not enough.wait(0.001):
                if (pid := os.fork()) == 0:
                    time.sleep(1000)
                children.append(pid)
        forking = threading.Thread(target=fork)
        forking.start()
        while len(children) < 20:
            LocalCluster().close()
        enough.set()
        forking.join()
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        print("ok")
    """)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_master_notices_an_abort_although_a_forked_child_has_the_connection() -> None:
    run_alone("""
        import os, signal, sys, threading, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        sys.path.insert(0, sys.argv[1])
        import mesos
        from pathlib import Path
        from client import alive, wait_until
        running = threading.Event()
        class Scheduler(mesos.Scheduler):
            def resource_offers(self, driver, offers):
                command = {"value": "echo $$ > pid; exec sleep 1000"}
                task = {"name": "t", "task_id": "t", "command": command}
                driver.launch_tasks(offers[0], [{**task, "resources": mesos.Resources(cpus=1, mem=32)}])
            def status_update(self, driver, status):
                if status.state == mesos.TASK_RUNNING:
                    running.set()
        with mesos.LocalCluster() as cluster:
            driver = mesos.SchedulerDriver(Scheduler(), "test", cluster, dispatcher="thread")
            driver.start()
            assert running.wait(20)
            pid = cluster.sandbox("t") / "pid"
            wait_until(lambda: pid.exists() and pid.read_text().strip(), "the task runs")
            child = os.fork()
            if child == 0:
                time.sleep(1000)
            driver.abort()
            wait_until(lambda: not alive(int(pid.read_text())), "the framework and its task are gone")
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        print("ok")
    """)


def test_an_open_cluster_is_closed_at_exit_and_when_it_is_collected(tmp_path: Path) -> None:
    program = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from client import Client, pids_in, task, wait_until
        from mesos.local import LocalCluster
        for name in ("collected", "open"):
            cluster = LocalCluster(work_dir=sys.argv[2])
            client = Client(cluster)
            client.launch(task(name, "echo $$ > one.pid; sleep 1000"))
            client.states("TASK_RUNNING")
            wait_until(lambda: pids_in(cluster.sandbox(name)), "the task runs")
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(Path(__file__).parent), str(tmp_path)],
        timeout=PATIENCE,
        check=True,
    )
    pids = pids_in(tmp_path)
    assert len(pids) == 2
    assert not any(map(alive, pids))

"""A real Mesos master and agents on loopback, for tests: `RealCluster(mesos, directory)`.

Invariants
* No port is chosen: every daemon listens where the kernel lets it and says so; a daemon that is started again
  takes the port it had.
* A daemon that does not come up raises at once, or after START_TIMEOUT, with the end of its log.
* After close() no process of the cluster is left: not a task either, whatever state its agent died in. All of
  them work below the cluster's directory, by which they are found. Should the test run itself be killed, the
  daemons get SIGKILL with the thread that started them.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import select
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from .setup import RealMesos, set_up

HOST = "127.0.0.1"
START_TIMEOUT = 30.0  # seconds until a daemon serves, or an agent is registered
STOP_TIMEOUT = 5.0  # seconds from SIGTERM to SIGKILL
POLL_INTERVAL = 0.02  # seconds between looks at a state that nothing announces
LOG_TAIL = 2000  # characters of a log in an error

MASTER_FLAGS = {
    "allocation_interval": "50ms",  # the default second would be the length of most tests
}
TLS_FLAGS = {
    "ENABLED": "true",
    "CIPHERS": "ECDHE-RSA-AES128-GCM-SHA256",  # Mesos' own choice is what nobody else takes any more
    "ECDH_CURVES": "auto",
}
AGENT_FLAGS = {
    "containerizers": "mesos",
    "launcher": "posix",  # the others need root and cgroups
    "isolation": "posix/cpu,posix/mem",
    "switch_user": "false",
    "systemd_enable_support": "false",
    # executors have so long to come back to an agent that was started again, which waits it out
    "executor_reregistration_timeout": "4secs",
    "resources": "cpus:16;mem:16384;disk:20000;ports:[31000-32000]",
}


class ClusterError(RuntimeError):
    """A daemon did not do what was expected; the text ends with its log."""


class CallRefusedError(OSError):
    """A daemon did not do what a call asked for."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Daemon:
    """One master or agent process, with the flags it is always started with. Running once constructed.

    `tls` is a directory with ca.pem, cert.pem and key.pem, with which it speaks nothing but TLS.
    """

    def __init__(
        self,
        mesos: RealMesos,
        role: str,
        name: str,
        directory: Path,
        flags: Mapping[str, str],
        *,
        tls: Path | None = None,
    ) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        self.api = "/api/v1" if role == "master" else "/slave(1)/api/v1"
        self._command = [str(mesos.secure_mesosd if tls else mesos.mesosd), role]
        self._directory = directory
        # Nothing of the caller's environment: it may hold settings of another Mesos.
        self._environment = {f"MESOS_{flag.upper()}": value for flag, value in flags.items()}
        self._environment |= {"PATH": os.defpath, "LIBPROCESS_IP": HOST, "LIBPROCESS_PORT": "0"}
        self._tls: ssl.SSLContext | None = None
        if tls is not None:
            self._tls = ssl.create_default_context(cafile=tls / "ca.pem")
            self._environment |= {f"LIBPROCESS_SSL_{flag}": value for flag, value in TLS_FLAGS.items()}
            for kind in ("ca", "cert", "key"):
                self._environment[f"LIBPROCESS_SSL_{kind.upper()}_FILE"] = str(tls / f"{kind}.pem")
        self.start()

    def start(self) -> None:
        """Start it, or start it again where it was; return when it answers."""
        reader, writer = os.pipe()
        with open(reader) as announced, self.log.open("ab") as log:
            try:
                self.process = subprocess.Popen(
                    self._command,
                    env=self._environment | {"MESOSD_ADDRESS_FD": str(writer)},
                    cwd=self._directory,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[writer],
                    start_new_session=True,  # a Ctrl-C is for the tests
                )
            finally:
                os.close(writer)
            ready, _, _ = select.select([announced], [], [], START_TIMEOUT)
            self.address = announced.readline().strip() if ready else ""
        if not self.address:
            self.kill9()
            raise ClusterError(f"{self.name} did not start; {self.tail()}")
        self._environment["LIBPROCESS_PORT"] = self.address.rpartition(":")[2]
        wait_until(self.is_ready, lambda: f"{self.name} is not ready; {self.tail()}")

    def stop(self) -> None:
        """End it by SIGTERM, as an operator would."""
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill9()

    def kill9(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def call(self, kind: str, **body: Any) -> Any:
        """Make a call of the operator API; return its answer's body. Raises CallRefusedError, an OSError."""
        connection = (
            http.client.HTTPConnection(self.address, timeout=START_TIMEOUT)
            if self._tls is None
            else http.client.HTTPSConnection(self.address, timeout=START_TIMEOUT, context=self._tls)
        )
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        with contextlib.closing(connection):
            connection.request("POST", self.api, json.dumps({"type": kind, kind.lower(): body}), headers)
            response = connection.getresponse()
            content = response.read()
        if response.status not in (http.client.OK, http.client.ACCEPTED):
            said = content.decode(errors="replace")
            raise CallRefusedError(
                response.status, f"{self.name} answers {response.status} to {kind}: {said}"
            )
        return json.loads(content)[kind.lower()] if content else None

    def is_ready(self) -> bool:
        """Tell whether it serves calls, done reading what it had written, or knows which master does."""
        try:
            return bool(self.call("GET_HEALTH")["healthy"])
        except CallRefusedError as refused:
            return refused.status == http.client.TEMPORARY_REDIRECT
        except OSError:
            return False

    def leads(self) -> bool:
        """Tell whether it is the master that was elected."""
        try:
            return bool(self.call("GET_HEALTH")["healthy"])
        except OSError:
            return False

    def tail(self) -> str:
        """Return the last of its log, for an error's text."""
        return f"{self.log} ends:\n{self.log.read_text(errors='replace')[-LOG_TAIL:]}"


class RealCluster:
    """A master and its agents, up and registered once constructed; `with` closes it.

    With `zookeeper` (zk://…) there are several masters, which elect one of them there.
    `credentials` (principal -> secret) makes authentication of frameworks compulsory, by HTTP Basic or
    CRAM-MD5. Flags are those of mesos-master and mesos-agent, without dashes.
    """

    def __init__(
        self,
        mesos: RealMesos,
        directory: Path,
        *,
        agents: int = 1,
        masters: int = 1,
        zookeeper: str | None = None,
        credentials: Mapping[str, str] | None = None,
        master_flags: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self._mesos = mesos
        self._numbers = itertools.count(1)
        self._zookeeper = zookeeper
        self._daemons: list[Daemon] = []
        self.masters: list[Daemon] = []
        self.agents: list[Daemon] = []
        flags = (
            MASTER_FLAGS
            | (self._authentication(credentials) if credentials else {})
            | dict(master_flags or {})
        )
        if zookeeper is not None:
            # the agents register again; a replicated log would only remember who is to do so
            flags |= {"zk": zookeeper, "quorum": str(masters // 2 + 1), "registry": "in_memory"}
        try:
            for number in range(1, masters + 1):
                name = "master" if number == 1 else f"master{number}"
                own = {"work_dir": str(self.directory / name)}
                self.masters.append(self._start("master", name, own | flags))
            for _ in range(agents):
                self.start_agent()
        except BaseException:
            self.close()
            raise

    @property
    def master(self) -> str:
        """The master's host:port, or zk://…, for SchedulerDriver(master=...)."""
        return self._zookeeper or self.master_daemon.address

    @property
    def master_daemon(self) -> Daemon:
        """The master; of several, the one that leads. Raises ClusterError while none does."""
        leading = self.masters if len(self.masters) == 1 else [one for one in self.masters if one.leads()]
        if not leading:
            raise ClusterError("no master leads")
        return leading[0]

    def start_agent(self, flags: Mapping[str, str] | None = None) -> Daemon:
        """Add an agent and wait until the master lists it."""
        name = f"agent{next(self._numbers)}"
        own = {
            "master": self.master,
            "work_dir": str(self.directory / name / "work"),
            "runtime_dir": str(self.directory / name / "run"),
            "fetcher_cache_dir": str(self.directory / name / "fetch"),
            "launcher_dir": str(self._mesos.libexec),
            "hostname": HOST,
        }
        agent = self._start("agent", name, own | AGENT_FLAGS | dict(flags or {}))
        self.agents.append(agent)
        self.wait_for_agent(agent)
        return agent

    def wait_for_agent(self, agent: Daemon) -> None:
        """Return when the agent is registered: its tasks can be offered and reconciled."""
        port = int(agent.address.rpartition(":")[2])
        wait_until(
            lambda: any(
                known["active"] and known["agent_info"]["port"] == port
                for known in self.master_daemon.call("GET_AGENTS").get("agents", [])
            ),
            lambda: f"{agent.name} did not register; {agent.tail()}",
        )

    def sandbox(self, executor_id: str, framework_id: str = "*") -> Path:
        """Return the directory of a command task (its executor has the task's id) or of another executor."""
        executor = f"frameworks/{framework_id}/executors/{executor_id}"
        found = self.directory.glob(f"agent*/work/slaves/*/{executor}/runs/latest")
        return next(path.resolve() for path in found)

    def close(self) -> None:
        """End every process of the cluster. May be called again."""
        for daemon in self._daemons:
            daemon.kill9()

        def none_left() -> bool:
            left = list(self.processes())
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            return not left

        wait_until(none_left, lambda: f"still there: {list(self.processes())}")

    def processes(self) -> Iterator[int]:
        """Yield the ids of all processes that work below the directory: daemons, executors, tasks."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):  # another user's, or just gone
                    if Path(os.readlink(entry / "cwd")).is_relative_to(self.directory):
                        yield int(entry.name)

    def _start(self, role: str, name: str, flags: Mapping[str, str]) -> Daemon:
        for flag in ("work_dir", "runtime_dir", "fetcher_cache_dir"):
            if flag in flags:
                Path(flags[flag]).mkdir(parents=True)
        daemon = Daemon(self._mesos, role, name, self.directory, flags)
        self._daemons.append(daemon)
        return daemon

    def _authentication(self, credentials: Mapping[str, str]) -> dict[str, str]:
        file = self.directory / "credentials.json"
        pairs = [{"principal": principal, "secret": secret} for principal, secret in credentials.items()]
        file.write_text(json.dumps({"credentials": pairs}))
        return {
            "authenticate_frameworks": "true",  # by CRAM-MD5, over libmesos
            "authenticate_http_frameworks": "true",
            "http_framework_authenticators": "basic",
            "credentials": str(file),
        }

    def __enter__(self) -> RealCluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def wait_until(
    condition: Callable[[], bool], failure: Callable[[], str], timeout: float = START_TIMEOUT
) -> None:
    """Return once the condition holds; raise ClusterError with the failure's text at the deadline."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise ClusterError(failure())
        time.sleep(POLL_INTERVAL)


def main() -> None:
    """Run a cluster from the command line, until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.real.cluster", description="A real Mesos until Ctrl-C."
    )
    parser.add_argument("--agents", type=int, default=1, help="how many (default: 1)")
    parser.add_argument("--credential", metavar="PRINCIPAL:SECRET", help="demand HTTP Basic authentication")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # both ignored or deadly in a shell script's background
        signal.signal(number, signal.default_int_handler)
    credentials = dict([arguments.credential.split(":", 1)]) if arguments.credential else None
    with (
        tempfile.TemporaryDirectory(prefix="real-mesos.") as directory,
        RealCluster(set_up(), Path(directory), agents=arguments.agents, credentials=credentials) as cluster,
        contextlib.suppress(KeyboardInterrupt),
    ):
        print(f"{cluster.master}\nlogs and sandboxes: {directory}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()

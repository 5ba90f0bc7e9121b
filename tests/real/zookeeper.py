"""A real ZooKeeper on loopback, for tests: `ZooKeeper(directory, servers=3)`, out of Debian's package.

Invariants
* Ports are free when chosen, and kept when a server is started again. ZooKeeper wants them in its
  configuration, so another process may take one in between: then the start raises, with the end of the log.
* After close() no server is left. Should the test run be killed, the servers get SIGKILL with the thread that
  started them.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from kazoo.client import KazooClient

from .cluster import HOST, LOG_TAIL, wait_until

JAR = Path("/usr/share/java/zookeeper.jar")
LOGGING = JAR.with_name("slf4j-simple.jar")
JAVA = ["java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{JAR}:{LOGGING}"]
MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
TICK = 200  # milliseconds; sessions last 2 ticks at least


def unsupported() -> str | None:
    """Say why there can be none on this machine."""
    if shutil.which("java") is None or not JAR.exists():
        return "there is no ZooKeeper here; the Debian packages that it is in are in tests/real/apt.txt"
    return None


class Server:
    """One process of the ensemble."""

    def __init__(self, directory: Path, number: int, ports: list[tuple[int, int, int]]) -> None:
        self.address = f"{HOST}:{ports[number - 1][0]}"
        self._directory = directory / f"zookeeper{number}"
        self._directory.mkdir(parents=True)
        self._log = self._directory / "log"
        settings = {
            "tickTime": TICK,
            "initLimit": 50,
            "syncLimit": 10,
            "dataDir": self._directory,
            "clientPort": ports[number - 1][0],
            "clientPortAddress": HOST,
            "admin.enableServer": "false",
            "4lw.commands.whitelist": "srvr",
        }
        if len(ports) > 1:
            (self._directory / "myid").write_text(str(number))
            for peer, (_, follower, election) in enumerate(ports, 1):
                settings[f"server.{peer}"] = f"{HOST}:{follower}:{election}"
        self._configuration = self._directory / "zoo.cfg"
        self._configuration.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        self.start()

    def start(self) -> None:
        """Start it, or start it again where it was; does not wait."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *JAVA, MAIN, str(self._configuration)],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def serves(self) -> bool:
        """Tell whether it is part of a quorum."""
        host, _, port = self.address.rpartition(":")
        with (
            contextlib.suppress(OSError),
            socket.create_connection((host, int(port)), timeout=1) as connection,
        ):
            connection.sendall(b"srvr")
            return b"Mode: " in connection.makefile("rb").read()
        return False

    def kill9(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def tail(self) -> str:
        """Return the last of its log, for an error's text."""
        return f"{self._log} ends:\n{self._log.read_text(errors='replace')[-LOG_TAIL:]}"


class ZooKeeper:
    """An ensemble that serves once constructed; `with` closes it."""

    def __init__(self, directory: Path, servers: int = 1) -> None:
        ports = free_ports(3 * servers)
        triples = [(ports[i], ports[i + 1], ports[i + 2]) for i in range(0, len(ports), 3)]
        self.servers = [Server(directory, number, triples) for number in range(1, servers + 1)]
        try:
            for server in self.servers:
                self.wait_for(server)
        except BaseException:
            self.close()
            raise

    @property
    def hosts(self) -> str:
        """All servers, as a client wants them."""
        return ",".join(server.address for server in self.servers)

    def url(self, path: str = "/mesos", credentials: str = "") -> str:
        """Return a master for SchedulerDriver(master=...)."""
        return f"zk://{credentials}{'@' if credentials else ''}{self.hosts}{path}"

    def wait_for(self, server: Server) -> None:
        """Return when the server is part of a quorum."""
        wait_until(server.serves, lambda: f"ZooKeeper does not serve; {server.tail()}")

    @contextlib.contextmanager
    def client(self, credentials: str | None = None) -> Iterator[KazooClient]:
        """Connect another client; leaving ends its session, and with it the ephemeral nodes."""
        auth = [("digest", credentials)] if credentials else None
        client = KazooClient(self.hosts, timeout=10, auth_data=auth)
        client.start()
        try:
            yield client
        finally:
            client.stop()
            client.close()

    def close(self) -> None:
        """End every server. May be called again."""
        for server in self.servers:
            server.kill9()

    def __enter__(self) -> ZooKeeper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, each another one."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]
